//! The challenge of a protected resource (RFC 9110 §11.6.1): what it wants, and where it says more
//! (RFC 6750 §3, RFC 9728 §5.1).

use std::iter::Peekable;
use std::str::Chars;

/// The most parameters that are read.
const MOST: usize = 64;

/// The part of a `Bearer` challenge that tokctl uses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bearer {
    /// The address of the protected resource's metadata (RFC 9728 §5.1).
    pub(crate) resource_metadata: Option<String>,
    /// The scopes that the request needs, with blanks between them (RFC 6750 §3).
    pub(crate) scope: Option<String>,
    /// The error code (RFC 6750 §3.1).
    pub(crate) error: Option<String>,
}

/// Returns the `Bearer` challenge among those of a header; of several, the first that names metadata.
/// A parameter that comes twice counts as left out, since two readers could see two values.
pub(crate) fn bearer(header: &str) -> Option<Bearer> {
    let all: Vec<Challenge> = challenges(header);
    let mut ours = all
        .into_iter()
        .filter(|challenge| challenge.scheme.eq_ignore_ascii_case("bearer"))
        .map(|challenge| Bearer {
            resource_metadata: challenge.parameter("resource_metadata"),
            scope: challenge.parameter("scope"),
            error: challenge.parameter("error"),
        })
        .collect::<Vec<_>>();
    let at = ours.iter().position(|one| one.resource_metadata.is_some()).unwrap_or(0);
    (!ours.is_empty()).then(|| ours.swap_remove(at))
}

/// One challenge: its scheme and its parameters.
struct Challenge {
    scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    fn parameter(&self, name: &str) -> Option<String> {
        let mut found = self
            .parameters
            .iter()
            .filter(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value);
        match (found.next(), found.next()) {
            (Some(value), None) if !value.is_empty() => Some(value.clone()),
            (_, _) => None,
        }
    }
}

/// Takes a header apart. What is malformed is skipped up to the next comma.
fn challenges(header: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    let mut rest = header.chars().peekable();
    let mut parameters = 0;
    loop {
        skip(&mut rest, |letter| letter == ',' || letter.is_ascii_whitespace());
        if rest.peek().is_none() || parameters > MOST {
            return found;
        }
        let word = taken(&mut rest, is_token);
        let blanks = skip(&mut rest, |letter| letter.is_ascii_whitespace());
        match rest.peek() {
            Some('=') if !word.is_empty() => {
                rest.next();
                parameters += 1;
                skip(&mut rest, |letter| letter.is_ascii_whitespace());
                let value = value(&mut rest);
                if let (Some(value), Some(last)) = (value, found.last_mut()) {
                    last.parameters.push((word, value));
                }
            }
            None | Some(',') => found.push(Challenge { scheme: word, parameters: Vec::new() }),
            Some(_) if blanks && !word.is_empty() => {
                found.push(Challenge { scheme: word, parameters: Vec::new() });
            }
            Some(_) => {
                skip(&mut rest, |letter| letter != ',');
            }
        }
    }
}

/// Reads a token or a quoted string; `None` if there is neither.
fn value(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    if rest.next_if_eq(&'"').is_none() {
        let token = taken(rest, is_token);
        return (!token.is_empty()).then_some(token);
    }
    let mut value = String::new();
    loop {
        match rest.next()? {
            '"' => return Some(value),
            '\\' => value.push(rest.next()?),
            letter => value.push(letter),
        }
    }
}

/// Skips letters, and returns whether there were any.
fn skip(rest: &mut Peekable<Chars<'_>>, is_skipped: impl Fn(char) -> bool) -> bool {
    !taken(rest, is_skipped).is_empty()
}

fn taken(rest: &mut Peekable<Chars<'_>>, is_taken: impl Fn(char) -> bool) -> String {
    let mut text = String::new();
    while let Some(letter) = rest.next_if(|letter| is_taken(*letter)) {
        text.push(letter);
    }
    text
}

/// Whether a letter may be part of a token (RFC 9110 §5.6.2), or of an unquoted value that servers
/// write although it is none, such as an address.
fn is_token(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~:/?@".contains(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(header: &str) -> (Option<String>, Option<String>, Option<String>) {
        let Bearer { resource_metadata, scope, error } = bearer(header).unwrap_or_default();
        (resource_metadata, scope, error)
    }

    #[test]
    fn a_bearer_challenge_is_found_among_others() {
        let own = |text: &str| Some(text.to_owned());
        let url = "https://a.example/.well-known/oauth-protected-resource";
        for header in [
            format!("Bearer resource_metadata=\"{url}\", scope=\"a b\""),
            format!("bearer scope=\"a b\" , resource_metadata = {url}"),
            format!(
                "Basic realm=\"x, y\", Bearer realm=\"z\", resource_metadata=\"{url}\",scope=\"a b\""
            ),
            format!(
                "Negotiate YII=, Bearer resource_metadata=\"{url}\", scope=\"a b\", Basic scope=c"
            ),
            format!("Bearer realm=x, Bearer resource_metadata=\"{url}\", scope=\"a b\""),
        ] {
            assert_eq!(parts(&header), (own(url), own("a b"), None), "{header}");
        }
        let missing = "Bearer error=\"insufficient_scope\", error_description=\"say \\\"x\\\", scope=no\", scope=w";
        assert_eq!(parts(missing), (None, own("w"), own("insufficient_scope")));
        assert_eq!(bearer("Bearer"), Some(Bearer::default()));
        for none in ["", "Basic realm=x", "DPoP scope=a", ",,,", "\"Bearer\""] {
            assert_eq!(bearer(none), None, "{none}");
        }
    }

    #[test]
    fn a_parameter_that_comes_twice_counts_as_left_out() {
        assert_eq!(parts("Bearer scope=a, scope=b, error=c").1, None);
        assert_eq!(parts("Bearer scope=\"unfinished").1, None);
        assert_eq!(parts("scope=a, Bearer error=x"), (None, None, Some("x".into())));
    }
}
