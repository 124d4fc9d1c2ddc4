//! A vault with very many credentials, and what SQLite alone needs to rewrite it.
//!
//! For `tests/bench`: no command of tokctl stores so many at once. The rows are sealed by tokctl's
//! own modules, which are taken in here as they are, and lie where it would put them.
//!
//! `bulk fill VAULT COUNT` copies the one credential of a vault, opened with the key slot of
//! `TOKCTL_KEY`, until there are so many. `bulk rewrite VAULT` writes other bytes over all that is
//! sealed, as many as they are, in one transaction of the same SQLite and with the same settings;
//! nothing in that vault opens afterwards.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::unwrap_used,
    dead_code,
    missing_docs,
    unreachable_pub,
    unused_imports,
    reason = "it arranges a measurement, with modules of which it needs little"
)]

#[path = "../../src/secret.rs"]
mod secret;
#[path = "../../src/untrusted/mod.rs"]
mod untrusted;
#[path = "../../src/bounded.rs"]
mod bounded;
#[path = "../../src/causes.rs"]
mod causes;
#[path = "../../src/counted.rs"]
mod counted;
#[path = "../../src/private_file/mod.rs"]
mod private_file;
#[path = "../../src/paths.rs"]
mod paths;
#[path = "../../src/file_system.rs"]
mod file_system;
#[path = "../../src/boot_clock.rs"]
mod boot_clock;
#[path = "../../src/name_service.rs"]
mod name_service;
#[path = "../../src/model/mod.rs"]
mod model;
#[path = "../../src/vault/mod.rs"]
mod vault;
#[path = "../../src/store/mod.rs"]
mod store;

use std::path::Path;
use std::process::ExitCode;

use model::account::Account;
use rusqlite::Connection;
use store::{Imported, OpenVault, Placement, Vault};
use vault::key_string;
use vault::slot_secret::SlotSecret;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["fill", vault, count] => fill(Path::new(vault), count.parse().unwrap()),
        ["rewrite", vault] => rewrite(Path::new(vault)),
        _ => {
            eprintln!("usage: bulk fill VAULT COUNT | bulk rewrite VAULT");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// Copies of the first credential. By name they lie all over the file, as those of people who
/// logged in one after the other do.
fn fill(path: &Path, count: usize) {
    const STRIDE: usize = 7919; // prime
    let vault = unlock(path);
    let first = vault.accounts(None, None).unwrap().remove(0);
    let template = vault.read(&first).unwrap().unwrap().stored.credential;
    assert_ne!(count % STRIDE, 0, "some names would come twice");
    let copy = |number: usize| {
        let user = format!("user-{:06}@example.com", number * STRIDE % count);
        let account = Account { provider: first.provider.clone(), user: user.parse().unwrap() };
        Placement { account, credential: template.clone(), over: None }
    };
    let copies: Vec<Placement> = (1..count).map(copy).collect();
    let taken = vault.import(&copies, None, template.created_at).unwrap();
    assert_eq!(taken, Imported::Yes);
    assert!(vault.empty_log());
}

fn unlock(path: &Path) -> OpenVault {
    let text = std::env::var("TOKCTL_KEY").unwrap();
    let secret = SlotSecret::Key(key_string::decode(&text).unwrap().1);
    Vault::open(path).unwrap().unlock(secret).map_err(|locked| locked.error).unwrap()
}

/// SQLite would not touch what is the same already.
fn rewrite(vault: &Path) {
    let mut file = Connection::open(vault).unwrap();
    // As tokctl sets them.
    file.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;
         PRAGMA secure_delete = ON; PRAGMA cell_size_check = ON;",
    )
    .unwrap();
    let transaction = file.transaction().unwrap();
    let mut rows: Vec<(i64, Vec<u8>)> = Vec::new();
    let mut select = transaction
        .prepare(
            "SELECT rowid, sealed FROM credentials_2 WHERE rowid > ?1 ORDER BY rowid LIMIT 100",
        )
        .unwrap();
    let mut update =
        transaction.prepare("UPDATE credentials_2 SET sealed = ?2 WHERE rowid = ?1").unwrap();
    let mut last = i64::MIN;
    loop {
        rows.extend(
            select
                .query_map([last], |row| Ok((row.get(0)?, row.get(1)?)))
                .unwrap()
                .map(Result::unwrap),
        );
        let Some((row, _)) = rows.last() else { break };
        last = *row;
        for (row, mut sealed) in rows.drain(..) {
            for byte in &mut sealed {
                *byte = !*byte;
            }
            assert_eq!(update.execute((row, sealed)).unwrap(), 1);
        }
    }
    drop((select, update));
    transaction.commit().unwrap();
    let busy: i64 =
        file.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
    assert_eq!(busy, 0);
}
