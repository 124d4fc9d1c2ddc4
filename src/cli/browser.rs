//! The user's browser, and how to open an address in it.
//!
//! The program is chosen from the [`Environment`] that is passed in. It is started without a shell
//! and inherits none of tokctl's secrets. This module does not know what the address is for.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::thread;

use url::Url;

use super::environment::Environment;

/// The text in `$BROWSER` that the address replaces.
const PLACEHOLDER: &str = "%s";

/// A program that opens addresses, with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Browser {
    program: String,
    arguments: Vec<String>,
}

/// The operating systems that differ in how they open an address.
#[derive(Clone, Copy)]
enum System {
    MacOs,
    /// Linux and its relatives, with the tools of freedesktop.org.
    Other,
}

impl System {
    const HERE: Self = if cfg!(target_os = "macos") { Self::MacOs } else { Self::Other };
}

impl Browser {
    /// Returns the program that `$BROWSER` names, or else the desktop's own program if a desktop is
    /// visible.
    ///
    /// A `$BROWSER` that can't be split as a shell would split it names no program. The result is
    /// then `None`, not the desktop's program.
    pub(crate) fn find(environment: &Environment) -> Option<Self> {
        Self::find_on(System::HERE, environment)
    }

    fn find_on(system: System, environment: &Environment) -> Option<Self> {
        let is_set = |name| environment.get(name).is_some();
        if let Some(named) = environment.text("BROWSER").filter(|value| !value.trim().is_empty()) {
            return Self::named(&named);
        }
        let display = is_set("DISPLAY") || is_set("WAYLAND_DISPLAY");
        match system {
            // A user who comes over SSH without a forwarded display does not see this screen.
            System::MacOs if is_set("SSH_CONNECTION") && !display => None,
            System::MacOs => Self::named("open"),
            System::Other if display => Self::named("xdg-open"),
            System::Other => None,
        }
    }

    fn named(command: &str) -> Option<Self> {
        let mut words = shell_words::split(command).ok()?.into_iter();
        Some(Self { program: words.next()?, arguments: words.collect() })
    }

    /// Returns the name or path of the program.
    pub(crate) fn program(&self) -> &str {
        &self.program
    }

    /// Starts the browser with `url` and does not wait for it to end.
    ///
    /// Fails when the program can't be started. The browser inherits none of tokctl's secrets.
    pub(crate) fn open(&self, environment: &Environment, url: &Url) -> io::Result<()> {
        let mut command = self.command(url);
        environment.give_to(&mut command);
        let mut child = command.spawn()?;
        // The child has to be reaped: some openers end at once, others only with the browser.
        thread::spawn(move || child.wait());
        Ok(())
    }

    fn command(&self, url: &Url) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(self.arguments_for(url))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C in the terminal ends the login, not the browser.
            .process_group(0);
        command
    }

    fn arguments_for(&self, url: &Url) -> Vec<String> {
        let mut arguments: Vec<String> = self
            .arguments
            .iter()
            .map(|argument| argument.replace(PLACEHOLDER, url.as_str()))
            .collect();
        if arguments == self.arguments {
            arguments.push(url.as_str().to_owned());
        }
        arguments
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn chosen(system: System, variables: &[(&str, &str)]) -> Option<String> {
        Browser::find_on(system, &Environment::from(variables)).map(|browser| browser.program)
    }

    fn arguments(browser: &str, url: &str) -> Vec<String> {
        let browser = Browser::named(browser).unwrap();
        browser.arguments_for(&Url::parse(url).unwrap())
    }

    #[test]
    fn the_desktops_own_program_needs_a_display() {
        let ssh = ("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22");
        for (variables, linux, mac) in [
            (vec![], None, Some("open")),
            (vec![("DISPLAY", ":0")], Some("xdg-open"), Some("open")),
            (vec![("WAYLAND_DISPLAY", "wayland-0")], Some("xdg-open"), Some("open")),
            (vec![("DISPLAY", "")], None, Some("open")),
            (vec![ssh], None, None),
            (vec![ssh, ("DISPLAY", ":10")], Some("xdg-open"), Some("open")),
        ] {
            assert_eq!(chosen(System::Other, &variables).as_deref(), linux, "{variables:?}");
            assert_eq!(chosen(System::MacOs, &variables).as_deref(), mac, "{variables:?}");
        }
    }

    #[test]
    fn a_named_browser_needs_nothing_else() {
        let ssh = ("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22");
        let named = ("BROWSER", "firefox --new-tab");
        assert_eq!(chosen(System::Other, &[named, ssh]).as_deref(), Some("firefox"));
        assert_eq!(chosen(System::MacOs, &[named, ssh]).as_deref(), Some("firefox"));
        let display = ("DISPLAY", ":0");
        let unset = [("BROWSER", " "), display];
        assert_eq!(chosen(System::Other, &unset).as_deref(), Some("xdg-open"));
        assert_eq!(chosen(System::Other, &[("BROWSER", "'open"), display]), None);
    }

    #[test]
    fn the_address_stands_where_it_is_wanted() {
        let url = "https://as.example/authorize?a=%73;$(x)&b='";
        let sent = Url::parse(url).unwrap().to_string();
        assert_eq!(arguments("x --app=%s -n", url), [&format!("--app={sent}"), "-n"]);
        assert_eq!(arguments("x 'a b'", url), ["a b", &sent]);
        assert_eq!(arguments("x", url), [sent]);
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        let browser = Browser::named("/nonexistent/browser").unwrap();
        let url = Url::parse("https://as.example/").unwrap();
        assert!(browser.open(&Environment::default(), &url).is_err());
    }

    #[test]
    fn the_browser_gets_the_address_and_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let seen = folder.path().join("seen");
        let file = seen.display();
        let script = format!("echo \"$0\" > {file}.new; mv {file}.new {file}; sleep 5");
        let browser = Browser { program: "sh".into(), arguments: vec!["-c".into(), script] };
        let url = Url::parse("https://as.example/?a=b&c=d").unwrap();
        let start = Instant::now();
        browser.open(&Environment::default(), &url).unwrap();
        while !seen.exists() {
            assert!(start.elapsed() < Duration::from_secs(4), "the browser never ran");
            thread::sleep(Duration::from_millis(5));
        }
        let seen = std::fs::read_to_string(seen).unwrap();
        assert_eq!(seen.trim(), url.as_str());
    }
}
