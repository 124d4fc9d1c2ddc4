//! Storing imported credentials, in one transaction.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::incoming::{Incoming, LeftOut, is_same};
use crate::model::account::Account;
use crate::model::credential::{Credential, Grant, Status};
use crate::model::summary::Summary;
use crate::ops::error::{BundleError, Error, ImportError};
use crate::secret::{AccessToken, SecretText};
use crate::store::{Imported, OpenVault, Placement};
use crate::vault::bundle::BundleId;

/// The time to wait for other processes that refresh, log in or change keys.
const WAIT: Duration = Duration::from_secs(45);

/// The permissions that the user gives for an import.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Terms {
    /// Whether credentials that are already in the vault may be replaced.
    pub(crate) replace: bool,
    /// Whether refresh tokens are imported that the source could use too. The source must not use
    /// them any more.
    pub(crate) take_over: bool,
    /// Whether all credentials have to come in, or none.
    pub(crate) all_or_nothing: bool,
    /// The bundle that the credentials come from. It is imported completely or not at all, and only
    /// once.
    pub(crate) bundle: Option<BundleId>,
}

/// The outcome of importing one credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The credential is stored for an account that had none.
    New,
    /// The credential replaces another one.
    Replaced,
    /// The vault already has the credential.
    Same,
    /// The account has another credential, which stays.
    Present,
    /// The account's credential was renewed after the source was written, or can be renewed and the
    /// imported one can't. It stays, even with [`Terms::replace`].
    Newer,
    /// Without the refresh token that was left out, the credential does not work.
    LeftOut,
}

/// One imported credential, with its outcome.
#[derive(Debug)]
pub(crate) struct Placed {
    /// The fields that a user may see.
    pub(crate) summary: Summary,
    pub(crate) origin: String,
    pub(crate) outcome: Outcome,
    pub(crate) left_out: Option<LeftOut>,
    /// The id of the client that renews it, and the address of its token endpoint.
    pub(crate) client: Option<(String, String)>,
    /// Whether it came from a login by address, which needs no definition.
    pub(crate) is_by_address: bool,
}

/// One credential that is about to be imported, with its planned outcome.
struct Planned {
    incoming: Incoming,
    outcome: Outcome,
    /// The revision of the account's row now, if it has one.
    revision: Option<u64>,
}

/// Returns what [`take_in`] would do, without storing anything. `vault` is `None` if there is no
/// vault yet.
pub(crate) fn preview(
    vault: Option<&OpenVault>,
    incoming: Vec<Incoming>,
    terms: Terms,
    now: Timestamp,
) -> Result<Vec<Placed>, Error> {
    check_accounts_differ(&incoming)?;
    let planned: Result<Vec<Planned>, Error> =
        incoming.into_iter().map(|incoming| plan(vault, incoming, terms, now)).collect();
    let planned = planned?;
    check_whole(vault, terms, &planned)?;
    Ok(planned.into_iter().map(Planned::into_placed).collect())
}

