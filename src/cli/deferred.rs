//! Command arguments that are described to the parser only when their command is called.
//!
//! Describing all commands would add 9 % to the cost of a `get` (CPU time of whole processes, 400
//! runs in alternation).

use std::cell::Cell;

use clap::{ArgMatches, Args, Command, Error, FromArgMatches};

thread_local! {
    static AT_ONCE: Cell<bool> = const { Cell::new(false) };
}

/// Describes every command with all its arguments, for help texts and man pages.
///
/// The command's own arguments come before the global ones.
pub(crate) fn describe_all(describe: fn() -> Command) -> Command {
    AT_ONCE.set(true);
    let command = describe();
    AT_ONCE.set(false);
    command
}

/// The arguments `T` of a command, described only when the parser needs them.
#[derive(Debug)]
pub(crate) struct Deferred<T>(pub(crate) T);

impl<T: Args> Args for Deferred<T> {
    fn augment_args(command: Command) -> Command {
        if AT_ONCE.get() { T::augment_args(command) } else { command.defer(T::augment_args) }
    }

    fn augment_args_for_update(command: Command) -> Command {
        command.defer(T::augment_args_for_update)
    }
}

impl<T: FromArgMatches> FromArgMatches for Deferred<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }
}
