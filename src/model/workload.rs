//! Workload identities: the proof of a program that no person and no stored secret stands behind.
//!
//! A platform gives each job or workload a short-lived identity token (OpenID Connect Core 1.0 §2).
//! An authorization server takes that token in place of a secret. Here is where the token comes
//! from, how it is presented, and for whom: never the token itself.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::address::Address;
use super::service_account::ServiceAccount;
use crate::secret::{self, ApiKey, RefreshToken, SecretText};

/// The type of a JWT as a subject token (RFC 8693 §3).
pub(crate) const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// The life of a service account's token, in seconds, where nobody asks for another.
pub(crate) const LIFETIME: u32 = 3600;

/// The `assertion` of a definition: the one place that identity tokens come from, and what they are
/// for. A definition that extends another may inherit a part of it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Assertion {
    /// Whether the token comes from GitHub Actions.
    pub(crate) github: bool,
    /// The variable in which GitLab puts the token.
    pub(crate) gitlab: Option<String>,
    /// The file with the token, as Kubernetes and Azure project it.
    pub(crate) file: Option<PathBuf>,
    /// The program that prints the token, with its arguments.
    pub(crate) command: Option<Vec<String>>,
    /// The audience that the token is issued for, in the words of the platform.
    pub(crate) audience: Option<String>,
    /// The type of the token in a token exchange (RFC 8693 §3), a JWT if left out.
    pub(crate) token_type: Option<String>,
    /// The service account of Google's in whose name the workload acts.
    pub(crate) service_account: Option<String>,
}

impl Assertion {
    /// Whether the definition names a place that tokens come from.
    pub(crate) fn names_source(&self) -> bool {
        self.github || self.gitlab.is_some() || self.file.is_some() || self.command.is_some()
    }

    /// Returns the place that tokens come from. Fails with a phrase unless there is exactly one.
    pub(crate) fn source(&self) -> Result<IdentitySource, &'static str> {
        const ONE: &str = "`assertion` has one of `github`, `gitlab`, `file` and `command`";
        let github = self.github.then_some(IdentitySource::Github);
        let gitlab = self.gitlab.clone().map(|name| IdentitySource::Variable { name });
        let file = self.file.clone().map(|path| IdentitySource::File { path, field: None });
        let command = self.command.clone().map(|command| IdentitySource::Command { command });
        let mut named = [github, gitlab, file, command].into_iter().flatten();
        let (Some(source), None) = (named.next(), named.next()) else { return Err(ONE) };
        match &source {
            IdentitySource::Command { command } if command.first().is_none_or(String::is_empty) => {
                Err("`command` in `assertion` names no program")
            }
            IdentitySource::Variable { name }
                if name.is_empty() || name.contains(['=', '\0', '$']) =>
            {
                Err("`gitlab` in `assertion` is the name of a variable, without `$`")
            }
            IdentitySource::Github
            | IdentitySource::Variable { .. }
            | IdentitySource::File { .. }
            | IdentitySource::Url { .. }
            | IdentitySource::Command { .. }
            | IdentitySource::Executable { .. } => Ok(source),
        }
    }
}

/// The place that identity tokens come from. Each use asks there again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub(crate) enum IdentitySource {
    /// GitHub Actions: the address and the token of a request are in two variables of the job.
    Github,
    /// A variable, as GitLab has it.
    Variable { name: String },
    /// A file, in text or with the token in a field of a JSON object.
    File {
        path: PathBuf,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        field: Option<String>,
    },
    /// A local service, as a cloud has it for its machines: an address that is asked with GET. It may
    /// be http, where clouds have it at an address that leads no farther than the machine's host.
    Url {
        url: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        headers: Vec<SourceHeader>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        field: Option<String>,
    },
    /// A program that prints the token and nothing else.
    Command { command: Vec<String> },
    /// A program that prints a JSON object, as Google's libraries call it.
    Executable {
        command: Vec<String>,
        /// The time that it may take, in milliseconds.
        timeout: u64,
        /// The file in which it keeps its last answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output_file: Option<PathBuf>,
    },
}

/// A header of the request to a local service, which may hold a secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SourceHeader {
    pub(crate) name: String,
    #[serde(with = "secret::sealed")]
    pub(crate) value: ApiKey,
}

impl PartialEq for SourceHeader {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.value.expose() == other.value.expose()
    }
}

impl Eq for SourceHeader {}

/// The part that an identity token has in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IdentityUse {
    /// The token that is exchanged for another (RFC 8693).
    TokenExchange,
    /// The client's proof in a client credentials grant (RFC 7523 §2.2).
    ClientAssertion,
    /// The grant itself (RFC 7523 §2.1).
    JwtBearer,
}

