//! The definition of a provider: a few lines of TOML that describe a service.
//!
//! Built-in providers and those of `config.toml` have one syntax. Field names are those of RFC 8414
//! and RFC 7591 where these have one.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer};

use super::address::Address;
use super::client::RevocationMethod;
use super::client_authentication::TokenEndpointAuthMethod;
use super::credential::{ApiAuth, RenewalGrant, is_field_name};
use super::dialect::Dialect;
use super::duration;
use super::grant_life::GrantLife;
use super::request_params::{ParamValues, RequestParams};
use super::signing::SigningAlgorithm;
use super::workload::{Assertion, IdentityUse};
use crate::secret::RefreshToken;

/// The definition of a provider; every field may be left out.
///
/// Addresses may hold `{server}`, `{site_id}` and `{api_base_url}`, which are filled in at login.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Definition {
    /// The provider whose definition fills in the fields that this one leaves out. It is resolved
    /// before this type is read.
    #[expect(dead_code, reason = "the syntax has it, and so nothing else may be in its place")]
    pub(crate) extends: Option<String>,
    /// The name of the service, in a few words.
    pub(crate) title: Option<String>,
    /// The steps by which a person registers a client before the first login, and where.
    pub(crate) setup: Option<String>,
    /// The address of the service, where every installation has its own.
    pub(crate) server: Option<String>,
    /// The pattern that `server` must match: `https`, this host and no path. A `*` at its beginning
    /// stands for one label, such as the name of a shop. It is checked before `{server}` is filled
    /// in anywhere.
    pub(crate) server_host: Option<String>,
    /// The issuer identifier (RFC 8414 §2). The metadata of the issuer name the endpoints that are
    /// left out here.
    pub(crate) issuer: Option<String>,
    pub(crate) authorization_endpoint: Option<String>,
    pub(crate) token_endpoint: Option<String>,
    pub(crate) device_authorization_endpoint: Option<String>,
    /// The endpoint to which an authorization request is pushed before the browser opens (RFC 9126).
    pub(crate) pushed_authorization_request_endpoint: Option<String>,
    /// Whether authorization requests are pushed; by default where the server demands it, or this
    /// definition names the endpoint.
    pub(crate) require_pushed_authorization_requests: Option<bool>,
    pub(crate) revocation_endpoint: Option<String>,
    /// The endpoint where an identity token is exchanged (RFC 8693), where that is not the token
    /// endpoint.
    pub(crate) exchange_endpoint: Option<String>,
    /// The endpoint that gives a service account's token to who may act in its name, as Google has
    /// it; `{service_account}` is filled in at login.
    pub(crate) impersonation_endpoint: Option<String>,
    /// The form of the revocation request, where it differs from RFC 7009.
    pub(crate) revocation_method: Option<RevocationMethod>,
    /// The extent of a revocation.
    #[serde(default)]
    pub(crate) revocation_scope: RevocationScope,
    pub(crate) client_id: Option<String>,
    /// The address of a Client ID Metadata Document, which is the client's id at a server that takes
    /// such. Only a login by address uses it.
    #[serde(default, deserialize_with = "document")]
    pub(crate) client_id_metadata_url: Option<String>,
    /// The place of the client secret: the name of a variable, a file, or a program that prints it.
    pub(crate) client_secret_env: Option<String>,
    pub(crate) client_secret_file: Option<PathBuf>,
    pub(crate) client_secret_command: Option<Vec<String>>,
    /// The place of the client's private key, as that of its secret: PEM or a JWK.
    pub(crate) client_key_env: Option<String>,
    pub(crate) client_key_file: Option<PathBuf>,
    pub(crate) client_key_command: Option<Vec<String>>,
    /// The id by which the server knows the key.
    pub(crate) client_key_id: Option<String>,
    /// The algorithm with which the key signs, where it could sign with several.
    pub(crate) client_key_alg: Option<SigningAlgorithm>,
    /// The audience of what the key signs; `{endpoint}` stands for the address of each request.
    pub(crate) client_assertion_audience: Option<String>,
    /// A PEM file with the certificate that the client shows in the handshake of TLS (RFC 8705).
    pub(crate) client_certificate_file: Option<PathBuf>,
    /// A PEM file with the key of that certificate, where it is not in the same file.
    pub(crate) client_certificate_key_file: Option<PathBuf>,
    /// A PEM file of certificates that are trusted in addition to the system's.
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) token_endpoint_auth_method: Option<TokenEndpointAuthMethod>,
    pub(crate) scopes: Option<Vec<String>>,
    /// Scopes that every login of a person asks for, in addition to those chosen: they bring a
    /// refresh token, or tell who logged in.
    #[serde(default)]
    pub(crate) required_scopes: Vec<String>,
    /// Scopes that no login may ask for.
    #[serde(default)]
    pub(crate) forbidden_scopes: Vec<String>,
    /// The name of the parameter of the authorization request that has the scopes, where it is not
    /// `scope`.
    pub(crate) scope_parameter: Option<String>,
    /// The separator of two scopes in a request (RFC 6749 §3.3: a space).
    #[serde(default)]
    pub(crate) scope_separator: ScopeSeparator,
    pub(crate) pkce: Option<Pkce>,
    /// The redirect URI of a login; port 0 stands for any free port.
    pub(crate) redirect_uri: Option<String>,
    /// The service that a token is for, in the words of its server: a parameter of every request
    /// for a consent, a code or a token.
    pub(crate) audience: Option<ParamValues>,
    /// The addresses of the services that a token is for (RFC 8707), which go where `audience`
    /// goes.
    pub(crate) resource: Option<ParamValues>,
    /// Additional parameters of the authorization request.
    #[serde(default)]
    pub(crate) authorization_params: RequestParams,
    /// Additional parameters of the device authorization request.
    #[serde(default)]
    pub(crate) device_params: RequestParams,
    /// Additional parameters of every request for a token, whatever the grant, and of the device
    /// authorization request.
    #[serde(default)]
    pub(crate) token_params: RequestParams,
    /// Additional parameters of the token request that redeems a code, and of no other.
    #[serde(default)]
    pub(crate) code_params: RequestParams,
    /// The ways in which the token endpoint departs from RFC 6749.
    #[serde(default)]
    pub(crate) dialect: Dialect,
    /// The check of the authorization response in addition to `state` and `iss`.
    pub(crate) callback_check: Option<CallbackCheck>,
    #[serde(default)]
    pub(crate) refresh: Refresh,
    /// The place where a job or workload gets its identity token.
    pub(crate) assertion: Option<Assertion>,
    pub(crate) api_auth: Option<ApiAuth>,
    /// Headers that the service wants in addition to the token; `{client_id}` and `{client_secret}`
    /// are filled in at login.
    #[serde(default, deserialize_with = "headers")]
    pub(crate) api_headers: BTreeMap<String, String>,
    /// The address of the service's API.
    pub(crate) api_base_url: Option<String>,
    /// The address that answers with success, in JSON or without a body, if a token works.
    pub(crate) check_url: Option<String>,
    /// JSON pointers (RFC 6901), one of which leads to a value in that answer, for services that
    /// answer strangers with success too.
    #[serde(default, deserialize_with = "pointers")]
    pub(crate) check_fields: Vec<String>,
    /// The service at which `check_url` and `identity` are, where scopes name services by their
    /// address. A token with a scope elsewhere is not shown to them.
    pub(crate) check_resource: Option<String>,
    /// Codes in `error.code` of an answer with an HTTP status from 400 to 499 that refuse the
    /// token, for services that do not use 401.
    #[serde(default)]
    pub(crate) check_refusals: Vec<String>,
    /// The check of a personal access token that is sent as Bearer, where it has an address of its
    /// own.
    pub(crate) pat_check: Option<PatCheck>,
    /// The rules for how long the provider renews a grant.
    #[serde(default)]
    pub(crate) grant_life: GrantLife,
    /// The address that lists the sites that a grant reaches, as Atlassian's gateway does.
    pub(crate) accessible_resources_endpoint: Option<String>,
    pub(crate) identity: Option<Identity>,
    /// The request for the tokens of the pages that a person manages, as Facebook has them.
    pub(crate) pages: Option<Pages>,
}

