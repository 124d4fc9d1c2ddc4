//! The authentication of a request: the client or the token on whose behalf it is made.

use crate::secret::{AccessToken, ClientSecret};

/// The content of the `Authorization` header, or of a header in its place.
pub(crate) enum Authentication<'a> {
    None,
    /// The client's id and secret (RFC 6749 §2.3.1): both are form-encoded before they are joined.
    Client {
        id: &'a str,
        secret: &'a ClientSecret,
    },
    Bearer(&'a AccessToken),
    /// A user name and a token (RFC 7617).
    Basic {
        username: &'a str,
        token: &'a AccessToken,
    },
    /// A header of the service's own.
    Header {
        name: &'a str,
        token: &'a AccessToken,
    },
}
