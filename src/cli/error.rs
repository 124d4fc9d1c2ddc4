//! Errors as a user sees them: a message, its causes, an exit code, and what to type next.

use std::error::Error as StdError;
use std::fmt;
use std::process::ExitCode;

use serde::Serialize;

use super::typed::login_command;
use crate::model::account::{Account, ProviderName};
use crate::model::destination::Destination;
use crate::ops::error::DiskFault;
use crate::untrusted::printable;

/// The kind of a failure, which has an exit code and a word in JSON. A script decides by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Failed,
    Usage,
    NotFound,
    LoginRequired,
    KeyUnavailable,
    ProviderUnavailable,
    VaultDamaged,
    LoginFailed,
    Busy,
    /// The database of a shared vault can't be reached.
    VaultUnreachable,
    /// The database of a shared vault, or another member, kept it busy for too long.
    VaultBusy,
    /// The command given to `run` exists and can't be started; shells use exit code 126 for it.
    CommandNotExecutable,
    /// The command given to `run` does not exist; shells use exit code 127 for it.
    CommandNotFound,
}

impl Kind {
    fn exit(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::LoginRequired => 4,
            Self::KeyUnavailable => 5,
            Self::ProviderUnavailable => 6,
            Self::VaultDamaged => 7,
            Self::LoginFailed => 8,
            Self::Busy | Self::VaultUnreachable | Self::VaultBusy => 9,
            Self::CommandNotExecutable => 126,
            Self::CommandNotFound => 127,
        }
    }

    /// Returns the gravest of `kinds`, with which a command for many credentials ends.
    pub(crate) fn gravest(kinds: impl IntoIterator<Item = Self>) -> Option<Self> {
        const GRAVEST_FIRST: &[Kind] = &[
            Kind::VaultDamaged,
            Kind::KeyUnavailable,
            Kind::LoginRequired,
            Kind::Usage,
            Kind::ProviderUnavailable,
            Kind::VaultUnreachable,
            Kind::VaultBusy,
            Kind::Busy,
            Kind::Failed,
            Kind::NotFound,
            Kind::LoginFailed,
        ];
        let found: Vec<Self> = kinds.into_iter().collect();
        GRAVEST_FIRST.iter().copied().find(|kind| found.contains(kind))
    }

    /// Returns the word for this kind in JSON and in the audit.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::NotFound => "not_found",
            Self::LoginRequired => "login_required",
            Self::KeyUnavailable => "key_unavailable",
            Self::ProviderUnavailable => "provider_unavailable",
            Self::VaultDamaged => "vault_damaged",
            Self::LoginFailed => "login_failed",
            Self::Busy => "busy",
            Self::VaultUnreachable => "vault_unreachable",
            Self::VaultBusy => "vault_busy",
            Self::CommandNotExecutable => "command_not_executable",
            Self::CommandNotFound => "command_not_found",
        }
    }
}

/// The next step of the user: a command that works when it is typed, or advice where none would help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hint {
    /// A text that is shown as it is.
    Text(String),
    /// A login for this account, with the flags that it needs here.
    Login(Account),
    /// A login for this account, with these flags besides.
    LoginWith(Account, String),
    /// A login to this service, whose user is not known.
    LoginTo(ProviderName),
    /// A first login, to a service that nobody named.
    FirstLogin,
    /// A command that asks before it acts, unless it has `--yes`.
    Confirmed(String),
    /// The command that failed, with these flags besides, or none.
    Again(&'static [&'static str]),
    /// The command that failed, with the credential that was `meant` in place of the one that was
    /// `typed`.
    Meant { typed: Account, meant: Account },
    /// The command that failed, with a key slot other than the keychain for the vault that it makes.
    OtherSlot,
    /// The command that failed, for the vault that took the credential over; with `alone`, a `get` of this
    /// credential, since the command is about others too. `elsewhere` is the hint where this machine does
    /// not have that vault.
    MovedTo { account: Account, to: Box<Destination>, alone: bool, elsewhere: Box<Hint> },
    /// The command that goes on with an interrupted move into this vault.
    GoOn(Box<Destination>),
    /// The command that shows why nothing can be written where the vault lies.
    Disk(DiskFault),
    /// A sentence with a hint in the place of its `{}`.
    Within(String, Box<Hint>),
}

/// The hint at a key, which opens a vault where there is neither a keychain nor a person.
pub(super) const KEY_OF_ONES_OWN: &str = "make a key with `tokctl key generate > FILE` and set TOKCTL_KEY_FILE to that file, or set \
     TOKCTL_PASSPHRASE";

impl Hint {
    /// Makes a hint of a sentence with `hint` in the place of its `{}`.
    pub(crate) fn within(sentence: impl Into<String>, hint: Self) -> Self {
        Self::Within(sentence.into(), Box::new(hint))
    }

    /// Returns this hint with `other` in the place of [`Hint::OtherSlot`].
    #[cfg(feature = "postgres")]
    pub(crate) fn with_slot(self, other: &str) -> Self {
        match self {
            Self::OtherSlot => other.into(),
            Self::Within(sentence, hint) => Self::within(sentence, hint.with_slot(other)),
            hint => hint,
        }
    }

