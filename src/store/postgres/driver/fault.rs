//! What went wrong with a statement or a connection, and what the caller does next.

use std::io;

use tokio_postgres::error::SqlState;

use super::clear::IN_CLEAR;
use crate::causes;
use crate::store::address::{Address, Place};
use crate::store::error::Error as StoreError;
use crate::store::shared_error::Error;
use crate::untrusted::printable;

/// The reason why a transaction ended early.
#[derive(Debug)]
pub(in crate::store::postgres) enum Fault {
    /// The connection broke, so nobody knows what became of the last statement: connect again, and
    /// run the transaction once more.
    Lost(String),
    /// The transaction was undone because of another one: run it once more.
    Undone,
    /// The transaction failed for good.
    Failed(Box<StoreError>),
}

impl<E: Into<StoreError>> From<E> for Fault {
    fn from(error: E) -> Self {
        Self::Failed(Box::new(error.into()))
    }
}

impl Fault {
    /// Returns what a failed statement means.
    pub(super) fn of(error: &tokio_postgres::Error) -> Self {
        let Some(code) = error.code() else { return Self::Lost(words(error)) };
        let why = words(error);
        match class(code) {
            Class::Undone => Self::Undone,
            Class::Lost => Self::Lost(why),
            Class::Busy => Error::Busy { why }.into(),
            Class::Privilege | Class::Login => Error::PrivilegeMissing { why }.into(),
            Class::Standby => Self::Lost("the server became a copy that takes no writes".into()),
            Class::NoTable => Error::NoVault { place: String::new() }.into(),
            Class::Other => Error::Refused { why }.into(),
        }
    }
}

/// Returns what a failed login at `place` means.
pub(super) fn of_login(error: &tokio_postgres::Error, place: &Place, address: &Address) -> Error {
    let (why, place) = (words(error), place.to_string());
    if causes::find::<rustls::Error>(error).is_some() {
        return Error::NotVerified { place, why };
    }
    if let Some(inner) = causes::find::<io::Error>(error)
        && inner.to_string().contains(IN_CLEAR)
    {
        return Error::PasswordInClear { place };
    }
    let Some(code) = error.code() else {
        return match why.as_str() {
            text if text.contains("password missing") => Error::LoginRefused {
                user: address.user.clone(),
                why: "it wants a password, and none is given".to_owned(),
            },
            text if text.contains("does not support TLS") => {
                Error::NotVerified { place, why: "it has no TLS".to_owned() }
            }
            _ => Error::Unreachable { place, why },
        };
    };
    match class(code) {
        Class::Login | Class::Privilege => Error::LoginRefused { user: address.user.clone(), why },
        Class::Busy | Class::Undone => Error::Busy { why },
        Class::Lost => Error::Unreachable { place, why },
        Class::Standby => Error::Standby { place },
        Class::NoTable => Error::NoVault { place: address.shown() },
        Class::Other if *code == SqlState::INVALID_CATALOG_NAME => {
            Error::NoDatabase { place: address.shown() }
        }
        Class::Other => Error::Refused { why },
    }
}

/// The classes of SQL states, by what the caller does next.
enum Class {
    Undone,
    Lost,
    Busy,
    Login,
    Privilege,
    Standby,
    NoTable,
    Other,
}

/// Returns the class of a state (PostgreSQL's manual, appendix A).
fn class(code: &SqlState) -> Class {
    match code.code() {
        // The last two, where two founders make the tables at once: `IF NOT EXISTS` does not help there.
        "40001" | "40P01" | "23505" | "42P07" => Class::Undone,
        "28000" | "28P01" => Class::Login,
        "42501" => Class::Privilege,
        "25006" => Class::Standby,
        "42P01" => Class::NoTable,
        // Resources of all kinds; a time limit; a lock.
        "57014" | "55P03" => Class::Busy,
        // A server that starts, stops, or lost the connection; a pooler says much under 08P01.
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "25P04" => Class::Lost,
        code if code.starts_with("53") => Class::Busy,
        code if code.starts_with("08") => Class::Lost,
        _ => Class::Other,
    }
}

/// Returns why a statement or login failed: what the server said, without details, which may hold
/// values; else the innermost cause.
fn words(error: &tokio_postgres::Error) -> String {
    if let Some(said) = error.as_db_error() {
        return printable(said.message());
    }
    let text = causes::innermost(error).to_string();
    printable(text.split(" (os error").next().unwrap_or_default())
}
