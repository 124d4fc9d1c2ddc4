//! `tokctl audit`: shows the audit, or verifies that it is complete and unchanged.

use std::io::IsTerminal;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::choice::Choice;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Hint, Kind};
use crate::cli::explain::{ACCEPT_OLDER, repair};
use crate::cli::table::{self, Fit, Table};
use crate::cli::typed::quoted;
use crate::cli::vaults;
use crate::cli::{keys, time};
use crate::counted::counted;
use crate::model::audit::{Entry, Mode, Settings};
use crate::ops::OpenVault;
use crate::ops::audit::Fault;
use crate::ops::audit::{self, VerifiedAudit};
use crate::untrusted::printable;

/// The number of faults that one error message lists.
const MOST_LISTED: usize = 10;

/// Show who used which credential or changed the keys, and when
///
/// Needs no key: what it shows is not verified. Every command that opens the vault for a credential
/// or changes its keys leaves an entry; `tokctl delete --no-revoke` and `tokctl backup`, which need no key, can't. The entries lie in a file beside the vault, whose
/// length and importance `audit` in config.toml sets, such as `audit = "required"` (no token
/// without an entry), `"best-effort"` (the default), `"off"`, or
/// `audit = { mode = "best-effort", keep = 10000 }`. A change is in force from the next command on
/// that writes to the vault, or from `tokctl audit --verify` on.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    choice: Choice,

    /// Only the last N of them
    #[arg(long, value_name = "N")]
    last: Option<usize>,

    /// Find entries that were changed, removed or moved; needs the vault's key
    ///
    /// What was cut off at the end is found as far as the vault remembers: up to the last command
    /// that wrote to it, such as a login or a refresh.
    #[arg(long, conflicts_with_all = ["provider", "user", "last"])]
    verify: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let vault = vaults::open_read_only(context)?;
    if args.verify {
        return verify(context, &keys::unlock(context, vault)?);
    }
    let (mut entries, odd) = audit::entries(&vault)?;
    let choice = args.choice.located(&vault)?;
    entries.retain(|entry| {
        choice
            .provider
            .as_ref()
            .is_none_or(|provider| entry.provider.as_deref() == Some(provider.as_str()))
            && choice.user.as_ref().is_none_or(|user| entry.user.as_deref() == Some(user.as_str()))
    });
    // Entries of a credential that was deleted are there still.
    if entries.is_empty() && odd == 0 {
        choice.expect_some(context, &vault, "audit")?;
    }
    let skipped = args.last.map_or(0, |last| entries.len().saturating_sub(last));
    let shown = &entries[skipped..];
    if context.ui.json {
        context.ui.json(&AuditEntries { v: 1, entries: shown })?;
    } else if shown.is_empty() {
        context.ui.status("nothing that matches was recorded");
    } else {
        context.ui.line(&table(shown).render())?;
    }
    if odd > 0 {
        context.ui.warning(&format!(
            "{} can't be read: `tokctl audit --verify` says which",
            counted(odd, "more line")
        ));
    }
    Ok(())
}

/// Returns a table that fits the terminal, with local times to the second there. Elsewhere the times
/// are as they were recorded.
fn table(entries: &[Entry]) -> Table {
    let terminal = std::io::stdout().is_terminal();
    let narrow = table::is_narrow();
    let mut table = Table::new([
        ("TIME", Fit::Whole),
        ("ACTION", Fit::Extra),
        ("PROVIDER", Fit::Lesser),
        ("USER", Fit::Cut),
        ("OUTCOME", Fit::Cut),
        ("COMMAND", Fit::Spare),
        ("PID", Fit::Spare),
        ("PARENT", Fit::Spare),
    ]);
    let cell = |text: Option<&str>| printable(text.unwrap_or("-")).into();
    let moment = |at: &str| match at.parse::<Timestamp>() {
        Ok(at) if narrow => time::local_short(at),
        Ok(at) if terminal => time::local(at),
        Ok(_) | Err(_) => at.to_owned(),
    };
    for entry in entries {
        let slot = entry.slot.as_ref().map(|slot| format!(" {slot}")).unwrap_or_default();
        table.add(vec![
            cell(Some(&moment(&entry.at))),
            cell(Some(&(entry.action.clone() + &slot))),
            cell(entry.provider.as_deref()),
            cell(entry.user.as_deref()),
            cell(Some(&entry.outcome)),
            cell(Some(&entry.command)),
            entry.pid.to_string().into(),
            cell(entry.parent.as_deref()),
        ]);
    }
    table
}

