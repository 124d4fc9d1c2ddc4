//! Programs that print a secret: started without a shell, and without the secrets of the
//! environment.

use std::process::{Command, Stdio};

use zeroize::Zeroizing;

use super::environment::Environment;
use super::error::{CliError, Kind};

/// Runs `command` and gives what it printed, without white space at its end.
pub(crate) fn output(
    command: &[String],
    environment: &Environment,
    failure: Kind,
) -> Result<Zeroizing<String>, CliError> {
    let [program, arguments @ ..] = command else {
        return Err(CliError::new(Kind::Usage, "a command for a secret is empty")
            .hint("name the program and its arguments"));
    };
    let failed = |what: &str| CliError::new(failure, format!("`{program}` {what}"));
    let mut child = Command::new(program);
    child.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    for name in environment.secrets() {
        child.env_remove(name);
    }
    let output = child.output().map_err(|error| {
        failed("could not be started").caused_by(&error).hint("name a program that is there")
    })?;
    let printed = Zeroizing::new(output.stdout);
    if !output.status.success() {
        return Err(failed("failed").hint("run it by hand to see why"));
    }
    match std::str::from_utf8(&printed) {
        Ok(text) => Ok(Zeroizing::new(text.trim_end().to_owned())),
        Err(_) => Err(failed("printed something that is not text")),
    }
}
