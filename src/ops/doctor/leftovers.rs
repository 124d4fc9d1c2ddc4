//! What interrupted commands left behind.

use std::path::Path;

use jiff::Timestamp;

use super::database::age;
use super::report::{Check, Remedy, Told};
use crate::ops::error::Error;
use crate::store::beside::{self, Purpose};
use crate::store::file::VaultFile;
use crate::store::{Store, bundles, header, intents, journal};
use crate::untrusted::printable;

/// Looks for keychain entries that an interrupted change of keys wrote down and did not clear up.
/// Needs no key.
pub(crate) fn intents(store: &Store) -> Result<Vec<Told>, Error> {
    let view = store.read()?;
    let Some(header) = header::read(&view)? else { return Ok(Vec::new()) };
    let own = format!("{}/", header.vault.hex());
    let (own, foreign): (Vec<String>, Vec<String>) =
        intents::all(&view)?.into_iter().partition(|name| name.starts_with(&own));
    let mut told = Vec::new();
    if !own.is_empty() {
        let message =
            format!("an interrupted change of keys still has to clear up {}", counted(own.len()));
        told.push(Told::finding(Check::Leftovers, message, Remedy::RotateKey));
    }
    if !foreign.is_empty() {
        let message = format!(
            "{} are written down that were for a vault which was never finished, and are of no use",
            counted(foreign.len())
        );
        told.push(Told::fine(Check::Leftovers, message));
    }
    Ok(told)
}

fn counted(entries: usize) -> String {
    match entries {
        1 => "1 keychain entry".to_owned(),
        more => format!("{more} keychain entries"),
    }
}

/// Looks for a bundle whose credentials were handed over and which never reached its place: until it
/// does, nobody can use them. Needs no key.
pub(crate) fn unplaced(store: &Store, now: Timestamp) -> Result<Option<Told>, Error> {
    let since = bundles::unplaced_since(&*store.read()?)?;
    Ok(since.map(|since| {
        let when = age(since, now);
        let message = format!(
            "credentials were handed over {when}, and their bundle is not known to be in its place"
        );
        Told::finding(Check::Leftovers, message, Remedy::PlaceBundle)
    }))
}

/// Looks at what lies beside the vault's file: answers that were never taken up, and files that
/// were to take another's place. `store` tells which refreshes were interrupted.
pub(crate) fn beside(path: &Path, store: Option<&Store>) -> Result<Vec<Told>, Error> {
    let file = VaultFile::find(path)?;
    let standing = match store {
        Some(store) => journal::standing(&*store.read()?)?,
        None => Vec::new(),
    };
    let found = match beside::list(&file) {
        Ok(found) => found,
        Err(error) => {
            let message = format!("what lies beside the vault: {error}");
            return Ok(vec![Told::unknown(Check::Leftovers, message)]);
        }
    };
    let (mut told, mut locks) = (Vec::new(), 0);
    for one in found {
        let shown = printable(&one.path.to_string_lossy());
        match one.purpose {
            Purpose::Lock => locks += 1,
            Purpose::Audit | Purpose::Spill { filled: false } => {}
            Purpose::Spill { filled: true } => {
                let owner = standing.iter().find(|(who, _)| beside::is_spill_of(&one.path, who));
                told.push(match owner {
                    Some((account, _)) => Told::finding(
                        Check::Leftovers,
                        format!("an answer for `{account}` lies sealed beside the vault"),
                        Remedy::TakeUp(account.clone()),
                    ),
                    None => Told::finding(
                        Check::Leftovers,
                        format!("`{shown}` holds a sealed answer that nothing waits for"),
                        Remedy::Remove(one.path),
                    ),
                });
            }
            Purpose::Temporary => told.push(Told::finding(
                Check::Leftovers,
                format!("`{shown}` was never put in its place"),
                Remedy::Remove(one.path),
            )),
            Purpose::Foreign => told.push(Told::hint(
                Check::Leftovers,
                format!("`{shown}` is none of tokctl's"),
                Remedy::LookAt(one.path),
            )),
        }
    }
    if told.is_empty() {
        let message = format!("nothing but {locks} lock files, which are free when nobody runs");
        told.push(Told::fine(Check::Leftovers, message));
    }
    Ok(told)
}
