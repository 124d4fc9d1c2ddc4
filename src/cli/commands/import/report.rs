//! The report of an import: what happened to each credential, how the command ends, and which files
//! can go.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::skipped;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::table::{Fit, Table};
use crate::cli::time;
use crate::cli::typed::quoted;
use crate::cli::words::kind_word;
use crate::model::account::{ProviderName, UserName};
use crate::ops::import::{self, Incoming, LeftOut, Outcome, Placed, Skipped};
use crate::private_file::{self, Readers};
use crate::untrusted::printable;

/// Returns the word for an outcome, in the table and in JSON.
fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::New => "new",
        Outcome::Replaced => "replaced",
        Outcome::Same => "same",
        Outcome::Present => "present",
        Outcome::Newer => "newer_here",
        Outcome::LeftOut => "left_out",
    }
}

/// Returns the word for the reason why something was left out, in JSON.
fn reason(left_out: LeftOut) -> &'static str {
    match left_out {
        LeftOut::NotTakenOver => "not_taken_over",
        LeftOut::NoClient => "no_client",
        LeftOut::NoClientSecret => "no_client_secret",
        LeftOut::ToolsClient => "other_client",
        LeftOut::NoEndpoint => "no_endpoint",
    }
}

/// The output of `--json`.
#[derive(Serialize)]
struct ImportResults<'a> {
    v: u8,
    dry_run: bool,
    stored: usize,
    results: Vec<One<'a>>,
    /// The records that can't come in.
    skipped: Vec<SkippedOne<'a>>,
}

#[derive(Serialize)]
struct SkippedOne<'a> {
    provider: Option<&'a str>,
    user: Option<&'a str>,
    origin: &'a str,
    reason: String,
}

#[derive(Serialize)]
struct One<'a> {
    provider: &'a str,
    user: &'a str,
    outcome: &'static str,
    kind: &'static str,
    server_url: Option<&'a str>,
    username: Option<&'a str>,
    scopes: Vec<&'a str>,
    expires_at: Option<String>,
    refreshable: bool,
    /// The reason why the refresh token was left out, if it was.
    without_refresh_token: Option<&'static str>,
    origin: &'a str,
}

/// Prints what happened to each credential.
pub(super) fn print(
    context: &Context,
    placed: &[Placed],
    skipped: &[Skipped],
    dry_run: bool,
    now: Timestamp,
) -> Result<(), CliError> {
    if context.ui.json {
        let results = placed.iter().map(One::new).collect();
        let stored = import::written_accounts(placed).count();
        let skipped = skipped.iter().map(SkippedOne::new).collect();
        return context.ui.json(&ImportResults { v: 1, dry_run, stored, results, skipped });
    }
    if placed.is_empty() {
        return Ok(());
    }
    context.ui.line(&table(placed, now).render())
}

impl<'a> SkippedOne<'a> {
    fn new(skipped: &'a Skipped) -> Self {
        Self {
            provider: skipped.provider.as_ref().map(ProviderName::as_str),
            user: skipped.user.as_ref().map(UserName::as_str),
            origin: &skipped.origin,
            reason: printable(&skipped.reason.to_string()),
        }
    }
}

impl<'a> One<'a> {
    fn new(placed: &'a Placed) -> Self {
        let summary = &placed.summary;
        Self {
            provider: summary.account.provider.as_str(),
            user: summary.account.user.as_str(),
            outcome: word(placed.outcome),
            kind: kind_word(summary.kind),
            server_url: summary.server_url.as_deref(),
            username: summary.username.as_deref(),
            scopes: summary.scopes.iter().collect(),
            expires_at: summary.expires_at.map(time::rfc3339),
            refreshable: summary.refreshable,
            without_refresh_token: placed.left_out.map(reason),
            origin: &placed.origin,
        }
    }
}

/// Returns a table that fits the terminal. Piped output has one line per credential and absolute
/// times.
fn table(placed: &[Placed], now: Timestamp) -> Table {
    let terminal = std::io::stdout().is_terminal();
    let mut table = Table::new([
        ("PROVIDER", Fit::Whole),
        ("USER", Fit::Cut),
        ("OUTCOME", Fit::Whole),
        ("EXPIRES", Fit::Whole),
        ("KIND", Fit::Spare),
        ("REFRESHABLE", Fit::Spare),
    ]);
    for Placed { summary, outcome, .. } in placed {
        let expires = time::in_table(summary.expires_at, now, terminal);
        table.add(vec![
            summary.account.provider.to_string().into(),
            summary.account.user.to_string().into(),
            word(*outcome).into(),
            expires.into(),
            kind_word(summary.kind).into(),
            if summary.refreshable { "yes" } else { "no" }.into(),
        ]);
    }
    table
}

