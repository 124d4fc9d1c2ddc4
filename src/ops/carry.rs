//! Carrying all credentials of one vault into another: of a file into a shared vault, and back.
//!
//! A move is done in parts, and each part in three steps: one commit removes the secrets from the first
//! vault, which keeps them in a bundle; the second vault takes that bundle in; then the first forgets it.
//! So if the process dies, the credentials work in the first vault, or they are in its bundle, or they
//! work in the second; never in both. The bundle opens with the identity of the member who carries it,
//! and says which vault it is on its way to: [`Move::prepare`] finds it, and [`Move::deliver`] goes on.
//!
//! A bundle of an interrupted move may have arrived. So it goes on to no other vault than its own: two
//! vaults would have the same grants.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use jiff::Timestamp;

use super::clock::Clock;
use super::credential;
use super::error::{BundleClosed, BundleError, Error};
use super::export::{self, Traveller};
use super::import::{self, OpenedBundle};
use super::member_identity::Identity;
use super::refresh::WAIT;
use crate::model::account::{Account, AccountFilter};
use crate::model::bundle::{Load, handed_over_copy};
use crate::model::credential::{Credential, Status};
use crate::model::destination::{Destination, DestinationPlace};
use crate::providers::RenewalRules;
use crate::store::{self, Imported, OpenVault, Placement, Turn};
use crate::vault::bundle::{BundleId, BundleSecret, LONGEST};

/// The size of a part in bytes, before it is sealed. However many credentials are moved, no bundle is
/// longer than tokctl reads.
const PART: usize = 1024 * 1024;

/// A move out of a vault that is ready to begin, or to go on. Nothing renews a credential of it while it
/// lives.
pub(crate) struct Move<'a> {
    from: &'a OpenVault,
    secret: BundleSecret,
    waiting: Option<Waiting>,
    parts: Vec<Vec<Traveller>>,
    /// What the identity of this machine renews.
    pub(crate) stays: Vec<Account>,
    /// What was handed over before, with the vault that has it: nothing is left here but the names.
    pub(crate) gone: Vec<(Account, Option<Destination>)>,
    _turns: Vec<Turn>,
}

/// The credentials in a bundle.
type Arriving = Vec<(Account, Credential)>;

/// The bundle of a move that was interrupted.
pub(crate) struct Waiting {
    id: BundleId,
    arriving: Arriving,
    /// The vault that it is on its way to; `None` if nothing says so.
    pub(crate) destination: Option<Destination>,
}

/// The credentials of a vault, by whether they can be carried.
#[derive(Default)]
struct Inventory {
    /// What works, or needs a login. What needs a login takes the settings of its client along.
    leaves: Vec<Account>,
    stays: Vec<Account>,
    gone: Vec<(Account, Option<Destination>)>,
}

/// Returns which credentials of `vault` can be carried. Fails if one does not open.
fn inventory(vault: &OpenVault) -> Result<Inventory, Error> {
    enum Looked {
        Leaves,
        Stays,
        Gone(Option<Destination>),
    }
    let mut found = Inventory::default();
    let mut damaged = None;
    let look = |_: &Account, credential: &Credential| {
        if credential.status == Status::HandedOver {
            Looked::Gone(credential.moved_to.as_deref().cloned())
        } else if credential.is_of_workload() {
            Looked::Stays
        } else {
            Looked::Leaves
        }
    };
    vault.each_credential(AccountFilter::default(), look, |account, looked| match looked {
        Ok(Looked::Leaves) => found.leaves.push(account),
        Ok(Looked::Stays) => found.stays.push(account),
        Ok(Looked::Gone(to)) => found.gone.push((account, to)),
        Err(error) => damaged = Some(error),
    })?;
    damaged.map_or(Ok(found), |error| Err(error.into()))
}

/// Returns the secret that opens what a member carries.
pub(crate) fn secret(identity: &Identity) -> BundleSecret {
    BundleSecret::Key(identity.bundle_key())
}

/// Returns the move out of `vault` that was interrupted and that `secret` can go on with, if there is
/// one. Fails with [`BundleError::Unplaced`] if one was that another secret opens: then
/// [`export::resume`] writes it to a file.
pub(crate) fn waiting(vault: &OpenVault, secret: &BundleSecret) -> Result<Option<Waiting>, Error> {
    let Some((id, text)) = vault.unplaced_bundle()? else { return Ok(None) };
    let (arriving, destination) = opened(&text, secret)?;
    Ok(Some(Waiting { id, arriving, destination }))
}

