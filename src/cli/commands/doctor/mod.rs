//! `tokctl doctor`: checks whether everything is in order, and says how to mend what is not.

mod words;
mod row;
mod sentence;
mod remedy;
mod check_runner;
mod surroundings;
mod logins;
mod vault;
#[cfg(feature = "postgres")]
mod shared;
mod accept_older;
mod repair;

use std::ffi::OsString;

use console::Style;
use serde::Serialize;

use self::check_runner::CheckRunner;
use self::remedy::row_of;
use self::row::{Row, Verdict};
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::ui::{Ui, Verbosity};
use crate::cli::{next_command, table, vaults};
use crate::counted::counted;
use crate::ops::doctor;

/// Say whether everything is in order, and what mends what is not
///
/// Looks at the vault's file, its key slots, the keychain, the configuration, what a new login needs,
/// and which stored ones need somebody; opens every credential if the key is to be had. Changes nothing without `--accept-older` or
/// `--repair`: an entry that tries the keychain is deleted again. Sends nothing, unless `--online`
/// is given. With `-q`, tells only what is to be mended. Ends with 7 if the vault is damaged, with
/// 1 if anything else is to be mended, else with 0.
///
/// Of a shared vault it looks at the database, the members, every row and its signature, and what this
/// machine keeps; where it can't be opened, it ends with the code that other commands end with.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that people type")]
pub(crate) struct Args {
    /// Ask the servers of the stored logins for the time, without any token
    #[arg(long)]
    online: bool,

    /// Accept a vault or a credential that is older than this machine has seen
    #[arg(long, conflicts_with = "online")]
    accept_older: bool,

    /// Take out of the vault what tokctl did not make, and begin a new audit if it was tampered with
    #[arg(long, conflicts_with_all = ["online", "accept_older"])]
    repair: bool,

    /// Don't ask
    #[arg(long, short)]
    yes: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    if args.accept_older {
        return accept_older::run(args.yes, context);
    }
    if args.repair {
        return repair::run(args.yes, context);
    }
    let shared_name = vaults::shared_name_unopened(context)?;
    let doctor = ["tokctl", "doctor"].map(OsString::from);
    let mut runner = CheckRunner::new(context);
    let around = surroundings::look(&mut runner, shared_name.is_some());
    let overview = match shared_name {
        #[cfg(feature = "postgres")]
        Some(name) => shared::look(&mut runner, &name, &around, args.online),
        #[cfg(not(feature = "postgres"))]
        Some(_) => return vaults::open(context).map(drop).map_err(CliError::from),
        None => vault::look(&mut runner, &context.vault()?.clone(), &around, args.online),
    };
    runner.add(doctor::any_port().into_iter().map(row_of));
    surroundings::ports(&mut runner, around.configured.as_ref(), &overview.providers);
    let mut rows = runner.rows;
    for hint in rows.iter_mut().filter_map(|row| row.hint.as_mut()) {
        *hint = next_command::text(context, &doctor, hint).into();
    }
    print(context, &rows)?;
    if let Some(missing) = overview.missing {
        return Err(missing);
    }
    verdict(&rows)
}

/// Returns an error if a row of the report needs mending.
fn verdict(rows: &[Row]) -> Result<(), CliError> {
    let count = |verdict| rows.iter().filter(|row| row.verdict == verdict).count();
    let (damages, findings) = (count(Verdict::Damaged), count(Verdict::ToMend));
    let hint = "do what stands beside each, then `tokctl doctor` again";
    match (damages, findings) {
        (0, 0) => Ok(()),
        (0, one) => {
            let what = format!("{} to be mended", counted(one, "thing"));
            Err(CliError::new(Kind::Failed, what).hint(hint))
        }
        (damages, _) => {
            let what = format!("the vault is damaged: {}", counted(damages, "thing"));
            Err(CliError::new(Kind::VaultDamaged, what).hint(hint))
        }
    }
}

/// The output of `--json`.
#[derive(Serialize)]
struct CheckRows<'a> {
    v: u8,
    checks: Vec<&'a Row>,
}

fn print(context: &Context, rows: &[Row]) -> Result<(), CliError> {
    let all = context.ui.verbosity >= Verbosity::Status;
    let shown = rows.iter().filter(|row| all || row.verdict.is_to_be_mended());
    if context.ui.json {
        return context.ui.json(&CheckRows { v: 1, checks: shown.collect() });
    }
    for row in shown {
        // Padded to the longest result and the longest name.
        let result = format!("{:<7}", words::result(row.verdict));
        let result = Ui::styled(&coloured(row.verdict), &result);
        let name = words::name(row.check);
        let hint = row.hint.as_ref().map(ToString::to_string);
        let indent = indent(&row.message, hint.as_deref());
        let message = table::wrap(&row.message, indent, indent);
        if indent < MESSAGE {
            context.ui.line(&format!("{result}  {name}\n{:indent$}{message}", ""))?;
        } else {
            context.ui.line(&format!("{result}  {name:<16}  {message}"))?;
        }
        if let Some(hint) = hint {
            let label = Ui::styled(&Style::new().cyan(), "hint:");
            // A command stays on one line, so that it can be copied.
            let hint = if hint.starts_with("tokctl ") {
                hint
            } else {
                table::wrap(&hint, indent + "hint: ".len(), indent)
            };
            context.ui.line(&format!("{:indent$}{label} {hint}", ""))?;
        }
    }
    Ok(())
}

/// The column at which messages begin, behind the longest result and the longest name.
const MESSAGE: usize = 27;

/// Returns the column at which a message and its hint begin. Where there is no room for columns, that
/// is on a line of their own.
fn indent(message: &str, hint: Option<&str>) -> usize {
    // A command stands behind a label, whatever its width.
    let wrapped = hint.filter(|hint| !hint.starts_with("tokctl ")).unwrap_or_default();
    let has_room = !table::is_narrow()
        && table::fits_behind(message, MESSAGE)
        && table::fits_behind(wrapped, MESSAGE);
    if has_room { MESSAGE } else { 4 }
}

fn coloured(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Fine => Style::new().green(),
        Verdict::Hint | Verdict::Unknown => Style::new().yellow(),
        Verdict::ToMend | Verdict::Damaged => Style::new().red().bold(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::doctor::Check;

    fn row(verdict: Verdict) -> Row {
        Row { check: Check::Vault, verdict, message: String::new(), hint: None }
    }

    #[test]
    fn damage_is_graver_than_findings_and_hints_are_none() {
        let kind = |verdicts: &[Verdict]| {
            let rows: Vec<Row> = verdicts.iter().copied().map(row).collect();
            verdict(&rows).err().map(|error| error.kind)
        };
        assert_eq!(kind(&[Verdict::Fine, Verdict::Hint, Verdict::Unknown]), None);
        assert_eq!(kind(&[Verdict::Hint, Verdict::ToMend]), Some(Kind::Failed));
        assert_eq!(kind(&[Verdict::ToMend, Verdict::Damaged]), Some(Kind::VaultDamaged));
    }
}
