//! The checks of the vault's file: the version of SQLite, the pages, the tables and the log.

use super::facts::{IntegrityFact, LogFact, SqliteFact, VaultFact};
use super::finding::{Check, Fact, Finding, Remedy};
use crate::store::{self, Differences, ForeignObject, Vault};
use crate::untrusted::printable;

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
    Ok(if current { Finding::fine(fact) } else { Finding::hint(fact, Remedy::RotateKey) })
}

/// Checks that the file's pages are undamaged, that it has the tables that tokctl makes and nothing
/// else, and that the log is short.
pub(crate) fn database(vault: &Vault) -> Vec<Finding> {
    let mut findings = match vault.faults(MOST_FAULTS) {
        Ok(faults) if faults.is_empty() => tables(vault),
        Ok(faults) => {
            let fact = Fact::Integrity(IntegrityFact::Damaged { faults });
            vec![Finding::damaged(fact, Remedy::RestoreBackup)]
        }
        Err(error) => vec![Finding::failure(Check::Integrity, error)],
    };
    findings.push(log(vault.log_length()));
    findings
}

/// Compares the tables with those that tokctl makes, in a file whose pages are undamaged.
fn tables(vault: &Vault) -> Vec<Finding> {
    let Differences { foreign, missing, unindexed, tangled } = match vault.schema_differences() {
        Ok(differences) => differences,
        Err(error) => return vec![Finding::failure(Check::Integrity, error)],
    };
    let mut findings = Vec::new();
    if tangled {
        let faults = vec!["two tables lie in the same place".to_owned()];
        let fact = Fact::Integrity(IntegrityFact::Damaged { faults });
        findings.push(Finding::damaged(fact, Remedy::RestoreBackup));
    }
    if !missing.is_empty() {
        let fact = Fact::Integrity(IntegrityFact::MissesTables { names: missing });
        findings.push(Finding::damaged(fact, Remedy::RestoreBackup));
    }
    if !unindexed.is_empty() {
        let fact = Fact::Integrity(IntegrityFact::MissesIndexes { names: unindexed });
        findings.push(Finding::damaged(fact, Remedy::Repair));
    }
    findings.extend(foreign.into_iter().map(|ForeignObject { kind, name, inert, .. }| {
        let fact = Fact::Integrity(IntegrityFact::NotOurs {
            kind: printable(&kind),
            name: printable(&name),
            inert,
        });
        if inert {
            Finding::hint(fact, Remedy::Repair)
        } else {
            Finding::damaged(fact, Remedy::Repair)
        }
    }));
    if findings.is_empty() {
        findings.push(Finding::fine(Fact::Integrity(IntegrityFact::Whole)));
    }
    findings
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