/// The request for the tokens of the pages that a person manages: an address, which a definition
/// may inherit from the one that it extends, and the scopes that the request needs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pages {
    pub(crate) url: Option<String>,
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
}

/// The check of a personal access token.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PatCheck {
    /// The address, as in [`Definition::check_url`].
    pub(crate) url: String,
    /// The JSON pointers, as in [`Definition::check_fields`].
    #[serde(default, deserialize_with = "pointers")]
    pub(crate) fields: Vec<String>,
}

/// Reads JSON pointers and refuses a malformed one, which would make every answer a refusal.
fn pointers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let pointers = Vec::<String>::deserialize(deserializer)?;
    if pointers.iter().all(|pointer| pointer.starts_with('/')) {
        return Ok(pointers);
    }
    Err(serde::de::Error::custom("`check_fields` are JSON pointers such as /id"))
}

/// Reads headers and refuses a malformed name, which would make every request fail.
fn headers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let headers = BTreeMap::<String, String>::deserialize(deserializer)?;
    if headers.keys().all(|name| is_field_name(name)) {
        return Ok(headers);
    }
    Err(serde::de::Error::custom("`api_headers` has a name that no header can have"))
}

/// Reads the address of a Client ID Metadata Document.
fn document<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    match text.as_deref().map(document_address) {
        Some(Err(message)) => Err(serde::de::Error::custom(message)),
        Some(Ok(())) | None => Ok(text),
    }
}

