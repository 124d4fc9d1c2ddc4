//! The resource that a token is for (RFC 8707, RFC 9728): what it covers, and the name that tokctl
//! gives to its service.

use url::Url;

use super::account::ProviderName;
use super::address::Address;

/// The longest provider name, in characters.
const LONGEST: usize = 32;

/// Whether a token for `resource` is one for `asked` too: the same address, or one that `asked` lies
/// below, by whole segments of its path. A final slash makes no difference. A query makes an address
/// another one.
pub(crate) fn covers(resource: &Url, asked: &Url) -> bool {
    if resource.origin() != asked.origin() || resource.fragment().is_some() {
        return false;
    }
    let (own, below) = (path(resource), path(asked));
    if own == below {
        return resource.query() == asked.query() || resource.query().is_none();
    }
    resource.query().is_none() && below.strip_prefix(own).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether `one` and `other` are the same resource, but for a final slash.
pub(crate) fn is_same(one: &Url, other: &Url) -> bool {
    one.origin() == other.origin() && path(one) == path(other) && one.query() == other.query()
}

/// Returns the number of characters of the path, by which the nearest of several resources is chosen.
pub(crate) fn depth(resource: &Url) -> usize {
    path(resource).len() + resource.query().map_or(0, |query| 1 + query.len())
}

fn path(url: &Url) -> &str {
    url.path().trim_end_matches('/')
}

/// Returns the name of the service at `address`: its host with `-` for every other character, and
/// `at-` before a digit, at most 32 characters long. The `nth` service at one host, from the second
/// on, has its number behind the name.
pub(crate) fn provider_name(address: &Address, nth: usize) -> ProviderName {
    let host = address.url().host_str().unwrap_or_default().to_ascii_lowercase();
    let dashed: String = host
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' })
        .collect();
    let dashed = dashed.trim_matches('-');
    let name = match dashed.chars().next() {
        Some('a'..='z') => dashed.to_owned(),
        Some(_) => format!("at-{dashed}"),
        None => "at".to_owned(),
    };
    let ending = if nth > 1 { format!("-{nth}") } else { String::new() };
    let kept = name.chars().take(LONGEST - ending.len()).collect::<String>();
    format!("{}{ending}", kept.trim_end_matches('-'))
        .parse()
        .expect("a letter first, then letters, digits and dashes, and not too many")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_resource_covers_itself_and_what_lies_below_by_whole_segments() {
        let covers = |one: &str, other: &str| covers(&url(one), &url(other));
        for (resource, asked) in [
            ("https://a.example", "https://a.example/"),
            ("https://a.example", "https://a.example/mcp"),
            ("https://a.example/mcp", "https://a.example/mcp/"),
            ("https://a.example/mcp/", "https://a.example/mcp"),
            ("https://a.example/mcp", "https://a.example/mcp/x?y"),
            ("https://A.example:443/mcp", "https://a.example/mcp?x"),
            ("https://a.example/mcp?x", "https://a.example/mcp?x"),
        ] {
            assert!(covers(resource, asked), "{resource} {asked}");
        }
        for (resource, asked) in [
            ("https://a.example/mcp", "https://a.example/mcp2"),
            ("https://a.example/mcp", "https://a.example"),
            ("https://a.example/mcp", "https://a.example/mcp/../other"),
            ("https://a.example/mcp", "https://a.example/mcp%2Fx"),
            ("https://a.example/mcp?x", "https://a.example/mcp?y"),
            ("https://a.example/mcp?x", "https://a.example/mcp/y"),
            ("https://a.example", "https://b.example"),
            ("https://a.example", "https://a.example:8443"),
            ("https://a.example", "https://a.example.evil.example"),
            ("https://a.example#x", "https://a.example"),
            ("https://example", "https://a.example"),
        ] {
            assert!(!covers(resource, asked), "{resource} {asked}");
        }
    }

    #[test]
    fn a_name_is_made_of_the_host() {
        let name = |text: &str, nth| provider_name(&text.parse().unwrap(), nth).to_string();
        assert_eq!(name("https://mcp.example.com/x", 1), "mcp-example-com");
        assert_eq!(name("https://mcp.example.com", 2), "mcp-example-com-2");
        assert_eq!(name("http://127.0.0.1:8080", 1), "at-127-0-0-1");
        assert_eq!(name("http://[::1]:8080", 1), "at-1");
        assert_eq!(name("https://b\u{fc}cher.example", 1), "xn--bcher-kva-example");
        let long = format!("https://{}.example", "a".repeat(40));
        assert_eq!(name(&long, 1), "a".repeat(32));
        assert_eq!(name(&long, 12), format!("{}-12", "a".repeat(29)));
    }

    proptest! {
        #[test]
        fn every_address_has_a_name(host in "[a-z0-9_-]{1,60}(\\.[a-z0-9_-]{1,40}){0,3}", nth in 1_usize..200) {
            if let Ok(address) = format!("https://{host}/mcp").parse::<Address>() {
                provider_name(&address, nth);
            }
        }
    }
}