/// Stores the credentials in one transaction, as far as `terms` allow, and returns the outcome of
/// each. Calls `progress` with the number of those that were looked at, and of all.
///
/// A replaced grant is not revoked: it may be the imported one, or the provider may end both.
/// Fails with [`ImportError::Twice`] if two credentials are for one account. For a bundle, fails
/// with [`BundleError::Opened`], [`BundleError::InTheWay`] or [`BundleError::Newer`] if it can't be
/// imported completely, and with [`ImportError::NotWhole`] if all or nothing was wanted.
pub(crate) fn take_in(
    vault: &OpenVault,
    incoming: &[Incoming],
    terms: Terms,
    now: Timestamp,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Vec<Placed>, Error> {
    check_accounts_differ(incoming)?;
    // Refreshes, logins and deletions read a row and rely on it until they write, so the import
    // waits for all of them. There may be thousands of accounts, and this one lock is for all.
    let _alone = vault.keys_turn(Instant::now() + WAIT)?;
    let all = incoming.len() as u64;
    loop {
        let planned: Result<Vec<Planned>, Error> = (1..)
            .zip(incoming)
            .map(|(done, incoming)| {
                let planned = plan(Some(vault), incoming.clone(), terms, now);
                progress(done, all);
                planned
            })
            .collect();
        let planned = planned?;
        check_whole(Some(vault), terms, &planned)?;
        let stored = store(vault, &planned, terms.bundle, now)?;
        match stored {
            Imported::Yes => return Ok(planned.into_iter().map(Planned::into_placed).collect()),
            Imported::Before(at) => return Err(BundleError::Opened { at }.into()),
            Imported::Moved => {}
        }
    }
}

/// Makes sure that a bundle was not imported before, and that no credential stays out of what has to
/// come in as a whole.
fn check_whole(vault: Option<&OpenVault>, terms: Terms, planned: &[Planned]) -> Result<(), Error> {
    // This comes first: a bundle that was imported before is in its own way.
    if let (Some(vault), Some(bundle)) = (vault, terms.bundle)
        && let Some(at) = vault.imported_at(bundle)?
    {
        return Err(BundleError::Opened { at }.into());
    }
    for Planned { incoming, outcome, .. } in planned {
        let account = || incoming.account.clone();
        let refused = match (outcome, terms.bundle) {
            (Outcome::New | Outcome::Replaced | Outcome::Same, _) | (Outcome::LeftOut, Some(_)) => {
                continue;
            }
            (Outcome::Present, Some(_)) => BundleError::InTheWay { account: account() }.into(),
            (Outcome::Newer, Some(_)) => BundleError::Newer { account: account() }.into(),
            (_, None) if !terms.all_or_nothing => continue,
            (Outcome::Present, None) => not_whole(account(), "has another credential already"),
            (Outcome::Newer, None) => not_whole(account(), "has a newer credential already"),
            (Outcome::LeftOut, None) => {
                not_whole(account(), "has ended, and comes without what renews it")
            }
        };
        return Err(refused);
    }
    Ok(())
}

fn not_whole(account: Account, why: &'static str) -> Error {
    ImportError::NotWhole { account, why }.into()
}

/// Fails with [`ImportError::Twice`] if two credentials are for the same account, because nothing
/// says which one is right.
fn check_accounts_differ(incoming: &[Incoming]) -> Result<(), ImportError> {
    let mut taken = BTreeMap::new();
    for Incoming { account, origin, .. } in incoming {
        match taken.entry(account) {
            Entry::Vacant(entry) => {
                entry.insert(origin);
            }
            Entry::Occupied(entry) => {
                return Err(ImportError::Twice {
                    account: account.clone(),
                    one: (*entry.get()).clone(),
                    other: origin.clone(),
                });
            }
        }
    }
    Ok(())
}

/// Decides the outcome of one credential.
fn plan(
    vault: Option<&OpenVault>,
    incoming: Incoming,
    terms: Terms,
    now: Timestamp,
) -> Result<Planned, Error> {
    let row = match vault {
        Some(vault) => vault.read(&incoming.account)?,
        None => None,
    };
    let revision = row.as_ref().map(|row| row.stored.revision);
    if incoming.left_out.is_none()
        && row.as_ref().is_some_and(|row| is_same(&row.stored.credential, &incoming.credential))
    {
        // The vault has the same refresh token already, so nobody has to say that it is taken over.
        return Ok(Planned { incoming, outcome: Outcome::Same, revision });
    }
    let mut incoming = if terms.take_over { incoming } else { incoming.without_fork() };
    if incoming.left_out.is_some() && incoming.credential.expiry().is_past(now) {
        return Ok(Planned { incoming, outcome: Outcome::LeftOut, revision });
    }
    let outcome = match &row {
        None => Outcome::New,
        Some(row) if is_same(&row.stored.credential, &incoming.credential) => Outcome::Same,
        Some(row) if is_newer(&row.stored.credential, &incoming) => Outcome::Newer,
        // A credential that was handed over has no secrets, so nothing is lost.
        Some(row)
            if terms.replace
                || row.stored.credential.status == Status::HandedOver
                || is_completed(&row.stored.credential, &incoming.credential) =>
        {
            incoming.credential.created_at = row.stored.credential.created_at;
            Outcome::Replaced
        }
        Some(_) => Outcome::Present,
    };
    Ok(Planned { incoming, outcome, revision })
}

/// Returns whether `incoming` is the stored token with what renews it, which an earlier import had to
/// leave out.
fn is_completed(stored: &Credential, incoming: &Credential) -> bool {
    let text = AccessToken::expose;
    let same_token = stored.token().map(text) == incoming.token().map(text);
    let same_server = stored.api.server_url == incoming.api.server_url;
    !stored.is_refreshable() && incoming.is_refreshable() && same_token && same_server
}

/// Returns whether replacing `stored` could cost the login. If the same file is imported again, its
/// refresh token may be spent here already, and a strict provider takes a second use for theft. And
/// a login that renews itself is not replaced by an access token that expires.
fn is_newer(stored: &Credential, incoming: &Incoming) -> bool {
    if !stored.is_refreshable() {
        return false;
    }
    match (&stored.grant, &incoming.credential.grant) {
        // The user may want a static token that a person made, but not an access token that lost
        // its refresh token in the import.
        (_, Grant::Static(_)) => incoming.left_out.is_some(),
        (_, Grant::OAuth(_)) if !incoming.credential.is_refreshable() => true,
        (Grant::Static(_), Grant::OAuth(_)) => false,
        (Grant::OAuth(own), Grant::OAuth(other)) => {
            let renewed_since = stored
                .last_refreshed_at
                .is_some_and(|renewed| incoming.issued_at.is_none_or(|issued| renewed >= issued));
            incoming.forks && own.client.id == other.client.id && renewed_since
        }
    }
}

/// Stores the planned credentials, and marks the bundle they come from as imported.
fn store(
    vault: &OpenVault,
    planned: &[Planned],
    bundle: Option<BundleId>,
    now: Timestamp,
) -> Result<Imported, Error> {
    let placements: Vec<Placement> = planned
        .iter()
        .filter(|planned| matches!(planned.outcome, Outcome::New | Outcome::Replaced))
        .map(|Planned { incoming, revision, .. }| Placement {
            account: incoming.account.clone(),
            credential: incoming.credential.clone(),
            over: *revision,
        })
        .collect();
    Ok(vault.import(&placements, bundle, now)?)
}

impl Planned {
    fn into_placed(self) -> Placed {
        let Incoming { account, credential, origin, left_out, .. } = self.incoming;
        let summary = Summary::of(&account, &credential);
        let client = match &credential.grant {
            Grant::OAuth(grant) => {
                Some((grant.client.id.clone(), grant.client.token_endpoint.to_string()))
            }
            Grant::Static(_) => None,
        };
        let is_by_address = credential.by_address().is_some();
        Placed { summary, origin, outcome: self.outcome, left_out, client, is_by_address }
    }
}

/// Returns the accounts among `placed` whose credentials were stored.
pub(crate) fn written_accounts(placed: &[Placed]) -> impl Iterator<Item = &Account> {
    placed
        .iter()
        .filter(|placed| matches!(placed.outcome, Outcome::New | Outcome::Replaced))
        .map(|placed| &placed.summary.account)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// A login with the client `client`, renewed at this second.
    fn login(client: &str, refresh_token: Option<&str>, renewed: Option<i64>) -> Credential {
        let mut credential = json!({
            "grant": {
                "kind": "oauth", "access_token": "made-up", "token_type": "Bearer",
                "issued_at": "2026-01-01T00:00:00Z", "granted_at": "2026-01-01T00:00:00Z",
                "expiry": { "expiry": "unknown" }, "scopes": [],
                "client": {
                    "id": client, "auth_method": "none",
                    "token_endpoint": "https://as.example/token",
                },
            },
            "api": { "auth": "bearer" }, "status": "active",
            "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
        });
        if let Some(token) = refresh_token {
            credential["grant"]["refresh_token"] = Value::from(token);
        }
        let credential: Credential = serde_json::from_value(credential).unwrap();
        Credential { last_refreshed_at: renewed.map(at), ..credential }
    }

    fn from_elsewhere(credential: Credential, issued_at: Option<i64>) -> Incoming {
        Incoming {
            account: Account { provider: "acme".parse().unwrap(), user: "x".parse().unwrap() },
            credential,
            origin: "made up".into(),
            forks: true,
            issued_at: issued_at.map(at),
            left_out: None,
        }
    }

    #[test]
    fn what_was_renewed_since_is_newer_and_a_login_that_was_made_since_is_not() {
        let stored = |renewed| login("a", Some("made-up-1"), renewed);
        let incoming = |issued| from_elsewhere(login("a", Some("made-up-2"), None), issued);
        assert!(is_newer(&stored(Some(100)), &incoming(Some(99))));
        assert!(is_newer(&stored(Some(100)), &incoming(Some(100))));
        assert!(is_newer(&stored(Some(100)), &incoming(None)));
        assert!(!is_newer(&stored(Some(100)), &incoming(Some(101))));
        assert!(!is_newer(&stored(None), &incoming(None)));
        // Another client's grant, and one whose refresh token is not used up.
        let other = from_elsewhere(login("b", Some("made-up-2"), None), None);
        assert!(!is_newer(&stored(Some(100)), &other));
        assert!(!is_newer(&stored(Some(100)), &Incoming { forks: false, ..incoming(None) }));
    }

    #[test]
    fn what_renews_itself_is_not_given_for_an_access_token() {
        let alone = || from_elsewhere(login("b", None, None), Some(101));
        assert!(is_newer(&login("a", Some("made-up-1"), None), &alone()));
        assert!(!is_newer(&login("a", None, None), &alone()));
        let handed_over =
            Credential { status: Status::HandedOver, ..login("a", Some("made-up-1"), None) };
        assert!(!is_newer(&handed_over, &alone()));
    }
}
