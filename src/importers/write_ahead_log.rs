//! The committed pages in the write-ahead log of a SQLite file
//! (<https://sqlite.org/fileformat2.html#walformat>) that are not in the file itself yet.
//!
//! SQLite would read both together, but would make or change files beside them.

use zeroize::Zeroizing;

/// The lengths in bytes of the log's header, and of the header of each frame.
const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// Applies the committed pages of `log` to `database`. A damaged log counts as far as it is whole,
/// as it does for SQLite. Returns `None` if the database would be larger than `largest` bytes.
pub(super) fn apply(
    mut database: Zeroizing<Vec<u8>>,
    log: &[u8],
    largest: usize,
) -> Option<Zeroizing<Vec<u8>>> {
    let Some(mut reader) = Reader::new(log) else { return Some(database) };
    let mut pending = Vec::new();
    while let Some(frame) = reader.next() {
        pending.push((frame.page, frame.content));
        let Some(pages) = frame.pages_after_commit else { continue };
        let length = pages.checked_mul(reader.page_size).filter(|length| *length <= largest)?;
        if length > database.capacity() {
            // A vector that grows may move, and leave a copy of its content behind.
            let mut larger = Zeroizing::new(Vec::with_capacity(length));
            larger.extend_from_slice(&database);
            database = larger;
        }
        database.resize(length, 0);
        for (page, content) in pending.drain(..) {
            let start = (page - 1) * content.len();
            // A later change of the same transaction cut off a page beyond the end.
            if let Some(place) = database.get_mut(start..start + content.len()) {
                place.copy_from_slice(content);
            }
        }
    }
    Some(database)
}

/// One page as it was written.
struct Frame<'a> {
    /// The number of the page, counted from 1.
    page: usize,
    content: &'a [u8],
    /// The number of pages of the database, in the last frame of a transaction.
    pages_after_commit: Option<usize>,
}

/// The frames of a log, as far as they are valid.
struct Reader<'a> {
    rest: &'a [u8],
    page_size: usize,
    salt: &'a [u8],
    big_endian: bool,
    sum: (u32, u32),
}

impl<'a> Reader<'a> {
    /// Returns a reader; `None` if the log has no valid header.
    fn new(log: &'a [u8]) -> Option<Self> {
        let (header, rest) = log.split_at_checked(HEADER)?;
        let big_endian = match number(&header[..4]) {
            0x377f_0682 => false,
            0x377f_0683 => true,
            _ => return None,
        };
        let page_size = number(&header[8..12]) as usize;
        if !page_size.is_power_of_two() || !(512..=65_536).contains(&page_size) {
            return None;
        }
        let sum = checksum(big_endian, (0, 0), &header[..24]);
        let salt = &header[16..24];
        (sum == sums(&header[24..32])).then_some(Self { rest, page_size, salt, big_endian, sum })
    }

    fn next(&mut self) -> Option<Frame<'a>> {
        let (header, rest) = self.rest.split_at_checked(FRAME_HEADER)?;
        let (content, rest) = rest.split_at_checked(self.page_size)?;
        if header[8..16] != *self.salt {
            return None;
        }
        let sum = checksum(self.big_endian, self.sum, &header[..8]);
        let sum = checksum(self.big_endian, sum, content);
        let page = number(&header[..4]) as usize;
        if sum != sums(&header[16..24]) || page == 0 {
            return None;
        }
        (self.rest, self.sum) = (rest, sum);
        let pages = number(&header[4..8]) as usize;
        Some(Frame { page, content, pages_after_commit: (pages > 0).then_some(pages) })
    }
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn sums(bytes: &[u8]) -> (u32, u32) {
    (number(&bytes[..4]), number(&bytes[4..]))
}

/// Returns the log's checksum over `bytes`, a multiple of eight, continued from `sum`.
fn checksum(big_endian: bool, sum: (u32, u32), bytes: &[u8]) -> (u32, u32) {
    let word = |bytes: &[u8]| {
        if big_endian { number(bytes) } else { number(bytes).swap_bytes() }
    };
    bytes.chunks_exact(8).fold(sum, |(one, two), pair| {
        let one = one.wrapping_add(word(&pair[..4])).wrapping_add(two);
        (one, two.wrapping_add(word(&pair[4..])).wrapping_add(one))
    })
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    const ENOUGH: usize = 1 << 20;

    /// Returns a database with rows in its log that are not in the file yet, and the bytes of both.
    fn live() -> (tempfile::TempDir, Connection, Vec<u8>, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("live.db");
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch(
                "PRAGMA page_size = 1024; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
                 CREATE TABLE t (x TEXT); INSERT INTO t VALUES ('first');
                 PRAGMA wal_checkpoint(TRUNCATE);
                 INSERT INTO t VALUES ('second'); INSERT INTO t VALUES (hex(randomblob(9000)));",
            )
            .unwrap();
        let read = |suffix| std::fs::read(folder.path().join(format!("live.db{suffix}"))).unwrap();
        let (database, log) = (read(""), read("-wal"));
        (folder, connection, database, log)
    }

    fn rows(mut database: Zeroizing<Vec<u8>>) -> i64 {
        database[18..20].fill(1);
        let mut connection = Connection::open_in_memory().unwrap();
        let length = database.len();
        connection.deserialize_read_exact("main", &database[..], length, true).unwrap();
        let check: String =
            connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok");
        connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn what_was_committed_in_the_log_is_there() {
        let (_folder, _connection, database, log) = live();
        assert_eq!(rows(database.clone().into()), 1, "the file alone lacks them");
        assert_eq!(rows(apply(database.into(), &log, ENOUGH).unwrap()), 3);
    }

    #[test]
    fn a_frame_may_name_any_page() {
        // These frames are valid except for their numbers: the checksums are no secret.
        for (page, pages) in [(u32::MAX, 3), (2, u32::MAX), (1, 1), (7, 0)] {
            let mut log = [0x377f_0683_u32, 3_007_000, 512, 0, 1, 2].map(u32::to_be_bytes).concat();
            let sum = checksum(true, (0, 0), &log);
            log.extend([sum.0, sum.1].map(u32::to_be_bytes).concat());
            let head = [page, pages].map(u32::to_be_bytes).concat();
            let content = [7; 512];
            let sum = checksum(true, checksum(true, sum, &head), &content);
            log.extend([head, [1, 2, sum.0, sum.1].map(u32::to_be_bytes).concat()].concat());
            log.extend(content);
            let applied = apply(vec![0; 1024].into(), &log, ENOUGH);
            assert_eq!(
                applied.map(|applied| applied.len()),
                match pages {
                    u32::MAX => None,
                    0 => Some(1024),
                    pages => Some(512 * pages as usize),
                }
            );
        }
    }

    #[test]
    fn a_log_counts_up_to_its_first_flaw() {
        let (_folder, _connection, database, log) = live();
        let end = log.len();
        for (flaw, expected) in [(end - 1, 2), (HEADER + FRAME_HEADER, 1), (20, 1), (0, 1)] {
            let mut flawed = log.clone();
            flawed[flaw] ^= 1;
            let whole = apply(database.clone().into(), &flawed, ENOUGH).unwrap();
            assert_eq!(rows(whole), expected, "byte {flaw}");
        }
        assert_eq!(rows(apply(database.clone().into(), &log[..end - 1], ENOUGH).unwrap()), 2);
        assert_eq!(rows(apply(database.clone().into(), &[], ENOUGH).unwrap()), 1);
        assert_eq!(apply(database.into(), &log, 4096), None, "larger than is allowed");
    }
}
