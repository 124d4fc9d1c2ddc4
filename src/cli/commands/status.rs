//! `tokctl status`: says which credentials work, those that need somebody first.

use std::io::IsTerminal;
use std::process::ExitCode;

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::choice::Choice;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::needs::{self, Line, Need, remedy};
use crate::cli::typed::command;
use crate::cli::vaults::{self, NotOpened};
use crate::cli::{next_command, table, time};
use crate::ops::Vault;
use crate::ops::error::StoreError;

/// Say which credentials work and which need somebody
///
/// One line for each, with the command to type; those that need somebody come first. Ends with 4 if
/// any does, else with 6 if one waits for its provider. Needs no key and sends nothing: what it shows
/// is the copy in the clear, which is not verified.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tokctl status
  tokctl status jira/alice@example.com
  PS1='$(tokctl status --short)'\"$PS1\"  # bash, in ~/.bashrc
  setopt prompt_subst; PROMPT='${\"$(tokctl status --short)\"//\\%/%%}'$PROMPT  # zsh, in ~/.zshrc
  function fish_right_prompt; tokctl status --short; end  # fish, in config.fish")]
pub(crate) struct Args {
    #[command(flatten)]
    choice: Choice,

    /// Print what needs somebody in a word for a shell's prompt, and nothing if nothing does
    #[arg(long, short)]
    short: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    if args.short {
        return short(args, context);
    }
    let vault = vaults::open_read_only(context)?.finished()?;
    args.choice.located(&vault)?.expect_some(context, &vault, "status")?;
    let (lines, odd) = lines(&vault, &args.choice, time::now())?;
    let needy = needy(&lines);
    if context.ui.json {
        context.ui.json(&Report::new(context, &lines))?;
    } else if lines.is_empty() && odd == 0 {
        let login = next_command::first_login(context);
        context.ui.status(&format!("nothing is stored here yet: {login}"));
    } else {
        print(context, &lines)?;
    }
    if odd > 0 {
        let message = format!("{odd} more are damaged or were tampered with");
        return Err(CliError::new(Kind::VaultDamaged, message).hint("tokctl doctor"));
    }
    let Some(first) = needy.first() else {
        return waiting(&lines).map_or(Ok(ExitCode::SUCCESS), Err);
    };
    let message = match needy.len() {
        1 => format!("`{}` needs somebody", first.account),
        many => format!("{many} credentials need somebody"),
    };
    Err(CliError::new(Kind::LoginRequired, message).hint(remedy(context, first)))
}

/// Prints a word for a prompt: the one credential that needs somebody, or how many do, or that the
/// vault can't be read. A prompt has no room for more, and comes again with each command.
fn short(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let opened = vaults::open_read_only(context);
    if matches!(opened, Err(NotOpened::Store(StoreError::NoVault { .. }))) {
        return Ok(ExitCode::SUCCESS);
    }
    let read =
        opened.map_err(CliError::from).and_then(|vault| lines(&vault, &args.choice, time::now()));
    let (kind, word) = match &read {
        Err(error) => (error.kind, "tokctl doctor! ".to_owned()),
        Ok((_, 1..)) => (Kind::VaultDamaged, "tokctl doctor! ".to_owned()),
        Ok((lines, 0)) => match &needy(lines)[..] {
            [] => return Ok(ExitCode::SUCCESS),
            [one] => (Kind::LoginRequired, format!("{}! ", one.account)),
            several => (Kind::LoginRequired, format!("{} logins! ", several.len())),
        },
    };
    context.ui.data(word.as_bytes())?;
    Ok(CliError::new(kind, "").exit_code())
}

/// Returns those of the sorted `lines` whose credential needs somebody.
fn needy(lines: &[Line]) -> Vec<&Line> {
    lines.iter().take_while(|line| line.need < Need::Provider).collect()
}

