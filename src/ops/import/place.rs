//! Placing what came in: all of it in one transaction, or nothing.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::incoming::{Incoming, LeftOut};
use crate::model::account::Account;
use crate::model::credential::{Credential, Grant};
use crate::model::summary::Summary;
use crate::ops::error::{Error, ImportError};
use crate::ops::open_vault::OpenVault;
use crate::secret::SecretText;
use crate::store::{attempts, credentials, journal, locks, spill};

/// How long to wait for refreshes of what is to be replaced.
const WAIT: Duration = Duration::from_secs(45);

/// What may be done.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Terms {
    /// Whether what is in the vault already may be overwritten.
    pub(crate) replace: bool,
    /// Whether refresh tokens come in that have another holder, who is not to use them any more.
    pub(crate) take_over: bool,
}

/// What becomes of one that came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It gets a place of its own.
    New,
    /// It takes the place of another credential.
    Replaced,
    /// It is there already.
    Same,
    /// Another credential is in its place, and stays.
    Present,
    /// Nothing of it works without what was left out.
    LeftOut,
}

/// One that came in, and what became of it.
#[derive(Debug)]
pub(crate) struct Placed {
    /// What there is to show of it.
    pub(crate) summary: Summary,
    pub(crate) origin: String,
    pub(crate) outcome: Outcome,
    pub(crate) left_out: Option<LeftOut>,
}

/// One that came in, and what is to become of it.
struct Planned {
    incoming: Incoming,
    outcome: Outcome,
    /// The revision of what is in its place now.
    revision: Option<u64>,
}

/// Tells what [`place`] would do; there need not be a vault yet.
pub(crate) fn foresee(
    mut vault: Option<&mut OpenVault>,
    incoming: Vec<Incoming>,
    terms: Terms,
    now: Timestamp,
) -> Result<Vec<Placed>, Error> {
    check_places(&incoming)?;
    let planned: Result<Vec<Planned>, Error> = incoming
        .into_iter()
        .map(|incoming| plan(vault.as_deref_mut(), incoming, terms, now))
        .collect();
    Ok(planned?.into_iter().map(Planned::told).collect())
}

/// Stores what came in, all in one transaction. What is replaced is not revoked: it may be the very
/// grant that came in, or share its fate.
pub(crate) fn place(
    vault: &mut OpenVault,
    incoming: &[Incoming],
    terms: Terms,
    now: Timestamp,
) -> Result<Vec<Placed>, Error> {
    check_places(incoming)?;
    // The answer of a refresh that is in flight must not meet a row that it knows nothing of.
    let _no_refresh = if terms.replace {
        Some(locks::key_changes(vault.file(), Instant::now() + WAIT)?)
    } else {
        None
    };
    loop {
        let planned: Result<Vec<Planned>, Error> = incoming
            .iter()
            .map(|incoming| plan(Some(vault), incoming.clone(), terms, now))
            .collect();
        let planned = planned?;
        if store(vault, &planned)? {
            return Ok(planned.into_iter().map(Planned::told).collect());
        }
    }
}

/// Two that want the same place are a mistake in the source: neither is better than the other.
fn check_places(incoming: &[Incoming]) -> Result<(), ImportError> {
    let mut taken = BTreeMap::new();
    for Incoming { account, origin, .. } in incoming {
        match taken.entry(account) {
            Entry::Vacant(place) => {
                place.insert(origin);
            }
            Entry::Occupied(place) => {
                return Err(ImportError::Twice {
                    account: account.clone(),
                    one: (*place.get()).clone(),
                    other: origin.clone(),
                });
            }
        }
    }
    Ok(())
}

fn plan(
    vault: Option<&mut OpenVault>,
    incoming: Incoming,
    terms: Terms,
    now: Timestamp,
) -> Result<Planned, Error> {
    let row = match vault {
        Some(vault) => vault.read(&incoming.account)?,
        None => None,
    };
    let revision = row.as_ref().map(|row| row.stored.revision);
    let mut incoming = if terms.take_over { incoming } else { incoming.without_fork() };
    if incoming.left_out.is_some() && incoming.credential.expiry().is_past(now) {
        return Ok(Planned { incoming, outcome: Outcome::LeftOut, revision });
    }
    let outcome = match &row {
        None => Outcome::New,
        Some(row) if is_same(&row.stored.credential, &incoming.credential) => Outcome::Same,
        Some(row) if terms.replace => {
            incoming.credential.created_at = row.stored.credential.created_at;
            Outcome::Replaced
        }
        Some(_) => Outcome::Present,
    };
    Ok(Planned { incoming, outcome, revision })
}

/// Whether both are the same grant or token, at whatever point of its life.
fn is_same(stored: &Credential, incoming: &Credential) -> bool {
    if stored.api.server_url != incoming.api.server_url {
        return false;
    }
    let same_token = stored.token().expose() == incoming.token().expose();
    match (&stored.grant, &incoming.grant) {
        (Grant::Static(_), Grant::Static(_)) => same_token,
        (Grant::OAuth(own), Grant::OAuth(other)) => {
            match (&own.refresh_token, &other.refresh_token) {
                (Some(own), Some(other)) => own.expose() == other.expose(),
                (None, Some(_)) => false,
                (Some(_) | None, None) => same_token,
            }
        }
        (Grant::Static(_), Grant::OAuth(_)) | (Grant::OAuth(_), Grant::Static(_)) => false,
    }
}

/// Writes what was planned; `false`, and nothing written, if the vault has moved on meanwhile.
fn store(vault: &mut OpenVault, planned: &[Planned]) -> Result<bool, Error> {
    let writes: Vec<&Planned> = planned
        .iter()
        .filter(|planned| matches!(planned.outcome, Outcome::New | Outcome::Replaced))
        .collect();
    let stored = vault.write(|transaction, key| {
        for Planned { incoming, revision, .. } in &writes {
            if credentials::revision(transaction, &incoming.account)? != *revision {
                return Ok(false);
            }
        }
        for Planned { incoming, .. } in &writes {
            let account = &incoming.account;
            journal::remove(transaction, account)?;
            attempts::remove(transaction, account)?;
            credentials::put(transaction, key, account, &incoming.credential)?;
        }
        Ok(true)
    })?;
    for Planned { incoming, outcome, .. } in writes {
        if stored && *outcome == Outcome::Replaced {
            // It opens for nothing any more; that it is there does no harm.
            let _ = spill::discard(vault.file(), &incoming.account);
        }
    }
    Ok(stored)
}

impl Planned {
    fn told(self) -> Placed {
        let Incoming { account, credential, origin, left_out, .. } = self.incoming;
        let summary = Summary::of(&account, &credential);
        Placed { summary, origin, outcome: self.outcome, left_out }
    }
}

/// The accounts among `placed` that were written.
pub(crate) fn written(placed: &[Placed]) -> impl Iterator<Item = &Account> {
    placed
        .iter()
        .filter(|placed| matches!(placed.outcome, Outcome::New | Outcome::Replaced))
        .map(|placed| &placed.summary.account)
}
