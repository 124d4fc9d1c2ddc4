//! Choosing the user and the provider of each record in a store, and making credentials of them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;

use super::assembly::{Service, assemble};
use super::incoming::Incoming;
use crate::importers::record::{Found, Held, IssuedTo, Owner, Record};
use crate::model::account::{self, ProviderName, UserName};
use crate::model::address::Address;
use crate::ops::error::{ImportError, Reason};

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
    /// The records that are skipped because of a name in them.
    pub(crate) skipped: Vec<Skipped>,
    /// Other contents of the store that are not imported: a phrase for each.
    pub(crate) ignored: Vec<String>,
    /// The files that hold the store.
    pub(crate) files: Vec<PathBuf>,
}

/// A record that is skipped because of a name in it, while the others are imported. Its fields are
/// what a user needs to log in by hand instead.
#[derive(Debug)]
pub(crate) struct Skipped {
    pub(crate) origin: String,
    pub(crate) name: BadName,
    pub(crate) provider: ProviderName,
    /// The user; `None` if that is the name that is not accepted.
    pub(crate) user: Option<UserName>,
    pub(crate) server: Option<Address>,
    /// Whether the record holds a static token.
    pub(crate) is_static: bool,
}

/// The name because of which a record is skipped.
#[derive(Debug)]
pub(crate) enum BadName {
    /// The user's name is not accepted.
    User(account::Error),
    /// The user name that is sent with the token is missing, or can't be sent.
    Username(Reason),
}

impl Skipped {
    /// Returns the error for an import of which nothing is left.
    fn into_error(self) -> ImportError {
        let origin = self.origin;
        match self.name {
            BadName::User(why) => ImportError::UserName { origin, why },
            BadName::Username(reason) => ImportError::Unfit { origin, reason },
        }
    }
}

/// Returns the providers of the records in `found`. The value says whether at least one record
/// needs the client that is configured for the provider.
pub(crate) fn services(
    found: &Found,
    provider: Option<&ProviderName>,
) -> Result<BTreeMap<ProviderName, bool>, ImportError> {
    let mut services = BTreeMap::new();
    for (name, record) in provider_names(&found.records, provider)?.into_iter().zip(&found.records)
    {
        *services.entry(name).or_default() |= needs_client(record);
    }
    Ok(services)
}

/// Makes credentials of the records in `found`. `services` holds a [`Service`] for each name that
/// [`services`] returned.
///
/// Skips records with names that are not accepted, and fails if no other record is left. Fails with
/// [`ImportError::NoOwner`], [`ImportError::OwnUsers`], [`ImportError::NoProvider`] or
/// [`ImportError::SeveralProviders`] if `overrides` do not fit the records.
pub(crate) fn select(
    found: Found,
    overrides: Overrides<'_>,
    services: &BTreeMap<ProviderName, Service>,
    now: Timestamp,
) -> Result<Selection, ImportError> {
    let Found { records, ignored, files } = found;
    let names = provider_names(&records, overrides.provider)?;
    let alone = records.len() == 1;
    let is_said = |record: &Record| !matches!(record.user, Owner::Unsaid);
    if overrides.user.is_some() && !alone && records.iter().all(is_said) {
        return Err(ImportError::OwnUsers { count: records.len() });
    }
    let (mut incoming, mut skipped) = (Vec::with_capacity(records.len()), Vec::new());
    for (name, record) in names.into_iter().zip(records) {
        let (origin, server) = (record.origin.clone(), record.server.clone());
        let is_static = matches!(record.held, Held::Static(_));
        let provider = name.clone();
        let skip = |name, user| Skipped { origin, name, provider, user, server, is_static };
        let chosen = overrides.user.filter(|_| alone);
        let user = match (chosen, &record.user) {
            (Some(user), _) | (None, Owner::Named(user)) => user.clone(),
            (None, Owner::Unsaid) => {
                let user = overrides.user.or(overrides.default_user);
                user.cloned()
                    .ok_or_else(|| ImportError::NoOwner { origin: record.origin.clone() })?
            }
            (None, Owner::Unnameable) => {
                skipped.push(skip(BadName::User(account::Error::User), None));
                continue;
            }
        };
        match assemble(record, user.clone(), &services[&name], overrides.server, now) {
            Ok(taken) => incoming.push(taken),
            Err(ImportError::Unfit {
                reason: reason @ (Reason::UserName | Reason::NoUserName),
                ..
            }) => skipped.push(skip(BadName::Username(reason), Some(user))),
            Err(error) => return Err(error),
        }
    }
    if incoming.is_empty() && !skipped.is_empty() {
        return Err(skipped.swap_remove(0).into_error());
    }
    Ok(Selection { incoming, skipped, ignored, files })
}

/// Returns the provider of each record: `chosen`, else the one that the store is for.
fn provider_names(
    records: &[Record],
    chosen: Option<&ProviderName>,
) -> Result<Vec<ProviderName>, ImportError> {
    let names: Result<Vec<ProviderName>, ImportError> = records
        .iter()
        .map(|record| {
            let own = record.provider.map(|name| name.parse().expect("a built-in provider's name"));
            chosen
                .cloned()
                .or(own)
                .ok_or_else(|| ImportError::NoProvider { origin: record.origin.clone() })
        })
        .collect();
    let differ = records.iter().any(|record| record.provider != records[0].provider);
    if chosen.is_some() && differ {
        return Err(ImportError::SeveralProviders);
    }
    names
}

/// Returns whether a record needs the client that is configured for its provider.
fn needs_client(record: &Record) -> bool {
    match &record.held {
        Held::Static(_) => false,
        Held::Grant(grant) => match &grant.issued_to {
            IssuedTo::Configured => true,
            IssuedTo::Named { secret, .. } => secret.is_none(),
            IssuedTo::Tool => false,
        },
    }
}