    /// Whether it is, or has within it, the command that failed.
    #[cfg(feature = "postgres")]
    pub(crate) fn repeats(&self) -> bool {
        match self {
            Self::Again(_) | Self::Meant { .. } | Self::OtherSlot | Self::MovedTo { .. } => true,
            Self::Within(_, hint) => hint.repeats(),
            Self::Text(_)
            | Self::Login(_)
            | Self::LoginWith(..)
            | Self::LoginTo(_)
            | Self::FirstLogin
            | Self::Confirmed(_)
            | Self::GoOn(_)
            | Self::Disk(_) => false,
        }
    }
}

impl From<&str> for Hint {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Hint {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Login(account) => f.write_str(&login_command(account)),
            Self::MovedTo { elsewhere, .. } => elsewhere.fmt(f),
            Self::LoginWith(account, flags) => write!(f, "{} {flags}", login_command(account)),
            Self::LoginTo(provider) => write!(f, "tokctl login {provider}"),
            Self::FirstLogin => f.write_str("tokctl login"),
            Self::Confirmed(command) => f.write_str(command),
            Self::Again([]) | Self::GoOn(_) => f.write_str("try again"),
            Self::Again(flags) => write!(f, "try again with `{}`", flags.join(" ")),
            Self::Meant { .. } => f.write_str("tokctl list"),
            Self::OtherSlot => f.write_str("try again with `--key-slot passphrase`"),
            Self::Disk(_) => f.write_str("tokctl doctor"),
            Self::Within(sentence, hint) => f.write_str(&filled(sentence, &hint.to_string())),
        }
    }
}

/// Returns `sentence` with `hint` in the place of its `{}`, quoted if it is a command.
pub(super) fn filled(sentence: &str, hint: &str) -> String {
    let is_command = hint.starts_with("tokctl ");
    let hint = if is_command { format!("`{hint}`") } else { hint.to_owned() };
    sentence.replace("{}", &hint)
}

/// An error as a user sees it.
#[derive(Debug, Clone)]
pub(crate) struct CliError {
    pub(crate) kind: Kind,
    pub(crate) message: String,
    pub(crate) causes: Vec<String>,
    pub(crate) hint: Option<Hint>,
}

impl CliError {
    /// Makes an error without causes and without a hint.
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), causes: Vec::new(), hint: None }
    }

    /// Adds `error` and its sources to the causes, without texts that are there already.
    pub(crate) fn caused_by(mut self, error: &dyn StdError) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            let text = printable(&error.to_string());
            if self.message != text && !self.causes.contains(&text) {
                self.causes.push(text);
            }
            next = error.source();
        }
        self
    }

    /// Returns message and causes in one line, as the reason for a question that is asked again.
    pub(crate) fn as_reason(&self) -> String {
        let parts: Vec<&str> =
            std::iter::once(&self.message).chain(&self.causes).map(String::as_str).collect();
        parts.join(": ")
    }

    /// Returns this error with `hint` in place of an earlier one.
    pub(crate) fn hint(mut self, hint: impl Into<Hint>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Returns the message and its first cause on one line.
    pub(crate) fn in_one_line(&self) -> String {
        match self.causes.first() {
            Some(cause) => format!("{}: {cause}", self.message),
            None => self.message.clone(),
        }
    }

    /// Returns the message, its first cause and the hint on one line.
    pub(crate) fn line(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{} (hint: {hint})", self.in_one_line()),
            None => self.in_one_line(),
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        self.kind.exit().into()
    }

    /// Returns the error as the JSON object that `--json` prints.
    pub(crate) fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct ErrorReport<'a> {
            error: Body<'a>,
        }
        #[derive(Serialize)]
        struct Body<'a> {
            code: &'a str,
            exit: u8,
            message: &'a str,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            causes: &'a [String],
            hint: Option<String>,
        }
        let error = Body {
            code: self.kind.word(),
            exit: self.kind.exit(),
            message: &self.message,
            causes: &self.causes,
            hint: self.hint.as_ref().map(ToString::to_string),
        };
        serde_json::to_string(&ErrorReport { error }).expect("texts and numbers are always JSON")
    }

    /// Makes an error from the message of `error`, with its sources as causes.
    pub(super) fn of(kind: Kind, error: &dyn StdError) -> Self {
        Self::new(kind, printable(&error.to_string())).caused_by(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_failures_the_gravest_is_told() {
        let gravest = |kinds: &[Kind]| Kind::gravest(kinds.iter().copied()).map(Kind::exit);
        assert_eq!(gravest(&[]), None);
        let mut kinds = [
            Kind::Busy,
            Kind::ProviderUnavailable,
            Kind::Usage,
            Kind::LoginRequired,
            Kind::KeyUnavailable,
            Kind::VaultDamaged,
        ];
        for (count, exit) in [(1, 9), (2, 6), (3, 2), (4, 4), (5, 5), (6, 7)] {
            assert_eq!(gravest(&kinds[..count]), Some(exit));
        }
        kinds.reverse();
        assert_eq!(gravest(&kinds), Some(7));
        assert_eq!(gravest(&[Kind::Failed, Kind::Busy]), Some(9));
    }

    #[test]
    fn a_failure_among_many_is_told_on_one_line() {
        let mut error = CliError::new(Kind::Failed, "what").hint("do this");
        error.causes = vec!["why".into(), "and why that".into()];
        assert_eq!(error.line(), "what: why (hint: do this)");
    }
}
