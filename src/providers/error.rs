//! The reasons why a provider can't be used.

use crate::model::address;
use crate::model::nearest::did_you_mean;
use crate::oauth::signing_key;

/// The reason why a provider can't be used as it is defined.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The name is neither built in nor configured: most likely a typing error.
    /// `near` are the names that are most like it.
    #[error("there is no provider `{name}`{}", did_you_mean(near))]
    Unknown { name: String, near: Vec<String> },
    /// The definition extends itself, directly or through others.
    #[error("the definition of `{name}` extends itself")]
    Circle { name: String },
    /// The parts of the definition are valid, but do not fit together.
    #[error("the definition of `{name}` can't be used: {message}")]
    Malformed { name: String, message: String },
    /// The definition leaves a field out that this login needs.
    #[error("the definition of `{name}` has no `{field}`")]
    Incomplete { name: String, field: &'static str },
    /// The authorization server's metadata leave out an endpoint that this login needs, or name one to
    /// which nothing would be sent.
    #[error("the metadata of `{issuer}` name no `{field}` that can be used")]
    Published { issuer: String, field: &'static str, source: Option<address::Error> },
    /// The addresses depend on the server, which nobody named.
    #[error("`{name}` needs the address of its server")]
    NoServer { name: String },
    /// The server does not match the definition's `server_host`.
    #[error("`{server}` is no server of `{name}`, which is {expected}")]
    ForeignServer { name: String, server: String, expected: String },
    /// The scope breaks the login at this service.
    #[error("`{name}` must not be asked for the scope `{scope}`")]
    ForbiddenScope { name: String, scope: String },
    /// The client's key can't be read, or does not sign as the server wants it.
    #[error("the key of the client of `{name}` can't be used")]
    ClientKey { name: String, source: signing_key::Unusable },
    /// An address of the definition is one that tokctl would not send a secret to.
    #[error("the definition of `{name}` has an address that can't be used")]
    Address { name: String, source: address::Error },
    /// A file names a server that is none of the provider's, and nothing is sent there.
    #[error("it names `{authority}`, which is no server of `{name}`, so nothing is sent there")]
    Elsewhere { name: String, authority: String, setting: &'static str },
}
