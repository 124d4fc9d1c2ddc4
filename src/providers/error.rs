//! Why a provider can't be used.

use crate::model::address;

/// Why a provider can't be used as it is defined.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Neither built in nor configured: most likely a slip of the pen.
    #[error("there is no provider `{name}`")]
    Unknown { name: String },
    /// `extends` leads round in a circle.
    #[error("the definition of `{name}` extends itself")]
    Circle { name: String },
    /// A definition that is right in its parts does not fit together.
    #[error("the definition of `{name}` can't be used: {message}")]
    Malformed { name: String, message: String },
    /// Something is left out that this login needs.
    #[error("the definition of `{name}` has no `{field}`")]
    Incomplete { name: String, field: &'static str },
    /// The addresses depend on the server, which nobody named.
    #[error("`{name}` needs the address of its server")]
    NoServer { name: String },
    /// The server is none that this service can have.
    #[error("`{server}` is no server of `{name}`, which is {expected}")]
    ForeignServer { name: String, server: String, expected: String },
    /// A scope that breaks the login at this service.
    #[error("`{name}` must not be asked for the scope `{scope}`")]
    ForbiddenScope { name: String, scope: String },
    /// An address that tokctl would not send a secret to.
    #[error("the definition of `{name}` has an address that can't be used")]
    Address { name: String, source: address::Error },
}
