//! The file as SQLite sees it.

use super::facts::{IntegrityFact, LogFact, SqliteFact, VaultFact};
use super::finding::{Check, Fact, Finding, Remedy};
use crate::store::{self, Vault};

/// 3.51.3 mended the corruption of write-ahead logs under concurrent writers.
const LOG_MENDED: i32 = 3_051_003;

/// As many faults are told at most.
const MOST_TOLD: u8 = 10;

/// SQLite writes the log back by itself from 4 MiB on, unless somebody reads all the time.
const LONG_LOG: u64 = 64 * 1024 * 1024;

/// The version of SQLite.
pub(crate) fn sqlite() -> Finding {
    let (number, version) = store::engine_version();
    if number >= LOG_MENDED {
        return Finding::fine(Fact::Sqlite(SqliteFact::Sound { version }));
    }
    Finding::to_mend(Fact::Sqlite(SqliteFact::DamagesLogs { version }), Remedy::UpdateTokctl)
}

/// What the vault says of itself. `current` tells whether its tables are today's.
pub(crate) fn vault(store: &Vault, current: bool) -> Result<Finding, store::Error> {
    let (path, generation) = (store.location().to_owned(), store.generation()?);
    let fact = Fact::Vault(VaultFact { path, generation, current });
    Ok(if current { Finding::fine(fact) } else { Finding::hint(fact, Remedy::AnyCommand) })
}

/// Whether the file's pages are whole, its tables are all there where they are `current` ones, and
/// its log is short.
pub(crate) fn database(store: &Vault, current: bool) -> Vec<Finding> {
    let integrity = match store.faults(MOST_TOLD) {
        Ok(faults) if faults.is_empty() => tables(store, current),
        Ok(faults) => {
            let fact = Fact::Integrity(IntegrityFact::Damaged { faults });
            Finding::damaged(fact, Remedy::RestoreBackup)
        }
        Err(error) => Finding::failure(Check::Integrity, error),
    };
    vec![integrity, log(store.log_length())]
}

/// Whether the tables are all there, in a file whose pages are whole.
fn tables(store: &Vault, current: bool) -> Finding {
    let names = match store.missing_tables() {
        Ok(names) if current => names,
        Ok(_) => Vec::new(),
        Err(error) => return Finding::failure(Check::Integrity, error),
    };
    if names.is_empty() {
        return Finding::fine(Fact::Integrity(IntegrityFact::Whole));
    }
    let fact = Fact::Integrity(IntegrityFact::MissesTables { names });
    Finding::damaged(fact, Remedy::RestoreBackup)
}

fn log(length: u64) -> Finding {
    let kib = length.div_ceil(1024);
    if length <= LONG_LOG {
        return Finding::fine(Fact::Log(LogFact::Short { kib }));
    }
    Finding::hint(Fact::Log(LogFact::Long { kib }), Remedy::RotateKey)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::doctor::finding::Verdict;

    #[test]
    fn a_long_log_is_told() {
        let verdict = |length| match log(length) {
            Finding::Seen { verdict, .. } => verdict,
            Finding::Failure { .. } => Verdict::Unknown,
        };
        assert_eq!(verdict(LONG_LOG), Verdict::Fine);
        assert_eq!(verdict(LONG_LOG + 1), Verdict::Hint);
    }
}
