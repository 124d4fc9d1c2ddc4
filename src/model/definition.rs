//! The definition of a provider: what a few lines of TOML say of a service.
//!
//! Built-in providers and those of `config.toml` are written in the same syntax. Field names are
//! those of RFC 8414 and RFC 7591 where these have one.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer};

use super::client::{RevocationMethod, TokenEndpointAuthMethod};
use super::credential::{ApiAuth, RenewalGrant, is_field_name};
use super::dialect::Dialect;
use super::duration;
use super::grant_life::GrantLife;
use crate::secret::RefreshToken;

/// All that can be said of a provider; every field may be left out.
///
/// Addresses may hold `{server}`, `{site_id}` and `{api_base_url}`, which are filled in at login.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Definition {
    /// The provider whose definition fills in what this one leaves out; seen to before this is read.
    #[expect(dead_code, reason = "the syntax has it, and so nothing else may be in its place")]
    pub(crate) extends: Option<String>,
    /// What the service is, in a few words.
    pub(crate) title: Option<String>,
    /// What a person has to register there before the first login, and where.
    pub(crate) setup: Option<String>,
    /// The service's own address, where every installation has another.
    pub(crate) server: Option<String>,
    /// What that address may be: `https`, this host and no path. A `*` at its beginning stands for
    /// one name, such as a shop's. Looked at before any address is filled in with it.
    pub(crate) server_host: Option<String>,
    /// The issuer identifier (RFC 8414 §2); its metadata name the endpoints that are left out.
    pub(crate) issuer: Option<String>,
    pub(crate) authorization_endpoint: Option<String>,
    pub(crate) token_endpoint: Option<String>,
    pub(crate) device_authorization_endpoint: Option<String>,
    pub(crate) revocation_endpoint: Option<String>,
    /// How it is asked, where that is not as RFC 7009 has it.
    pub(crate) revocation_method: Option<RevocationMethod>,
    /// What a revocation ends beside the token.
    #[serde(default)]
    pub(crate) revocation_scope: RevocationScope,
    pub(crate) client_id: Option<String>,
    /// Where the client secret is: the name of a variable, a file, or a program that prints it.
    pub(crate) client_secret_env: Option<String>,
    pub(crate) client_secret_file: Option<PathBuf>,
    pub(crate) client_secret_command: Option<Vec<String>>,
    /// A PEM file of certificates to trust beside the system's.
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) token_endpoint_auth_method: Option<TokenEndpointAuthMethod>,
    pub(crate) scopes: Option<Vec<String>>,
    /// Scopes that every login of a person asks for, whatever else it asks for: those that bring a
    /// refresh token, or tell who logged in.
    #[serde(default)]
    pub(crate) required_scopes: Vec<String>,
    /// Scopes that no login may ask for.
    #[serde(default)]
    pub(crate) forbidden_scopes: Vec<String>,
    /// What stands between two scopes in a request (RFC 6749 §3.3: a space).
    #[serde(default)]
    pub(crate) scope_separator: ScopeSeparator,
    pub(crate) pkce: Option<Pkce>,
    /// Where the browser comes back to; port 0 is any free one.
    pub(crate) redirect_uri: Option<String>,
    /// Further parameters of the authorization request.
    #[serde(default)]
    pub(crate) authorization_params: BTreeMap<String, String>,
    /// Further parameters of the token request that redeems a code.
    #[serde(default)]
    pub(crate) token_params: BTreeMap<String, String>,
    /// How the token endpoint departs from RFC 6749.
    #[serde(default)]
    pub(crate) dialect: Dialect,
    /// What the answer that the browser brings is checked for beside `state` and `iss`.
    pub(crate) callback_check: Option<CallbackCheck>,
    #[serde(default)]
    pub(crate) refresh: Refresh,
    pub(crate) api_auth: Option<ApiAuth>,
    /// Headers that the service wants beside the token; `{client_id}` and `{client_secret}` are
    /// filled in at login.
    #[serde(default, deserialize_with = "headers")]
    pub(crate) api_headers: BTreeMap<String, String>,
    /// Where the service's API is.
    pub(crate) api_base_url: Option<String>,
    /// Answers with success, in JSON or without a body, if a token works.
    pub(crate) check_url: Option<String>,
    /// JSON pointers (RFC 6901), one of which leads to something in that answer, for services that
    /// answer strangers too.
    #[serde(default, deserialize_with = "pointers")]
    pub(crate) check_fields: Vec<String>,
    /// Codes in `error.code` of an answer with an HTTP status from 400 to 499 that refuse the
    /// token, for services whose word for that is not 401.
    #[serde(default)]
    pub(crate) check_refusals: Vec<String>,
    /// The same for a personal access token that is sent as Bearer, where that is asked about
    /// elsewhere.
    pub(crate) pat_check: Option<PatCheck>,
    /// How long the provider renews a grant.
    #[serde(default)]
    pub(crate) grant_life: GrantLife,
    /// Lists the sites that a grant reaches, as Atlassian's gateway does.
    pub(crate) accessible_resources_endpoint: Option<String>,
    pub(crate) identity: Option<Identity>,
    /// Where the tokens of the pages are that a person manages, as Facebook has them.
    pub(crate) pages: Option<Pages>,
}

/// How to learn the tokens of the pages that a person manages: an address, which a definition may
/// leave to the one that it extends, and the scopes that it takes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pages {
    pub(crate) url: Option<String>,
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
}

