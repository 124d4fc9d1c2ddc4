//! `tokctl status`: says which credentials work, those that need somebody first.

use std::cell::RefCell;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use serde::ser::{Error as _, SerializeSeq};
use serde::{Serialize, Serializer};

use crate::cli::choice::Choice;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::needs::{Census, Line, Need, Subjects, ended_certificates, remedy};
use crate::cli::stopped::Stopped;
use crate::cli::vaults::{self, NotOpened};
use crate::cli::words::odd_rows;
use crate::cli::{next_command, table, time};
use crate::ops::Vault;
use crate::ops::error::StoreError;

/// Say which credentials work and which need somebody
///
/// One line for each, with the command to type; those that need somebody come first. Ends with 4 if
/// any does, else with 6 if one waits for its provider, else with 9 if one waits for a member of a
/// shared vault, where this identity may only read. Needs no key and sends nothing: what it shows
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
    let choice = args.choice.located(&vault)?;
    choice.expect_some(context, &vault, "status")?;
    let now = time::now();
    let certificates = &ended_certificates(context, now);
    let subjects = Subjects { vault: &vault, filter: choice.filter(), certificates, now };
    // A longer name gets a line of its own, and leaves the others beside their sentences.
    let mut widest = 0;
    let census = subjects.census(|line| {
        let name = line.account.to_string();
        if leaves_room(&name) {
            widest = widest.max(table::columns(&name));
        }
    })?;
    if context.ui.json {
        print_json(context, subjects, &census)?;
    } else if census.all() == 0 && census.odd == 0 {
        let login = next_command::first_login(context);
        context.ui.status(&format!("nothing is stored here yet: {login}"));
    } else {
        print(context, subjects, &census, widest)?;
    }
    end(context, &census)
}

/// Returns the exit code, or the error that the credentials of `census` are for a script.
fn end(context: &Context, census: &Census) -> Result<ExitCode, CliError> {
    if census.odd > 0 {
        let message = odd_rows(census.odd);
        return Err(CliError::new(Kind::VaultDamaged, message).hint("tokctl doctor"));
    }
    let Some(first) = &census.gravest else { return Ok(ExitCode::SUCCESS) };
    let account = &first.account;
    let (kind, message) = match (census.needy(), census.waiting()) {
        (0, 0) => match census.waiting_for_member() {
            0 => return Ok(ExitCode::SUCCESS),
            1 => (Kind::VaultBusy, format!("`{account}` waits for a member to refresh it")),
            many => {
                (Kind::VaultBusy, format!("{many} credentials wait for a member to refresh them"))
            }
        },
        (0, 1) => (Kind::ProviderUnavailable, format!("`{account}` waits for its provider")),
        (0, many) => {
            (Kind::ProviderUnavailable, format!("{many} credentials wait for their providers"))
        }
        (1, _) => (Kind::LoginRequired, format!("`{account}` needs somebody")),
        (many, _) => (Kind::LoginRequired, format!("{many} credentials need somebody")),
    };
    Err(CliError::new(kind, message).hint(remedy(context, first)))
}

/// Prints a word for a prompt: the one credential that needs somebody, or how many do, or that the
/// vault can't be read. A prompt has no room for more, and comes again with each command.
fn short(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let opened = vaults::open_read_only(context);
    if matches!(opened, Err(NotOpened::Store(StoreError::NoVault { .. }))) {
        return Ok(ExitCode::SUCCESS);
    }
    let look = |vault: Vault| -> Result<Census, CliError> {
        let choice = args.choice.located(&vault)?;
        let now = time::now();
        let certificates = &ended_certificates(context, now);
        let subjects = Subjects { vault: &vault, filter: choice.filter(), certificates, now };
        Ok(subjects.census(|_| {})?)
    };
    let read = opened.map_err(CliError::from).and_then(look);
    let (kind, word) = match &read {
        Err(error) => (error.kind, "tokctl doctor! ".to_owned()),
        Ok(Census { odd: 1.., .. }) => (Kind::VaultDamaged, "tokctl doctor! ".to_owned()),
        Ok(census) => match (census.needy(), &census.gravest) {
            (0, _) | (_, None) => return Ok(ExitCode::SUCCESS),
            (1, Some(one)) => (Kind::LoginRequired, format!("{}! ", one.account)),
            (many, Some(_)) => (Kind::LoginRequired, format!("{many} logins! ")),
        },
    };
    context.ui.data(word.as_bytes())?;
    Ok(CliError::new(kind, "").exit_code())
}

