//! The failures of proxies, in words.

use std::error::Error;

use crate::causes;

/// The variables that name the proxy, as people set them.
const NAMED: &str = "the proxy of HTTPS_PROXY or ALL_PROXY";

/// Returns why a proxy did not pass a connection on, if that is among the causes of `error`.
///
/// The library keeps the types of these errors to itself, so they are known by their texts.
pub(super) fn fault(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        let why =
            ["tunnel error: ", "SOCKS error: "].iter().find_map(|kind| text.strip_prefix(kind));
        if let Some(why) = why {
            return Some(words(why, error));
        }
        next = error.source();
    }
    None
}

fn words(why: &str, error: &(dyn Error + 'static)) -> String {
    match why {
        "proxy authorization required" => {
            format!("{NAMED} wants a name and a password, as in http://USER:PASSWORD@HOST:PORT")
        }
        "failed to create underlying connection" => {
            let reason = causes::innermost(error).to_string();
            let reason = reason.split(" (os error").next().unwrap_or_default();
            if reason.contains(why) {
                format!("{NAMED} can't be reached")
            } else {
                format!("{NAMED} can't be reached: {}", reason.to_lowercase())
            }
        }
        "unsuccessful" => format!("{NAMED} refused to connect to it"),
        other => format!("{NAMED} failed: {}", other.to_lowercase()),
    }
}
