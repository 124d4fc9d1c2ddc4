//! Runs tokctl in a world of its own, shows what was typed and what came of it, and keeps count of
//! whatever was not as expected.

use std::cell::Cell;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How wide the prose is set.
const WIDTH: usize = 76;

/// The world, and how it is shown.
pub(crate) struct Stage {
    tokctl: PathBuf,
    world: PathBuf,
    style: Style,
    acts: Cell<usize>,
    surprises: Cell<usize>,
}

/// The escape sequences in use; all empty where the output is no terminal.
struct Style {
    bold: &'static str,
    dim: &'static str,
    green: &'static str,
    red: &'static str,
    plain: &'static str,
}

/// A command that was run and shown, to be held against what was expected of it.
#[must_use]
pub(crate) struct Outcome<'a> {
    stage: &'a Stage,
    output: Output,
}

impl Stage {
    /// A stage in the empty folder `world`.
    pub(crate) fn new(tokctl: PathBuf, world: PathBuf) -> Self {
        let coloured = io::stdout().is_terminal()
            && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            tokctl: fs::canonicalize(&tokctl).unwrap_or(tokctl),
            world,
            style: Style::new(coloured),
            acts: Cell::new(0),
            surprises: Cell::new(0),
        }
    }

    /// The headline.
    pub(crate) fn title(&self, text: &str) {
        println!("\n{}{text}{}", self.style.bold, self.style.plain);
    }

    /// The next act begins.
    pub(crate) fn act(&self, text: &str) {
        self.acts.set(self.acts.get() + 1);
        let Style { bold, plain, .. } = self.style;
        println!("\n{bold}{}. {text}{plain}", self.acts.get());
    }

    /// A remark.
    pub(crate) fn say(&self, text: &str) {
        let mut line = String::new();
        for word in text.split(' ') {
            if !line.is_empty() && line.len() + 1 + word.len() > WIDTH {
                self.remark(&line);
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.remark(&line);
    }

    /// What the service saw, or should have seen.
    pub(crate) fn saw(&self, what: &str, as_expected: bool) {
        if as_expected {
            let Style { green, plain, .. } = self.style;
            println!("   {green}acme saw:{plain} {what}");
        } else {
            self.surprise(&format!("acme: {what}"));
        }
    }

    /// A command line, as a person would type it.
    pub(crate) fn typed(&self, command: &str) {
        let Style { bold, dim, plain, .. } = self.style;
        println!("   {dim}${plain} {bold}{command}{plain}");
    }

    /// Text as it is, set in.
    #[expect(clippy::unused_self, reason = "everything that is shown goes through the stage")]
    pub(crate) fn show(&self, text: &str) {
        for line in text.lines() {
            println!("{}", format!("   {line}").trim_end());
        }
    }

    /// Writes a private file into the world.
    pub(crate) fn write(&self, name: &str, content: &str) {
        let path = self.world.join(name);
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let written = file.and_then(|mut file| file.write_all(content.as_bytes()));
        written.expect("a file in an empty folder");
    }

    /// Runs `tokctl` with these arguments, separated by spaces, and shows both.
    pub(crate) fn tokctl(&self, arguments: &str) -> Outcome<'_> {
        self.typed(&format!("tokctl {arguments}"));
        let output = self.command(arguments).output().expect("tokctl starts");
        self.show(&String::from_utf8_lossy(&output.stdout));
        for line in String::from_utf8_lossy(&output.stderr).lines() {
            self.remark(line);
        }
        Outcome { stage: self, output }
    }

    /// Runs `tokctl` with these arguments, and returns what it prints.
    pub(crate) fn output(&self, arguments: &str) -> String {
        let output = self.command(arguments).output().expect("tokctl starts");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs `tokctl` with these arguments on a terminal of so many rows and columns, and returns
    /// all that the terminal was sent.
    pub(crate) fn on_a_terminal(&self, arguments: &str, (rows, columns): (u16, u16)) -> String {
        let tokctl = self.command(arguments);
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &format!("stty rows {rows} cols {columns} && exec \"$0\" \"$@\"")]);
        command.arg(tokctl.get_program()).args(tokctl.get_args()).env_clear();
        for (name, value) in tokctl.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command.env("TERM", "xterm-256color").current_dir(&self.world);
        let mut session =
            rexpect::session::spawn_command(command, Some(60_000)).expect("a terminal");
        let said = session.exp_eof().expect("an end");
        // Each byte was taken for a character.
        let bytes: Vec<u8> = said.chars().map(|byte| byte as u8).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits, and shows that something goes on.
    pub(crate) fn wait_until(&self, moment: Instant) {
        print!("   {}waiting for it to expire ", self.style.dim);
        while Instant::now() < moment {
            print!(".");
            let _ = io::stdout().flush();
            thread::sleep(Duration::from_millis(250));
        }
        println!("{}", self.style.plain);
    }

    /// The last word: whether everything was as expected.
    pub(crate) fn close(&self) -> ExitCode {
        let Style { bold, green, red, plain, .. } = self.style;
        match self.surprises.get() {
            0 => {
                println!("\n{bold}{green}All of it worked, and nothing is left behind.{plain}\n");
                ExitCode::SUCCESS
            }
            count => {
                println!("\n{bold}{red}Not as expected: {count} (marked ✗ above).{plain}\n");
                ExitCode::FAILURE
            }
        }
    }

    fn command(&self, arguments: &str) -> Command {
        let browser = std::env::current_exe().expect("a program with a path");
        let browser = shell_words::quote(&browser.to_string_lossy()).into_owned();
        let mut command = Command::new(&self.tokctl);
        command
            .args(arguments.split(' '))
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", &self.world)
            .env("XDG_DATA_HOME", self.world.join("data"))
            .env("XDG_CONFIG_HOME", self.world.join("config"))
            .env("XDG_STATE_HOME", self.world.join("state"))
            .env("XDG_CACHE_HOME", self.world.join("cache"))
            .env("XDG_RUNTIME_DIR", &self.world)
            .env("TOKCTL_KEY_FILE", "vault.key")
            .env("TOKCTL_CONFIG", "acme.toml")
            .env("BROWSER", format!("{browser} browse"))
            .current_dir(&self.world)
            .stdin(Stdio::null());
        command
    }

    fn remark(&self, line: &str) {
        if line.is_empty() {
            println!();
        } else {
            println!("   {}{line}{}", self.style.dim, self.style.plain);
        }
    }

    fn surprise(&self, what: &str) {
        self.surprises.set(self.surprises.get() + 1);
        let Style { red, plain, .. } = self.style;
        println!("   {red}✗ {what}{plain}");
    }
}

