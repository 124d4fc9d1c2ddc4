//! The place of a client's secret where nobody named one: the header, and then the form.
//!
//! RFC 6749 §2.3.1 encodes id and secret before they go into the header, and some servers do not
//! decode them. To those a secret with such characters is a wrong one there, and right in the form.

use super::plan::Plan;
use crate::model::client::Client;
use crate::oauth::token_error::Error;

/// Sends `request` for `client`. Where the server refuses the client, sends it once more with the
/// secret in the form, if that can matter and the plan allows it; then `client` shows it there from
/// now on.
pub(super) fn ask<T>(
    plan: &Plan,
    client: &mut Client,
    mut request: impl FnMut(&Client) -> Result<T, Error>,
) -> Result<T, Error> {
    let refused = match request(client) {
        Err(error) if error.is_invalid_client() => error,
        answer => return answer,
    };
    let Some(in_form) = plan.with_secret_in_form(client) else { return Err(refused) };
    let answer = request(&in_form);
    if !answer.as_ref().is_err_and(Error::is_invalid_client) {
        *client = in_form;
    }
    answer
}
