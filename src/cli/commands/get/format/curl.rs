//! Headers in curl's configuration format: `tokctl get --format curl | curl -K - ADDRESS`.
//!
//! The API's address is left out, because curl would fetch it in addition to ADDRESS.

use zeroize::Zeroizing;

use super::header;
use super::rendered::Rendered;
use crate::cli::error::CliError;
use crate::model::credential::Credential;
use crate::secret::{AccessToken, SecretText};

pub(super) fn render(credential: &Credential, token: &AccessToken) -> Result<Rendered, CliError> {
    let headers = header::headers(credential, token)?;
    let length = headers.iter().map(|header| header.value.len()).sum();
    let mut rendered = Rendered::with_room_for(length);
    rendered.add_secret(token.expose());
    for header in &headers {
        for part in ["header = \"", header.name, ": ", &escape(&header.value), "\"\n"] {
            rendered.text.push_str(part);
        }
        rendered.add_secret(&header.secret);
        rendered.add_secret(&escape(&header.secret));
    }
    Ok(rendered)
}

/// Escapes a header's value for curl's double quotes. The value has no other special characters.
fn escape(value: &str) -> Zeroizing<String> {
    let mut escaped = Zeroizing::new(String::with_capacity(2 * value.len()));
    for character in value.chars() {
        if matches!(character, '"' | '\\') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
