//! A change of the list of members, from its entry to the last row that is sealed anew for it.

use std::time::{Duration, Instant};

use super::driver::Connection;
use super::members::{self, Slot};
use super::membership::Membership;
use super::pause::pause;
use super::rotate::{self, Next};
use super::status::LeaseRunning;
use crate::store::error::Error as StoreError;
use crate::store::shared_error::Error;
use crate::vault::shared::member::MemberId;
use crate::vault::shared::roster::Change;
use crate::vault::shared::slot;

/// The time for which other admins, and refreshes that are under way, are waited for: two leases,
/// since an admin who comes first may have waited for one.
const PATIENCE: Duration = Duration::from_secs(100);

/// The reason why nothing is sealed for a member.
pub(super) const NO_SLOT: StoreError =
    StoreError::Inconsistent("a member's key that nothing is sealed for");

/// The outcome of a change of the list of members.
#[derive(Debug)]
pub(super) struct Changed {
    pub(super) membership: Membership,
    /// The refreshes whose answer only a member can have who may not store it any more.
    pub(super) given_up: Vec<LeaseRunning>,
}

/// Carries out `change` by the member of `membership`. Where it takes something from a member, every
/// row is sealed anew under a new data key.
///
/// If another admin changed the list meanwhile, makes the change of what that one left. Fails with
/// [`Error::AnswerMayBeKept`] if a member who loses the right to write began a refresh and has not
/// reported, unless `forced`.
pub(super) fn change(
    connection: &mut Connection,
    membership: &Membership,
    change: &Change,
    forced: bool,
) -> Result<Changed, StoreError> {
    let deadline = Instant::now() + PATIENCE;
    let mut membership = membership.clone();
    loop {
        match try_once(connection, &membership, change, forced, deadline) {
            Err(StoreError::Shared(Error::MembersMoved) | StoreError::KeyRetired)
                if Instant::now() < deadline =>
            {
                let (pin, identity) = (membership.roster.head(), &membership.identity);
                let (newer, _) = connection.single(|it| Membership::read(it, pin, identity))?;
                if newer.roster.head() == pin {
                    std::thread::sleep(pause());
                }
                membership = newer;
            }
            outcome => return outcome,
        }
    }
}

fn try_once(
    connection: &mut Connection,
    membership: &Membership,
    change: &Change,
    forced: bool,
    deadline: Instant,
) -> Result<Changed, StoreError> {
    let mut own = [0; 16];
    getrandom::fill(&mut own)?;
    let identity = &membership.identity;
    let needs_new_key = membership.roster.needs_new_key(change).map_err(Error::from)?;
    let key = if needs_new_key { membership.roster.next_key()? } else { membership.key.clone() };
    let (roster, entry) = membership.roster.next(identity, change, &key).map_err(Error::from)?;
    let is_new = |member: MemberId| membership.roster.member(member).is_none();
    let wanted = roster.members().iter().map(|member| member.keys);
    let slots: Vec<Slot> = wanted
        .filter(|keys| needs_new_key || is_new(keys.id()))
        .map(|keys| Ok((keys.id(), slot::wrap(&key, roster.vault(), &keys)?)))
        .collect::<Result<_, slot::UnusableKey>>()
        .map_err(|_| NO_SLOT)?;
    let own_role = roster.member(identity.id()).map(|member| member.role);
    let role = own_role.unwrap_or(membership.role);
    let next = Membership { roster, key, identity: identity.clone(), role };
    let given_up = if needs_new_key {
        let next = Next { membership: &next, entry: &entry, slots: &slots, forced };
        rotate::rotate(connection, membership, &next, own, deadline)?
    } else {
        connection.transact(|transaction| {
            members::append(transaction, membership, &next.roster, &entry, &slots)
        })?;
        Vec::new()
    };
    Ok(Changed { membership: next, given_up })
}
