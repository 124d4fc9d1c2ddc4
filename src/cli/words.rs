//! The words for what is stored, as tables and JSON print them.

use crate::model::credential::Status;
use crate::model::summary::Kind;

/// The word for a kind of credential.
pub(crate) fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Static => "static",
        Kind::OAuth => "oauth",
    }
}

/// The word for a status.
pub(crate) fn status_word(status: Status) -> &'static str {
    match status {
        Status::Active => "active",
        Status::LoginRequired => "login_required",
        Status::Inactive => "inactive",
        Status::HandedOver => "handed_over",
    }
}
