//! `tokctl refresh`: renews one token or all of them, once or as a service. Whether and how a
//! single token is renewed is decided in `ops`.

mod args;
mod outcome;
mod report;
mod selection;
mod one;
mod many;
mod watch;

pub(crate) use self::args::Args;
use crate::cli::context::Context;
use crate::cli::error::CliError;

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    if args.print_unit {
        watch::print_unit(args, context)
    } else if args.watch {
        watch::run(args, context)
    } else if args.all {
        many::run(args, context)
    } else {
        one::run(args, context)
    }
}
