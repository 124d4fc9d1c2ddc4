//! Programs that print a secret. They run without a shell and without the environment's secrets.

use std::io::{self, Read};
use std::process::{ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::environment::Environment;
use super::error::{CliError, Kind};
use crate::bounded::UntilDeadline;

/// The length limit of a printed secret, in bytes.
const LONGEST: usize = 64 * 1024;

/// Runs `command` and returns what it printed, without white space at the end.
///
/// Fails with the kind `failure` when the program can't be started, fails, prints more than a
/// secret, or has not ended its output after `patience`.
pub(crate) fn output(
    command: &[String],
    environment: &Environment,
    patience: Duration,
    failure: Kind,
) -> Result<Zeroizing<String>, CliError> {
    output_with(command, environment, &[], patience, failure)
}

/// Runs `command` as [`output`] does, with `variables` besides.
pub(crate) fn output_with(
    command: &[String],
    environment: &Environment,
    variables: &[(&'static str, String)],
    patience: Duration,
    failure: Kind,
) -> Result<Zeroizing<String>, CliError> {
    let [program, arguments @ ..] = command else {
        return Err(CliError::new(Kind::Usage, "a command for a secret is empty")
            .hint("name the program and its arguments"));
    };
    let failed = |what: &str| CliError::new(failure, format!("`{program}` {what}"));
    let mut child = Command::new(program);
    child.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    environment.give_to(&mut child);
    child.envs(variables.iter().map(|(name, value)| (name, value)));
    let mut child = child.spawn().map_err(|error| {
        failed("could not be started").caused_by(&error).hint("name a program that is there")
    })?;
    let deadline = Instant::now() + patience;
    let stdout = child.stdout.take();
    let printed = stdout.map_or_else(|| Ok(Zeroizing::default()), |out| read_all(out, deadline));
    if printed.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::TimedOut) {
        let _ = child.kill();
        let _ = child.wait();
        return Err(failed(&format!("printed nothing within {} s", patience.as_secs()))
            .hint("run it by hand to see why"));
    }
    let ended = child.wait();
    let unread = |error: io::Error| failed("could not be read from").caused_by(&error);
    let (printed, status) = (printed.map_err(unread)?, ended.map_err(unread)?);
    // Checked before the status: a program that prints too much may fail when nobody reads on.
    if printed.len() > LONGEST {
        return Err(failed("printed more than any secret has"));
    }
    if !status.success() {
        return Err(failed("failed").hint("run it by hand to see why"));
    }
    match std::str::from_utf8(&printed) {
        Ok(text) => Ok(Zeroizing::new(text.trim_end().to_owned())),
        Err(_) => Err(failed("printed something that is not text")),
    }
}

/// Reads what a program prints, up to one byte more than the limit.
fn read_all(stdout: ChildStdout, deadline: Instant) -> io::Result<Zeroizing<Vec<u8>>> {
    // Full capacity from the start, because a buffer that grows leaves copies behind.
    let mut printed = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    UntilDeadline::new(stdout, Some(deadline))
        .take(LONGEST as u64 + 1)
        .read_to_end(&mut printed)?;
    Ok(printed)
}
