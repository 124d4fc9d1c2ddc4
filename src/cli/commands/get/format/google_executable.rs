//! The answer of a program that gives Google's libraries an identity token
//! (`credential_source.executable` of an `external_account` file).

use serde::Serialize;

use super::json;
use super::rendered::{Rendered, unfit};
use crate::cli::error::{CliError, Kind};
use crate::cli::time;
use crate::cli::typed::command;
use crate::model::account::Account;
use crate::model::credential::Credential;
use crate::model::jwt;
use crate::secret::{AccessToken, SecretText};

#[derive(Serialize)]
struct Answer<'a> {
    version: u8,
    success: bool,
    token_type: &'static str,
    id_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_time: Option<i64>,
}

/// Prints the ID token, or else an access token that is a JWT: Google exchanges no other.
pub(super) fn render(
    account: &Account,
    credential: &Credential,
    token: &AccessToken,
) -> Result<Rendered, CliError> {
    let (token_type, text) = match credential.id_token() {
        Some(id_token) => ("urn:ietf:params:oauth:token-type:id_token", id_token.expose()),
        None if jwt::claims(token.expose()).is_some() => {
            ("urn:ietf:params:oauth:token-type:jwt", token.expose())
        }
        None => {
            return Err(unfit(
                "the answer of a program for Google's libraries",
                "it has no ID token, and its access token is no JWT",
                "for a login at Google itself, print it with `--format adc`",
            ));
        }
    };
    let end = jwt::expiry(text);
    if let Some(at) = end.filter(|at| *at <= time::now()) {
        let what = format!("the ID token of `{account}` ended at {}", time::rfc3339(at));
        return Err(CliError::new(Kind::Failed, what).hint(command("refresh", account)));
    }
    let mut rendered = Rendered::with_room_for(text.len());
    let answer = Answer {
        version: 1,
        success: true,
        token_type,
        id_token: text,
        expiration_time: end.map(jiff::Timestamp::as_second),
    };
    json::write(&mut rendered, &answer)?;
    rendered.add_secret(text);
    rendered.add_secret(&json::quote(text)?);
    Ok(rendered)
}
