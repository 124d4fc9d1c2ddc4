//! What a member who leaves a shared vault could read, and what makes it worthless.
//!
//! A new data key hides nothing that was read before. The provider alone ends a grant, so this says,
//! credential by credential, what there ends it.

use jiff::Timestamp;

use super::error::Error;
use super::providers;
use super::shared::{self, Label};
use crate::config::Config;
use crate::model::account::{Account, AccountFilter, ProviderName};
use crate::model::client::RevocationMethod;
use crate::model::credential::{
    Credential, Grant, MovedOut, OAuthGrant, RenewalGrant, RenewedBy, Status,
};
use crate::model::definition::RevocationScope;
use crate::model::destination::Destination;
use crate::store::OpenVault;

/// A credential that a member could read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exposed {
    pub(crate) account: Account,
    pub(crate) remedy: Remedy,
    /// The id of the client whose secret or key was read with the credential.
    pub(crate) client: Option<String>,
    /// The end of the access token, which works until then whatever is done where only renewing it
    /// can be ended.
    pub(crate) token_ends: Option<Timestamp>,
    /// The way in which the credential left the vault; `None` for one that is there.
    pub(crate) moved: Option<Moved>,
}

/// The way of a credential that was moved out of the vault and has not come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moved {
    /// The member who moved it; `None` if nobody knows, or if that one is no member any more.
    pub(crate) by: Option<Label>,
    /// Whether it is in a bundle that may not have reached its file or vault, and that its member alone
    /// opens.
    pub(crate) is_in_bundle: bool,
    /// The vault that it went to; `None` for a bundle for whoever opens it.
    pub(crate) to: Option<Destination>,
}

/// The step that makes a credential worthless to whoever has read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// A new login revokes the grant that it replaces.
    Login,
    /// Deleting the credential revokes its grant. A new login alone would not, since the provider ends
    /// all that one person granted at once.
    Delete,
    /// The provider revokes nothing on request, or nothing is left here to ask it with: a person ends
    /// the grant there.
    Withdraw,
    /// The client's own secret or key renews the token: another one has to replace it there.
    ClientSecret,
    /// The service account's key signs for new tokens: another one has to replace it there.
    AccountKey,
    /// The identity of a workload renews the token, and is not in the vault: only the token was read.
    Expiry,
    /// A person made the token at the service, and revokes it there.
    StaticToken,
}

impl Remedy {
    /// Returns the word for the remedy in JSON.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Delete => "delete",
            Self::Withdraw => "withdraw",
            Self::ClientSecret => "client_secret",
            Self::AccountKey => "account_key",
            Self::Expiry => "expiry",
            Self::StaticToken => "static_token",
        }
    }
}

/// Returns all credentials of `vault`, in the order of their names, as a member could read them.
/// Leaves out those that do not open.
pub(crate) fn all(vault: &OpenVault, config: Option<&Config>) -> Result<Vec<Exposed>, Error> {
    let mut found = Vec::new();
    let everything = AccountFilter { provider: None, user: None };
    let look = |account: &Account, credential: &Credential| {
        let scope = || revocation_scope(&account.provider, config);
        let mover = credential.moved_out.as_ref().map(|moved| moved.by.clone());
        (exposed(account, credential, scope), mover)
    };
    vault.each_credential(everything, look, |_, looked| found.extend(looked))?;
    let roster = shared::roster(vault)?;
    let has_moved = found.iter().any(|(one, _)| one.moved.is_some());
    let unplaced = if has_moved { shared::unplaced(vault)? } else { Vec::new() };
    let named = |(one, mover): (Exposed, Option<String>)| {
        let by = mover.and_then(|id| shared::label_of(&roster, &id).cloned());
        let is_in_bundle = unplaced.contains(&one.account);
        let moved = one.moved.map(|moved| Moved { by, is_in_bundle, ..moved });
        Exposed { moved, ..one }
    };
    let mut found: Vec<Exposed> = found.into_iter().map(named).collect();
    found.sort_unstable_by(|one, other| one.account.cmp(&other.account));
    Ok(found)
}

fn revocation_scope(provider: &ProviderName, config: Option<&Config>) -> RevocationScope {
    providers::today(provider, config)
        .map(|provider| provider.definition.revocation_scope)
        .unwrap_or_default()
}

fn exposed(
    account: &Account,
    credential: &Credential,
    scope: impl FnOnce() -> RevocationScope,
) -> Exposed {
    let is_gone = credential.status == Status::HandedOver;
    let (remedy, client) = match (&credential.grant, is_gone) {
        (Grant::Static(_), _) => (Remedy::StaticToken, None),
        (Grant::OAuth(grant), false) => {
            let client = grant.client.has_own_proof().then(|| grant.client.id.clone());
            (remedy(grant, scope), client)
        }
        (Grant::OAuth(grant), true) => {
            let moved = credential.moved_out.as_ref();
            let has_proof = moved.is_none_or(|moved| moved.has_client_proof);
            (remedy_elsewhere(moved), has_proof.then(|| grant.client.id.clone()))
        }
    };
    Exposed {
        account: account.clone(),
        remedy,
        client,
        token_ends: credential.expiry().at(),
        moved: is_gone.then(|| Moved {
            by: None,
            is_in_bundle: false,
            to: credential.moved_to.as_deref().cloned(),
        }),
    }
}

