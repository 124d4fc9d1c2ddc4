//! The command line interface. Only this module parses arguments, prints, prompts, reads clock and
//! environment, and picks exit codes.

pub(crate) mod environment;
mod typed;
pub(crate) mod error;
mod explain;
mod json;
pub(crate) mod stderr;
pub(crate) mod ui;
mod details;
mod progress;
mod pauses;
mod questions;
mod table;
pub(crate) mod ci_mask;
mod memory;
mod stdin;
mod time;
mod words;
mod vault_place;
pub(crate) mod context;
mod program;
mod surroundings;
mod browser;
mod pasting;
mod secret_file;
mod key_material;
mod slot_names;
mod slot_choice;
#[cfg(feature = "postgres")]
mod kept_answers;
mod keys;
#[cfg(feature = "postgres")]
mod member_identity;
mod vaults;
mod moved;
mod new_secret;
mod bundle_secret;
mod directory;
mod no_match;
mod choice;
mod client_settings;
mod certificates;
mod other_proofs;
mod workload;
mod memory_vault;
mod next_command;
mod whereabouts;
mod parse_error;
mod audit_trail;
#[cfg(feature = "postgres")]
mod shared_vault;
#[cfg(feature = "postgres")]
mod carrying;
mod given_secrets;
mod slot_decisions;
mod hooks;
mod renewal;
mod stopped;
mod needs;
mod deferred;
mod short_help;
mod panics;
mod commands;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Args, CommandFactory, FromArgMatches, Parser};

use self::context::{Context, Global};
use self::deferred::{Deferred, describe_all};
use self::environment::Environment;
use self::error::CliError;
use self::parse_error::CommandPath;
use self::short_help::name_global_options;
use self::ui::{Ui, Verbosity};
use crate::signals;

/// A live token for every service, now
///
/// You log in to a service once. tokctl keeps the tokens in one sealed file, and `tokctl get`
/// prints one that works, for any script: renewed first if it is due, by one process at a time.
#[derive(Debug, Parser)]
#[command(name = "tokctl", version, disable_help_subcommand = true)]
#[command(after_help = "\
Topics, for `tokctl help`: config, refresh (7 refresh), ci, shared, security

Exit codes: 0 done, 1 failed, 2 usage, 3 no such credential, 4 login required, 5 no key,
6 provider unavailable, 7 vault damaged, 8 login failed, 9 busy")]
struct Root {
    #[command(flatten)]
    global: Global,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Login(Deferred<Box<commands::login::Args>>),
    Get(Deferred<commands::get::Args>),
    Refresh(Deferred<commands::refresh::Args>),
    #[command(visible_alias = "ls")]
    List(Deferred<commands::list::Args>),
    Status(Deferred<commands::status::Args>),
    #[command(visible_aliases = ["logout", "rm"])]
    Delete(Deferred<commands::delete::Args>),
    Why(Deferred<commands::why::Args>),
    Check(Deferred<commands::check::Args>),
    Audit(Deferred<commands::audit::Args>),
    Providers(Deferred<commands::providers::Args>),
    #[command(name = "rotate-key")]
    RotateKey(Deferred<commands::rotate_key::Args>),
    Key(Deferred<commands::key::Args>),
    #[cfg(feature = "postgres")]
    Vault(Deferred<commands::vault::Args>),
    #[cfg(feature = "postgres")]
    Member(Deferred<commands::member::Args>),
    Backup(Deferred<commands::backup::Args>),
    Import(Deferred<commands::import::Args>),
    Export(Deferred<commands::export::Args>),
    Run(Deferred<commands::run::Args>),
    Env(Deferred<commands::env::Args>),
    #[command(name = "use")]
    Use(Deferred<commands::use_account::Args>),
    #[command(name = "git-credential")]
    GitCredential(Deferred<commands::git_credential::Args>),
    #[command(name = "docker-credential")]
    DockerCredential(Deferred<commands::docker_credential::Args>),
    Doctor(Deferred<commands::doctor::Args>),
    Completions(Deferred<commands::completions::Args>),
    #[command(name = "man")]
    Man(Deferred<commands::manual::ManArgs>),
    Help(Deferred<commands::manual::HelpArgs>),
}

/// Runs the program with `args`, the first of which is the program's name.
#[must_use]
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    memory::keep_private();
    let args = commands::docker_credential::as_command(args.into_iter().collect());
    let own = |word: &str| args.iter().take_while(|arg| *arg != "--").any(|arg| arg == word);
    // `run` has to know the caller's handling of the signal for its child. Asking for it costs more
    // than a `get` can afford.
    if own("run") {
        signals::survive_file_limit_as_the_caller();
    } else {
        signals::survive_file_limit();
    }
    let asked_for_json = own("--json");
    let plain =
        Ui { verbosity: Verbosity::Status, json: asked_for_json, may_ask: false, vault_flag: None };
    panics::print_location_only(plain.clone());
    panics::catch(|| run_command(&args, plain))
}

