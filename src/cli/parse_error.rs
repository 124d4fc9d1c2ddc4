//! Command lines that can't be parsed: a sentence about what is wrong, and the command to type.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::error::{CliError, Kind};
use super::typed::{command_line, may_be_secret};
use crate::model::address::Address;
use crate::model::address_secret::{bare_address, without_secrets};
use crate::model::nearest::{did_you_mean, nearest};
use crate::untrusted::printable;

/// Commands of other tools and other words for what tokctl does, each with tokctl's command.
const OTHER_WORDS: [(&str, &str); 14] = [
    ("login", "add auth init new setup signin sign-in connect authenticate"),
    ("get", "token print show-token cat read fetch access-token"),
    ("status", "whoami state info health me"),
    ("delete", "remove revoke signout sign-out forget erase disconnect"),
    ("list", "accounts users credentials ps"),
    ("refresh", "renew update"),
    ("why", "explain show describe inspect"),
    ("check", "verify test validate"),
    ("run", "exec with"),
    ("rotate-key", "rotate rekey"),
    ("use", "switch default select set-default"),
    ("audit", "log logs history"),
    ("add", "create new"),
    ("remove", "delete rm drop forget"),
];

/// Flags with which other tools take a secret, each with the one by which it comes in here: no
/// secret is read from a command line.
const SECRET_FLAGS: [(&str, &str); 4] = [
    ("--client-secret", "--client-secret-file"),
    ("--token", "--token-stdin"),
    ("--password", "--token-stdin"),
    ("--passphrase", "TOKCTL_PASSPHRASE_FILE"),
];

/// Words that people name as the source of an import, each with the advice for them. None of these words
/// is the name of a source.
const OTHER_SOURCES: [(&str, &str); 7] = [
    (
        "csv tsv xlsx excel sql dump table database db sqlite sqlite3 postgres postgresql psql mysql \
         mariadb",
        "name the tool whose table it is, or `pauth` for columns such as user_id and access_token",
    ),
    (
        "json jsonl ndjson yaml redis oauth token tokens",
        "`pauth` takes tokens as JSON, and `google` takes token.json",
    ),
    (
        "dotenv env .env envfile netrc .netrc gh hub git npmrc keyring keychain pass 1password op bitwarden \
         vault",
        "pipe one token in with `tokctl login NAME --token-stdin`; `tokctl run --env-file FILE` reads a .env file",
    ),
    (
        "gcloud adc gdrive drive gmail node go clasp gspread",
        "`google` takes files of Google's tools and libraries",
    ),
    ("etsy shopify", "`refresh-service` takes etsy_users and shopify_stores"),
    ("facebook meta", "`state-tokens` takes tokens by name"),
    (
        "jira github atlassian confluence",
        "`agentllm` takes jira_tokens and github_tokens; one token comes in with `tokctl login`",
    ),
];

/// The commands that a command line names.
pub(crate) struct CommandPath {
    /// The name of the program, and of each command.
    pub(crate) names: Vec<String>,
    /// The commands that may follow.
    pub(crate) subcommands: Vec<String>,
    /// The flags of the last command, as they are typed.
    pub(crate) flags: Vec<String>,
}

/// Returns the error for a command line that clap refused, whose commands are those of `path`.
pub(crate) fn explain(error: &clap::Error, path: &CommandPath, args: &[OsString]) -> CliError {
    let CommandPath { names: command, subcommands, flags: _ } = path;
    let help = format!("{} --help", command.join(" "));
    let usage = |message: String, hint: String| CliError::new(Kind::Usage, message).hint(hint);
    let is_run = matches!(&command[..], [_, name] if name == "run");
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let typed = text(error, ContextKind::InvalidSubcommand).unwrap_or_default();
            let meant = meant(&typed, subcommands);
            let shown = if may_be_secret(&typed) { "…".to_owned() } else { printable(&typed) };
            let message = format!("there is no command `{shown}`{}", did_you_mean(&meant));
            let hint = match &meant[..] {
                // These need nothing more.
                [first, ..] if ["status", "list"].contains(&first.as_str()) => {
                    format!("{} {first}", command.join(" "))
                }
                [first, ..] => format!("{} {first} --help", command.join(" ")),
                [] => help,
            };
            usage(message, hint)
        }
        ErrorKind::UnknownArgument => {
            if let Some(line) = behind_command(error, path, args) {
                let flag = stray_flag(error);
                usage(format!("`{flag}` stands behind the command that it is for"), line)
            } else if is_run {
                let (message, hint) = unknown_to_run(error, args, help);
                usage(message, hint)
            } else if let Some(instead) = secret_flag(error) {
                usage(format!("no secret is taken from a command line: use `{instead}`"), help)
            } else {
                usage(sentence(error), help)
            }
        }
        ErrorKind::InvalidValue => match other_source(error) {
            Some((word, instead)) => {
                usage(format!("there is no source `{}`: {instead}", printable(&word)), help)
            }
            None => usage(sentence(error), help),
        },
        ErrorKind::ValueValidation => {
            usage(sentence(error), with_plain_address(error, args).unwrap_or(help))
        }
        ErrorKind::MissingRequiredArgument if is_run => {
            usage("the command to run is missing, which stands behind `--`".into(), help)
        }
        _ => usage(sentence(error), help),
    }
}

