//! What a member signs of a row.
//!
//! Every member has the data key, readers too, so a seal does not tell who wrote a row. The signature
//! does, and a row counts only if a member signed it who may write.

use super::entry::SharedId;
use super::identity::{Identity, is_signed};
use super::member::MemberId;
use crate::vault::cipher::AssociatedData;
use crate::vault::seal::Generation;

/// The version of the bytes that are signed.
const VERSION: u8 = 1;

/// The purpose of the signature, which is signed with it.
const PURPOSE: &str = "tokctl shared row";

/// A row as it lies on the server, sealed, with its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SealedRow<'a> {
    pub(crate) vault: SharedId,
    pub(crate) generation: Generation,
    /// The table, so that no row passes for one of another table.
    pub(crate) table: &'a str,
    pub(crate) name: &'a [u8],
    pub(crate) revision: u64,
    /// The sealed columns, in the order of the table.
    pub(crate) parts: &'a [&'a [u8]],
}

impl SealedRow<'_> {
    /// Returns the signature of `writer`.
    pub(crate) fn sign(&self, writer: &Identity) -> [u8; 64] {
        writer.sign(&self.signed(writer.id()))
    }

    /// Whether `signature` is the one of `writer`. Whether that is a member who may write is for
    /// [`Roster::is_writer`](super::roster::Roster::is_writer) to say.
    pub(crate) fn is_signed(&self, writer: MemberId, signature: &[u8; 64]) -> bool {
        is_signed(writer, &self.signed(writer), signature)
    }

    fn signed(&self, writer: MemberId) -> Vec<u8> {
        let head = AssociatedData::of_version(VERSION, PURPOSE)
            .field(&self.vault.0)
            .number(self.generation)
            .field(self.table.as_bytes())
            .field(self.name)
            .number(self.revision)
            .field(&writer.0)
            .number(self.parts.len() as u64);
        self.parts.iter().fold(head, |bytes, part| bytes.field(part)).bytes().to_vec()
    }
}
