//! What a bug says of itself: where it is, and never what it was about.

use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::process::ExitCode;

use super::error::{CliError, Kind};
use super::ui::Ui;

/// Makes a panic say where it happened and nothing else: its text may quote what it stumbled over,
/// such as the token that an index into a text missed.
pub(super) fn tell_where_alone(ui: Ui) {
    panic::set_hook(Box::new(move |panicked| ui.error(&told(panicked))));
}

fn told(panicked: &PanicHookInfo<'_>) -> CliError {
    let place = panicked.location().map_or_else(|| "an unknown place".into(), ToString::to_string);
    CliError::new(Kind::Failed, format!("this is a bug in tokctl, at {place}"))
        .hint("report it with what you typed")
}

/// Ends as every other failure does where `work` panics, once all that it holds was wiped.
pub(super) fn caught(work: impl FnOnce() -> ExitCode) -> ExitCode {
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    done.unwrap_or_else(|_| CliError::new(Kind::Failed, "").exit_code())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::cli::ui::Verbosity;

    const STUMBLES: &str = "cli::panics::tests::stumbles_over_a_secret";

    /// Run by the other test, in a process of its own: a hook is the whole process's.
    #[test]
    #[ignore = "run by the test below"]
    fn stumbles_over_a_secret() {
        tell_where_alone(Ui { verbosity: Verbosity::Details, json: false, may_ask: false });
        let secret = "made-up-t\u{f6}ken";
        let code = caught(|| {
            assert!(secret[..10].is_empty());
            ExitCode::SUCCESS
        });
        assert_ne!(code, ExitCode::SUCCESS);
    }

    #[test]
    fn a_panic_tells_its_place_and_no_text() {
        let program = std::env::current_exe().unwrap();
        let arguments = ["--exact", STUMBLES, "--ignored", "--nocapture"];
        let done = Command::new(program).args(arguments).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(
            said.contains("tokctl: error: this is a bug in tokctl, at src/cli/panics.rs"),
            "{said}"
        );
        assert!(!said.contains("made-up"), "{said}");
    }
}