/// Returns the error for credentials whose token has ended and whose provider renews none for now.
fn waiting(lines: &[Line]) -> Option<CliError> {
    let mut found = lines.iter().filter(|line| line.need == Need::Provider);
    let first = found.next()?;
    let message = match found.count() {
        0 => format!("`{}` waits for its provider", first.account),
        more => format!("{} credentials wait for their providers", more + 1),
    };
    let why = command("why", &first.account);
    Some(CliError::new(Kind::ProviderUnavailable, message).hint(why))
}

/// Returns a line for each credential that `choice` means, those that need somebody first, and the
/// number of rows that can't be read.
fn lines(vault: &Vault, choice: &Choice, now: Timestamp) -> Result<(Vec<Line>, usize), CliError> {
    let choice = choice.located(vault)?;
    Ok(needs::lines(vault, choice.filter(), now)?)
}

/// Prints the lines: in columns at a terminal, else separated by tabs.
fn print(context: &Context, lines: &[Line]) -> Result<(), CliError> {
    let names: Vec<String> = lines.iter().map(|line| line.account.to_string()).collect();
    let terminal = std::io::stdout().is_terminal();
    // A longer name gets a line of its own, and leaves the others beside their sentences.
    let short = names.iter().filter(|name| leaves_room(name));
    let widest = short.map(|name| table::columns(name)).max().unwrap_or_default();
    for (line, name) in lines.iter().zip(&names) {
        let remedy = match line.need {
            Need::Nothing => None,
            Need::Login | Need::NewToken | Need::Refresh | Need::Provider => {
                Some(remedy(context, line))
            }
        };
        context.ui.line(&if terminal {
            in_columns(&table::padded(name, widest), &line.what, remedy.as_deref())
        } else {
            format!("{name}\t{}\t{}", line.what, remedy.unwrap_or_default())
        })?;
    }
    Ok(())
}

/// The least width of a sentence that stands beside a name.
const READABLE: usize = 30;

/// Returns whether a sentence can be read beside this name.
fn leaves_room(name: &str) -> bool {
    table::fits(&format!("{name}  {:READABLE$}", ""))
}

/// Returns a name, the state and the command for a terminal: on one line where they fit, else with
/// the command on a line of its own, so that it can be copied.
fn in_columns(name: &str, what: &str, remedy: Option<&str>) -> String {
    let with_remedy = remedy.map(|remedy| format!(": {remedy}")).unwrap_or_default();
    let line = format!("{name}  {what}{with_remedy}");
    if table::fits(&line) {
        return line;
    }
    let beside = leaves_room(name);
    let indent = if beside { table::columns(name) + 2 } else { 4 };
    let what = table::wrap(what, indent, indent);
    let first = if beside {
        format!("{name}  {what}")
    } else {
        format!("{}\n{:indent$}{what}", name.trim_end(), "")
    };
    remedy.map_or_else(|| first.clone(), |remedy| format!("{first}\n{:indent$}{remedy}", ""))
}

/// The output of `--json`.
#[derive(Serialize)]
struct Report<'a> {
    v: u8,
    /// How many credentials need somebody.
    need_somebody: usize,
    credentials: Vec<One<'a>>,
}

#[derive(Serialize)]
struct One<'a> {
    provider: &'a str,
    user: &'a str,
    /// What is needed: `login`, `token`, `refresh`, `provider` or `nothing`.
    needs: &'static str,
    message: &'a str,
    command: Option<String>,
}

impl<'a> Report<'a> {
    fn new(context: &Context, lines: &'a [Line]) -> Self {
        let credentials: Vec<One<'a>> = lines
            .iter()
            .map(|line| One {
                provider: line.account.provider.as_str(),
                user: line.account.user.as_str(),
                needs: match line.need {
                    Need::Login => "login",
                    Need::NewToken => "token",
                    Need::Refresh => "refresh",
                    Need::Provider => "provider",
                    Need::Nothing => "nothing",
                },
                message: &line.what,
                command: (line.need != Need::Nothing).then(|| remedy(context, line)),
            })
            .collect();
        let need_somebody = needy(lines).len();
        Self { v: 1, need_somebody, credentials }
    }
}