/// Parses `args` and runs the command that they name.
fn run_command(args: &[OsString], plain: Ui) -> ExitCode {
    if let [_, word, rest @ ..] = args
        && word == commands::completions::COMPLETE
    {
        return commands::completions::complete(&plain, rest, &describe_all(Root::command));
    }
    if args.len() <= 1 {
        let help = describe_all(Root::command).render_help().to_string();
        return match plain.data(help.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => error.exit_code(),
        };
    }
    let root = match parse(args) {
        Ok(root) => root,
        Err(error) => return report_parse_error(&plain, &error, args),
    };
    let done = Context::new(root.global, Environment::read()).map_err(|error| (plain, error));
    let (ui, error) = match done {
        Err(failure) => failure,
        Ok(context) => match dispatch(&root.command, &context, args) {
            Ok(code) => return code,
            Err(error) => {
                let error = next_command::complete(&context, args, error);
                (context.ui, error)
            }
        },
    };
    ui.error(&error);
    error.exit_code()
}

fn parse(args: &[OsString]) -> Result<Root, clap::Error> {
    let read = |command: &mut clap::Command| {
        let matches = command.try_get_matches_from_mut(args);
        matches.and_then(|matches| Root::from_arg_matches(&matches))
    };
    // Error messages and help texts need the description of all commands.
    read(&mut parser_for_one_command(args)).or_else(|_| {
        let mut command = name_global_options(describe_all(Root::command));
        read(&mut command).map_err(|error| error.format(&mut command))
    })
}

/// Returns a parser with one command: the first of `args` that is a command's name.
///
/// What this parser can read means the same with all commands. If the name found is the value of an
/// option, this parser fails on the rest, and [`parse`] tries again with all commands.
///
/// The parser gives every command that it knows a copy of every global option. That takes 37 of the
/// 87 pages of memory that a `get` would touch.
fn parser_for_one_command(args: &[OsString]) -> clap::Command {
    let root = Root::command();
    let called = args.iter().skip(1).find_map(|word| root.find_subcommand(word)).cloned();
    let program = clap::Command::new("tokctl").disable_help_subcommand(true);
    Global::augment_args(program).subcommands(called)
}

fn dispatch(
    command: &Command,
    context: &Context,
    typed: &[OsString],
) -> Result<ExitCode, CliError> {
    match command {
        Command::Run(Deferred(args)) => return commands::run::run(args, context),
        Command::Login(Deferred(args)) => commands::login::run(args, context, typed),
        Command::Get(Deferred(args)) => commands::get::run(args, context),
        Command::Refresh(Deferred(args)) => commands::refresh::run(args, context),
        Command::List(Deferred(args)) => commands::list::run(args, context),
        Command::Status(Deferred(args)) => return commands::status::run(args, context),
        Command::Delete(Deferred(args)) => commands::delete::run(args, context),
        Command::Why(Deferred(args)) => commands::why::run(args, context),
        Command::Check(Deferred(args)) => commands::check::run(args, context),
        Command::Audit(Deferred(args)) => commands::audit::run(args, context),
        Command::Providers(Deferred(args)) => commands::providers::run(args, context),
        Command::RotateKey(Deferred(args)) => commands::rotate_key::run(args, context),
        Command::Key(Deferred(args)) => commands::key::run(args, context),
        #[cfg(feature = "postgres")]
        Command::Vault(Deferred(args)) => commands::vault::run(args, context),
        #[cfg(feature = "postgres")]
        Command::Member(Deferred(args)) => commands::member::run(args, context),
        Command::Backup(Deferred(args)) => commands::backup::run(args, context),
        Command::Import(Deferred(args)) => commands::import::run(args, context),
        Command::Export(Deferred(args)) => commands::export::run(args, context),
        Command::Env(Deferred(args)) => commands::env::run(args, context),
        Command::Use(Deferred(args)) => commands::use_account::run(args, context),
        Command::GitCredential(Deferred(args)) => commands::git_credential::run(args, context),
        Command::DockerCredential(Deferred(args)) => {
            return commands::docker_credential::run(args, context);
        }
        Command::Doctor(Deferred(args)) => commands::doctor::run(args, context),
        Command::Completions(Deferred(args)) => {
            commands::completions::run(args, context, describe_all(Root::command))
        }
        Command::Man(Deferred(args)) => commands::manual::man(args, describe_all(Root::command)),
        Command::Help(Deferred(args)) => {
            commands::manual::help(args, context, describe_all(Root::command))
        }
    }
    .map(|()| ExitCode::SUCCESS)
}

/// Prints the help that was asked for, or a parse error in the form of all errors.
fn report_parse_error(ui: &Ui, error: &clap::Error, args: &[OsString]) -> ExitCode {
    if !error.use_stderr() {
        return match ui.data(error.render().to_string().as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => error.exit_code(),
        };
    }
    let error = parse_error::explain(error, &command_path(args), args);
    ui.error(&error);
    error.exit_code()
}

/// Returns the commands that `args` name.
fn command_path(args: &[OsString]) -> CommandPath {
    let mut command = &describe_all(Root::command);
    let mut names = vec!["tokctl".to_owned()];
    let words = args.iter().skip(1).take_while(|word| *word != "--");
    for word in words.filter_map(|word| word.to_str()) {
        if let Some(found) = command.find_subcommand(word) {
            names.push(found.get_name().to_owned());
            command = found;
        }
    }
    let seen = command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set());
    let subcommands = seen.map(|subcommand| subcommand.get_name().to_owned()).collect();
    let longs = command.get_arguments().filter_map(clap::Arg::get_long);
    let shorts = command.get_arguments().filter_map(clap::Arg::get_short);
    let flags =
        longs.map(|long| format!("--{long}")).chain(shorts.map(|short| format!("-{short}")));
    CommandPath { names, subcommands, flags: flags.collect() }
}
