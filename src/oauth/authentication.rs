//! How a request shows on whose behalf it is made.

use crate::secret::{AccessToken, ClientSecret};

/// How the client names itself to the server, in the request's head.
pub(crate) enum Authentication<'a> {
    None,
    /// RFC 6749 §2.3.1: both are form-encoded before they are joined.
    Client {
        id: &'a str,
        secret: &'a ClientSecret,
    },
    Bearer(&'a AccessToken),
    /// RFC 7617.
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
