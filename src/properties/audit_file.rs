//! The property of the audit's file.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::input::replace_all;
use super::printed_text;
use super::sample_vault::{NOW, SampleVault};
use crate::model::audit::{Action, Caller, Event, Subject};
use crate::store::audit::{AuditState, append, durable_end, examine, read_content, read_entries};
use crate::store::inside::{Sealing, header};

/// The number of genuine lines, and of those that the vault has recorded.
const LINES: usize = 6;
const REMEMBERED: usize = 4;

const PATIENCE: Duration = Duration::from_secs(1);

/// An audit whose genuine lines are known.
pub struct AuditFile {
    sample_vault: SampleVault,
    path: PathBuf,
    sealed: AuditState,
    genuine: Vec<Vec<u8>>,
}

impl AuditFile {
    /// Makes a vault with an audit in `home`, an empty directory.
    ///
    /// # Panics
    ///
    /// If the vault can't be made.
    #[must_use]
    pub fn new(home: &Path) -> Self {
        let mut sample_vault = SampleVault::new(home);
        for number in 1..=LINES {
            write_one(&sample_vault);
            if number == REMEMBERED {
                let end = durable_end(sample_vault.store.file(), &sealed(&sample_vault));
                let key = sample_vault.key.clone();
                let change = sample_vault.store.write().expect("a transaction");
                let sealing = Sealing::begin(&change, &key).expect("a header");
                sealing.remember_audit(end, None);
                sealing.finish().expect("the head is sealed");
                change.commit().expect("the head is remembered");
            }
        }
        let content = read_content(sample_vault.store.file(), PATIENCE).expect("the file");
        let genuine = content.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        let sealed = sealed(&sample_vault);
        Self { path: home.join("v/tokens.db.d/audit.jsonl"), sample_vault, sealed, genuine }
    }

    /// Checks that an audit file is found whole only if tokctl wrote it. The input is the content
    /// of the file, in which `@1` to `@6` stand for the genuine lines without their ends.
    ///
    /// # Panics
    ///
    /// If a file that tokctl did not write is found whole.
    pub fn hold(&self, data: &[u8]) {
        let text = (1..=LINES).fold(data.to_vec(), |text, number| {
            let line = &self.genuine[number - 1];
            replace_all(&text, &format!("@{number}"), &line[..line.len() - 1])
        });
        let found = examine(&text, &self.sealed);
        for fault in &found.faults {
            printed_text::assert_harmless(&fault.to_string());
        }
        let lines = text.split(|byte| *byte == b'\n').count();
        assert!(found.entries <= lines as u64 && found.faults.len() <= 2 * lines + 1);
        if found.faults.is_empty() && !found.torn {
            let whole = self.genuine.concat();
            assert!(whole.starts_with(&text), "foreign lines pass for genuine ones");
            assert!(lines > REMEMBERED, "lines that are remembered are not missed");
        }
        let file = self.sample_vault.store.file();
        self.write(&text);
        let _ = read_entries(file, PATIENCE);
        if let Some(end) = durable_end(file, &self.sealed) {
            let number = usize::try_from(end.number).expect("a small number");
            assert!((REMEMBERED + 1..=LINES).contains(&number), "{number} is remembered");
            let code = data_encoding::HEXLOWER.encode(&end.link);
            let line = String::from_utf8_lossy(&self.genuine[number - 1]);
            assert!(line.contains(&code), "a foreign line is remembered");
        }
        write_one(&self.sample_vault);
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

fn sealed(sample_vault: &SampleVault) -> AuditState {
    let view = sample_vault.store.read().expect("a view");
    let (_, contents) = header::open(&view, &sample_vault.key).expect("it opens");
    contents.audit.expect("it is there")
}

fn write_one(sample_vault: &SampleVault) {
    let caller = Caller { command: "get", pid: 7, parent: Some("made up".into()) };
    let used = Event {
        at: NOW,
        action: Action::Get,
        of: Subject::Credential { provider: "acme", user: Some("x") },
        outcome: "ok",
        caller: &caller,
    };
    append(sample_vault.store.file(), &sealed(sample_vault), &used, PATIENCE).expect("a line");
}