/// Prints which files others can read, and which can be removed.
pub(super) fn about_files(
    context: &Context,
    placed: &[Placed],
    skipped: &[Skipped],
    ignored: &[String],
    files: &[PathBuf],
    dry_run: bool,
) {
    let ui = &context.ui;
    for file in files.iter().filter(|file| is_open_to_others(file)) {
        let name = printable(&file.to_string_lossy());
        ui.warning(&format!("`{name}` is open to others, who may know what is in it"));
    }
    if dry_run || placed.is_empty() || files.is_empty() {
        return;
    }
    let complete = ignored.is_empty()
        && skipped.is_empty()
        && placed.iter().all(|one| {
            one.left_out.is_none()
                && matches!(one.outcome, Outcome::New | Outcome::Replaced | Outcome::Same)
        });
    if complete {
        let Some(removal) = removal(files) else { return };
        ui.status(&format!(
            "once no other program needs it, take away what still holds the tokens: {removal}"
        ));
    } else {
        ui.status("keep the file for now: not all that is in it came in");
    }
}

/// Fails if a record was skipped, or a credential left out, and says how many.
pub(super) fn end(placed: &[Placed], skipped: &[Skipped], dry_run: bool) -> Result<(), CliError> {
    let out = left_out(placed) + skipped.len();
    let (stored, all) = (import::written_accounts(placed).count(), placed.len() + skipped.len());
    let message = match (out, dry_run) {
        (0, _) => return Ok(()),
        _ if placed.is_empty() => return Err(skipped::all(skipped)),
        (_, true) => format!("{stored} of {all} would be stored, and {out} skipped"),
        (_, false) => format!("stored {stored} of {all}, and skipped {out}"),
    };
    let hint = if dry_run {
        "mend what is named above, or import it as it is"
    } else {
        "mend what is named above and import it again: what came in stays as it is"
    };
    Err(CliError::new(Kind::Failed, message).hint(hint))
}

/// Returns the error for an import of all or nothing that would skip a record.
pub(super) fn refused(incoming: &[Incoming], skipped: &[Skipped]) -> CliError {
    let (out, all) = (skipped.len(), incoming.len() + skipped.len());
    CliError::new(Kind::Failed, format!("nothing was stored, since {out} of {all} can't come in"))
        .hint("mend what is named above, or leave out `--strict`")
}

/// Returns the number of credentials that do not work without the refresh token that stays out.
pub(super) fn left_out(placed: &[Placed]) -> usize {
    placed.iter().filter(|one| one.outcome == Outcome::LeftOut).count()
}

/// Returns whether other users could read or change `file`.
fn is_open_to_others(file: &Path) -> bool {
    match private_file::check(file) {
        Ok(Readers::OwnerOnly) => false,
        Ok(Readers::Others) => true,
        Err(error) => matches!(
            error,
            private_file::Error::WritableByOthers { .. } | private_file::Error::ForeignOwner { .. }
        ),
    }
}

/// Returns the command that removes the files; `None` if one of them can't be removed, such as a
/// pipe.
fn removal(files: &[PathBuf]) -> Option<String> {
    let command = if cfg!(target_os = "linux") { "shred -u" } else { "rm" };
    let names: Option<Vec<String>> = files.iter().map(|file| removable(file)).collect();
    Some(format!("{command} {}", names?.join(" ")))
}

/// Returns a file as an argument of that command, if it can be removed.
fn removable(file: &Path) -> Option<String> {
    // Paths there name devices or files that a program has open.
    let is_borrowed = file.starts_with("/dev") || file.starts_with("/proc");
    if is_borrowed || !file.is_file() {
        return None;
    }
    let name = file.to_string_lossy();
    Some(if name.starts_with('-') { format!("./{}", quoted(&name)) } else { quoted(&name) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removal_takes_files_alone() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("a file");
        private_file::create_new(&file).unwrap();
        let shown = file.to_str().unwrap();
        assert!(removal(std::slice::from_ref(&file)).unwrap().ends_with(&format!(" '{shown}'")));
        for other in [Path::new("/dev/stdin"), Path::new("/proc/self/fd/0"), home.path()] {
            assert_eq!(removal(&[file.clone(), other.to_owned()]), None);
        }
    }
}
