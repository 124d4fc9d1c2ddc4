//! The file as SQLite sees it.

use jiff::Timestamp;

use super::report::{Check, Remedy, Told};
use crate::store::{self, Vault};

/// 3.51.3 mended the corruption of write-ahead logs under concurrent writers.
const LOG_MENDED: i32 = 3_051_003;

/// As many faults are told at most.
const MOST_TOLD: u8 = 10;

/// SQLite writes the log back by itself from 4 MiB on, unless somebody reads all the time.
const LONG_LOG: u64 = 64 * 1024 * 1024;

/// The version of SQLite.
pub(crate) fn sqlite() -> Told {
    let version = store::engine_version().1;
    if store::engine_version().0 >= LOG_MENDED {
        return Told::fine(Check::Sqlite, format!("SQLite {version}"));
    }
    Told::finding(
        Check::Sqlite,
        format!("SQLite {version} may damage the write-ahead log; 3.51.3 does not"),
        Remedy::UpdateTokctl,
    )
}

/// What the vault says of itself. `current` tells whether its tables are today's.
pub(crate) fn vault(store: &Vault, current: bool) -> Result<Told, store::Error> {
    let (place, generation) = (store.location().display(), store.generation()?);
    let message = format!("`{place}`, generation {generation} of its key");
    if current {
        return Ok(Told::fine(Check::Vault, message));
    }
    let message = format!("{message}; its tables are an earlier version's, and stay so here");
    Ok(Told::hint(Check::Vault, message, Remedy::AnyCommand))
}

/// Whether the file's pages are whole, its tables are all there where they are `current` ones, and
/// its log is short.
pub(crate) fn database(store: &Vault, current: bool) -> Vec<Told> {
    let integrity = match store.faults(MOST_TOLD) {
        Ok(faults) if faults.is_empty() => tables(store, current),
        Ok(faults) => Told::damaged(
            Check::Integrity,
            format!("the file is damaged: {}", faults.join("; ")),
            Remedy::RestoreBackup,
        ),
        Err(error) => Told::failure(Check::Integrity, error),
    };
    vec![integrity, log(store.log_length())]
}

/// Whether the tables are all there, in a file whose pages are whole.
fn tables(store: &Vault, current: bool) -> Told {
    let missing = match store.missing_tables() {
        Ok(missing) if current => missing,
        Ok(_) => Vec::new(),
        Err(error) => return Told::failure(Check::Integrity, error),
    };
    match &missing[..] {
        [] => Told::fine(Check::Integrity, "the file's pages are whole"),
        missing => Told::damaged(
            Check::Integrity,
            format!("the file misses {}", missing.join(", ")),
            Remedy::RestoreBackup,
        ),
    }
}

fn log(length: u64) -> Told {
    let kib = length.div_ceil(1024);
    if length <= LONG_LOG {
        return Told::fine(Check::Log, format!("the write-ahead log has {kib} KiB"));
    }
    Told::hint(
        Check::Log,
        format!(
            "the write-ahead log has grown to {kib} KiB: somebody reads the vault all the time"
        ),
        Remedy::RotateKey,
    )
}

/// How long ago `time` was, in its largest unit.
pub(super) fn age(time: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(time).as_secs();
    match seconds {
        ..0 => "in the future".to_owned(),
        0..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..172_800 => format!("{} h ago", seconds / 3_600),
        172_800.. => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::doctor::report::{Seen, Verdict};

    #[test]
    fn a_long_log_is_told() {
        let verdict = |length| match log(length).seen {
            Seen::Fact { verdict, .. } => verdict,
            Seen::Failure(_) => Verdict::Unknown,
        };
        assert_eq!(verdict(LONG_LOG), Verdict::Fine);
        assert_eq!(verdict(LONG_LOG + 1), Verdict::Hint);
    }

    #[test]
    fn an_age_is_told_in_one_unit() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let at = |ago: i64| age(Timestamp::from_second(1_000_000 - ago).unwrap(), now);
        assert_eq!(at(59), "59 s ago");
        assert_eq!(at(3_600), "1 h ago");
        assert_eq!(at(86_400 * 9), "9 days ago");
        assert_eq!(at(-1), "in the future");
    }
}
