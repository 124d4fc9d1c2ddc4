//! Values as they stand in columns: numbers, times, and the bytes that a seal covers.

use jiff::Timestamp;
use rusqlite::types::ValueRef;

use crate::store::error::Error;

/// The point in time that a column holds, in seconds since 1970.
pub(super) fn time(second: i64) -> Result<Timestamp, Error> {
    Timestamp::from_second(second).map_err(|_| Error::Inconsistent("a time out of range"))
}

/// A number as SQLite keeps it: signed.
pub(super) fn stored(number: u64) -> Result<i64, Error> {
    i64::try_from(number).map_err(|_| Error::Inconsistent("a number is too large"))
}

/// Fails with [`Error::Inconsistent`] unless a statement wrote one row.
pub(super) fn one_row(written: usize) -> Result<(), Error> {
    if written == 1 { Ok(()) } else { Err(Error::Inconsistent("it does not keep what is stored")) }
}

/// The bytes of values, each with its type, and with its length where the type does not tell it, so
/// that no two rows look alike.
pub(super) struct Covered(Vec<u8>);

impl Covered {
    pub(super) fn new() -> Self {
        // Room for what nearly all rows hold.
        Self(Vec::with_capacity(256))
    }

    /// Adds a value.
    pub(super) fn push(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => self.0.push(b'n'),
            ValueRef::Integer(number) => self.fixed(b'i', number.to_le_bytes()),
            ValueRef::Text(bytes) => self.sized(b't', bytes),
            // No column holds such a value, unless somebody edited the file.
            ValueRef::Real(number) => self.fixed(b'r', number.to_le_bytes()),
            ValueRef::Blob(bytes) => self.sized(b'b', bytes),
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn fixed(&mut self, kind: u8, bytes: [u8; 8]) {
        self.0.push(kind);
        self.0.extend_from_slice(&bytes);
    }

    fn sized(&mut self, kind: u8, bytes: &[u8]) {
        self.fixed(kind, (bytes.len() as u64).to_le_bytes());
        self.0.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_rows_look_alike() {
        let rows: [&[ValueRef<'_>]; 10] = [
            &[ValueRef::Null],
            &[ValueRef::Text(b"")],
            &[ValueRef::Text(b"n")],
            &[ValueRef::Blob(b"n")],
            &[ValueRef::Null, ValueRef::Text(b"n")],
            &[ValueRef::Text(b"n"), ValueRef::Null],
            &[ValueRef::Text(b"ab"), ValueRef::Text(b"c")],
            &[ValueRef::Text(b"a"), ValueRef::Text(b"bc")],
            &[ValueRef::Integer(1)],
            &[ValueRef::Real(1.0)],
        ];
        let covered = rows.map(|row| {
            let mut covered = Covered::new();
            for value in row {
                covered.push(*value);
            }
            covered.into_bytes()
        });
        let different: std::collections::BTreeSet<_> = covered.iter().collect();
        assert_eq!(different.len(), rows.len());
    }
}
