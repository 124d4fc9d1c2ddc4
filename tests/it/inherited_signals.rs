//! These tests hold wherever they are started, also where signals are ignored on entry.
#![cfg(target_os = "linux")]

use std::process::Command;

/// A test that sends signals to tokctl and expects them to be heeded.
const SENDS_SIGNALS: &str = "interrupted::a_signal_waits_until_the_answer_is_saved";

#[test]
fn signals_that_are_ignored_around_the_tests_are_not_in_them() {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "trap '' HUP INT QUIT TERM TSTP XFSZ; exec \"$@\"", "sh"]);
    shell.arg(std::env::current_exe().unwrap()).args(["--exact", SENDS_SIGNALS]);
    let output = shell.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
