//! Google's application default credentials of the type `authorized_user`.
//!
//! This is the only format that hands out the refresh token and the client's secret; a warning says
//! so.

use serde::Serialize;

use super::json;
use super::rendered::{BY_HEADER, Rendered, unfit};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::model::account::Account;
use crate::model::credential::{Credential, Grant, OAuthGrant, RenewalGrant};
use crate::ops::providers;
use crate::secret::{ClientSecret, RefreshToken, SecretText};

/// The endpoint where Google's libraries send such a refresh token, whatever the file says.
const TOKEN_ENDPOINT: &str = "https://oauth2.googleapis.com/token";

const FORMAT: &str = "Google's application default credentials";

/// The fields of the file that Google's libraries require.
#[derive(Serialize)]
struct AuthorizedUser<'a> {
    client_id: &'a str,
    client_secret: &'a str,
    refresh_token: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
}

pub(super) fn render(
    context: &Context,
    account: &Account,
    credential: &Credential,
) -> Result<Rendered, CliError> {
    let renewal = providers::renewal(&account.provider, context.config().ok());
    let rotates = renewal.rotates != Some(false);
    let rendered = authorized_user(credential, rotates)?;
    context.ui.warning(&format!(
        "what is printed holds the refresh token of `{account}`: whoever has it can get tokens \
         until it is revoked"
    ));
    Ok(rendered)
}

fn authorized_user(credential: &Credential, rotates: bool) -> Result<Rendered, CliError> {
    let (grant, secret, refresh_token) = exportable_grant(credential, rotates)?;
    let (secret, refresh_token) = (secret.expose(), refresh_token.expose());
    let mut rendered = Rendered::with_room_for(secret.len() + refresh_token.len());
    let written = AuthorizedUser {
        client_id: &grant.client.id,
        client_secret: secret,
        refresh_token,
        kind: "authorized_user",
    };
    json::write(&mut rendered, &written)?;
    for secret in [secret, refresh_token] {
        rendered.add_secret(secret);
        rendered.add_secret(&json::quote(secret)?);
    }
    Ok(rendered)
}

/// Returns the grant if it may be handed out: one of Google's, whose refresh token several holders
/// can use.
fn exportable_grant(
    credential: &Credential,
    rotates: bool,
) -> Result<(&OAuthGrant, &ClientSecret, &RefreshToken), CliError> {
    let log_in = "tokctl providers google";
    let Grant::OAuth(grant) = &credential.grant else {
        return Err(unfit(FORMAT, "it is a token without a refresh token", log_in));
    };
    match &grant.renewal {
        RenewalGrant::RefreshToken => {}
        RenewalGrant::JwtBearer { .. } => {
            let hint = "point GOOGLE_APPLICATION_CREDENTIALS to the service account's own file";
            return Err(unfit(
                FORMAT,
                "it is a service account's, which has no refresh token",
                hint,
            ));
        }
        RenewalGrant::Exchange
        | RenewalGrant::ClientCredentials { .. }
        | RenewalGrant::Workload { .. } => {
            return Err(unfit(FORMAT, "it is renewed without a refresh token", log_in));
        }
    }
    if grant.client.token_endpoint.as_str() != TOKEN_ENDPOINT {
        let why = format!(
            "it is a grant of `{}`, not of Google",
            grant.client.token_endpoint.authority()
        );
        return Err(unfit(FORMAT, &why, BY_HEADER));
    }
    if rotates {
        return Err(unfit(
            FORMAT,
            "its refresh token changes with each use, and two holders of it would end the grant",
            "set `refresh = { rotates = false }` in config.toml if that is not so",
        ));
    }
    match (grant.client.authentication.secret(), &grant.refresh_token) {
        (Some(secret), Some(refresh_token)) => Ok((grant, secret, refresh_token)),
        (None, _) => Err(unfit(FORMAT, "its client has no secret, which Google demands", log_in)),
        (_, None) => Err(unfit(FORMAT, "no refresh token came with the login", log_in)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Returns a test credential with a grant of Google's, changed by `alter`.
    fn credential(alter: impl FnOnce(&mut Value)) -> Credential {
        let mut sealed = json!({
            "grant": {
                "kind": "oauth",
                "access_token": "made-up", "token_type": "Bearer",
                "issued_at": "2026-01-01T00:00:00Z", "granted_at": "2026-01-01T00:00:00Z",
                "expiry": { "expiry": "unknown" }, "refresh_token": "made-up-\"1\"", "scopes": [],
                "client": {
                    "id": "made-up-id", "secret": "made-up-secret",
                    "auth_method": "client_secret_post", "token_endpoint": TOKEN_ENDPOINT,
                },
            },
            "api": { "auth": "bearer" },
            "status": "active",
            "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
        });
        alter(&mut sealed["grant"]);
        serde_json::from_value(sealed).unwrap()
    }

    #[test]
    fn google_s_grant_is_written_as_google_s_libraries_read_it() {
        let rendered = authorized_user(&credential(|_| ()), false).unwrap();
        let written: Value = serde_json::from_str(&rendered.text).unwrap();
        let expected = json!({
            "type": "authorized_user", "client_id": "made-up-id",
            "client_secret": "made-up-secret", "refresh_token": "made-up-\"1\"",
        });
        assert_eq!(written, expected);
        let secrets: Vec<&str> = rendered.secrets.iter().map(|secret| secret.as_str()).collect();
        assert_eq!(secrets, ["made-up-secret", "made-up-\"1\"", "made-up-\\\"1\\\""]);
    }

    #[test]
    fn what_must_not_have_two_holders_or_go_to_google_is_refused() {
        let refused = |rotates, alter: fn(&mut Value), why: &str| {
            let error = authorized_user(&credential(alter), rotates).err().unwrap();
            assert!(error.causes[0].contains(why), "{why}: {error:?}");
            assert!(error.hint.is_some(), "{why}");
        };
        refused(true, |_| (), "changes with each use");
        refused(
            false,
            |grant| grant["client"]["token_endpoint"] = json!("https://as.example/t"),
            "as.example",
        );
        refused(false, |grant| grant["client"]["secret"] = Value::Null, "no secret");
        refused(false, |grant| grant["refresh_token"] = Value::Null, "no refresh token");
        let account = json!({
            "grant": "jwt_bearer", "scopes": [],
            "account": { "email": "x@example.com", "private_key": "made-up" },
        });
        let mut service = credential(|_| ());
        let Grant::OAuth(grant) = &mut service.grant else { panic!() };
        grant.renewal = serde_json::from_value(account).unwrap();
        let error = exportable_grant(&service, false).err().unwrap();
        assert!(error.hint.unwrap().to_string().contains("service account's own file"));
    }
}