impl<'a> Move<'a> {
    /// Prepares to move what can be carried out of `from` for the member with `secret`, by today's
    /// `rules` for its renewal.
    ///
    /// Fails as [`export::seal`] does, with nothing changed.
    pub(crate) fn prepare(
        from: &'a OpenVault,
        secret: BundleSecret,
        rules: impl Fn(&Account) -> RenewalRules,
        clock: Clock,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Self, Error> {
        let deadline = Instant::now() + WAIT;
        // One lock keeps everybody from all credentials, however many there are.
        let turns = vec![from.hand_over_turn(deadline)?, from.keys_turn(deadline)?];
        let waiting = waiting(from, &secret)?;
        // The tokens of one that was put back may be spent.
        let older = from.older()?;
        if older.file || !older.accounts.is_empty() {
            let account = older.accounts.into_iter().next();
            return Err(store::Error::Older { account }.into());
        }
        let Inventory { leaves, stays, gone } = inventory(from)?;
        let accounts: BTreeMap<Account, RenewalRules> = leaves
            .into_iter()
            .map(|account| {
                let rules = rules(&account);
                (account, rules)
            })
            .collect();
        let travellers = export::collect(from, accounts, true, clock, progress)?;
        let parts = in_parts(travellers, PART, Traveller::size)?;
        Ok(Self { from, secret, waiting, parts, stays, gone, _turns: turns })
    }

    /// Returns the number of credentials that are about to leave, beside those of an interrupted move.
    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(Vec::len).sum()
    }

    /// Whether nothing is to be moved, and no move goes on.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_none() && self.parts.is_empty()
    }

    /// Whether an earlier run was interrupted while a part was on its way.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.waiting.is_some()
    }

    /// Returns the accounts that are about to leave.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.parts.iter().flatten().map(|traveller| &traveller.account)
    }

    /// Whether an earlier run moved something into the vault called `name`, or was about to.
    pub(crate) fn goes_to(&self, name: &str) -> bool {
        let waiting = self.waiting.iter().filter_map(|waiting| waiting.destination.as_ref());
        let gone = self.gone.iter().filter_map(|(_, to)| to.as_ref());
        waiting.chain(gone).any(|to| to.vault == name)
    }

    /// Fails with [`BundleError::UnderWay`] if an interrupted move is on its way to another vault than
    /// the one called `name`, or at `place`.
    pub(crate) fn check_way(
        &self,
        name: Option<&str>,
        place: &DestinationPlace,
    ) -> Result<(), Error> {
        let Some(Waiting { destination: Some(to), .. }) = &self.waiting else { return Ok(()) };
        if to.is(name, place) {
            return Ok(());
        }
        Err(BundleError::UnderWay { to: Box::new(to.clone()) }.into())
    }

    /// Moves everything into `to`, and goes on with what was interrupted. Returns the number of
    /// credentials that arrived.
    ///
    /// Fails with [`BundleError::InTheWay`], with nothing changed, if `to` has a credential for one of
    /// the accounts; and with [`BundleError::NotArrived`] once a part was handed over: another move to
    /// the same vault goes on.
    pub(crate) fn deliver(
        self,
        to: &OpenVault,
        place: DestinationPlace,
        clock: Clock,
    ) -> Result<usize, Error> {
        let there: BTreeSet<Account> = to.accounts(None, None)?.into_iter().collect();
        let destination = Destination { vault: to.name(), place };
        self.check_way(Some(&destination.vault), &destination.place)?;
        for account in self.accounts().filter(|account| there.contains(account)) {
            let _ = place_over(to, account)?;
        }
        let mut moved = 0;
        if let Some(Waiting { id, arriving, .. }) = &self.waiting {
            // Signals wait: what is in neither vault is in a bundle only, which a person has to see to.
            let _held = export::hold_signals()?;
            arrive(to, &there, *id, arriving, clock())?;
            self.from.forget_bundle(*id)?;
            moved += arriving.len();
        }
        for part in self.parts {
            let _held = export::hold_signals()?;
            let sealed = export::pack(part, Some(&destination), &self.secret)?;
            let (arriving, _) = opened(sealed.text(), &self.secret)?;
            export::give(self.from, &sealed, Some(&destination), clock)?;
            arrive(to, &there, sealed.id, &arriving, clock())?;
            self.from.forget_bundle(sealed.id)?;
            moved += arriving.len();
        }
        Ok(moved)
    }
}

/// Divides `all` into parts of at most `most` bytes, in which at least one is. Fails with
/// [`BundleError::TooLarge`] if one is too large for any bundle.
fn in_parts<T>(
    all: Vec<T>,
    most: usize,
    size: impl Fn(&T) -> Result<usize, Error>,
) -> Result<Vec<Vec<T>>, Error> {
    let (mut parts, mut part, mut room) = (Vec::new(), Vec::new(), most);
    for one in all {
        let size = size(&one)?;
        // In a bundle, three bytes become four.
        if size as u64 > LONGEST / 2 {
            return Err(BundleError::TooLarge.into());
        }
        if size > room && !part.is_empty() {
            parts.push(std::mem::take(&mut part));
            room = most;
        }
        room = room.saturating_sub(size);
        part.push(one);
    }
    if !part.is_empty() {
        parts.push(part);
    }
    Ok(parts)
}

