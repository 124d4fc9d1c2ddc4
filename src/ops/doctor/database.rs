//! The checks of the vault's file: the version of SQLite, the pages, the tables and the log.

use super::facts::{IntegrityFact, LogFact, SqliteFact, VaultFact};
use super::finding::{Check, Fact, Finding, Remedy};
use crate::store::{self, Vault};

/// SQLite 3.51.3, as its number: the first version in which concurrent writers can't damage the
/// write-ahead log.
const LOG_MENDED: i32 = 3_051_003;

/// The largest number of faults that are reported.
const MOST_FAULTS: u8 = 10;

/// The length in bytes from which a write-ahead log is reported. SQLite empties the log by itself
/// from 4 MiB on, unless a process reads the vault all the time.
const LONG_LOG: u64 = 64 * 1024 * 1024;

/// Checks the version of SQLite.
pub(crate) fn sqlite() -> Finding {
    let (number, version) = store::engine_version();
    if number >= LOG_MENDED {
        return Finding::fine(Fact::Sqlite(SqliteFact::Sound { version }));
    }
    Finding::to_mend(Fact::Sqlite(SqliteFact::DamagesLogs { version }), Remedy::UpdateTokctl)
}

/// Reports the vault's path and generation. `current` says whether its schema is the current one.
pub(crate) fn vault(vault: &Vault, current: bool) -> Result<Finding, store::Error> {
    let (path, generation) = (vault.location().to_owned(), vault.generation()?);
    let fact = Fact::Vault(VaultFact { path, generation, current });
    Ok(if current { Finding::fine(fact) } else { Finding::hint(fact, Remedy::AnyCommand) })
}

/// Checks that the file's pages are undamaged, that no table is missing, and that the log is short.
/// Tables are checked only if the schema is the `current` one.
pub(crate) fn database(vault: &Vault, current: bool) -> Vec<Finding> {
    let integrity = match vault.faults(MOST_FAULTS) {
        Ok(faults) if faults.is_empty() => tables(vault, current),
        Ok(faults) => {
            let fact = Fact::Integrity(IntegrityFact::Damaged { faults });
            Finding::damaged(fact, Remedy::RestoreBackup)
        }
        Err(error) => Finding::failure(Check::Integrity, error),
    };
    vec![integrity, log(vault.log_length())]
}

/// Checks that no table is missing, in a file whose pages are undamaged.
fn tables(vault: &Vault, current: bool) -> Finding {
    let names = match vault.missing_tables() {
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

/// Judges a write-ahead log of `length` bytes.
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
            Finding::Assessed { verdict, .. } => verdict,
            Finding::Failure { .. } => Verdict::Unknown,
        };
        assert_eq!(verdict(LONG_LOG), Verdict::Fine);
        assert_eq!(verdict(LONG_LOG + 1), Verdict::Hint);
    }
}
