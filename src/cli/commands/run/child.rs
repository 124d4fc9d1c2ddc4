//! The child process: how the command is started, and how tokctl stands in for it until it ends.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, getpid, getsid, kill_process, waitpid};
#[cfg(target_os = "linux")]
use rustix::process::{getppid, set_parent_process_death_signal};
use signal_hook::consts::{SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGWINCH};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::low_level::siginfo::{Cause, Origin};

use super::variable::Variable;
use crate::cli::environment::Environment;
use crate::cli::error::{CliError, Kind};
use crate::cli::{memory, stderr};
use crate::executable;
use crate::untrusted::printable;

/// The program to start.
pub(super) struct Program<'a> {
    /// The program and its arguments.
    pub(super) line: &'a [OsString],
    pub(super) environment: &'a Environment,
    pub(super) variables: &'a BTreeMap<Variable, OsString>,
}

impl Program<'_> {
    /// Replaces tokctl by the command. Returns only if that fails.
    pub(super) fn replace_tokctl(&self) -> CliError {
        let (Ok(never) | Err(never)) = self.start(|command| {
            let error: io::Error = command.exec();
            Err::<CliError, io::Error>(error)
        });
        never
    }

    /// Starts the command as a child, after `prepare` has redirected its output.
    pub(super) fn spawn(
        &self,
        prepare: impl Fn(&mut Command) -> io::Result<()>,
    ) -> Result<Child, CliError> {
        self.start(|command| {
            prepare(command)?;
            end_with_tokctl(command);
            command.spawn()
        })
    }

    fn start<T>(
        &self,
        mut start: impl FnMut(&mut Command) -> io::Result<T>,
    ) -> Result<T, CliError> {
        let [program, arguments @ ..] = self.line else {
            return Err(
                CliError::new(Kind::Usage, "no command was given").hint("tokctl run --help")
            );
        };
        let mut attempt = |program: &OsStr, script: Option<&Path>| {
            let mut command = Command::new(program);
            command.args(script).args(arguments);
            self.environment.give_to(&mut command);
            command.envs(self.variables.iter().map(|(name, value)| (name.as_str(), value)));
            memory::as_the_caller(|| start(&mut command))
        };
        let mut started = attempt(program, None);
        // By POSIX, a script without an interpreter line is run by the shell.
        if started.as_ref().err().and_then(io::Error::raw_os_error)
            == Some(Errno::NOEXEC.raw_os_error())
            && let Some(script) = executable::find(program, self.environment.get("PATH").as_deref())
        {
            started = attempt(OsStr::new("/bin/sh"), Some(&script));
        }
        started.map_err(|error| not_started(program, &error))
    }
}

/// Has the system end the command when tokctl is killed, so that it does not go on with a token
/// that nobody renews or masks.
///
/// The system looks at the thread that started the command: it has to be the one that ends last.
#[cfg(target_os = "linux")]
fn end_with_tokctl(command: &mut Command) {
    let tokctl = getpid();
    let prepare = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // tokctl may have been killed before.
        if getppid() == Some(tokctl) { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
    };
    #[expect(unsafe_code, reason = "between fork and exec, it makes two system calls and no more")]
    // SAFETY: nothing in the closure allocates, locks or panics.
    unsafe {
        command.pre_exec(prepare);
    }
}

/// Does nothing: no other system can be asked.
#[cfg(not(target_os = "linux"))]
fn end_with_tokctl(_command: &mut Command) {}

fn not_started(program: &OsStr, error: &io::Error) -> CliError {
    let shown = printable(&program.to_string_lossy());
    let failed =
        |kind, what: &str| CliError::new(kind, format!("`{shown}` {what}")).caused_by(error);
    if error.kind() == io::ErrorKind::NotFound {
        return failed(Kind::CommandNotFound, "was not found")
            .hint("give the path of a program, or its name if it is in PATH");
    }
    failed(Kind::CommandNotExecutable, "could not be started")
        .hint("name a program that can be run")
}

