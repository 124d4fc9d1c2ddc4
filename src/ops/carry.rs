//! Carrying all credentials of one vault into another: of a file into a shared vault, and back.
//!
//! A move is done in three steps: one commit removes the secrets from the first vault, which keeps
//! them in a bundle; the second vault takes that bundle in; then the first forgets it. So if the process
//! dies, the credentials work in the first vault, or they are in its bundle, or they work in the second;
//! never in both. The bundle opens with the identity of the member who carries it: [`resume`] goes on
//! from any of these steps.

use std::collections::BTreeMap;
use std::time::Instant;

use jiff::Timestamp;

use super::clock::Clock;
use super::error::{BundleClosed, BundleError, Error};
use super::export::{self, Sealed};
use super::import::{self, OpenedBundle};
use super::member_identity::Identity;
use super::refresh::WAIT;
use crate::model::account::{Account, AccountFilter};
use crate::model::bundle::{Load, handed_over_copy};
use crate::model::credential::{Credential, Status};
use crate::providers::RenewalRules;
use crate::store::{Imported, OpenVault, Placement};
use crate::vault::bundle::{BundleId, BundleSecret};

/// The credentials of a vault, by whether they can be carried.
#[derive(Debug, Default)]
pub(crate) struct Inventory {
    /// What works, or needs a login. What needs a login takes the settings of its client along.
    pub(crate) leaves: Vec<Account>,
    /// What the identity of this machine renews.
    pub(crate) stays: Vec<Account>,
    /// The number of those that were handed over before: nothing is left of them but their names.
    pub(crate) gone: usize,
}

/// Returns which credentials of `vault` can be carried. Fails if one does not open.
pub(crate) fn inventory(vault: &OpenVault) -> Result<Inventory, Error> {
    let mut found = Inventory::default();
    let mut damaged = None;
    let look = |_: &Account, credential: &Credential| {
        (credential.status == Status::HandedOver, credential.is_of_workload())
    };
    vault.each_credential(AccountFilter::default(), look, |account, looked| match looked {
        Ok((true, _)) => found.gone += 1,
        Ok((false, true)) => found.stays.push(account),
        Ok((false, false)) => found.leaves.push(account),
        Err(error) => damaged = Some(error),
    })?;
    found.leaves.sort_unstable();
    damaged.map_or(Ok(found), |error| Err(error.into()))
}

/// Returns the secret that opens what a member carries.
pub(crate) fn secret(identity: &Identity) -> BundleSecret {
    BundleSecret::Key(identity.bundle_key())
}