/// Returns what is wrong with an argument that `run` does not know, and the hint.
fn unknown_to_run(error: &clap::Error, args: &[OsString], help: String) -> (String, String) {
    let stray = text(error, ContextKind::InvalidArg).unwrap_or_default();
    let behind_run = args.iter().position(|arg| arg == "run").map_or(1, |at| at + 1);
    let found = args.iter().skip(behind_run).position(|arg| *arg == *stray);
    match found.map(|at| at + behind_run) {
        // What stands behind it is the command's, and may be a secret.
        Some(at) if args[at..].iter().any(|arg| may_be_secret(&arg.to_string_lossy())) => {
            ("the command to run stands behind `--`".into(), help)
        }
        Some(at) if args[at..].contains(&"--".into()) && !stray.starts_with('-') => {
            ("what `run` gives to a command is named by `--env NAME=REF`".into(), help)
        }
        Some(at) if !stray.starts_with('-') => {
            let (before, behind) = args.split_at(at);
            let with_mark = [before, &[OsString::from("--")], behind].concat();
            ("the command to run stands behind `--`".into(), command_line(&with_mark))
        }
        Some(_) | None => (sentence(error), help),
    }
}

/// Returns the command line with a flag behind its command that was typed before it; `None` if the
/// command has no such flag.
fn behind_command(error: &clap::Error, path: &CommandPath, args: &[OsString]) -> Option<String> {
    let flag = stray_flag(error);
    let [_, name, ..] = &path.names[..] else { return None };
    let at = |wanted: &str| args.iter().position(|arg| *arg == *wanted);
    let stray = args.iter().position(|arg| {
        let arg = arg.to_string_lossy();
        arg == flag || arg.starts_with(&format!("{flag}="))
    })?;
    let command = at(name).filter(|command| stray < *command)?;
    if !path.flags.contains(&flag) {
        return None;
    }
    let end = at("--").unwrap_or(args.len());
    let (flagged, own) = (&args[stray..command], &args[command..end]);
    let line = [&args[..stray], own, flagged, &args[end..]].concat();
    line.iter().all(|word| !may_be_secret(&word.to_string_lossy())).then(|| command_line(&line))
}

/// Returns the command line with an address that holds a secret replaced by the same address without
/// it; `None` if that is not what is wrong.
fn with_plain_address(error: &clap::Error, args: &[OsString]) -> Option<String> {
    let typed = text(error, ContextKind::InvalidValue)?;
    let plain = bare_address(&typed).filter(|plain| Address::from_typed(plain).is_ok())?;
    let line: Vec<OsString> = args
        .iter()
        .map(|word| match word.to_string_lossy().strip_suffix(&typed) {
            Some(before) => format!("{before}{plain}").into(),
            None => word.clone(),
        })
        .collect();
    line.iter().all(|word| !may_be_secret(&word.to_string_lossy())).then(|| command_line(&line))
}

/// Returns the flag that clap did not know, without its value.
fn stray_flag(error: &clap::Error) -> String {
    let stray = text(error, ContextKind::InvalidArg).unwrap_or_default();
    stray.split(['=', ' ']).next().unwrap_or_default().to_owned()
}

/// Returns the word that stands for no source of an import, and what takes what it means.
fn other_source(error: &clap::Error) -> Option<(String, &'static str)> {
    let argument = text(error, ContextKind::InvalidArg)?;
    let word = text(error, ContextKind::InvalidValue).filter(|_| argument == "<SOURCE>")?;
    let meant = |words: &str| words.split_whitespace().any(|one| one == word.to_lowercase());
    let (_, instead) = OTHER_SOURCES.iter().find(|(words, _)| meant(words))?;
    Some((word, instead))
}

/// Returns what to give in place of an unknown flag that would take a secret.
fn secret_flag(error: &clap::Error) -> Option<&'static str> {
    let stray = text(error, ContextKind::InvalidArg)?;
    SECRET_FLAGS.iter().find(|(flag, _)| *flag == stray).map(|(_, instead)| *instead)
}

/// Returns clap's sentence: the first paragraph, with the possible values and what is near.
fn sentence(error: &clap::Error) -> String {
    let rendered = error.render().to_string();
    let mut message = rendered
        .strip_prefix("error: ")
        .and_then(|text| text.split("\n\n").next())
        .and_then(|text| text.split("\n  [possible values").next())
        .map_or_else(|| "no command was given".to_owned(), printable);
    let values = rendered.lines().find_map(|line| line.trim().strip_prefix("[possible values: "));
    if let Some(values) = values {
        message = format!("{message}, which is one of {}", values.trim_end_matches(']'));
    }
    for typed in [ContextKind::InvalidArg, ContextKind::InvalidValue] {
        let Some(typed) = text(error, typed) else { continue };
        if may_be_secret(&typed) {
            message = message.replace(&typed, "…");
        } else if typed.contains("://") || typed.contains('?') {
            message = message.replace(&typed, &without_secrets(&typed));
        }
    }
    // Clap takes `github` for what is meant by `gitlab`, and nothing for what is meant by `kye`.
    let near = match text(error, ContextKind::InvalidValue) {
        Some(typed) => nearest(&typed, texts(error, ContextKind::ValidValue)),
        None => text(error, ContextKind::SuggestedArg).into_iter().collect(),
    };
    message.push_str(&did_you_mean(&near));
    message
}

/// Returns the commands that a mistyped one may stand for.
fn meant(typed: &str, subcommands: &[String]) -> Vec<String> {
    let other = OTHER_WORDS.iter().find(|(command, words)| {
        words.split(' ').any(|word| word == typed) && subcommands.iter().any(|one| one == command)
    });
    match other {
        Some((command, _)) => vec![(*command).to_owned()],
        None => nearest(typed, subcommands.iter().cloned()),
    }
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    texts(error, kind).into_iter().next()
}

fn texts(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}