/// How a service is asked about a personal access token.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PatCheck {
    /// As `check_url`.
    pub(crate) url: String,
    /// As `check_fields`.
    #[serde(default, deserialize_with = "pointers")]
    pub(crate) fields: Vec<String>,
}

/// A pointer that leads nowhere by a slip would make every answer a refusal.
fn pointers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let pointers = Vec::<String>::deserialize(deserializer)?;
    if pointers.iter().all(|pointer| pointer.starts_with('/')) {
        return Ok(pointers);
    }
    Err(serde::de::Error::custom("`check_fields` are JSON pointers such as /id"))
}

/// A name that no header can have would fail every request.
fn headers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let headers = BTreeMap::<String, String>::deserialize(deserializer)?;
    if headers.keys().all(|name| is_field_name(name)) {
        return Ok(headers);
    }
    Err(serde::de::Error::custom("`api_headers` has a name that no header can have"))
}

/// What stands between two scopes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ScopeSeparator {
    #[default]
    Space,
    Comma,
}

/// What the revocation of a token ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RevocationScope {
    /// The token, and those that came of the same consent.
    #[default]
    Token,
    /// All that the user ever granted to the client: a login that replaces another must not revoke
    /// that, or it would end itself.
    Grant,
}

/// How an authorization response proves that it is the server's, where it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CallbackCheck {
    /// An HMAC over the query with the client secret, the shop that was asked, and a time not long
    /// ago.
    Shopify,
}

/// Whether the authorization request carries a code challenge (RFC 7636).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Pkce {
    /// Sent, and the server is known to insist on it.
    Required,
    /// Sent; the server may look at it or not.
    #[default]
    Send,
    /// Not sent, for servers that refuse parameters which they don't know.
    Off,
}

/// How a token is renewed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Refresh {
    pub(crate) kind: RefreshKind,
    /// Whether an answer brings a new refresh token and ends the old one.
    pub(crate) rotates: Option<bool>,
    pub(crate) reuse: Reuse,
    /// How long before its end a token is renewed; taken as it is, unlike the usual margin.
    #[serde(deserialize_with = "duration::optional")]
    pub(crate) margin: Option<SignedDuration>,
}

/// The grant that renews a token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RefreshKind {
    /// RFC 6749 §6.
    #[default]
    RefreshToken,
    /// The access token is exchanged for a new one as long as it works (`fb_exchange_token` of
    /// Facebook). Once it has ended, only a person can log in again.
    Exchange,
    /// RFC 6749 §4.4: no person logs in, the client asks for itself.
    ClientCredentials,
    /// Nothing does.
    None,
}

impl RefreshKind {
    /// The grant that renews what a person consented to. What renews a login without a person is
    /// said by that login.
    pub(crate) fn after_consent(self) -> RenewalGrant {
        match self {
            Self::Exchange => RenewalGrant::Exchange,
            Self::RefreshToken | Self::ClientCredentials | Self::None => RenewalGrant::RefreshToken,
        }
    }

    /// The refresh token that an answer brought, if it may be used.
    pub(crate) fn usable(self, refresh_token: Option<RefreshToken>) -> Option<RefreshToken> {
        match self {
            Self::RefreshToken | Self::Exchange | Self::ClientCredentials => refresh_token,
            Self::None => None,
        }
    }
}

/// What becomes of a refresh token that is sent a second time, after an answer was lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Reuse {
    /// It is taken for theft, and the whole grant is revoked.
    #[default]
    Strict,
    /// It works for so long after its first use.
    Leeway(SignedDuration),
    /// It works.
    Tolerant,
}

impl TryFrom<String> for Reuse {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "strict" => Ok(Self::Strict),
            "tolerant" => Ok(Self::Tolerant),
            other => duration::parse(other)
                .map(Self::Leeway)
                .map_err(|_| "is one of strict, tolerant and a leeway such as 10m".into()),
        }
    }
}

impl Reuse {
    /// Whether a refresh token that may have been spent `since` ago may be sent again.
    pub(crate) fn allows_another_try(self, since: SignedDuration) -> bool {
        match self {
            Self::Strict => false,
            Self::Tolerant => true,
            // A clock that was set back makes `since` negative: then nobody knows.
            Self::Leeway(leeway) => !since.is_negative() && since < leeway,
        }
    }
}

/// How to learn who logged in: with both an address and a pointer to the user, either of which a
/// definition may leave to the one that it extends.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    pub(crate) url: Option<String>,
    /// A JSON pointer (RFC 6901) to the account's name or number in the answer, such as
    /// `/user/emailAddress`.
    pub(crate) user: Option<String>,
    /// The same to the name that people know it by.
    pub(crate) name: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leeway_runs_from_the_first_use() {
        let leeway = Reuse::Leeway(SignedDuration::from_mins(10));
        assert!(leeway.allows_another_try(SignedDuration::from_secs(599)));
        assert!(!leeway.allows_another_try(SignedDuration::from_secs(600)));
        assert!(!leeway.allows_another_try(SignedDuration::from_secs(-1)));
        assert!(!Reuse::Strict.allows_another_try(SignedDuration::ZERO));
        assert!(Reuse::Tolerant.allows_another_try(SignedDuration::from_hours(9999)));
    }

    #[test]
    fn unknown_keys_are_errors_with_their_line() {
        let error =
            toml::from_str::<Definition>("pkce = \"send\"\ncleint_id = \"x\"\n").unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
        assert!(toml::from_str::<Definition>("refresh = { reuse = \"often\" }").is_err());
    }
}