impl Outcome<'_> {
    /// It did what it was told.
    pub(crate) fn works(self) {
        self.fails_with(0);
    }

    /// It ended with this code.
    pub(crate) fn fails_with(self, expected: i32) {
        self.check_code(expected);
    }

    /// It worked and printed exactly this.
    pub(crate) fn prints(self, expected: &str) {
        self.check_code(0);
        if self.output.stdout != expected.as_bytes() {
            self.stage.surprise(&format!("expected {expected:?}"));
        }
    }

    /// It worked and printed one line, which is handed on.
    pub(crate) fn prints_nothing_else_than_one_line(self) -> String {
        self.check_code(0);
        let text = String::from_utf8_lossy(&self.output.stdout).into_owned();
        if text.lines().count() != 1 {
            self.stage.surprise("expected one line");
        }
        text
    }

    fn check_code(&self, expected: i32) {
        let code = self.output.status.code();
        if code != Some(expected) {
            let code = code.map_or("a signal".to_owned(), |code| code.to_string());
            self.stage.surprise(&format!("ended with {code}, expected {expected}"));
        }
    }
}

impl Style {
    fn new(coloured: bool) -> Self {
        let sequence = |sequence| if coloured { sequence } else { "" };
        Self {
            bold: sequence("\x1b[1m"),
            dim: sequence("\x1b[2m"),
            green: sequence("\x1b[32m"),
            red: sequence("\x1b[31m"),
            plain: sequence("\x1b[0m"),
        }
    }
}
