//! A row of the report.

use serde::{Serialize, Serializer};

use super::words;
use crate::cli::error::{CliError, Hint, Kind};
use crate::cli::explain::RESTORE;
use crate::ops::doctor::Check;
pub(super) use crate::ops::doctor::Verdict;

/// Returns the hint for a vault in which nothing can be mended.
pub(super) fn restore_or_begin_anew() -> Hint {
    let sentence = "restore the vault's file from a backup, or move it away and {}";
    Hint::within(sentence, Hint::FirstLogin)
}

/// The result of one check, as the report shows it.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    #[serde(rename = "name", serialize_with = "name")]
    pub(super) check: Check,
    #[serde(rename = "result", serialize_with = "word")]
    pub(super) verdict: Verdict,
    pub(super) message: String,
    #[serde(serialize_with = "hint")]
    pub(super) hint: Option<Hint>,
}

impl Row {
    pub(super) fn new(check: Check, verdict: Verdict, message: impl Into<String>) -> Self {
        Self { check, verdict, message: message.into(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<Hint>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Makes a row from an error, with the hint that every command gives for it.
    pub(super) fn failure(check: Check, error: CliError) -> Self {
        let verdict = match error.kind {
            Kind::VaultDamaged => Verdict::Damaged,
            Kind::Busy | Kind::VaultUnreachable | Kind::VaultBusy => Verdict::Unknown,
            Kind::Failed
            | Kind::Usage
            | Kind::NotFound
            | Kind::LoginRequired
            | Kind::KeyUnavailable
            | Kind::ProviderUnavailable
            | Kind::LoginFailed
            | Kind::CommandNotExecutable
            | Kind::CommandNotFound => Verdict::ToMend,
        };
        let message = error.in_one_line();
        let hint = match error.hint {
            // That hint names `tokctl doctor`, which is running already.
            Some(Hint::Text(hint)) if hint == RESTORE => Some(restore_or_begin_anew()),
            other => other,
        };
        Self { check, verdict, message, hint }
    }
}

impl Verdict {
    pub(super) fn is_to_be_mended(self) -> bool {
        match self {
            Self::ToMend | Self::Damaged => true,
            Self::Fine | Self::Hint | Self::Unknown => false,
        }
    }
}

#[expect(clippy::ref_option, reason = "serde hands fields over by reference")]
fn hint<S: Serializer>(hint: &Option<Hint>, serializer: S) -> Result<S::Ok, S::Error> {
    hint.as_ref().map(ToString::to_string).serialize(serializer)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
fn name<S: Serializer>(check: &Check, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(words::name(*check))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
fn word<S: Serializer>(verdict: &Verdict, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(words::result(*verdict))
}
