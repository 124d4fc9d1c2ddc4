//! The errors of an import, and the reasons why a record stays out.

use crate::model::account::{self, Account};
use crate::providers;

/// The reason why an import stored nothing. Texts name the place of a record, never its values.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    /// A record names no provider, and the caller named none.
    #[error("{origin} does not say of which service it is")]
    NoProvider { origin: String },
    /// The caller named one provider for records of several.
    #[error("there are credentials of several services in it")]
    SeveralProviders,
    /// The caller named one user for several records that have users of their own.
    #[error("the {count} in it have users of their own")]
    OwnUsers { count: usize },
    /// Two credentials of a bundle are for the same account.
    #[error("both {one} and {other} are for `{account}`")]
    Twice { account: Account, one: String, other: String },
    /// The caller wanted all or nothing, and this credential would stay out.
    #[error("nothing was stored, since `{account}` {why}")]
    NotWhole { account: Account, why: &'static str },
}

/// The reason why one record of a store is skipped, while the others are imported. It never shows a
/// value of the record.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SkipReason {
    /// The record can't be read.
    #[error("{0}")]
    Malformed(String),
    /// The key that was given does not open the record.
    #[error("the key that was given does not open it")]
    WrongKey,
    /// Another record is for the same account, and nothing says which of them is right.
    #[error("{other} is for the same user, and nothing says which of them is right")]
    Twice { other: String },
    /// The record names no user, and the caller named none.
    #[error("it does not say whose it is")]
    NoOwner,
    /// The record's user has a name that tokctl does not accept.
    #[error(transparent)]
    UserName(account::Error),
    /// The settings of the record's provider can't be used.
    #[error("{0}")]
    Service(String),
    /// The record does not fit its provider.
    #[error(transparent)]
    Unfit(Reason),
}

/// The reason why a record does not fit its provider.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Reason {
    #[error(transparent)]
    Provider(providers::Error),
    /// The user name can't be sent with Basic authentication (RFC 7617 §2).
    #[error("a name for Basic authentication can't hold a colon or a control character")]
    UserName,
    /// The service takes a token together with a user name, and the record has none.
    #[error("the service takes a token with a name, and it has none")]
    NoUserName,
}
