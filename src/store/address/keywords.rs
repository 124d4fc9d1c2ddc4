//! Addresses of the form `host=db.example dbname=tokctl user='made up'`.

use super::error::Error;
use super::parameters::Parameters;

/// Reads a list of keywords.
pub(super) fn parse(text: &str) -> Result<Parameters, Error> {
    let mut found = Parameters::default();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (keyword, behind) =
            rest.split_once('=').ok_or(Error::Malformed("a keyword has no `=`"))?;
        let keyword = keyword.trim_end();
        if keyword.is_empty() || keyword.contains(char::is_whitespace) {
            return Err(Error::Malformed("a keyword has no `=`"));
        }
        let (value, behind) = value(behind.trim_start())?;
        found.set(keyword, value)?;
        rest = behind.trim_start();
    }
    Ok(found)
}

/// Returns the value at the beginning of `text`, and what stands behind it.
fn value(text: &str) -> Result<(String, &str), Error> {
    let (text, quoted) = match text.strip_prefix('\'') {
        Some(text) => (text, true),
        None => (text, false),
    };
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\'' if quoted => return Ok((value, &text[at + 1..])),
            letter if letter.is_whitespace() && !quoted => return Ok((value, &text[at..])),
            '\\' => value.extend(letters.next().map(|(_, escaped)| escaped)),
            letter => value.push(letter),
        }
    }
    if quoted { Err(Error::Malformed("a quoted value has no end")) } else { Ok((value, "")) }
}
