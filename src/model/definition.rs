//! The definition of a provider: what a few lines of TOML say of a service.
//!
//! Built-in providers and those of `config.toml` are written in the same syntax. Field names are
//! those of RFC 8414 and RFC 7591 where these have one.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer};

use super::client::TokenEndpointAuthMethod;
use super::credential::ApiAuth;
use super::duration;
use super::grant_life::GrantLife;

/// All that can be said of a provider; every field may be left out.
///
/// Addresses may hold `{server}`, `{site_id}` and `{api_base_url}`, which are filled in at login.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Definition {
    /// The provider whose definition fills in what this one leaves out; seen to before this is read.
    #[expect(dead_code, reason = "the syntax has it, and so nothing else may be in its place")]
    pub(crate) extends: Option<String>,
    /// The service's own address, where every installation has another.
    pub(crate) server: Option<String>,
    /// The issuer identifier (RFC 8414 §2); its metadata name the endpoints that are left out.
    pub(crate) issuer: Option<String>,
    pub(crate) authorization_endpoint: Option<String>,
    pub(crate) token_endpoint: Option<String>,
    pub(crate) device_authorization_endpoint: Option<String>,
    pub(crate) revocation_endpoint: Option<String>,
    pub(crate) client_id: Option<String>,
    /// Where the client secret is: the name of a variable, a file, or a program that prints it.
    pub(crate) client_secret_env: Option<String>,
    pub(crate) client_secret_file: Option<PathBuf>,
    pub(crate) client_secret_command: Option<Vec<String>>,
    /// A PEM file of certificates to trust beside the system's.
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) token_endpoint_auth_method: Option<TokenEndpointAuthMethod>,
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) pkce: Option<Pkce>,
    /// Where the browser comes back to; port 0 is any free one.
    pub(crate) redirect_uri: Option<String>,
    /// Further parameters of the authorization request.
    #[serde(default)]
    pub(crate) authorization_params: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) refresh: Refresh,
    pub(crate) api_auth: Option<ApiAuth>,
    /// Where the service's API is.
    pub(crate) api_base_url: Option<String>,
    /// Answers with success, in JSON or without a body, if a token works.
    pub(crate) check_url: Option<String>,
    /// JSON pointers (RFC 6901), one of which leads to something in that answer, for services that
    /// answer strangers too.
    #[serde(default, deserialize_with = "pointers")]
    pub(crate) check_fields: Vec<String>,
    /// The same for a personal access token that is sent as Bearer, where that is asked about
    /// elsewhere.
    pub(crate) pat_check: Option<PatCheck>,
    /// How long the provider renews a grant.
    #[serde(default)]
    pub(crate) grant_life: GrantLife,
    /// Lists the sites that a grant reaches, as Atlassian's gateway does.
    pub(crate) accessible_resources_endpoint: Option<String>,
    pub(crate) identity: Option<Identity>,
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
    /// RFC 6749 §4.4: no person logs in, the client asks for itself.
    ClientCredentials,
    /// Nothing does.
    None,
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

/// How to learn who logged in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    pub(crate) url: String,
    /// A JSON pointer (RFC 6901) to the account's name in the answer, such as `/user/emailAddress`.
    pub(crate) user: String,
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