/// Seals the credentials of `accounts` for a move that [`deliver`] makes. Nothing renews them while the
/// returned value lives.
///
/// Fails as [`export::seal`] does, with nothing changed.
pub(crate) fn load(
    from: &OpenVault,
    accounts: BTreeMap<Account, RenewalRules>,
    secret: &BundleSecret,
    clock: Clock,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Sealed, Error> {
    let deadline = Instant::now() + WAIT;
    // One lock keeps everybody from all credentials, however many there are.
    let turns = vec![from.hand_over_turn(deadline)?, from.keys_turn(deadline)?];
    let sealed = export::seal_in_turn(from, accounts, true, secret, clock, progress)?;
    Ok(sealed.in_turns(turns))
}

/// Moves what was loaded out of `from` and into `to`, which has no credential for these accounts.
///
/// Fails with [`BundleError::NotArrived`] once `from` has handed over: [`resume`] goes on.
pub(crate) fn deliver(
    from: &OpenVault,
    to: &OpenVault,
    sealed: &Sealed,
    secret: &BundleSecret,
    clock: Clock,
) -> Result<(), Error> {
    // Signals wait: what is in neither vault is in a bundle only, which a person has to see to.
    let _held = export::hold_signals()?;
    let arriving = opened(sealed.text(), secret)?;
    export::give(from, sealed, clock)?;
    arrive(to, sealed.id, &arriving, clock())?;
    Ok(from.forget_bundle(sealed.id)?)
}

/// Goes on with a move out of `from` that was interrupted, and returns the accounts that arrive in
/// `to`; `None` if there is none.
///
/// Fails with [`BundleError::Unplaced`] if another secret opens what waits: then
/// [`export::resume`] writes it to a file.
pub(crate) fn resume(
    from: &OpenVault,
    to: &OpenVault,
    secret: &BundleSecret,
    clock: Clock,
) -> Result<Option<Vec<Account>>, Error> {
    let _turn = from.hand_over_turn(Instant::now() + WAIT)?;
    let Some((id, text)) = from.unplaced_bundle()? else { return Ok(None) };
    let _held = export::hold_signals()?;
    let arrived = opened(&text, secret)?;
    arrive(to, id, &arrived, clock())?;
    from.forget_bundle(id)?;
    Ok(Some(arrived.into_iter().map(|(account, _)| account).collect()))
}

/// Whether a move out of `from` was interrupted that `secret` can go on with. Fails with
/// [`BundleError::Unplaced`] if one was that another secret opens.
pub(crate) fn is_interrupted(from: &OpenVault, secret: &BundleSecret) -> Result<bool, Error> {
    match from.unplaced_bundle()? {
        Some((_, text)) => opened(&text, secret).map(|_| true),
        None => Ok(false),
    }
}

/// Returns what the bundle `text` holds.
fn opened(text: &str, secret: &BundleSecret) -> Result<Vec<(Account, Credential)>, Error> {
    let bundle = import::read_bundle(text)?;
    let OpenedBundle { incoming, .. } = match import::open(&bundle, secret) {
        Err(Error::Bundle(BundleError::Closed(BundleClosed::WrongSecret(_)))) => {
            return Err(BundleError::Unplaced.into());
        }
        opened => opened?,
    };
    Ok(incoming.into_iter().map(|one| (one.account, one.credential)).collect())
}

/// Stores what `arrived` in the bundle `id`, unless that was done before.
fn arrive(
    to: &OpenVault,
    id: BundleId,
    arrived: &[(Account, Credential)],
    now: Timestamp,
) -> Result<(), Error> {
    let new = |(account, credential): &(Account, Credential)| Placement {
        account: account.clone(),
        credential: credential.clone(),
        over: None,
    };
    let placements: Vec<Placement> = arrived.iter().map(new).collect();
    let not_arrived = |source| BundleError::NotArrived { source: Box::new(source) };
    match to.import(&placements, Some(id), now).map_err(not_arrived)? {
        Imported::Yes | Imported::Before(_) => Ok(()),
        Imported::Moved => {
            let accounts = to.accounts(None, None).map_err(not_arrived)?;
            let in_the_way = arrived.iter().find(|(account, _)| accounts.contains(account));
            Err(match in_the_way {
                Some((account, _)) => BundleError::InTheWay { account: account.clone() }.into(),
                None => BundleError::Unplaced.into(),
            })
        }
    }
}

/// What a copy holds.
#[derive(Debug)]
pub(crate) struct Copied {
    pub(crate) accounts: Vec<Account>,
    /// The credentials that only one vault can renew: the copy has no secret of them.
    pub(crate) inert: Vec<Account>,
}

/// Copies the credentials of `from` into `to`, which has none. Where each renewal replaces the refresh
/// token, only one vault can hold it: the copy has that credential as one that was handed over.
pub(crate) fn copy(
    from: &OpenVault,
    to: &OpenVault,
    renewal: impl Fn(&Account) -> RenewalRules,
    now: Timestamp,
) -> Result<Copied, Error> {
    let mut copied = Copied { accounts: Vec::new(), inert: Vec::new() };
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
        let credential = match Load::of(renewal(&account).rotates(&credential), false) {
            Load::TokenAlone => {
                copied.inert.push(account.clone());
                handed_over_copy(&credential, None, now)
            }
            Load::Moved | Load::Copied => credential,
        };
        placements.push(Placement { account, credential, over: None });
    }
    match to.import(&placements, None, now)? {
        Imported::Yes | Imported::Before(_) => Ok(copied),
        Imported::Moved => Err(crate::store::Error::Busy.into()),
    }
}
