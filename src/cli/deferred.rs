//! Arguments of a command, described to the parser only when that command is called.
//!
//! Describing all commands would add 9 % to what a `get` costs (CPU of whole processes, 400 by turns).

use std::cell::Cell;

use clap::{ArgMatches, Args, Command, Error, FromArgMatches};

thread_local! {
    static AT_ONCE: Cell<bool> = const { Cell::new(false) };
}

/// Describes what help texts and man pages show: every command with its arguments, before the
/// global ones.
pub(crate) fn at_once(describe: fn() -> Command) -> Command {
    AT_ONCE.set(true);
    let command = describe();
    AT_ONCE.set(false);
    command
}

/// `T`, and its description when it is needed.
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
