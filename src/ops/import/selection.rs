//! Choosing the user and the provider of each record in a store, and making credentials of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::Timestamp;

use super::assembly::{Service, assemble};
use super::incoming::{Incoming, is_same};
use crate::importers::record::{Fault, Found, Held, IssuedTo, Label, Owner, Record, Unusable};
use crate::model::account::{self, Account, ProviderName, UserName};
use crate::model::address::Address;
use crate::model::credential::Grant;
use crate::ops::error::{ImportError, SkipReason};

/// The user's settings for an import, which complete or replace what the records say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Overrides<'a> {
    /// The user of the record, if the store has only one. If it has several, the user of those that
    /// name none.
    pub(crate) user: Option<&'a UserName>,
    /// The user of records that name none, if `user` is `None`.
    pub(crate) default_user: Option<&'a UserName>,
    /// The provider of all records, in place of the one that the store is for.
    pub(crate) provider: Option<&'a ProviderName>,
    /// The service's address, for records that have none.
    pub(crate) server: Option<&'a Address>,
}

/// The credentials made from a store, and what was left out.
#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) incoming: Vec<Incoming>,
    /// The records that can't be imported.
    pub(crate) skipped: Vec<Skipped>,
    /// Other contents of the store that are not imported: a phrase for each.
    pub(crate) ignored: Vec<String>,
    /// The files that hold the store.
    pub(crate) files: Vec<PathBuf>,
}

/// A record that is skipped, while the others are imported. Its fields are what a user needs to find
/// it, and to log in by hand instead.
#[derive(Debug)]
pub(crate) struct Skipped {
    pub(crate) origin: String,
    pub(crate) provider: Option<ProviderName>,
    /// The user; `None` if the record has none, or one whose name is not accepted.
    pub(crate) user: Option<UserName>,
    pub(crate) server: Option<Address>,
    /// Whether the record holds a static token.
    pub(crate) is_static: bool,
    pub(crate) reason: SkipReason,
}

/// Returns the providers of the records in `found`. The value says whether at least one record
/// needs the client that is configured for the provider.
pub(crate) fn services(
    found: &Found,
    provider: Option<&ProviderName>,
) -> Result<BTreeMap<ProviderName, bool>, ImportError> {
    let mut services = BTreeMap::new();
    let chosen = check_provider(found, provider)?;
    for record in &found.records {
        let name = chosen.cloned().or_else(|| own_provider(&record.label));
        let name =
            name.ok_or_else(|| ImportError::NoProvider { origin: record.label.origin.clone() })?;
        *services.entry(name).or_default() |= needs_client(record);
    }
    Ok(services)
}

/// Makes credentials of the records in `found`. `services` holds a [`Service`] for each name that
/// [`services`] returned, or the reason why there is none.
///
/// Skips each record that can't be imported. Fails with [`ImportError::OwnUsers`] or
/// [`ImportError::SeveralProviders`] if `overrides` do not fit the store.
pub(crate) fn select(
    found: Found,
    overrides: Overrides<'_>,
    services: &BTreeMap<ProviderName, Result<Service, String>>,
    now: Timestamp,
) -> Result<Selection, ImportError> {
    let chosen = check_provider(&found, overrides.provider)?;
    let Found { records, unusable, ignored, files } = found;
    let count = records.len() + unusable.len();
    let is_said = |record: &Record| !matches!(record.label.user, Owner::Unsaid);
    if overrides.user.is_some() && count > 1 && records.iter().all(is_said) {
        return Err(ImportError::OwnUsers { count });
    }
    let alone = overrides.user.filter(|_| count == 1);
    let user_of = |label: &Label| match (alone, &label.user) {
        (Some(user), _) | (None, Owner::Named(user)) => Ok(user.clone()),
        (None, Owner::Unsaid) => {
            overrides.user.or(overrides.default_user).cloned().ok_or(SkipReason::NoOwner)
        }
        (None, Owner::Unnameable) => Err(SkipReason::UserName(account::Error::User)),
    };
    let provider_of = |label: &Label| chosen.cloned().or_else(|| own_provider(label));
    let mut skipped: Vec<Skipped> = unusable
        .into_iter()
        .map(|Unusable { label, fault }| Skipped {
            provider: provider_of(&label),
            user: user_of(&label).ok(),
            origin: label.origin,
            server: None,
            is_static: false,
            reason: fault.into(),
        })
        .collect();
    let mut incoming = Vec::with_capacity(records.len());
    for record in records {
        let (provider, user) = (provider_of(&record.label), user_of(&record.label));
        let mut skip = Skipped {
            origin: record.label.origin.clone(),
            provider: provider.clone(),
            user: user.as_ref().ok().cloned(),
            server: record.server.clone(),
            is_static: matches!(record.held, Held::Static(_)),
            reason: SkipReason::NoOwner,
        };
        let assembled = user.and_then(|user| match provider.and_then(|name| services.get(&name)) {
            Some(Ok(service)) => {
                assemble(record, user, service, overrides.server, now).map_err(SkipReason::Unfit)
            }
            Some(Err(why)) => Err(SkipReason::Service(why.clone())),
            None => Err(SkipReason::Malformed("it does not say of which service it is".into())),
        });
        match assembled {
            Ok(one) => incoming.push(one),
            Err(reason) => {
                skip.reason = reason;
                skipped.push(skip);
            }
        }
    }
    let incoming = without_twins(incoming, &mut skipped);
    Ok(Selection { incoming, skipped, ignored, files })
}

