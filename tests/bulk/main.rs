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
#[path = "../../src/untrusted.rs"]
mod untrusted;
#[path = "../../src/private_file.rs"]
mod private_file;
#[path = "../../src/name_service.rs"]
mod name_service;
#[path = "../../src/bounded.rs"]
mod bounded;
#[path = "../../src/model/mod.rs"]
mod model;
#[path = "../../src/vault/mod.rs"]
mod vault;
#[path = "../../src/store/mod.rs"]
mod store;

use std::path::Path;
use std::process::ExitCode;

use model::account::Account;
use store::{Store, credentials, header, slots};
use vault::key_string;
use vault::seal::DataKey;
use vault::slot::SlotSecret;

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
fn fill(vault: &Path, count: usize) {
    const STRIDE: usize = 7919; // prime
    let mut store = Store::open(vault).unwrap();
    let key = unlock(&store);
    let (provider, template) = {
        let view = store.read().unwrap();
        let first = credentials::accounts(&view, None, None).unwrap().remove(0);
        let row = credentials::read(&view, &key, &first).unwrap().unwrap();
        (first.provider, row.credential)
    };
    assert_ne!(count % STRIDE, 0, "some names would come twice");
    let transaction = store.write().unwrap();
    for number in 1..count {
        let user = format!("user-{:06}@example.com", number * STRIDE % count);
        let account = Account { provider: provider.clone(), user: user.parse().unwrap() };
        credentials::put(&transaction, &key, &account, &template).unwrap();
    }
    transaction.commit().unwrap();
    assert!(store.empty_log().unwrap());
}

fn unlock(store: &Store) -> DataKey {
    let text = std::env::var("TOKCTL_KEY").unwrap();
    let secret = SlotSecret::Random(key_string::decode(&text).unwrap().1);
    let view = store.read().unwrap();
    let header = header::read(&view).unwrap().unwrap();
    let slots = slots::read(&view).unwrap();
    slots
        .iter()
        .find_map(|slot| slot.unwrap(&secret, header.vault, header.generation).ok())
        .unwrap()
}

/// SQLite would not touch what is the same already.
fn rewrite(vault: &Path) {
    let mut store = Store::open(vault).unwrap();
    let transaction = store.write().unwrap();
    let mut rows: Vec<(i64, Vec<u8>)> = Vec::new();
    let mut select = transaction
        .prepare("SELECT rowid, sealed FROM credentials WHERE rowid > ?1 ORDER BY rowid LIMIT 100")
        .unwrap();
    let mut update =
        transaction.prepare("UPDATE credentials SET sealed = ?2 WHERE rowid = ?1").unwrap();
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
    assert!(store.empty_log().unwrap());
}
