//! The columns of `tokctl list`.

use std::cmp::Ordering;

use jiff::Timestamp;

use crate::cli::table::{self, Cell, Color, Fit};
use crate::cli::time;
use crate::cli::words::{kind_word, status_word};
use crate::model::credential::Status;
use crate::model::summary::Summary;
use crate::untrusted::printable;

/// A column of the table, by the name that `--columns` and `--sort` take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Column {
    Provider,
    User,
    Status,
    Expires,
    /// When a person has to log in again
    LoginBy,
    /// oauth or static
    Kind,
    Server,
    /// The name of the account at the service
    Account,
    Scopes,
}

/// The columns without `--wide` and `--columns`. In a pipe, scripts rely on them and their order.
const USUAL: [Column; 4] = [Column::Provider, Column::User, Column::Status, Column::Expires];

/// A column, and what becomes of it on a terminal that is too narrow.
pub(super) type Shown = (Column, Fit);

/// Returns the columns that `--columns` names, or else the usual ones.
pub(super) fn named(named: &[Column]) -> Vec<Shown> {
    let columns = if named.is_empty() { &USUAL[..] } else { named };
    columns.iter().map(|column| (*column, column.fit())).collect()
}

/// Returns the columns for what needs a login soon: when, after whose it is.
pub(super) fn expiring() -> Vec<Shown> {
    let mut columns = named(&[Column::Provider, Column::User]);
    columns.extend([(Column::Status, Fit::Lesser), (Column::Expires, Fit::Lesser)]);
    columns.extend(named(&[Column::LoginBy]));
    columns
}

/// Returns the columns of `--wide`.
pub(super) fn wide() -> Vec<Shown> {
    let mut columns = named(&USUAL);
    columns.extend([(Column::LoginBy, Fit::Spare), (Column::Kind, Fit::Spare)]);
    let rest = [Column::Server, Column::Account, Column::Scopes];
    columns.extend(rest.map(|column| (column, Fit::Extra)));
    columns
}

impl Column {
    pub(super) fn heading(self) -> &'static str {
        match self {
            Self::Provider => "PROVIDER",
            Self::User => "USER",
            Self::Status => "STATUS",
            Self::Expires => "EXPIRES",
            Self::LoginBy => "LOGIN BY",
            Self::Kind => "KIND",
            Self::Server => "SERVER",
            Self::Account => "ACCOUNT",
            Self::Scopes => "SCOPES",
        }
    }

    fn fit(self) -> Fit {
        match self {
            // The beginning of a time would read as another time.
            Self::Provider | Self::Expires | Self::LoginBy | Self::Kind => Fit::Whole,
            Self::User | Self::Status | Self::Server | Self::Account | Self::Scopes => Fit::Cut,
        }
    }

    /// Returns the cell of a table on a terminal. What a member uses is refreshed then, and nothing by a
    /// user who may only read.
    pub(super) fn cell(self, summary: &Summary, is_reader: bool, now: Timestamp) -> Cell {
        match self {
            Self::Status => Cell::new(status_in_table(summary, now)).fg(color(summary, now)),
            Self::Expires => match summary.expires_at {
                Some(at) if at <= now && !is_reader && renews_itself(summary, now) => {
                    if table::is_narrow() { "when used" } else { "refreshes when used" }.into()
                }
                at => relative(at, now).into(),
            },
            Self::LoginBy => match summary.status {
                Status::LoginRequired | Status::Inactive => "now".into(),
                Status::Active | Status::HandedOver => relative(summary.login_by, now).into(),
            },
            Self::Provider
            | Self::User
            | Self::Kind
            | Self::Server
            | Self::Account
            | Self::Scopes => self.text(summary, now).into(),
        }
    }

    /// Returns the text of a field in a pipe, without tabs and line ends. Times are absolute; `-`
    /// stands for what there is not.
    pub(super) fn text(self, summary: &Summary, now: Timestamp) -> String {
        let shown = |text: Option<&str>| {
            let text = text.map(printable).filter(|text| !text.is_empty());
            text.unwrap_or_else(|| "-".into())
        };
        let time = |at: Option<Timestamp>| at.map_or_else(|| "-".into(), time::rfc3339);
        match self {
            Self::Provider => summary.account.provider.to_string(),
            Self::User => summary.account.user.to_string(),
            Self::Status => status(summary, now).into(),
            Self::Expires => time(summary.expires_at),
            Self::LoginBy => time(summary.login_by),
            Self::Kind => kind_word(summary.kind).into(),
            Self::Server => shown(summary.server_url.as_deref()),
            Self::Account => shown(summary.username.as_deref()),
            Self::Scopes => shown(Some(&summary.scopes.to_string())),
        }
    }

    /// Compares two credentials by this column. What has no time comes last.
    pub(super) fn compare(self, one: &Summary, other: &Summary, now: Timestamp) -> Ordering {
        let by_time = |of: fn(&Summary) -> Option<Timestamp>| {
            let key = |summary| of(summary).map_or((true, Timestamp::MAX), |at| (false, at));
            key(one).cmp(&key(other))
        };
        match self {
            Self::Expires => by_time(|summary| summary.expires_at),
            Self::LoginBy => by_time(|summary| summary.login_by),
            Self::Provider => one.account.cmp(&other.account),
            Self::User
            | Self::Status
            | Self::Kind
            | Self::Server
            | Self::Account
            | Self::Scopes => self.text(one, now).cmp(&self.text(other, now)),
        }
    }
}

/// Returns the word for the status at `now`. That a token has expired is not stored, but follows
/// from the time.
pub(super) fn status(summary: &Summary, now: Timestamp) -> &'static str {
    if summary.is_expired(now) { "expired" } else { status_word(summary.status) }
}

/// Returns the words for the status in a table, short ones where a terminal has room for few columns.
fn status_in_table(summary: &Summary, now: Timestamp) -> String {
    match summary.status {
        Status::LoginRequired if table::is_narrow() => "log in".into(),
        Status::HandedOver if table::is_narrow() => "moved".into(),
        Status::LoginRequired | Status::HandedOver | Status::Active | Status::Inactive => {
            status(summary, now).replace('_', " ")
        }
    }
}

/// Returns the colour of the status, from those that can be read on dark and light backgrounds.
fn color(summary: &Summary, now: Timestamp) -> Color {
    match summary.status {
        Status::Active if summary.is_expired(now) => Color::DarkRed,
        Status::Active => Color::DarkGreen,
        Status::LoginRequired | Status::Inactive => Color::DarkRed,
        Status::HandedOver => Color::DarkCyan,
    }
}

/// Returns whether the next use of the token renews it.
fn renews_itself(summary: &Summary, now: Timestamp) -> bool {
    summary.status == Status::Active && summary.refreshable && !summary.is_expired(now)
}

fn relative(at: Option<Timestamp>, now: Timestamp) -> String {
    at.map_or_else(|| "-".into(), |at| time::relative(at, now))
}
