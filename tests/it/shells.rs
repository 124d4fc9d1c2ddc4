//! The shells that people type in: the prompt that the manual shows, and questions in the middle of
//! a session. A shell that is not installed is skipped with a word.

use std::path::Path;
use std::process::Command;

use rexpect::session::PtySession;

use crate::env::{TestEnv, stdout};

/// How long an expected text may take, in milliseconds.
const PATIENCE: u64 = 30_000;

/// What each shell is made to ask with.
const PROMPT: &str = "READY> ";

const ESCAPE: &str = "\u{1b}";
const CTRL_C: &str = "\u{3}";

/// The shells, each with the arguments for a session without anybody's settings.
const SHELLS: [(&str, &[&str]); 3] = [
    ("bash", &["--norc", "--noprofile", "-i"]),
    ("zsh", &["-f", "-i"]),
    ("fish", &["--no-config", "-i", "-C", "function fish_prompt; printf 'READY> '; end"]),
];

/// A session of a shell, and all that its terminal was sent.
struct Shell {
    session: PtySession,
    seen: String,
}

impl Shell {
    /// Starts a shell in the world of `env`, with `tokctl` in its PATH; `None` if it is not
    /// installed.
    fn start(env: &TestEnv, shell: &str, arguments: &[&str]) -> Option<Self> {
        let places =
            ["/bin", "/usr/bin", "/usr/local/bin"].map(|place| Path::new(place).join(shell));
        let Some(program) = places.iter().find(|place| place.exists()) else {
            eprintln!("skipped: {shell} is not installed");
            return None;
        };
        let mut command = Command::new(program);
        command.args(arguments);
        env.settle(&mut command);
        let tokctl = snapbox::cmd::cargo_bin("tokctl");
        let path = format!("{}:/usr/bin:/bin", tokctl.parent().unwrap().display());
        command.env("PATH", path).env("PS1", PROMPT).env("TERM", "xterm-256color");
        let session = rexpect::session::spawn_command(command, Some(PATIENCE)).unwrap();
        let mut shell = Self { session, seen: String::new() };
        shell.sees(PROMPT);
        Some(shell)
    }

    /// Waits for `text`.
    #[track_caller]
    fn sees(&mut self, text: &str) {
        match self.session.exp_string(text) {
            Ok(before) => self.seen.extend([&before, text]),
            Err(error) => panic!("no `{text}` after {}: {error}", self.seen),
        }
    }

    fn presses(&mut self, keys: &str) {
        self.session.send(keys).unwrap();
        self.session.flush().unwrap();
    }

    /// Types a line of the shell.
    fn types(&mut self, line: &str) {
        self.presses(&format!("{line}\r"));
    }

    /// Ends the session: an interactive shell ignores the signal that would.
    fn leaves(mut self) {
        self.types("exit");
        self.session.exp_eof().unwrap();
    }

    /// Types a line of the shell that writes a file when it is done, and waits for that.
    #[track_caller]
    fn writes(&mut self, env: &TestEnv, line: &str, file: &str) -> String {
        let path = env.path(file);
        self.types(&format!("{line} > {file}.new; mv {file}.new {file}"));
        for _ in 0..PATIENCE / 10 {
            if let Ok(text) = std::fs::read_to_string(&path) {
                std::fs::remove_file(path).unwrap();
                return text;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("`{line}` did not run: {}", self.seen);
    }
}

/// What the manual shows for the prompt of this shell, on one line.
fn line_of_the_manual(shell: &str) -> String {
    let page = include_str!("../../man/sections/status.man");
    let (_, entry) = page.split_once(&format!(".TP\n{shell}, in ")).expect("an entry");
    let lines = entry.lines().skip(1).take_while(|line| line.starts_with("\\fB") || *line == ".br");
    let bare = |line: &str| Some(line.strip_prefix("\\fB")?.strip_suffix("\\fR")?.to_owned());
    let typed: Vec<String> = lines.filter_map(bare).collect();
    typed.join("; ").replace("\\(aq", "'").replace("\\-", "-").replace("\\e", "\\")
}

#[test]
fn the_help_and_the_manual_show_the_same_prompts() {
    let help = stdout(&TestEnv::new().tokctl(["status", "--help"]).assert().success());
    for (shell, _) in SHELLS {
        let line = line_of_the_manual(shell);
        let shown = help.lines().find(|line| line.contains(&format!("# {shell}, in "))).unwrap();
        let (shown, _) = shown.split_once(" # ").unwrap();
        assert_eq!(shown.trim(), line, "{shell}");
    }
}

#[test]
fn the_prompt_of_the_manual_shows_who_needs_somebody_as_the_name_stands() {
    // What each shell would take for something of its own, if it read the name again.
    let name = r"50%n$(touch owned)`touch owned`\u";
    for (shell, arguments) in SHELLS {
        let env = TestEnv::new().with_static_token(name, "made-up-token");
        let Some(mut session) = Shell::start(&env, shell, arguments) else { continue };
        session.types(&line_of_the_manual(shell));
        session.sees(PROMPT);
        session.writes(&env, "echo", "first");
        assert!(!session.seen.contains("50%n"), "{shell}: {}", session.seen);
        env.sql("UPDATE credentials_2 SET status = 'login_required'");
        session.types("");
        session.sees(&format!("vendor/{name}! "));
        session.writes(&env, "echo", "second");
        assert!(!session.seen.contains("tokctl: "), "{shell}: {}", session.seen);
        assert!(!env.path("owned").exists(), "{shell} ran a name");
        session.leaves();
    }
}

/// Answers that a person gives to a question, each with the command line that asks and the words
/// that it waits with.
const QUESTIONS: [(&str, &str, &str); 8] = [
    ("tokctl delete vendor/x", "[y/N]", "n\r"),
    ("tokctl delete vendor/x", "[y/N]", ESCAPE),
    ("tokctl delete vendor/x", "[y/N]", CTRL_C),
    ("tokctl get", "vendor/y", "\r"),
    ("tokctl get", "vendor/y", ESCAPE),
    ("tokctl get", "vendor/y", CTRL_C),
    ("tokctl login vendor/x", "does not show", "made-up-new\r"),
    ("tokctl login vendor/x", "does not show", CTRL_C),
];

#[test]
fn however_a_question_ends_the_shell_goes_on_with_the_terminal_as_it_was() {
    for (shell, arguments) in SHELLS {
        let env =
            TestEnv::new().with_static_token("x", "made-up-x").with_static_token("y", "made-up-y");
        let Some(mut session) = Shell::start(&env, shell, arguments) else { continue };
        let before = session.writes(&env, "stty -g", "modes");
        for (command, words, answer) in QUESTIONS {
            session.types(command);
            session.sees(words);
            session.presses(answer);
            session.sees(PROMPT);
            let after = session.writes(&env, "stty -g", "modes");
            assert_eq!(after, before, "{shell}: {command}, answered {answer:?}");
            // What is typed next arrives whole, and is seen.
            let said = session.writes(&env, "echo intact", "next");
            assert_eq!(said, "intact\n", "{shell}: {command}, answered {answer:?}");
        }
        let mut screen = vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 0);
        screen.process(session.seen.as_bytes());
        assert!(!screen.screen().hide_cursor(), "{shell}: {}", session.seen);
        assert!(!session.seen.contains("made-up-new"), "{shell}: {}", session.seen);
        session.leaves();
    }
}
