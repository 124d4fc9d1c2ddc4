//! Explains failures of shared vaults: of the database, of the list of members, and of the identity.

use super::compare::COMPARE;
use super::server::SET_CLOCK;
use crate::cli::error::{CliError, Hint, Kind};
use crate::cli::typed::command;
use crate::ops::error::{AddressError, SharedError};
use crate::ops::shared::{Forged, Refused};

/// The hint where the list of members is older than one that this machine saw.
const RESTORED: &str =
    "if the database was restored, `tokctl doctor --accept-older --yes`; it says what that means";

/// The hint where nobody can be asked at the moment.
const NOTHING_LOST: &str = "nothing is lost: try again";

pub(super) fn shared_error(error: &SharedError) -> CliError {
    let (kind, hint): (Kind, Hint) = match error {
        SharedError::Address(error) => (Kind::Usage, address_hint(error).into()),
        SharedError::Unreachable { .. } | SharedError::Standby { .. } => {
            (Kind::VaultUnreachable, NOTHING_LOST.into())
        }
        SharedError::NoPlace { .. } => (
            Kind::VaultUnreachable,
            "nothing is lost: look at the address of the vault, or try again".into(),
        ),
        SharedError::Busy { .. } => (Kind::VaultBusy, NOTHING_LOST.into()),
        SharedError::NoDatabase { .. } => (
            Kind::Usage,
            "name one that is there, or make it first: `createdb` of PostgreSQL does".into(),
        ),
        SharedError::LoginRefused { .. } => (
            Kind::KeyUnavailable,
            "give the password in ~/.pgpass (mode 0600) or PGPASSWORD".into(),
        ),
        SharedError::PrivilegeMissing { .. } => (
            Kind::KeyUnavailable,
            "whoever runs the database grants it: `tokctl help shared` has the SQL".into(),
        ),
        SharedError::NotVerified { .. } | SharedError::Certificates { .. } => (
            Kind::Usage,
            "name the authority that signed its certificate with `sslrootcert=FILE` in the address"
                .into(),
        ),
        SharedError::PasswordInClear { .. } => {
            (Kind::Usage, "let the server ask for it by `scram-sha-256`, or use TLS".into())
        }
        SharedError::NoVault { .. } => {
            (Kind::VaultDamaged, "compare the join line with the one that an admin gave you".into())
        }
        SharedError::NewerFormat => (Kind::Usage, "install the newer tokctl".into()),
        SharedError::NoPin { .. } => (
            Kind::Usage,
            "take all of the join line that an admin gave you: `tokctl help vault join`".into(),
        ),
        SharedError::Members(refused) => refused_change(refused),
        SharedError::Roster(Forged::Unseen { .. }) => (Kind::VaultDamaged, RESTORED.into()),
        SharedError::Forged { .. } | SharedError::Roster(_) => (Kind::VaultDamaged, COMPARE.into()),
        SharedError::NotAMember => (
            Kind::KeyUnavailable,
            "give an admin what `tokctl key public` prints, for `tokctl member add`".into(),
        ),
        SharedError::Reader => {
            (Kind::Usage, "an admin lets it write: `tokctl help member role`".into())
        }
        SharedError::MembersMoved => (Kind::VaultBusy, Hint::Again(&[])),
        SharedError::AnswerMayBeKept { .. } => (
            Kind::VaultBusy,
            Hint::within(
                "if that machine has the answer, `tokctl get` there stores it; to give it up, {}",
                Hint::Again(&["--force"]),
            ),
        ),
        SharedError::NotRenewedForReader { account } => {
            (Kind::VaultBusy, command("why", account).into())
        }
        SharedError::ClockApart { .. } => (Kind::VaultDamaged, SET_CLOCK.into()),
        SharedError::ClockBehind { .. } => (
            Kind::VaultDamaged,
            "set the clock of the machine that the database is on; nothing was sent or written"
                .into(),
        ),
        SharedError::OfFilesAlone { .. } => {
            (Kind::Usage, "name the file of a vault with `--vault`".into())
        }
        SharedError::Refused { .. } => (Kind::Failed, NOTHING_LOST.into()),
    };
    CliError::of(kind, error).hint(hint)
}

/// Returns the hint for an answer that this machine keeps, since `source` kept it from being stored;
/// `get` is the command that stores it.
pub(super) fn stored_later(source: &SharedError, get: &str) -> String {
    let when = if matches!(source, SharedError::NotAMember | SharedError::Reader) {
        "an admin lets this identity write again"
    } else {
        "the database can be reached"
    };
    format!("once {when}, `{get}` on this machine stores it, as any command does")
}

fn address_hint(error: &AddressError) -> &'static str {
    match error {
        AddressError::AnotherEngine { .. } => {
            "share it through PostgreSQL; `tokctl help import` brings in tokens that are kept elsewhere"
        }
        AddressError::WeakMode { .. } => {
            "leave out `sslmode`, and name a private authority with `sslrootcert=FILE`"
        }
        AddressError::Options => "leave out `options`, also in PGOPTIONS",
        AddressError::NoUser => "name the user in the address, as `postgres://USER@HOST/DATABASE`",
        AddressError::NoService { .. } | AddressError::ServiceFile { .. } => {
            "look into ~/.pg_service.conf, or the file that PGSERVICEFILE names"
        }
        AddressError::UnknownScheme { .. }
        | AddressError::Malformed(_)
        | AddressError::UnknownParameter(_)
        | AddressError::Value { .. } => {
            "it is as `postgres://USER@HOST/DATABASE`, or `service=NAME`"
        }
    }
}

fn refused_change(refused: &Refused) -> (Kind, Hint) {
    match refused {
        Refused::NoSuchMember(_) => (Kind::NotFound, Hint::Text("tokctl member list".into())),
        Refused::NotAnAdmin
        | Refused::LabelTaken(_)
        | Refused::KeysTaken(_)
        | Refused::HasRole(..)
        | Refused::TooMany => (Kind::Usage, Hint::Text("tokctl member list".into())),
        Refused::LastAdmin(_) => {
            (Kind::Usage, "make another member an admin first: `tokctl help member role`".into())
        }
        Refused::Oneself(_) => (
            Kind::Usage,
            Hint::within(
                "let another admin do it: {} shows them",
                Hint::Text("tokctl member list".into()),
            ),
        ),
        Refused::Key => (Kind::VaultBusy, Hint::Again(&[])),
    }
}
