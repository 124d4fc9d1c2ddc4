//! Secrets that people paste as a part of an address: a login keeps and shows the address in the clear.

use url::Url;

/// The words, of which a parameter's name is made, that say that its value is a secret.
const SECRET_WORDS: [&str; 22] = [
    "key",
    "apikey",
    "accesskey",
    "token",
    "accesstoken",
    "authtoken",
    "secret",
    "clientsecret",
    "password",
    "passwd",
    "pwd",
    "pass",
    "passphrase",
    "auth",
    "authorization",
    "bearer",
    "jwt",
    "sig",
    "signature",
    "credential",
    "credentials",
    "session",
];

/// The beginnings of tokens of well-known services, and of JWTs.
const SECRET_BEGINNINGS: [&str; 14] = [
    "sk-",
    "sk_",
    "rk_",
    "pk_",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "AIza",
    "ATATT",
    "eyJ",
];

/// The shortest value of a well-known beginning that is taken for a secret, in bytes.
const SHORTEST: usize = 16;

/// Returns the name of the first parameter of `url` that holds a secret, as far as its name or its
/// value tells.
pub(crate) fn secret_parameter(url: &Url) -> Option<String> {
    let fragment = url.fragment().unwrap_or_default();
    let in_fragment = url::form_urlencoded::parse(fragment.as_bytes());
    url.query_pairs().chain(in_fragment).find(|(name, value)| is_secret(name, value)).map(
        |(name, value)| {
            // Without a name, as in `?ghp_x`, the whole parameter is the secret.
            if value.is_empty() { "?".to_owned() } else { name.into_owned() }
        },
    )
}

/// Returns `text`, an address as it was typed, without what may be a secret: a user name and password,
/// the query and the fragment.
pub(crate) fn without_secrets(text: &str) -> String {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let (place, rest) = text.split_at(end);
    let host = place.find("://").map_or(0, |scheme| scheme + "://".len());
    let path = place[host..].find('/').map_or(place.len(), |slash| host + slash);
    let shown = match place[..path].rfind('@') {
        Some(at) if at >= host => format!("{}…{}", &place[..host], &place[at..]),
        Some(_) | None => place.to_owned(),
    };
    if rest.len() > 1 { format!("{shown}{}…", &rest[..1]) } else { shown }
}

/// Returns the address that people typed as `text`, without its user name, its query and its fragment,
/// if one of them holds a secret; `None` if none does, or if the user name looks like a host: then it
/// is not certain which of the two was meant.
pub(crate) fn bare_address(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("https", text));
    let url = Url::parse(&format!("{scheme}://{rest}")).ok()?;
    let has_user = !url.username().is_empty() || url.password().is_some();
    if !has_user && secret_parameter(&url).is_none() || url.username().contains('.') {
        return None;
    }
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let place = &rest[..end];
    let host = place.find('/').unwrap_or(place.len());
    let bare_host = place[..host].rsplit('@').next().unwrap_or_default();
    let prefix = if text.contains("://") { format!("{scheme}://") } else { String::new() };
    Some(format!("{prefix}{bare_host}{}", &place[host..]))
}

fn is_secret(name: &str, value: &str) -> bool {
    let begins = |text: &str| {
        text.len() >= SHORTEST && SECRET_BEGINNINGS.iter().any(|start| text.starts_with(start))
    };
    if value.is_empty() {
        return begins(name);
    }
    begins(value) || words(name).iter().any(|word| SECRET_WORDS.contains(&word.as_str()))
}

/// Returns the words of a parameter's name, in lower case, however they are joined.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before_is_lower = false;
    for letter in name.chars() {
        if !letter.is_alphanumeric() || (letter.is_uppercase() && before_is_lower) {
            words.push(String::new());
        }
        before_is_lower = letter.is_lowercase();
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_its_name_or_by_how_it_begins() {
        let found = |query: &str| {
            secret_parameter(&Url::parse(&format!("https://a.example/mcp{query}")).unwrap())
        };
        for (query, name) in [
            ("?api_key=x", "api_key"),
            ("?project=1&apiKey=x", "apiKey"),
            ("?APIKEY=x", "APIKEY"),
            ("?x-api-key=x", "x-api-key"),
            ("?access_token=x", "access_token"),
            ("?sig=x", "sig"),
            ("?p=ghp_0123456789abcdef", "p"),
            ("?ghp_0123456789abcdef", "?"),
            ("#access_token=x", "access_token"),
        ] {
            assert_eq!(found(query).as_deref(), Some(name), "{query}");
        }
        for query in ["", "?project_ref=abcdef&read_only=true", "?keyword=x", "?tokens", "?key="] {
            assert_eq!(found(query), None, "{query}");
        }
    }

    #[test]
    fn an_address_is_shown_without_what_may_be_a_secret() {
        for (typed, shown) in [
            ("https://a.example/mcp?api_key=x", "https://a.example/mcp?…"),
            ("https://u:p@a.example/x@y", "https://…@a.example/x@y"),
            ("http://u:p@q@a.example", "http://…@a.example"),
            ("https://a.example/#x", "https://a.example/#…"),
            ("https://a.example/x", "https://a.example/x"),
            ("u:p@a.example", "…@a.example"),
        ] {
            assert_eq!(without_secrets(typed), shown);
        }
        assert_eq!(bare_address("https://u:p@a.example/x?y").unwrap(), "https://a.example/x");
        assert_eq!(bare_address("a.example:1/x?token=y").unwrap(), "a.example:1/x");
        assert_eq!(bare_address("https://a.example/x?y=1"), None);
        assert_eq!(bare_address("https://a.example@b.example/x"), None);
    }
}
