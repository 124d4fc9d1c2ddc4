//! The pager: the program with which a person leafs through a page at a terminal.

use std::io::{self, IsTerminal, Write};
use std::process::{Command, Stdio};

use crate::cli::context::Context;
use crate::signals;

/// The options of `less` where the user has set none: to end by itself where all fits on the
/// screen, to show faces, and to leave the page on the screen.
const LESS: &str = "FRX";

/// Shows `text` with the program in `$PAGER`, else with `less`. Returns whether that was done: not
/// where the output is no terminal, nothing may be asked, or there is no such program.
///
/// The program inherits none of tokctl's secrets.
pub(super) fn show(text: &str, context: &Context) -> bool {
    let environment = &context.environment;
    let is_dumb = environment.text("TERM").is_none_or(|terminal| terminal == "dumb");
    if is_dumb || !io::stdout().is_terminal() || !context.ui.can_ask() {
        return false;
    }
    let named = environment.text("PAGER").unwrap_or_else(|| "less".to_owned());
    let words = shell_words::split(&named).unwrap_or_default();
    let [program, arguments @ ..] = &words[..] else { return false };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped());
    context.withhold_secrets();
    environment.give_to(&mut command);
    if environment.get("LESS").is_none() {
        command.env("LESS", LESS);
    }
    // An interrupt is for the pager.
    let held = signals::hold();
    let Ok(mut pager) = command.spawn() else { return false };
    if let Some(mut stdin) = pager.stdin.take() {
        // Who has read enough leaves before the end.
        let _ = stdin.write_all(text.as_bytes());
    }
    let ended = pager.wait();
    drop(held);
    ended.is_ok()
}
