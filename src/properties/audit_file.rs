//! What stands in the audit's file.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::input::replaced;
use super::shown;
use super::world::{NOW, World};
use crate::model::audit::{Action, Asker, Subject, Use};
use crate::store::audit::{AuditState, append, durable_end, examine, read_content, read_entries};
use crate::store::inside::audit;

/// How many genuine lines there are, and up to which the vault remembers them.
const LINES: usize = 6;
const REMEMBERED: usize = 4;

const PATIENCE: Duration = Duration::from_secs(1);

/// An audit of which the genuine lines are known.
pub struct AuditFile {
    world: World,
    path: PathBuf,
    sealed: AuditState,
    genuine: Vec<Vec<u8>>,
}

impl AuditFile {
    /// Makes a vault with an audit in `home`, an empty directory.
    ///
    /// # Panics
    ///
    /// Where that can't be done.
    #[must_use]
    pub fn new(home: &Path) -> Self {
        let mut world = World::new(home);
        for number in 1..=LINES {
            write_one(&world);
            if number == REMEMBERED {
                let end = durable_end(world.store.file(), &sealed(&world));
                let key = world.key.clone();
                let change = world.store.write().expect("a transaction");
                audit::seal(&change, &key, end, None).expect("the head is sealed");
                change.commit().expect("the head is remembered");
            }
        }
        let content = read_content(world.store.file(), PATIENCE).expect("the file");
        let genuine = content.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        let sealed = sealed(&world);
        Self { path: home.join("v/tokens.db.d/audit.jsonl"), world, sealed, genuine }
    }

    /// Takes a file's content, in which `@1` to `@6` stand for the genuine lines without their ends.
    ///
    /// # Panics
    ///
    /// Where a file is found whole that tokctl did not write.
    pub fn hold(&self, data: &[u8]) {
        let text = (1..=LINES).fold(data.to_vec(), |text, number| {
            let line = &self.genuine[number - 1];
            replaced(&text, &format!("@{number}"), &line[..line.len() - 1])
        });
        let found = examine(&text, &self.sealed);
        for fault in &found.faults {
            shown::is_harmless(&fault.to_string());
        }
        let lines = text.split(|byte| *byte == b'\n').count();
        assert!(found.entries <= lines as u64 && found.faults.len() <= 2 * lines + 1);
        if found.faults.is_empty() && !found.torn {
            let whole = self.genuine.concat();
            assert!(whole.starts_with(&text), "foreign lines pass for genuine ones");
            assert!(lines > REMEMBERED, "lines that are remembered are not missed");
        }
        let file = self.world.store.file();
        self.write(&text);
        let _ = read_entries(file, PATIENCE);
        if let Some(end) = durable_end(file, &self.sealed) {
            let number = usize::try_from(end.number).expect("a small number");
            assert!((REMEMBERED + 1..=LINES).contains(&number), "{number} is remembered");
            let code = data_encoding::HEXLOWER.encode(&end.link);
            let line = String::from_utf8_lossy(&self.genuine[number - 1]);
            assert!(line.contains(&code), "a foreign line is remembered");
        }
        write_one(&self.world);
        let after = read_content(file, PATIENCE).expect("the file");
        assert!(after.ends_with(b"\n") && after.len() < text.len() + 1024);
    }

    fn write(&self, content: &[u8]) {
        OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(&self.path)
            .and_then(|mut file| file.write_all(content))
            .expect("the audit's file can be written");
    }
}

fn sealed(world: &World) -> AuditState {
    let view = world.store.read().expect("a view");
    audit::read(&view, &world.key).expect("it opens").expect("it is there")
}

fn write_one(world: &World) {
    let asked_by = Asker { command: "get", pid: 7, parent: Some("made up".into()) };
    let used = Use {
        at: NOW,
        action: Action::Get,
        of: Subject::Credential { provider: "acme", user: Some("x") },
        outcome: "ok",
        asked_by: &asked_by,
    };
    append(world.store.file(), &sealed(world), &used, PATIENCE).expect("a line");
}
