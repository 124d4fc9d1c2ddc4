//! What a member who leaves a shared vault could read, and what makes it worthless.
//!
//! A new data key hides nothing that was read before. The provider alone ends a grant, so this says,
//! credential by credential, what there ends it.

use jiff::Timestamp;

use super::error::Error;
use super::providers;
use crate::config::Config;
use crate::model::account::{Account, AccountFilter, ProviderName};
use crate::model::client::{Client, RevocationMethod};
use crate::model::client_authentication::ClientAuthentication;
use crate::model::credential::{Credential, Grant, OAuthGrant, RenewalGrant, Status};
use crate::model::definition::RevocationScope;
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
}

/// The step that makes a credential worthless to whoever has read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// A new login revokes the grant that it replaces.
    Login,
    /// Deleting the credential revokes its grant. A new login alone would not, since the provider ends
    /// all that one person granted at once.
    Delete,
    /// The provider revokes nothing on request: a person ends the grant there.
    Withdraw,
    /// The client's own secret or key renews the token: another one has to replace it there.
    ClientSecret,
    /// The service account's key signs for new tokens: another one has to replace it there.
    AccountKey,
    /// The identity of a workload renews the token, and is not in the vault: only the token was read.
    Expiry,
    /// A person made the token at the service, and revokes it there.
    StaticToken,
    /// The credential was handed over: another machine has the grant.
    HandedOver,
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
            Self::HandedOver => "handed_over",
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
        exposed(account, credential, scope)
    };
    vault.each_credential(everything, look, |_, looked| found.extend(looked))?;
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
    let (remedy, client) = match &credential.grant {
        _ if credential.status == Status::HandedOver => (Remedy::HandedOver, None),
        Grant::Static(_) => (Remedy::StaticToken, None),
        Grant::OAuth(grant) => {
            let client = has_proof(&grant.client).then(|| grant.client.id.clone());
            (remedy(grant, scope), client)
        }
    };
    let token_ends = credential.expiry().at();
    Exposed { account: account.clone(), remedy, client, token_ends }
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

/// Whether the secret or key by which servers know `client` is sealed with its credentials, and is not
/// one that was registered for one of them alone.
fn has_proof(client: &Client) -> bool {
    let is_sealed = match client.authentication {
        ClientAuthentication::SecretBasic(_)
        | ClientAuthentication::SecretPost(_)
        | ClientAuthentication::PrivateKeyJwt { .. } => true,
        ClientAuthentication::Certificate(_)
        | ClientAuthentication::None
        | ClientAuthentication::SecretMissing(_)
        | ClientAuthentication::KeyMissing { .. } => client.certificate.is_some(),
    };
    is_sealed && client.by_address.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let moved = Credential { status: Status::HandedOver, ..token };
        assert_eq!(looked(&moved, RevocationScope::default()).remedy, Remedy::HandedOver);
    }
}
