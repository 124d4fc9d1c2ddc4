//! What comes in of a store that was read: for whom, and at which provider.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;

use super::assembly::{Service, assemble};
use super::incoming::Incoming;
use crate::importers::record::{Found, Held, IssuedTo, Owner, Record};
use crate::model::account::{self, ProviderName, UserName};
use crate::model::address::Address;
use crate::ops::error::{ImportError, Reason};

/// What the caller says of credentials whose store leaves it out, or says otherwise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wishes<'a> {
    /// The user of the one credential in the store; of several, of those that name none.
    pub(crate) user: Option<&'a UserName>,
    /// The user of credentials that name none, where `user` is left out.
    pub(crate) default_user: Option<&'a UserName>,
    /// The provider of all, in place of the one that the store is for.
    pub(crate) provider: Option<&'a ProviderName>,
    /// The service's address where a record has none.
    pub(crate) server: Option<&'a Address>,
}

/// What was found in a store, made into credentials.
#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) incoming: Vec<Incoming>,
    /// What does not come in for a name in it.
    pub(crate) skipped: Vec<Skipped>,
    /// What else is in the store and stays there: a phrase each.
    pub(crate) ignored: Vec<String>,
    /// The files that hold the store.
    pub(crate) files: Vec<PathBuf>,
}

/// A record that does not come in for a name in it, which says nothing of the others; with what a
/// login needs that stores its credential by hand.
#[derive(Debug)]
pub(crate) struct Skipped {
    pub(crate) origin: String,
    pub(crate) name: BadName,
    pub(crate) provider: ProviderName,
    /// `None` where the user's name is the one that can't be kept.
    pub(crate) user: Option<UserName>,
    pub(crate) server: Option<Address>,
    /// Whether it holds a token that a person made.
    pub(crate) is_static: bool,
}

/// The name that keeps a record out.
#[derive(Debug)]
pub(crate) enum BadName {
    /// The user has a name that can't be kept.
    User(account::Error),
    /// The name that the token is sent with is missing, or can't be sent.
    Username(Reason),
}

impl Skipped {
    /// Why nothing came in, where there is nothing else.
    fn into_error(self) -> ImportError {
        let origin = self.origin;
        match self.name {
            BadName::User(why) => ImportError::UserName { origin, why },
            BadName::Username(reason) => ImportError::Unfit { origin, reason },
        }
    }
}

/// The providers of what was found, and of each whether a record needs the client that is
/// configured for it.
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

/// Makes credentials of what was found. `services` has a provider for each name that [`services`]
/// gave. It is an error if nothing comes in because of names that can't be kept.
pub(crate) fn select(
    found: Found,
    wishes: Wishes<'_>,
    services: &BTreeMap<ProviderName, Service>,
    now: Timestamp,
) -> Result<Selection, ImportError> {
    let Found { records, ignored, files } = found;
    let names = provider_names(&records, wishes.provider)?;
    let alone = records.len() == 1;
    let is_said = |record: &Record| !matches!(record.user, Owner::Unsaid);
    if wishes.user.is_some() && !alone && records.iter().all(is_said) {
        return Err(ImportError::OwnUsers { count: records.len() });
    }
    let (mut incoming, mut skipped) = (Vec::with_capacity(records.len()), Vec::new());
    for (name, record) in names.into_iter().zip(records) {
        let (origin, server) = (record.origin.clone(), record.server.clone());
        let is_static = matches!(record.held, Held::Static(_));
        let provider = name.clone();
        let skip = |name, user| Skipped { origin, name, provider, user, server, is_static };
        let chosen = wishes.user.filter(|_| alone);
        let user = match (chosen, &record.user) {
            (Some(user), _) | (None, Owner::Named(user)) => user.clone(),
            (None, Owner::Unsaid) => {
                let user = wishes.user.or(wishes.default_user);
                user.cloned()
                    .ok_or_else(|| ImportError::NoOwner { origin: record.origin.clone() })?
            }
            (None, Owner::Unnameable) => {
                skipped.push(skip(BadName::User(account::Error::User), None));
                continue;
            }
        };
        match assemble(record, user.clone(), &services[&name], wishes.server, now) {
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

/// The provider of each record: the one that was named, else the one that the store is for.
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

/// Whether a record is of use only with the client that is configured for its provider.
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
