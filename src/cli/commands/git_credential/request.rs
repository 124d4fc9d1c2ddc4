//! Requests from git, in the format of git-credential(1).

use std::io::Read;

use zeroize::Zeroizing;

use crate::cli::error::{CliError, Kind};
use crate::secret::AccessToken;

/// The size limit of a request, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// Placeholder user names that forges want where a token is the password.
const PLACEHOLDERS: [&str; 3] = ["oauth2", "x-access-token", "x-token-auth"];

/// The attributes of a request that decide the answer.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub(super) protocol: String,
    /// The host, with the port if it is not the protocol's default.
    pub(super) host: String,
    /// The path, which git sends only with `credential.useHttpPath`.
    pub(super) path: Option<String>,
    pub(super) username: Option<String>,
    /// The token that a server took or refused, where git says so.
    pub(super) password: Option<AccessToken>,
}

impl Request {
    /// Reads a request from stdin.
    pub(super) fn read() -> Result<Self, CliError> {
        let failed = |error: &std::io::Error| {
            CliError::new(Kind::Failed, "could not read git's request from stdin").caused_by(error)
        };
        let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
        let mut stdin = std::io::stdin().lock().take(LONGEST);
        stdin.read_to_end(&mut bytes).map_err(|error| failed(&error))?;
        // Invalid UTF-8 can only be in attributes that are ignored.
        Ok(Self::parse(&Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned())))
    }

    /// Parses attributes up to an empty line.
    ///
    /// Unknown ones such as `capability[]`, `authtype` and `wwwauth[]` are ignored. Of a repeated
    /// one, the last counts.
    fn parse(text: &str) -> Self {
        let mut request = Self::default();
        for line in text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)) {
            match line.split_once('=') {
                Some(("protocol", value)) => value.clone_into(&mut request.protocol),
                Some(("host", value)) => value.clone_into(&mut request.host),
                Some(("path", value)) => request.path = Some(value.to_owned()),
                Some(("username", value)) => request.username = Some(value.to_owned()),
                Some(("password", value)) => {
                    request.password = AccessToken::parse_supplied(value.to_owned()).ok();
                }
                None if line.is_empty() => break,
                Some(_) | None => {}
            }
        }
        request
    }

    /// Returns the user that the request names, unless it is a placeholder.
    pub(super) fn user(&self) -> Option<&str> {
        self.username.as_deref().filter(|name| !PLACEHOLDERS.contains(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretText;

    #[test]
    fn what_is_not_known_is_passed_over() {
        let request = Request::parse(
            "capability[]=authtype\nprotocol=https\r\nhost=example.com:8443\nusername=a=b\n\
             wwwauth[]=Basic realm=\"x\"\nauthtype=Bearer\npassword=made=up\nodd\npath=a/b.git\n\n\
             host=evil.example\n",
        );
        assert_eq!(
            (request.protocol.as_str(), request.host.as_str()),
            ("https", "example.com:8443")
        );
        assert_eq!(request.path.as_deref(), Some("a/b.git"));
        assert_eq!(request.username.as_deref(), Some("a=b"));
        assert_eq!(request.password.as_ref().map(SecretText::expose), Some("made=up"));
        let empty = Request::parse("");
        assert_eq!((empty.protocol.as_str(), empty.host.as_str()), ("", ""));
    }

    #[test]
    fn a_placeholder_names_nobody() {
        assert_eq!(Request::parse("username=oauth2").user(), None);
        assert_eq!(Request::parse("username=alice").user(), Some("alice"));
    }
}
