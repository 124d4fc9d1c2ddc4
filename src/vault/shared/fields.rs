//! Lists of fields, each behind its length, so that no two lists have the same bytes.
//!
//! [`AssociatedData`](crate::vault::cipher::AssociatedData) writes them. A field is its length, 8
//! bytes with the lowest first, and its bytes; a number is a field of 8 bytes, in the same order.

/// The fields of a list that were not read yet.
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// Returns the fields of `bytes`, which begin with `version` and `purpose`; `None` if they begin
    /// with anything else.
    pub(super) fn of(bytes: &'a [u8], version: u8, purpose: &str) -> Option<Self> {
        let (found, rest) = bytes.split_first()?;
        let mut fields = Self(rest);
        (*found == version && fields.next()? == purpose.as_bytes()).then_some(fields)
    }

    /// Returns the bytes of the next field.
    pub(super) fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk::<8>()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        let (field, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(field)
    }

    /// Returns the next field if it has exactly `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.next()?.try_into().ok()
    }

    /// Returns the number in the next field.
    pub(super) fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// Whether all fields were read.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::cipher::AssociatedData;

    #[test]
    fn what_was_written_is_read() {
        let list = AssociatedData::of_version(7, "test").field(b"ab").number(9).field(b"");
        let mut fields = Fields::of(list.bytes(), 7, "test").unwrap();
        assert_eq!((fields.next(), fields.number()), (Some(&b"ab"[..]), Some(9)));
        assert!(!fields.is_empty());
        assert_eq!((fields.array(), fields.is_empty()), (Some([]), true));
        assert_eq!(fields.next(), None);
        assert!(Fields::of(list.bytes(), 6, "test").is_none());
        assert!(Fields::of(list.bytes(), 7, "tesT").is_none());
    }

    #[test]
    fn a_length_beyond_the_end_is_no_field() {
        let mut list = AssociatedData::new("test").field(b"ab").bytes().to_vec();
        let length = list.len() - 10;
        for wrong in [3, u64::MAX] {
            list[length..length + 8].copy_from_slice(&wrong.to_le_bytes());
            assert_eq!(Fields::of(&list, 1, "test").unwrap().next(), None);
        }
    }
}