/// Checks the address of a Client ID Metadata Document: it is https, has a path, and neither a query
/// nor a fragment.
pub(crate) fn document_address(text: &str) -> Result<(), String> {
    let address: Option<Address> = text.parse().ok();
    let is_fit = address.is_some_and(|address| {
        let url = address.url();
        url.scheme() == "https"
            && url.path() != "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.as_str() == text
    });
    let rule = "`client_id_metadata_url` is an https address with a path, and without a query";
    if is_fit { Ok(()) } else { Err(rule.into()) }
}

/// The separator of two scopes in a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ScopeSeparator {
    #[default]
    Space,
    Comma,
}

/// The extent of the revocation of a token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RevocationScope {
    /// The token, and those that came of the same consent.
    #[default]
    Token,
    /// The revocation ends all that the user ever granted to the client. A login that replaces another
    /// must not revoke the old token then, or it would end itself.
    Grant,
}

/// The service's own proof that an authorization response is genuine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CallbackCheck {
    /// Shopify's: an HMAC over the query with the client secret, the shop that was asked, and a
    /// recent time.
    Shopify,
}

/// Whether the authorization request carries a code challenge (RFC 7636).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Pkce {
    /// The challenge is sent, and the server is known to insist on it.
    Required,
    /// The challenge is sent; the server may check it or not.
    #[default]
    Send,
    /// No challenge is sent, for servers that refuse unknown parameters.
    Off,
}

/// The rules for renewing a token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Refresh {
    pub(crate) kind: RefreshKind,
    /// Whether an answer brings a new refresh token and ends the old one.
    pub(crate) rotates: Option<bool>,
    pub(crate) reuse: Reuse,
    /// The life of a token whose end the server does not say: after it the token is renewed before
    /// it is handed out.
    #[serde(deserialize_with = "duration::optional")]
    pub(crate) assumed_life: Option<SignedDuration>,
    /// The time before its end at which a token is renewed. It is used as it is, unlike the default
    /// margin.
    #[serde(deserialize_with = "duration::optional")]
    pub(crate) margin: Option<SignedDuration>,
}

/// The grant that renews a token, in the words of a definition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RefreshKind {
    /// The refresh token (RFC 6749 §6).
    #[default]
    RefreshToken,
    /// The access token, which is exchanged for a new one as long as it works (`fb_exchange_token`
    /// of Facebook). Once it has ended, only a person can log in again.
    Exchange,
    /// The client's own id and secret, without a person (RFC 6749 §4.4).
    ClientCredentials,
    /// The identity token of a job or workload, which is exchanged (RFC 8693).
    TokenExchange,
    /// The identity token of a job or workload, as the client's proof (RFC 7523 §2.2).
    ClientAssertion,
    /// The identity token of a job or workload, as the grant (RFC 7523 §2.1).
    JwtBearer,
    /// None: the token can't be renewed.
    None,
}

impl RefreshKind {
    /// Returns the grant that renews a token that a person consented to. A login without a person
    /// names its own grant.
    pub(crate) fn renewal_after_consent(self) -> RenewalGrant {
        match self {
            Self::Exchange => RenewalGrant::Exchange,
            Self::RefreshToken
            | Self::ClientCredentials
            | Self::TokenExchange
            | Self::ClientAssertion
            | Self::JwtBearer
            | Self::None => RenewalGrant::RefreshToken,
        }
    }

    /// Returns the part that an identity token has in a request; `None` for a kind that has none.
    pub(crate) fn identity_use(self) -> Option<IdentityUse> {
        match self {
            Self::TokenExchange => Some(IdentityUse::TokenExchange),
            Self::ClientAssertion => Some(IdentityUse::ClientAssertion),
            Self::JwtBearer => Some(IdentityUse::JwtBearer),
            Self::RefreshToken | Self::Exchange | Self::ClientCredentials | Self::None => None,
        }
    }

    /// Returns `refresh_token` if this kind may use one.
    pub(crate) fn accept_refresh_token(
        self,
        refresh_token: Option<RefreshToken>,
    ) -> Option<RefreshToken> {
        match self {
            Self::RefreshToken
            | Self::Exchange
            | Self::ClientCredentials
            | Self::TokenExchange
            | Self::ClientAssertion
            | Self::JwtBearer => refresh_token,
            Self::None => None,
        }
    }
}

/// The server's reaction to a refresh token that is sent a second time, after an answer was lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Reuse {
    /// The server takes it for theft and revokes the whole grant.
    #[default]
    Strict,
    /// The server accepts it for this long after its first use.
    Leeway(SignedDuration),
    /// The server accepts it.
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
            // A negative `since` means that a clock was set back: then nobody knows how long ago it
            // was.
            Self::Leeway(leeway) => !since.is_negative() && since < leeway,
        }
    }
}

/// The request that tells who logged in. It needs both an address and a pointer to the user; a
/// definition may inherit either from the one that it extends.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    pub(crate) url: Option<String>,
    /// A JSON pointer (RFC 6901) to the account's name or number in the answer, such as
    /// `/user/emailAddress`.
    pub(crate) user: Option<String>,
    /// A JSON pointer to the name by which people know the account.
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
