//! Quoting of words on a command line that is being typed.

/// Replaces a tilde at the start of a word by the user's home directory.
pub(super) fn expand_tilde(word: &str, home: Option<&str>) -> String {
    match (word.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => format!("{home}/{rest}"),
        _ => word.to_owned(),
    }
}

/// Removes quotes and backslashes from a word as bash would, without running anything.
pub(super) fn unquote(word: &str) -> String {
    match shell_words::split(word).as_deref() {
        Ok([one]) => one.clone(),
        Ok(_) | Err(_) => word.to_owned(),
    }
}

/// The word to complete, with a quote that may still be open.
pub(super) struct Quoted {
    pub(super) text: String,
    /// The open quote and its position in the text.
    open: Option<(char, usize)>,
}

impl Quoted {
    pub(super) fn none(word: &str) -> Self {
        Self { text: word.to_owned(), open: None }
    }

    /// Parses a word as bash passes it.
    pub(super) fn read(word: &str) -> Self {
        let Some((at, quote)) = open_quote(word) else { return Self::none(&unquote(word)) };
        let (before, rest) = word.split_at(at);
        let before = if before.is_empty() { String::new() } else { unquote(before) };
        let rest = unquote(&format!("{rest}{quote}"));
        Self { open: Some((quote, before.len())), text: before + &rest }
    }

    /// Quotes `name` for bash from byte `start` on, as readline inserts it.
    ///
    /// `None` means that the name can't be written there.
    pub(super) fn escape(&self, name: &str, start: usize) -> Option<String> {
        match self.open {
            None => Some(escape(name)),
            Some((_, at)) if at != start => None,
            Some((quote @ '\'', _)) => (!name.contains(quote)).then(|| format!("{quote}{name}")),
            // bash looks up an exclamation mark in the history, escaped or not.
            Some(_) if name.contains('!') => None,
            Some((quote, _)) => {
                let mut escaped = String::from(quote);
                for character in name.chars() {
                    if "\"$`\\".contains(character) {
                        escaped.push('\\');
                    }
                    escaped.push(character);
                }
                Some(escaped)
            }
        }
    }
}

/// Returns the position and kind of the quote that is open at the end of `word`.
fn open_quote(word: &str) -> Option<(usize, char)> {
    let mut open: Option<(usize, char)> = None;
    let mut characters = word.char_indices();
    while let Some((at, character)) = characters.next() {
        match (open, character) {
            (None | Some((_, '"')), '\\') => {
                characters.next();
            }
            (None, '\'' | '"') => open = Some((at, character)),
            (Some((_, quote)), _) if quote == character => open = None,
            (None | Some(_), _) => {}
        }
    }
    open
}

/// Escapes a name for bash outside quotes, as readline inserts it.
fn escape(name: &str) -> String {
    let is_plain = |character: char| {
        !character.is_ascii()
            || character.is_ascii_alphanumeric()
            || "_@%+=:,./-".contains(character)
    };
    let mut escaped = String::with_capacity(2 * name.len());
    for character in name.chars() {
        if !is_plain(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_that_is_open_is_found() {
        for (word, open) in [
            ("al", None),
            ("'al", Some((0, '\''))),
            ("'al'", None),
            ("--user=\"al o'", Some((7, '"'))),
            ("\"a\\\"b", Some((0, '"'))),
            ("'a\\'", None),
            ("\\'al", None),
        ] {
            assert_eq!(open_quote(word), open, "{word}");
        }
    }

    #[test]
    fn a_name_fits_into_the_quote_that_it_is_begun_in() {
        let written = |word: &str, start, name| Quoted::read(word).escape(name, start);
        assert_eq!(written("'b c", 0, "b c$d").as_deref(), Some("'b c$d"));
        assert_eq!(written("'b", 0, "b'c"), None);
        assert_eq!(written("--user=\"b", 7, "b $c\\").as_deref(), Some("\"b \\$c\\\\"));
        assert_eq!(written("\"b", 0, "b!c"), None);
        assert_eq!(written("b'", 0, "bc"), None, "it began before the quote");
        assert_eq!(written("b", 0, "b c").as_deref(), Some("b\\ c"));
    }

    #[test]
    fn a_tilde_is_the_home_directory() {
        assert_eq!(expand_tilde("~/v.db", Some("/home/x")), "/home/x/v.db");
        for word in ["a~/b", "~x/v.db", "/v.db", "~"] {
            assert_eq!(expand_tilde(word, Some("/home/x")), word);
        }
        assert_eq!(expand_tilde("~/v.db", None), "~/v.db");
    }
}