/// The state of the command.
enum State {
    Runs,
    /// The user suspended it at the terminal.
    Suspended,
    Ended(u8),
}

/// Passes signals on until the command ends.
///
/// Returns its exit code, or 128 plus the number of the signal that ended it.
pub(super) fn wait_passing_signals(
    child: Pid,
    signals: &mut SignalsInfo<WithOrigin>,
) -> io::Result<u8> {
    for origin in signals.forever() {
        if origin.signal != SIGCHLD {
            if is_for_tokctl_alone(&origin)
                && let Some(signal) = Signal::from_named_raw(origin.signal)
            {
                // Fails if the command has just ended, which the next event reports.
                let _ = kill_process(child, signal);
            }
            continue;
        }
        match look(child)? {
            State::Ended(code) => return Ok(code),
            // The shell waits for this process and has to see it stop. Without a terminal, whoever
            // stopped the command can continue it without a signal to this process.
            State::Suspended if has_terminal() => kill_process(getpid(), Signal::STOP)?,
            State::Suspended | State::Runs => {}
        }
    }
    Err(io::ErrorKind::Interrupted.into())
}

/// Returns whether the command did not get this signal by itself.
///
/// The terminal sends its signals to every process in the foreground group, which includes the
/// command. Only SIGHUP goes to the session's leader alone.
///
/// A signal that another process sends to the whole group looks like one sent to tokctl alone, so
/// it reaches the command twice.
fn is_for_tokctl_alone(origin: &Origin) -> bool {
    let leads_session = || getsid(None).is_ok_and(|leader| leader == getpid());
    match origin.signal {
        _ if !is_from_kernel(origin.cause, origin.process.is_some()) => true,
        SIGINT | SIGQUIT | SIGTSTP | SIGWINCH => false,
        SIGHUP | SIGCONT => leads_session(),
        // A timer or limit that somebody set for the command, as which they took this process.
        _ => true,
    }
}

/// Returns whether the kernel sent a signal, as for a key that was pressed at the terminal.
///
/// Only Linux says so. Elsewhere the cause is unknown, and a signal that no process sent is the
/// kernel's.
fn is_from_kernel(cause: Cause, has_sender: bool) -> bool {
    match cause {
        Cause::Kernel => true,
        Cause::Unknown => !cfg!(target_os = "linux") && !has_sender,
        _ => false,
    }
}

fn look(child: Pid) -> io::Result<State> {
    let options = WaitOptions::NOHANG | WaitOptions::UNTRACED;
    let Some((_, status)) = waitpid(Some(child), options)? else { return Ok(State::Runs) };
    let code = |number: i32| u8::try_from(number).unwrap_or(u8::MAX);
    Ok(match (status.exit_status(), status.terminating_signal(), status.stopping_signal()) {
        (Some(status), _, _) => State::Ended(code(status)),
        (_, Some(signal), _) => State::Ended(code(128 + signal)),
        (_, _, Some(signal)) if signal == Signal::TSTP.as_raw() => State::Suspended,
        (_, _, _) => State::Runs,
    })
}

fn has_terminal() -> bool {
    io::stdin().is_terminal() || io::stdout().is_terminal() || stderr::is_terminal()
}

#[cfg(test)]
mod tests {
    use signal_hook::low_level::siginfo::Sent;

    use super::*;

    #[test]
    fn what_no_process_sent_is_the_kernel_s_where_the_system_says_no_more() {
        assert!(is_from_kernel(Cause::Kernel, false));
        assert!(!is_from_kernel(Cause::Sent(Sent::User), true));
        // As macOS tells of `kill`, and of a key that was pressed.
        assert!(!is_from_kernel(Cause::Unknown, true));
        assert_eq!(is_from_kernel(Cause::Unknown, false), !cfg!(target_os = "linux"));
    }
}
