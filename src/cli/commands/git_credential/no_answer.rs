//! The reasons why git gets no answer.

use crate::cli::context::Context;
use crate::cli::error::CliError;

/// The reason why git gets no answer.
#[derive(Debug)]
pub(super) enum NoAnswer {
    /// A usual reason, which `-v` shows: git's next helper may know the answer.
    Usual(String),
    /// A reason that is worth a warning, because the user may expect an answer.
    Unexpected(String),
    /// The answer could not be had.
    Failed(CliError),
}

impl NoAnswer {
    /// Says why there is no answer. Only a failure is an error of the command.
    pub(super) fn tell(self, context: &Context) -> Result<(), CliError> {
        match self {
            Self::Usual(reason) => context.ui.detail(&format!("no answer for git: {reason}")),
            Self::Unexpected(reason) => context.ui.warning(&reason),
            Self::Failed(error) => return Err(error),
        }
        Ok(())
    }
}

impl<E: Into<CliError>> From<E> for NoAnswer {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}
