//! The environment and the programs of this machine, as an identity token is fetched from them.

use zeroize::Zeroizing;

use super::context::Context;
use super::error::Kind;
use super::program;
use crate::ops::identity::{ProgramCall, Surroundings};

impl Surroundings for Context {
    fn take_variable(&self, name: &str) -> Option<Zeroizing<String>> {
        self.environment.withhold(name);
        self.environment.text(name).map(Zeroizing::new)
    }

    fn is_allowed_by(&self, name: &str) -> bool {
        self.environment.text(name).is_some_and(|value| value == "1")
    }

    fn run(&self, call: &ProgramCall<'_>) -> Result<Zeroizing<String>, String> {
        let patience = call.timeout.unwrap_or_else(|| self.patience());
        let (words, variables) = (call.words, &call.variables[..]);
        let failure = Kind::ProviderUnavailable;
        program::output_with(words, &self.environment, variables, patience, failure)
            .map_err(|error| error.as_reason())
    }
}
