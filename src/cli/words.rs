//! Words for kinds and statuses of credentials, as tables and JSON print them.

use crate::model::credential::Status;
use crate::model::summary::Kind;

/// Returns the word for a kind of credential.
pub(crate) fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Static => "static",
        Kind::OAuth => "oauth",
    }
}

/// Returns the word for the status of a credential.
pub(crate) fn status_word(status: Status) -> &'static str {
    match status {
        Status::Active => "active",
        Status::LoginRequired => "login_required",
        Status::Inactive => "inactive",
        Status::HandedOver => "handed_over",
    }
}
