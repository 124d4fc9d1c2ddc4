//! The supervision of a command that runs as a child, for masking, fresh files and cleaning up.

use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::AsFd;
use std::process::{Child, Command};
use std::sync::{PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Pid;

use super::child::{self, Program};
use super::keep_fresh::Keeper;
use super::pump::{Pump, are_one};
use super::secrets::Secrets;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::signals;

/// The time after the command's end in which a signal may be the one that ended the command, sent
/// to both.
const ECHO: Duration = Duration::from_millis(300);

/// The streams of the command that are masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Masked {
    pub(super) stdout: bool,
    pub(super) stderr: bool,
    /// The longest time to hold back what may be the beginning of a token.
    pub(super) patience: Duration,
}

impl Masked {
    pub(super) fn is_any(self) -> bool {
        self.stdout || self.stderr
    }
}

/// The pipes for the command's streams; `None` for a stream that is not masked.
#[derive(Default)]
struct Inlets {
    stdout: Option<PipeWriter>,
    stderr: Option<PipeWriter>,
}

impl Inlets {
    fn attach(&self, command: &mut Command) -> io::Result<()> {
        if let Some(inlet) = &self.stdout {
            command.stdout(inlet.try_clone()?);
        }
        if let Some(inlet) = &self.stderr {
            command.stderr(inlet.try_clone()?);
        }
        Ok(())
    }
}

/// Makes the pipes for masked streams.
///
/// Streams that lead to the same file share one pipe, which keeps their output in order.
fn pipes(masked: Masked, ended: &PipeReader) -> io::Result<(Inlets, Vec<Pump>)> {
    #[expect(clippy::disallowed_methods, reason = "what the child prints goes on as it is")]
    let (stdout, stderr) = (io::stdout(), io::stderr());
    let (mut inlets, mut pumps) = (Inlets::default(), Vec::new());
    if masked.stdout {
        let (outlet, inlet) = io::pipe()?;
        pumps.push(Pump::new(outlet, &stdout, ended)?);
        inlets.stdout = Some(inlet);
    }
    match &inlets.stdout {
        Some(inlet) if masked.stderr && are_one(stdout.as_fd(), stderr.as_fd()) => {
            inlets.stderr = Some(inlet.try_clone()?);
        }
        Some(_) | None if masked.stderr => {
            let (outlet, inlet) = io::pipe()?;
            pumps.push(Pump::new(outlet, &stderr, ended)?);
            inlets.stderr = Some(inlet);
        }
        Some(_) | None => {}
    }
    Ok((inlets, pumps))
}

/// Runs the command to its end, and `keeper` beside it, whose files are removed afterwards.
///
/// Returns the exit code, or 128 plus the number of the signal that ended the command.
pub(super) fn run(
    context: &Context,
    program: &Program<'_>,
    masked: Masked,
    secrets: &Secrets,
    mut received: signals::Received,
    keeper: Option<&Keeper<'_>>,
) -> Result<u8, CliError> {
    let failed = |error: io::Error| {
        CliError::new(Kind::Failed, "the command could not be looked after").caused_by(&error)
    };
    let (ended, end) = io::pipe().map_err(failed)?;
    let (inlets, pumps) = pipes(masked, &ended).map_err(failed)?;
    let child = program.spawn(|command| inlets.attach(command))?;
    // From here on only the command holds these ends open.
    drop((inlets, ended));
    thread::scope(|scope| {
        let (stop, until) = mpsc::channel();
        let keeping = keeper.map(|keeper| scope.spawn(move || keeper.run(&until)));
        let pumping: Vec<_> = pumps
            .into_iter()
            .map(|pump| {
                scope
                    .spawn(move || warn_of_lost_output(context, pump.run(secrets, masked.patience)))
            })
            .collect();
        let code = child::wait_passing_signals(pid(&child), &mut received).map_err(failed)?;
        drop((end, stop));
        let handle = received.handle();
        scope.spawn(move || {
            for pump in pumping {
                let _ = pump.join();
            }
            handle.close();
        });
        // The command's last output may take long to write. The command has ended, so a signal is
        // now for tokctl.
        let since = Instant::now();
        for origin in received.forever() {
            let is_new = since.elapsed() > ECHO;
            if is_new && signals::ends_program(origin.signal) {
                // Waits for a renewal that is on its way to the vault.
                keeping.map(thread::ScopedJoinHandle::join);
                if let Some(keeper) = keeper {
                    keeper.files.lock().unwrap_or_else(PoisonError::into_inner).remove();
                }
                signals::end_process_by(origin.signal);
                break;
            }
        }
        Ok(code)
    })
}

fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

/// Warns that output was lost.
fn warn_of_lost_output(context: &Context, pumped: io::Result<()>) {
    if let Err(error) = pumped {
        context.ui.warning(&format!("not all of the command's output could be passed on: {error}"));
    }
}