fn remedy(grant: &OAuthGrant, scope: impl FnOnce() -> RevocationScope) -> Remedy {
    match &grant.renewal {
        RenewalGrant::ClientCredentials { .. } => Remedy::ClientSecret,
        RenewalGrant::JwtBearer { .. } => Remedy::AccountKey,
        RenewalGrant::Workload { .. } => Remedy::Expiry,
        RenewalGrant::RefreshToken | RenewalGrant::Exchange => {
            let client = &grant.client;
            let is_revocable = client.revocation_endpoint.is_some()
                && client.revocation_method != RevocationMethod::None;
            let is_registered =
                client.by_address.as_ref().is_some_and(|facts| facts.management().is_some());
            match (is_revocable, is_registered) {
                (true, _) if scope() != RevocationScope::Grant => Remedy::Login,
                (true, _) | (false, true) => Remedy::Delete,
                (false, false) => Remedy::Withdraw,
            }
        }
    }
}

/// Returns what ends a grant whose tokens are not in the vault any more: nothing here can ask the
/// provider to.
fn remedy_elsewhere(moved: Option<&MovedOut>) -> Remedy {
    match moved.map(|moved| moved.renewed_by) {
        Some(RenewedBy::Client) => Remedy::ClientSecret,
        Some(RenewedBy::ServiceAccount) => Remedy::AccountKey,
        Some(RenewedBy::Person | RenewedBy::Nobody) | None => Remedy::Withdraw,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::bundle::handed_over_copy;
    use crate::model::credential::Expiry;
    use crate::model::scope::Scopes;

    fn looked(credential: &Credential, scope: RevocationScope) -> Exposed {
        let account = Account { provider: "acme".parse().unwrap(), user: "x".parse().unwrap() };
        exposed(&account, credential, || scope)
    }

    fn grant(change: impl FnOnce(&mut OAuthGrant)) -> Credential {
        let mut grant = OAuthGrant::made_up(Expiry::None);
        change(&mut grant);
        Credential::made_up(Grant::OAuth(Box::new(grant)), Status::Active)
    }

    #[test]
    fn a_grant_is_ended_by_what_its_provider_offers() {
        let none = grant(|grant| grant.client.revocation_endpoint = None);
        assert_eq!(looked(&none, RevocationScope::default()).remedy, Remedy::Withdraw);
        let revocable = |method| {
            grant(|grant| {
                grant.client.revocation_endpoint =
                    Some("https://as.example/revoke".parse().unwrap());
                grant.client.revocation_method = method;
            })
        };
        let usual = revocable(RevocationMethod::Rfc7009);
        assert_eq!(looked(&usual, RevocationScope::default()).remedy, Remedy::Login);
        assert_eq!(looked(&usual, RevocationScope::Grant).remedy, Remedy::Delete);
        let never = revocable(RevocationMethod::None);
        assert_eq!(looked(&never, RevocationScope::default()).remedy, Remedy::Withdraw);
    }

    #[test]
    fn what_renews_without_a_person_is_replaced_where_it_was_made() {
        let client = grant(|grant| {
            grant.renewal = RenewalGrant::ClientCredentials { scopes: Scopes::default() };
        });
        assert_eq!(looked(&client, RevocationScope::default()).remedy, Remedy::ClientSecret);
        let token = Credential::made_up_static(Expiry::None);
        assert_eq!(looked(&token, RevocationScope::default()).remedy, Remedy::StaticToken);
    }

    #[test]
    fn what_was_moved_out_is_ended_at_the_service_alone() {
        let client = grant(|grant| {
            grant.renewal = RenewalGrant::ClientCredentials { scopes: Scopes::default() };
        });
        let revocable = grant(|grant| {
            grant.client.revocation_endpoint = Some("https://as.example/revoke".parse().unwrap());
        });
        let token = Credential::made_up_static(Expiry::None);
        for (credential, expected) in [
            (client, Remedy::ClientSecret),
            (revocable, Remedy::Withdraw),
            (token, Remedy::StaticToken),
        ] {
            let by = Some("00".into());
            let left = handed_over_copy(&credential, by, None, Timestamp::UNIX_EPOCH);
            let told = looked(&left, RevocationScope::default());
            assert_eq!(told.remedy, expected);
            assert!(told.moved.is_some());
        }
    }
}