/// An identity token: where it comes from, whom it is for, and how it is presented.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) source: IdentitySource,
    /// The audience that a token must name; `None` if any will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) audience: Option<String>,
    pub(crate) used_as: IdentityUse,
    /// The type of the token in a token exchange (RFC 8693 §3).
    pub(crate) token_type: String,
    /// The audience of the exchange and the service account to act for, as a program is told that
    /// gives tokens to Google's libraries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) exchange_audience: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) acts_for: Option<String>,
}

/// The variables in which GitHub Actions has the address that identity tokens are asked for, and
/// the token for that request.
pub(crate) const GITHUB_VARIABLES: [&str; 2] =
    ["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"];

/// The proof with which a workload gets a token.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "proof", rename_all = "snake_case")]
pub(crate) enum Proof {
    /// An identity token of the platform.
    Identity(Identity),
    /// A service account's own key, where it acts in the name of another.
    ServiceAccount(ServiceAccount),
    /// A person's refresh token, where that person acts in the name of a service account.
    RefreshToken {
        #[serde(with = "secret::sealed")]
        token: RefreshToken,
    },
}

/// A service account of Google's in whose name somebody else acts, and the request for its token
/// (`generateAccessToken` of the IAM Service Account Credentials API).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Impersonation {
    pub(crate) endpoint: Address,
    /// The life to ask for, in seconds.
    pub(crate) lifetime: u32,
    /// The accounts between, each of which may act in the name of the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delegates: Option<Vec<String>>,
    /// The project that the request counts for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) quota_project: Option<String>,
}

/// A workload: its proof, and in whose name it acts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Workload {
    pub(crate) proof: Proof,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) impersonation: Option<Impersonation>,
}

impl Workload {
    /// Returns the identity that the workload proves; `None` if its proof is a stored secret.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        match &self.proof {
            Proof::Identity(identity) => Some(identity),
            Proof::ServiceAccount(_) | Proof::RefreshToken { .. } => None,
        }
    }

    /// Returns the variables that hold an identity token, or bring one.
    pub(crate) fn variables(&self) -> Vec<&str> {
        match self.identity().map(|identity| &identity.source) {
            Some(IdentitySource::Github) => GITHUB_VARIABLES.to_vec(),
            Some(IdentitySource::Variable { name }) => vec![name],
            Some(
                IdentitySource::File { .. }
                | IdentitySource::Url { .. }
                | IdentitySource::Command { .. }
                | IdentitySource::Executable { .. },
            )
            | None => Vec::new(),
        }
    }

    /// Whether `other` has the same proof, and acts in the same name.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let same_proof = match (&self.proof, &other.proof) {
            (Proof::Identity(own), Proof::Identity(other)) => own == other,
            (Proof::ServiceAccount(own), Proof::ServiceAccount(other)) => {
                own.email == other.email && own.private_key.expose() == other.private_key.expose()
            }
            (Proof::RefreshToken { token: own }, Proof::RefreshToken { token: other }) => {
                own.expose() == other.expose()
            }
            (Proof::Identity(_) | Proof::ServiceAccount(_) | Proof::RefreshToken { .. }, _) => {
                false
            }
        };
        same_proof && self.impersonation == other.impersonation
    }

    /// Whether no person stands behind the proof.
    pub(crate) fn needs_no_person(&self) -> bool {
        match self.proof {
            Proof::Identity(_) | Proof::ServiceAccount(_) => true,
            Proof::RefreshToken { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Result<IdentitySource, &'static str> {
        toml::from_str::<Assertion>(text).unwrap().source()
    }

    #[test]
    fn an_assertion_names_one_place() {
        assert_eq!(source("github = true"), Ok(IdentitySource::Github));
        let variable = IdentitySource::Variable { name: "CI_TOKEN".into() };
        assert_eq!(source("gitlab = 'CI_TOKEN'\ngithub = false"), Ok(variable));
        for (text, word) in [
            ("", "one of"),
            ("audience = 'x'", "one of"),
            ("github = true\nfile = '/x'", "one of"),
            ("command = []", "no program"),
            ("command = ['']", "no program"),
            ("gitlab = '$CI_TOKEN'", "without `$`"),
            ("gitlab = ''", "variable"),
        ] {
            let why = source(text).unwrap_err();
            assert!(why.contains(word), "{text}: {why}");
        }
        assert!(toml::from_str::<Assertion>("gihtub = true").is_err());
    }
}