/// Returns the credentials without those that are for one account. Of several that are the same, one
/// stays; others are skipped, because nothing says which is right.
fn without_twins(incoming: Vec<Incoming>, skipped: &mut Vec<Skipped>) -> Vec<Incoming> {
    let mut by_account: BTreeMap<Account, Vec<usize>> = BTreeMap::new();
    for (at, one) in incoming.iter().enumerate() {
        by_account.entry(one.account.clone()).or_default().push(at);
    }
    let mut out = BTreeSet::new();
    for (account, places) in by_account {
        let [first, others @ ..] = &places[..] else { continue };
        let differs =
            |at: &usize| !is_same(&incoming[*first].credential, &incoming[*at].credential);
        let Some(other) = others.iter().copied().find(|at| differs(at)) else {
            out.extend(others.iter().copied());
            continue;
        };
        for &at in &places {
            let Incoming { origin, credential, .. } = &incoming[at];
            let other = if at == *first { other } else { *first };
            skipped.push(Skipped {
                origin: origin.clone(),
                provider: Some(account.provider.clone()),
                user: Some(account.user.clone()),
                server: None,
                is_static: matches!(credential.grant, Grant::Static(_)),
                reason: SkipReason::Twice { other: incoming[other].origin.clone() },
            });
            out.insert(at);
        }
    }
    let all = incoming.into_iter().enumerate();
    all.filter(|(at, _)| !out.contains(at)).map(|(_, one)| one).collect()
}

/// Returns the provider that was chosen for all records. Fails with
/// [`ImportError::SeveralProviders`] if they are of several.
fn check_provider<'a>(
    found: &Found,
    chosen: Option<&'a ProviderName>,
) -> Result<Option<&'a ProviderName>, ImportError> {
    let records = found.records.iter().map(|record| record.label.provider);
    let of: BTreeSet<Option<&str>> = records.collect();
    if chosen.is_some() && of.len() > 1 {
        return Err(ImportError::SeveralProviders);
    }
    Ok(chosen)
}

/// Returns the provider that a record is for, if the store tells.
fn own_provider(label: &Label) -> Option<ProviderName> {
    label.provider.map(|name| name.parse().expect("a built-in provider's name"))
}

/// Returns whether a record needs the client that is configured for its provider.
fn needs_client(record: &Record) -> bool {
    match &record.held {
        Held::Static(_) | Held::Workload(_) => false,
        Held::Grant(grant) => match &grant.issued_to {
            IssuedTo::Configured => true,
            IssuedTo::Named { secret, .. } => secret.is_none(),
            IssuedTo::Tool => false,
        },
    }
}

impl From<Fault> for SkipReason {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Malformed(what) => Self::Malformed(what.into()),
            Fault::Unreadable(what) => Self::Malformed(what),
            Fault::WrongKey => Self::WrongKey,
        }
    }
}
