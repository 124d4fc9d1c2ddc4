//! Words for kinds and statuses of credentials, as tables and JSON print them.

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::model::credential::Status;
use crate::model::summary::Kind;
use crate::ops::SlotKind;

/// Returns the parser of a kind of key slot, from which shells complete the words.
pub(crate) fn slot_kind_parser() -> impl TypedValueParser<Value = SlotKind> {
    let kinds = [SlotKind::Keychain, SlotKind::Key, SlotKind::Passphrase, SlotKind::Recovery];
    PossibleValuesParser::new(kinds.map(SlotKind::as_str)).try_map(|word| word.parse::<SlotKind>())
}

/// Says of `count` rows that they can't be read, behind a list of the others.
pub(crate) fn odd_rows(count: usize) -> String {
    let are = if count == 1 { "is" } else { "are" };
    let were = if count == 1 { "was" } else { "were" };
    format!("{count} more {are} damaged or {were} tampered with")
}

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
