//! The message of a panic: where the bug is, and no text that may hold a secret.

use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::process::ExitCode;

use super::error::{CliError, Kind};
use super::ui::Ui;

/// Makes a panic print where it happened and nothing else.
///
/// The text of a panic may quote its data, such as the token that an index into a text missed.
pub(super) fn print_location_only(ui: Ui) {
    panic::set_hook(Box::new(move |panicked| ui.error(&bug_report(panicked))));
}

fn bug_report(panicked: &PanicHookInfo<'_>) -> CliError {
    let place = panicked.location().map_or_else(|| "an unknown place".into(), ToString::to_string);
    CliError::new(Kind::Failed, format!("this is a bug in tokctl, at {place}"))
        .hint("report it with what you typed")
}

/// Runs `work` and turns a panic into the exit code of a failure.
///
/// Unwinding drops, and so wipes, all secrets that `work` holds.
pub(super) fn catch(work: impl FnOnce() -> ExitCode) -> ExitCode {
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    done.unwrap_or_else(|_| CliError::new(Kind::Failed, "").exit_code())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::cli::ui::Verbosity;

    const STUMBLES: &str = "cli::panics::tests::stumbles_over_a_secret";

    /// Run by the other test in its own process, because a panic hook is global.
    #[test]
    #[ignore = "run by the test below"]
    fn stumbles_over_a_secret() {
        print_location_only(Ui {
            verbosity: Verbosity::Details,
            json: false,
            may_ask: false,
            vault_flag: None,
        });
        let secret = "made-up-t\u{f6}ken";
        let code = catch(|| {
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
