//! Variable assignments that a shell runs: `eval "$(tokctl get --format env)"`.

use zeroize::Zeroizing;

use super::rendered::Rendered;
use crate::model::address::Address;
use crate::model::credential::Credential;
use crate::secret::{AccessToken, SecretText};

pub(super) fn render(credential: &Credential, token: &AccessToken) -> Rendered {
    let token = token.expose();
    let mut rendered = Rendered::with_room_for(token.len());
    let quoted_token = quote(token);
    export(&mut rendered, "TOKCTL_TOKEN", &quoted_token);
    rendered.add_secret(token);
    rendered.add_secret(&quoted_token[1..quoted_token.len() - 1]);
    for (name, value) in [
        ("TOKCTL_USERNAME", credential.api.username.as_deref()),
        ("TOKCTL_API_BASE_URL", credential.api_base_url().map(Address::as_str)),
    ] {
        match value {
            Some(value) => export(&mut rendered, name, &quote(value)),
            None => unset(&mut rendered, name),
        }
    }
    rendered
}

/// Takes away what the variables of another credential left, whose token must not meet this
/// address, nor the other way round.
///
/// fish has no `unset`: there the variable is empty.
fn unset(rendered: &mut Rendered, name: &str) {
    export(rendered, name, "''");
    for part in ["command -v unset >/dev/null && unset ", name, "\n"] {
        rendered.text.push_str(part);
    }
}

fn export(rendered: &mut Rendered, name: &str, quoted: &str) {
    for part in ["export ", name, "=", quoted, "\n"] {
        rendered.text.push_str(part);
    }
}

/// Quotes a text as one word for dash, bash, zsh and fish.
///
/// Single quotes enclose everything except single quotes and backslashes, which fish would
/// interpret.
fn quote(text: &str) -> Zeroizing<String> {
    let mut quoted = Zeroizing::new(String::with_capacity(4 * text.len() + 2));
    quoted.push('\'');
    for character in text.chars() {
        match character {
            '\'' => quoted.push_str(r"'\''"),
            '\\' => quoted.push_str(r"'\\'"),
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes_stand_outside_of_quotes() {
        for (text, word) in [
            ("made-up", "'made-up'"),
            ("it's", r"'it'\''s'"),
            (r"a\b\", r"'a'\\'b'\\''"),
            ("$(x) `y` \"z\" !! #", "'$(x) `y` \"z\" !! #'"),
        ] {
            assert_eq!(*quote(text), word);
        }
    }
}
