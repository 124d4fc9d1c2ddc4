//! A login as the OAuth client itself, without a user's consent.

use super::client;
use super::destination::{Destination, Done};
use super::granted;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::time;
use crate::model::account::UserName;
use crate::ops::login::{Plan, client_credentials};

pub(super) fn run(
    destination: Destination<'_>,
    context: &Context,
    plan: Plan,
    user: Option<UserName>,
) -> Result<Done, CliError> {
    client::expect_proof(&plan)?;
    if !plan.has_proof() {
        return Err(CliError::new(
            Kind::Usage,
            "a client that logs in for itself needs its secret or key: give `--client-secret-file` or `--client-key-file`",
        )
        .hint(format!("tokctl providers {}", plan.provider.name)));
    }
    let user = granted::own_name(user, &plan.client_id)?;
    let name = plan.provider.name.clone();
    granted::without_person(context, destination, &name, user, |told| {
        client_credentials::log_in(plan, time::now, told)
    })
}
