//! Records that do not come in for a name in them, which says nothing of the others.

use std::fmt::Write;

use crate::cli::error::{CliError, Kind};
use crate::cli::typed::{quoted, user_flag};
use crate::importers::record::{Held, Record};
use crate::model::account::{self, ProviderName, UserName};
use crate::ops::{self, ImportError, Reason};

/// A record that does not come in.
pub(super) struct Skipped {
    /// What it means where there is nothing else.
    pub(super) error: CliError,
    /// What is told of it where the others come in without it; `None` if none does.
    pub(super) told: Option<String>,
}

impl Skipped {
    /// One whose user has a name that can't be kept.
    pub(super) fn unnameable(provider: &ProviderName, record: &Record) -> Self {
        let why = account::Error::User;
        let error = CliError::new(Kind::Usage, format!("{}: {why}", record.origin))
            .hint("name the user with `--user`");
        let typed = Self::retyped(provider, None, record);
        Self { error, told: Some(format!("{}, since {why}: {typed}", record.origin)) }
    }

    /// One that was refused, and what stores it in its stead. A name in it that does not do says
    /// nothing of the others.
    pub(super) fn unfit(error: ops::Error, typed: &str) -> Self {
        let told = if let ops::Error::Import(ImportError::Unfit { origin, reason }) = &error
            && matches!(reason, Reason::UserName | Reason::NoUserName)
        {
            Some(format!("{origin}, since {reason}: {typed} --username NAME"))
        } else {
            None
        };
        Self { error: error.into(), told }
    }

    /// What stores a record by hand.
    pub(super) fn retyped(
        provider: &ProviderName,
        user: Option<&UserName>,
        record: &Record,
    ) -> String {
        let user = user.map_or("--user NAME".into(), |user| user_flag(user.as_str()));
        let mut typed = format!("tokctl login {provider} {user}");
        if let Some(server) = &record.server {
            let _ = write!(typed, " --server {}", quoted(server.as_str()));
        }
        match record.held {
            Held::Static(_) => typed + " --token-stdin",
            Held::Grant(_) => typed,
        }
    }
}