/// Prints the lines: in columns at a terminal, where names are `widest` columns wide, else separated
/// by tabs.
fn print(
    context: &Context,
    subjects: Subjects<'_>,
    census: &Census,
    widest: usize,
) -> Result<(), CliError> {
    let terminal = std::io::stdout().is_terminal();
    let mut end = Ok(());
    let printed = context.ui.stream(|stdout| {
        let read = subjects.each_by_need(census, |line| {
            let name = line.account.to_string();
            let remedy = (line.need != Need::Nothing).then(|| remedy(context, &line));
            let text = if terminal {
                in_columns(&table::padded(&name, widest), &line.what, remedy.as_deref())
            } else {
                format!("{name}\t{}\t{}", line.what, remedy.unwrap_or_default())
            };
            writeln!(stdout, "{text}").map_err(Stopped::Printing)
        });
        match read {
            Ok(()) => Ok(()),
            Err(Stopped::Printing(error)) => Err(error),
            Err(Stopped::Reading(error)) => {
                end = Err(error);
                Ok(())
            }
        }
    });
    // A read error is the reason why printing stopped, so it comes first.
    end?;
    printed
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

/// Prints the credentials as JSON, row by row.
fn print_json(context: &Context, subjects: Subjects<'_>, census: &Census) -> Result<(), CliError> {
    let credentials = Rows { context, subjects, census, end: RefCell::new(Ok(())) };
    let report = Report { v: 1, need_somebody: census.needy(), credentials };
    let printed = context.ui.stream_json(&report);
    // A read error is the reason why printing stopped, so it comes first.
    report.credentials.end.into_inner()?;
    printed
}

/// The output of `--json`.
#[derive(Serialize)]
struct Report<C> {
    v: u8,
    /// The number of credentials that need somebody.
    need_somebody: usize,
    credentials: C,
}

/// The credentials to print, which are read during serialization.
struct Rows<'a> {
    context: &'a Context,
    subjects: Subjects<'a>,
    census: &'a Census,
    /// The error of reading, if there was one.
    end: RefCell<Result<(), StoreError>>,
}

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        let read = self.subjects.each_by_need(self.census, |line| {
            list.serialize_element(&One::new(self.context, &line)).map_err(Stopped::Printing)
        });
        match read {
            Ok(()) => list.end(),
            Err(Stopped::Printing(error)) => Err(error),
            Err(Stopped::Reading(error)) => {
                *self.end.borrow_mut() = Err(error);
                Err(S::Error::custom("the vault could not be read"))
            }
        }
    }
}

#[derive(Serialize)]
struct One<'a> {
    provider: &'a str,
    user: &'a str,
    /// What is needed: `login`, `token`, `refresh`, `provider`, `member` or `nothing`.
    needs: &'static str,
    message: &'a str,
    /// Whether a refresh was begun and its answer is not known, for as long as one is under way too.
    in_doubt: bool,
    command: Option<String>,
}

impl<'a> One<'a> {
    fn new(context: &Context, line: &'a Line) -> Self {
        Self {
            provider: line.account.provider.as_str(),
            user: line.account.user.as_str(),
            needs: match line.need {
                Need::Login => "login",
                Need::NewToken => "token",
                Need::Refresh => "refresh",
                Need::Provider => "provider",
                Need::Member => "member",
                Need::Nothing => "nothing",
            },
            message: &line.what,
            in_doubt: line.in_doubt,
            command: (line.need != Need::Nothing).then(|| remedy(context, line)),
        }
    }
}
