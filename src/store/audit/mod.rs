//! The audit: an append-only file of JSON lines beside the vault, one *entry* for each use of a
//! credential. With the vault's key, anybody can verify that the file is complete.
//!
//! Each line ends with a code over its text and the code of the line before
//! ([`crate::vault::chain`]). The key of the codes is sealed in the vault, with the settings. Each
//! commit of a credential also seals the number and code of the last entry, the *head*. So it is
//! found if a line was changed, removed, inserted or moved, and if the end was cut off, up to the
//! head. Entries after the head can be cut off unnoticed: a `get` appends an entry, but does not
//! write to the vault.
//!
//! *Appending* happens under a lock on the file. A new entry is chained to the last whole line. If
//! the file ends before the head, or has another entry in its place, the new entry is chained to
//! the head, so that the gap stays visible. If a process died while it wrote, the next one cuts off
//! the unfinished line and counts it as missed. Entries that could not be written at all are counted
//! in a file of their own, [`missed`].
//!
//! A vault that was restored from a backup may find the file of another copy of the vault. If it
//! remembers no entry yet, it renames that file and begins a new one.
//!
//! *Pruning* replaces the oldest lines by an *anchor*: a line with a code of its own that stands for
//! them, and that remembers whether something was wrong with them.

mod line;
mod state;
mod file;
mod missed;
mod end;
mod set_aside;
mod append;
mod examine;
mod prune;
mod restart;
mod entries;
#[cfg(test)]
mod tests;

pub(crate) use append::append;
pub(crate) use end::durable_end;
pub(crate) use entries::{read_content, read_entries};
pub(crate) use examine::{Fault, Findings, examine, examine_without_key};
pub(crate) use line::Mark;
pub(crate) use prune::prune;
pub(crate) use restart::restart;
pub(crate) use set_aside::set_aside;
pub(crate) use state::AuditState;
pub(in crate::store) use state::{decode_head, decode_key, encode_head, encode_key};
