//! The rules by which one entry of a roster follows another.
//!
//! Within one generation of the data key, members are only added, and what a member may do only
//! grows from reading to writing. So whoever may write by the last entry of a generation could do
//! so no longer by none of it, and a row is judged by the last entry alone. Taking a member away,
//! or the right to write, takes a new generation, for which every row is sealed and signed anew.

use super::entry::Entry;
use super::member::{Member, MemberId, Role};

/// The reason why an entry does not follow the one before.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The entry's number, vault or hash is not the one that comes next.
    #[error("it does not follow the entry before it")]
    Link,
    /// The signer was no admin in the entry before.
    #[error("the member who signed it was no admin")]
    Signer,
    /// The generation or the commitment is not the one that comes next.
    #[error("its generation does not follow")]
    Generation,
    /// A member or a right to write is gone, although the data key stays.
    #[error("it takes a member away and keeps the data key")]
    Kept,
    /// Two members have one label or key, or none is an admin.
    #[error("its list of members contradicts itself")]
    Members,
}

/// Fails if the list of an entry can't be one: each label and key stands there once, and one member
/// at least is an admin.
pub(super) fn check_members(members: &[Member]) -> Result<(), Broken> {
    let has_twice = members.iter().enumerate().any(|(at, member)| {
        members[..at].iter().any(|earlier| {
            earlier.label.is(&member.label)
                || earlier.keys.id == member.keys.id
                || earlier.keys.encryption == member.keys.encryption
        })
    });
    if has_twice || !members.iter().any(|member| member.role == Role::Admin) {
        return Err(Broken::Members);
    }
    Ok(())
}

/// Fails if `first` is not the first entry of a roster: one of generation 1 that its founder signed,
/// who is its admin.
pub(super) fn check_first(first: &Entry) -> Result<(), Broken> {
    if first.vault != super::entry::SharedId::of(&first.previous, first.signer) {
        return Err(Broken::Link);
    }
    if first.generation != 1 {
        return Err(Broken::Generation);
    }
    if role_of(&first.members, first.signer) != Some(Role::Admin) {
        return Err(Broken::Signer);
    }
    check_members(&first.members)
}

/// Fails if `next` does not follow `before`, whose hash is `hash`.
pub(super) fn check_next(before: &Entry, hash: [u8; 32], next: &Entry) -> Result<(), Broken> {
    let is_next = before.n.checked_add(1) == Some(next.n);
    if !is_next || next.vault != before.vault || next.previous != hash {
        return Err(Broken::Link);
    }
    if role_of(&before.members, next.signer) != Some(Role::Admin) {
        return Err(Broken::Signer);
    }
    let same_key = next.commitment == before.commitment;
    if next.generation == before.generation {
        if !same_key {
            return Err(Broken::Generation);
        }
        if needs_new_key(&before.members, &next.members) {
            return Err(Broken::Kept);
        }
    } else if before.generation.checked_add(1) != Some(next.generation) || same_key {
        return Err(Broken::Generation);
    }
    check_members(&next.members)
}

/// Whether a member, or the right of one to write, is in `before` and not in `after`.
pub(super) fn needs_new_key(before: &[Member], after: &[Member]) -> bool {
    before.iter().any(|member| {
        let kept = after.iter().find(|kept| kept.keys == member.keys && kept.label == member.label);
        kept.is_none_or(|kept| member.role.writes() && !kept.role.writes())
    })
}

/// Returns the role of the member `id`.
pub(super) fn role_of(members: &[Member], id: MemberId) -> Option<Role> {
    members.iter().find(|member| member.keys.id == id).map(|member| member.role)
}
