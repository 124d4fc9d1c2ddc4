//! Kubernetes' `ExecCredential`, which kubectl takes from a credential plugin
//! (`client.authentication.k8s.io`).

use serde::{Deserialize, Serialize};

use super::json;
use super::rendered::{BY_HEADER, Rendered, unfit};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::time;
use crate::model::credential::{ApiAuth, Credential};
use crate::secret::{AccessToken, SecretText};

const V1: &str = "client.authentication.k8s.io/v1";

/// The other version of the interface that is in use. kubectl takes no other than the one that it
/// asked for.
const V1_BETA_1: &str = "client.authentication.k8s.io/v1beta1";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExecCredential<'a> {
    api_version: &'a str,
    kind: &'a str,
    status: Status<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_timestamp: Option<String>,
    token: &'a str,
}

/// The request of kubectl, as `KUBERNETES_EXEC_INFO` holds it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    api_version: String,
}

pub(super) fn render(
    context: &Context,
    credential: &Credential,
    token: &AccessToken,
) -> Result<Rendered, CliError> {
    match &credential.api.auth {
        ApiAuth::Bearer if credential.api.headers.is_empty() => {}
        ApiAuth::Bearer | ApiAuth::Basic | ApiAuth::Header(_) => {
            return Err(unfit(
                "kubectl's credential",
                "kubectl sends a bearer token and nothing else",
                BY_HEADER,
            ));
        }
    }
    let asked = context.environment.text("KUBERNETES_EXEC_INFO");
    let asked = asked.and_then(|text| serde_json::from_str::<Asked>(&text).ok());
    let is_beta = asked.is_some_and(|asked| asked.api_version == V1_BETA_1);
    let token = token.expose();
    let mut rendered = Rendered::with_room_for(token.len());
    let value = ExecCredential {
        api_version: if is_beta { V1_BETA_1 } else { V1 },
        kind: "ExecCredential",
        status: Status { expiration_timestamp: credential.expiry().at().map(time::rfc3339), token },
    };
    json::write(&mut rendered, &value)?;
    rendered.add_secret(token);
    rendered.add_secret(&json::quote(token)?);
    Ok(rendered)
}