fn verify(context: &Context, vault: &OpenVault) -> Result<(), CliError> {
    let VerifiedAudit { examined, settings, path, copied_at } =
        context.ui.while_waiting("verifying the audit", || audit::verify(vault))?;
    if let Some(copy @ Fault::OtherCopy) = examined.faults.first() {
        let what = format!("the audit can't be verified: {copy}");
        return Err(CliError::new(Kind::VaultDamaged, what).hint(put_aside(&path)));
    }
    if let Some(older @ Fault::PutBack) = examined.faults.first() {
        let what = format!("the audit can't be verified: {older}");
        return Err(CliError::new(Kind::VaultDamaged, what).hint(ACCEPT_OLDER));
    }
    if let Some(other @ Fault::OtherVault) = examined.faults.first() {
        let what = format!("the audit can't be verified: {other}");
        let begins = Hint::within("{} sets its file aside and begins a new one", repair());
        return Err(CliError::new(Kind::VaultDamaged, what).hint(begins));
    }
    if let Some(first) = examined.faults.first() {
        let error =
            CliError::new(Kind::VaultDamaged, format!("the audit was tampered with: {first}"))
                .hint(Hint::within("`tokctl audit` shows it, and {} begins a new one", repair()));
        return Err(CliError { causes: further_faults(&examined.faults[1..]), ..error });
    }
    let unsealed = examined.last.saturating_sub(examined.head);
    if context.ui.json {
        let report = Verification {
            v: 1,
            entries: examined.entries,
            remembered: examined.head,
            unsealed,
            copied_at,
        };
        context.ui.json(&report)?;
    } else {
        let torn = if examined.torn { ", and one that was not finished" } else { "" };
        if let Some(at) = copied_at {
            let at = time::rfc3339(at);
            context.ui.status(&format!("the vault is a copy of {at}, and its audit begins here"));
        }
        context.ui.status(&format!(
            "the audit is whole: {}{torn}; that any were cut off after entry {} would not be noticed",
            counted(examined.entries, "entry"),
            examined.head
        ));
    }
    put_in_force(context, vault, settings);
    Ok(())
}

/// Returns the command that renames the entries of another copy, so that a new audit begins.
fn put_aside(path: &Path) -> String {
    let aside = path.with_extension("before-restore.jsonl");
    let quoted = |path: &Path| quoted(&path.to_string_lossy());
    format!("if it was restored, mv -n {} {}", quoted(path), quoted(&aside))
}

/// Returns one line for each further fault, up to [`MOST_LISTED`].
fn further_faults(faults: &[impl std::fmt::Display]) -> Vec<String> {
    let mut lines: Vec<String> = faults.iter().take(MOST_LISTED).map(ToString::to_string).collect();
    if faults.len() > MOST_LISTED {
        lines.push(format!("{} more", faults.len() - MOST_LISTED));
    }
    lines
}

/// Makes the vault keep its audit as today's configuration says.
///
/// A failure is a warning, because the audit that was verified is as complete as before.
fn put_in_force(context: &Context, vault: &OpenVault, settings: Option<Settings>) {
    let wanted = match context.config() {
        // Where nothing is kept yet, that begins with the first write.
        Ok(config) if settings.is_none_or(|kept| kept == config.audit) => return,
        Ok(config) => config.audit,
        Err(error) => return context.ui.warning(&error.message),
    };
    if let Err(error) = audit::put_in_force(vault, wanted) {
        let error = CliError::from(error);
        return context.ui.warning(&format!("the audit is kept as before: {}", error.message));
    }
    let mode = match wanted.mode {
        Mode::BestEffort => "best-effort",
        Mode::Required => "required",
        Mode::Off => "off",
    };
    context.ui.status(&format!(
        "the audit is {mode} from now on, and keeps {}",
        counted(wanted.keep.get(), "entry")
    ));
}

/// The output of `--json`.
#[derive(Serialize)]
struct AuditEntries<'a> {
    v: u8,
    entries: &'a [Entry],
}

/// The output of `--verify --json`.
#[derive(Serialize)]
struct Verification {
    v: u8,
    entries: u64,
    /// The number of the last entry that the vault remembers.
    remembered: u64,
    /// The number of entries after the last one that the vault remembers.
    unsealed: u64,
    /// When the vault was copied, if its audit begins with a copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    copied_at: Option<Timestamp>,
}
