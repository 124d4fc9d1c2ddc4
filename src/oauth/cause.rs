//! The reason why a request failed, in words.

use std::error::Error;

use super::{proxy, tls};
use crate::causes;

/// Returns why a request failed, in a few words: those of the innermost error, which names the fault
/// itself, and never the URL, which may hold a secret.
pub(super) fn cause(error: &(dyn Error + 'static)) -> String {
    if let Some(words) = tls::fault(error).or_else(|| proxy::fault(error)) {
        return words;
    }
    let innermost = causes::innermost(error);
    let words = match innermost.downcast_ref::<reqwest::Error>() {
        // This one alone prints the URL.
        Some(error) if error.is_timeout() => "it took too long".to_owned(),
        Some(_) => "the request could not be carried out".to_owned(),
        None => innermost.to_string(),
    };
    // The system's number of an error tells people nothing.
    let words = words.split(" (os error").next().unwrap_or_default();
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}
