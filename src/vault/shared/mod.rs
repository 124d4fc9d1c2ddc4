//! The members of a vault that many machines share, and what they can prove to each other.
//!
//! The vault's rows lie on a server that nobody trusts. So an [`Identity`](identity::Identity)
//! signs what its member writes; the [`Roster`](roster::Roster), a chain of signed entries, says
//! who is a member; and the data key comes to each member in a [slot](slot) that the server can
//! replace, but not by one that opens to a key which no admin signed.
//!
//! The bytes of all of this are specified in tokctl-shared-format(7). Nothing here reads or writes
//! anything, or knows where rows and entries are kept.

mod fields;
pub(crate) mod member;
pub(crate) mod identity;
pub(crate) mod pin;
pub(crate) mod entry;
pub(crate) mod rules;
pub(crate) mod slot;
pub(crate) mod row;
pub(crate) mod roster;
pub(crate) mod row_name;
#[cfg(test)]
mod tests;
