//! The audit: an append-only file of JSON lines beside the vault, one for each use of a
//! credential, and what the vault itself keeps to tell whether the file is whole.
//!
//! Each line ends with a code over its text and the code of the line before
//! ([`crate::vault::chain`]). The key of the codes is sealed in the vault, with the settings; and
//! whoever writes a credential seals the number and code of the last line into the vault, the
//! *head*. So a line that was changed, removed, inserted or moved is found by whoever has the
//! vault's key, and so is an end that was cut off, as far as the head reaches. Lines after the head
//! that were cut off are missed by nobody: a `get` writes a line and leaves the vault alone.
//!
//! *Appending* happens under a lock on the file, and chains on to the last whole line; but where
//! the file reaches less far than the head, or says something else there, on to the head, so that
//! the gap stays to be seen. What a process left that died while it wrote, a line without its end,
//! is cut off by the next one and counted as a line that could not be written. Other such lines
//! are counted in a file of their own, [`missed`], as far as there is room for that.
//!
//! A vault that remembers no entry yet finds those of another copy of it, where it was restored
//! from a backup: that file is set aside, and another begun.
//!
//! *Pruning* replaces the file by one that begins with an *anchor*: a line, with a code of its own,
//! that vouches for those that went. What was wrong with those is remembered in it.

mod line;
mod sealed;
mod file;
mod missed;
mod end;
mod set_aside;
mod append;
mod examine;
mod prune;
mod entries;
#[cfg(test)]
mod tests;

pub(crate) use append::append;
pub(crate) use end::durable_end;
pub(crate) use entries::{read_content, read_entries};
pub(crate) use examine::{Fault, Findings, examine, examine_without_key};
pub(crate) use line::Mark;
pub(crate) use prune::prune;
pub(crate) use sealed::AuditState;
pub(in crate::store) use sealed::{decode_head, decode_key, encode_head, encode_key};
pub(crate) use set_aside::set_aside;
