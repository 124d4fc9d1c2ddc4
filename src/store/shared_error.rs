//! Failures of a shared vault that a vault in a file does not have.

use jiff::Timestamp;

use super::address;
use crate::counted::counted;
use crate::model::account::Account;

/// The reason why a shared vault could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The text names no database in which a vault can be shared.
    #[error(transparent)]
    Address(#[from] address::Error),
    /// Nobody answers, or the connection broke and no other could be made: try again.
    #[error("the database of the vault, `{place}`, can't be reached: {why}")]
    Unreachable { place: String, why: String },
    /// The address names a host or a directory that is not there: only another address helps, unless the
    /// place is made.
    #[error("the database of the vault, `{place}`, can't be found: {why}")]
    NoPlace { place: String, why: String },
    /// The server or its pooler takes no more, or another member keeps it waiting: try again.
    #[error("the database of the vault is busy: {why}")]
    Busy { why: String },
    /// The server has no database of that name.
    #[error("`{place}` names a database that the server does not have")]
    NoDatabase { place: String },
    /// The server refuses the user or the password.
    #[error("the database refuses `{user}`: {why}")]
    LoginRefused { user: String, why: String },
    /// The user of the database lacks a privilege.
    #[error("the user of the database may not do that: {why}")]
    PrivilegeMissing { why: String },
    /// TLS failed: the server does not prove who it is.
    #[error("the database at `{place}` does not prove who it is: {why}")]
    NotVerified { place: String, why: String },
    /// The file with certificates or keys can't be used.
    #[error("`{path}` can't be used for TLS: {why}")]
    Certificates { path: String, why: String },
    /// The server wants the password in a form that others could read or reuse.
    #[error("`{place}` asks for the password in a form that others on this machine could read")]
    PasswordInClear { place: String },
    /// The server is a copy that takes no writes.
    #[error("the database at `{place}` is a copy that can only be read")]
    Standby { place: String },
    /// The database has no vault that goes by the pin.
    #[error("the database `{place}` has no vault with the entry that the join line names")]
    NoVault { place: String },
    /// Nothing says from which entry on the list of members is to be trusted.
    #[error("nothing says which vault in `{place}` is meant")]
    NoPin { place: String },
    /// The database has a vault of that number that is not the one of the pin.
    #[error("a newer tokctl wrote the vault in the database")]
    NewerFormat,
    /// The server said something that no member can have written.
    #[error("the database shows what no member of the vault wrote: {what}")]
    Forged { what: &'static str },
    /// The list of members can't be followed from what this machine knows.
    #[error("the list of members can't be trusted")]
    Roster(#[from] crate::vault::shared::roster::Forged),
    /// The list of members can't be changed like this.
    #[error(transparent)]
    Members(#[from] crate::vault::shared::roster::Refused),
    /// The identity is none of a member, or no longer.
    #[error("this identity is no member of the vault")]
    NotAMember,
    /// A reader asked to write.
    #[error("this identity may only read the vault")]
    Reader,
    /// The member's list was changed by another admin meanwhile.
    #[error("another admin changed the members meanwhile")]
    MembersMoved,
    /// A member who loses the right to write began a refresh whose answer nobody stored: it may be
    /// kept on that member's machine.
    #[error(
        "`{holder}` began a refresh of `{account}` at {since} and has not reported: the new token may \
         be on a machine of `{holder}` alone"
    )]
    AnswerMayBeKept { account: Account, holder: String, since: Timestamp },
    /// The credential was due and its reader can't renew it.
    #[error(
        "the token for `{account}` has to be refreshed, which a member does: this identity may only read"
    )]
    NotRenewedForReader { account: Account },
    /// The clock of the database is far from that of this machine.
    #[error("the clock of the database is {} away from this machine's", counted(*hours, "hour"))]
    ClockApart { hours: i64 },
    /// The clock of the database is behind the time at which a row was written, so it was set back: who
    /// may refresh, and what is over, can't be judged by it.
    #[error(
        "the clock of the database is {} behind what it was when `{account}` was written",
        counted(*minutes, "minute")
    )]
    ClockBehind { account: Account, minutes: i64 },
    /// The operation is one of a vault in a file.
    #[error("a shared vault has no {what}")]
    OfFilesAlone { what: &'static str },
    /// The server refused a statement, for a reason that tokctl does not know.
    #[error("the database refuses a statement: {why}")]
    Refused { why: String },
}

impl Error {
    /// Returns why nobody can be asked at the moment, for a message that names the database itself.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Unreachable { why, .. } | Self::NoPlace { why, .. } | Self::Busy { why } => {
                why.clone()
            }
            other => other.to_string(),
        }
    }

    /// Whether a token that still works is handed out in spite of this failure of its refresh.
    pub(crate) fn leaves_token(&self) -> bool {
        self.is_passing() || matches!(self, Self::Reader | Self::NotRenewedForReader { .. })
    }

    /// Whether nobody can be asked at the moment, and trying later may help.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::NoPlace { .. }
                | Self::Busy { .. }
                | Self::Standby { .. }
        )
    }
}
