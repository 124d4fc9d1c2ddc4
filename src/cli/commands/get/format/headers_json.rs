//! An object with the headers that carry the token, for programs that take them from a command.

use std::collections::BTreeMap;

use super::header;
use super::json;
use super::rendered::Rendered;
use crate::cli::error::CliError;
use crate::model::credential::Credential;
use crate::secret::{AccessToken, SecretText};

pub(super) fn render(credential: &Credential, token: &AccessToken) -> Result<Rendered, CliError> {
    let headers = header::headers(credential, token)?;
    let length = headers.iter().map(|header| header.value.len()).sum();
    let mut rendered = Rendered::with_room_for(length);
    let fields: BTreeMap<&str, &str> =
        headers.iter().map(|header| (header.name, header.value.as_str())).collect();
    json::write(&mut rendered, &fields)?;
    rendered.add_secret(token.expose());
    for header in &headers {
        rendered.add_secret(&header.secret);
        rendered.add_secret(&json::quote(&header.secret)?);
    }
    Ok(rendered)
}