/// Returns what the bundle `text` holds, and where it is to go.
fn opened(text: &str, secret: &BundleSecret) -> Result<(Arriving, Option<Destination>), Error> {
    let bundle = import::read_bundle(text)?;
    let OpenedBundle { incoming, destination, .. } = match import::open(&bundle, secret) {
        Err(Error::Bundle(BundleError::Closed(BundleClosed::WrongSecret(_)))) => {
            return Err(BundleError::Unplaced.into());
        }
        opened => opened?,
    };
    let arriving = incoming.into_iter().map(|one| (one.account, one.credential)).collect();
    Ok((arriving, destination))
}

/// Stores what is `arriving` in the bundle `id`, unless that was done before. `there` are the accounts
/// that `to` had before the move.
fn arrive(
    to: &OpenVault,
    there: &BTreeSet<Account>,
    id: BundleId,
    arriving: &[(Account, Credential)],
    now: Timestamp,
) -> Result<(), Error> {
    let not_arrived = |source| BundleError::NotArrived { source: Box::new(source) };
    if to.imported_at(id).map_err(not_arrived)?.is_some() {
        return Ok(());
    }
    let mut placements = Vec::with_capacity(arriving.len());
    for (account, credential) in arriving {
        let over = if there.contains(account) { place_over(to, account)? } else { None };
        placements.push(Placement {
            account: account.clone(),
            credential: credential.clone(),
            over,
        });
    }
    match to.import(&placements, Some(id), now).map_err(not_arrived)? {
        Imported::Yes | Imported::Before(_) => Ok(()),
        Imported::Moved => {
            let accounts = to.accounts(None, None).map_err(not_arrived)?;
            let in_the_way = arriving.iter().find(|(account, _)| accounts.contains(account));
            Err(match in_the_way {
                Some((account, _)) => BundleError::InTheWay { account: account.clone() }.into(),
                None => BundleError::Unplaced.into(),
            })
        }
    }
}

/// Returns the revision of the row of `account` in `to`, over which a credential that comes back is
/// stored: it was handed over, so that nothing is left of it. Fails with [`BundleError::InTheWay`] for
/// any other.
fn place_over(to: &OpenVault, account: &Account) -> Result<Option<u64>, Error> {
    let row = credential::expect(to, account)?;
    if row.stored.credential.status != Status::HandedOver {
        return Err(BundleError::InTheWay { account: account.clone() }.into());
    }
    Ok(Some(row.stored.revision))
}

/// What a copy holds.
#[derive(Debug)]
pub(crate) struct Copied {
    pub(crate) accounts: Vec<Account>,
    /// The credentials that only one vault can renew: the copy has no secret of them.
    pub(crate) inert: Vec<Account>,
}

/// Copies the credentials of `from` into `to`, which has none. Where each renewal replaces the refresh
/// token, only one vault can hold it: the copy has that credential as one that `from`, which is at
/// `place`, has.
pub(crate) fn copy(
    (from, place): (&OpenVault, DestinationPlace),
    to: &OpenVault,
    renewal: impl Fn(&Account) -> RenewalRules,
    now: Timestamp,
) -> Result<Copied, Error> {
    let mut copied = Copied { accounts: Vec::new(), inert: Vec::new() };
    let origin = Destination { vault: from.name(), place };
    let mut placements = Vec::new();
    let (mut found, mut damaged) = (Vec::new(), None);
    let whole = |_: &Account, credential: &Credential| credential.clone().with_status_of_today();
    from.each_credential(AccountFilter::default(), whole, |account, opened| match opened {
        Ok(credential) => found.push((account, credential)),
        Err(error) => damaged = Some(error),
    })?;
    if let Some(error) = damaged {
        return Err(error.into());
    }
    for (account, credential) in found {
        copied.accounts.push(account.clone());
        let load = Load::of(renewal(&account).rotates(&credential), false);
        let is_here = credential.status != Status::HandedOver;
        let credential = if load == Load::TokenAlone && is_here {
            copied.inert.push(account.clone());
            handed_over_copy(&credential, None, Some(&origin), now)
        } else {
            credential
        };
        placements.push(Placement { account, credential, over: None });
    }
    match to.import(&placements, None, now)? {
        Imported::Yes | Imported::Before(_) => Ok(copied),
        Imported::Moved => Err(store::Error::Busy.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_as_large_as_it_may_be_and_none_is_empty() {
        let parts = |sizes: &[usize]| in_parts(sizes.to_vec(), 10, |size| Ok(*size)).unwrap();
        assert!(parts(&[]).is_empty());
        assert_eq!(parts(&[4, 6, 1]), [vec![4, 6], vec![1]]);
        assert_eq!(parts(&[12, 3, 12]), [vec![12], vec![3], vec![12]]);
        let large = usize::try_from(LONGEST).unwrap();
        assert!(in_parts(vec![large], 10, |size| Ok(*size)).is_err());
    }
}
