//! A parser for `.env` files.
//!
//! Each line is `NAME=VALUE`, with or without `export` before it; `export NAME` alone sets nothing.
//! A value in single quotes or backticks is taken literally. One in double quotes may hold `\n`,
//! `\r`, `\t`, `\"`, `\\`, `\$` and a backslash at the end of a line; any other backslash stands for
//! itself. Quoted values may span lines, and what follows the closing quote at once belongs to the
//! value, as in a shell: `'it'\''s'`. An unquoted value ends at ` #` or with the line. LF and CRLF
//! both end a line, and both become LF.
//!
//! Nothing is expanded: a `$` is a `$`. So a file can't read the environment, which may hold the
//! vault's key. The existing libraries expand, name no line in their errors, and repeat its text,
//! which may be a secret.

use std::iter::Peekable;
use std::str::CharIndices;

use zeroize::Zeroizing;

/// A syntax error on a line counted from 1. It never repeats the text of the line.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub(super) struct Slip {
    pub(super) line: usize,
    pub(super) what: &'static str,
}

/// A variable with its value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) line: usize,
    pub(super) name: String,
    pub(super) value: Zeroizing<String>,
}

/// Parses the content of a file.
pub(super) fn parse(content: &[u8]) -> Result<Vec<Entry>, Slip> {
    let line_at = |end: usize| content[..end].split(|byte| *byte == b'\n').count();
    let text = match std::str::from_utf8(content) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(error) => {
            return Err(Slip { line: line_at(error.valid_up_to()), what: "it is not text" });
        }
    };
    if let Some(end) = content.iter().position(|byte| *byte == 0) {
        return Err(Slip { line: line_at(end), what: "no variable can hold a zero byte" });
    }
    let mut reader = Reader { text, rest: text.char_indices().peekable(), line: 1 };
    let mut entries = Vec::new();
    while let Some(entry) = reader.entry()? {
        entries.push(entry);
    }
    Ok(entries)
}

struct Reader<'a> {
    text: &'a str,
    rest: Peekable<CharIndices<'a>>,
    line: usize,
}

impl Reader<'_> {
    /// Parses the next variable, after empty lines and comments.
    fn entry(&mut self) -> Result<Option<Entry>, Slip> {
        loop {
            self.skip(char::is_whitespace);
            match self.peek() {
                None => return Ok(None),
                Some('#') => self.skip(|character| character != '\n'),
                Some(_) => break,
            }
        }
        let line = self.line;
        let mut name = self.word();
        self.skip(is_blank);
        if name == "export" && self.peek() != Some('=') {
            name = self.word();
            self.skip(is_blank);
            if !name.is_empty() && matches!(self.peek(), None | Some('\n' | '#')) {
                return self.entry();
            }
        }
        if self.peek() != Some('=') {
            return Err(Slip { line, what: "it is not NAME=VALUE" });
        }
        self.next();
        self.skip(is_blank);
        let value = match self.peek() {
            Some('\'' | '"' | '`') => self.read_quoted()?,
            Some(_) | None => self.bare(),
        };
        Ok(Some(Entry { line, name, value }))
    }

    /// Reads everything up to white space or `=`.
    fn word(&mut self) -> String {
        let start = self.position();
        self.skip(|character| character != '=' && !character.is_whitespace());
        self.text[start..self.position()].to_owned()
    }

    fn bare(&mut self) -> Zeroizing<String> {
        let start = self.position();
        let mut after_blank = true;
        while let Some(character) = self.peek() {
            if character == '\n' || (character == '#' && after_blank) {
                break;
            }
            after_blank = is_blank(character);
            self.next();
        }
        let value = self.text[start..self.position()].trim_end().to_owned();
        self.skip(|character| character != '\n');
        Zeroizing::new(value)
    }

    /// Reads quoted parts and what stands between them without a blank.
    fn read_quoted(&mut self) -> Result<Zeroizing<String>, Slip> {
        // Full capacity from the start, because a text that grows leaves copies behind.
        let longest = self.text.len() - self.position();
        let mut value = Zeroizing::new(String::with_capacity(longest));
        loop {
            match self.peek() {
                Some(quote @ ('\'' | '"' | '`')) => self.read_to(quote, &mut value)?,
                Some('\\') => {
                    self.next();
                    value.extend(self.next());
                }
                Some(character) if !character.is_whitespace() => {
                    value.push(character);
                    self.next();
                }
                Some(_) | None => break,
            }
        }
        self.skip(is_blank);
        match self.peek() {
            Some('#') => self.skip(|character| character != '\n'),
            None | Some('\n') => {}
            Some(_) => {
                return Err(Slip { line: self.line, what: "something follows the closing quote" });
            }
        }
        Ok(value)
    }

    fn read_to(&mut self, quote: char, value: &mut String) -> Result<(), Slip> {
        let line = self.line;
        self.next();
        loop {
            match self.next() {
                None => return Err(Slip { line, what: "a quote is not closed" }),
                Some(character) if character == quote => return Ok(()),
                Some('\\') if quote == '"' => self.read_escape(value),
                // CRLF becomes LF, whichever system wrote the file.
                Some('\r') if self.peek() == Some('\n') => {}
                Some(character) => value.push(character),
            }
        }
    }

    /// Reads what follows a backslash in double quotes.
    fn read_escape(&mut self, value: &mut String) {
        let escaped = match self.peek() {
            Some('n') => Some('\n'),
            Some('r') => Some('\r'),
            Some('t') => Some('\t'),
            Some(plain @ ('"' | '\\' | '$' | '`')) => Some(plain),
            // The value continues on the next line.
            Some('\n') => None,
            Some('\r') if self.text[self.position()..].starts_with("\r\n") => {
                self.next();
                None
            }
            Some(_) | None => {
                value.push('\\');
                return;
            }
        };
        self.next();
        value.extend(escaped);
    }

    fn skip(&mut self, wanted: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&wanted) {
            self.next();
        }
    }

    fn peek(&mut self) -> Option<char> {
        self.rest.peek().map(|(_, character)| *character)
    }

    fn next(&mut self) -> Option<char> {
        let (_, character) = self.rest.next()?;
        self.line += usize::from(character == '\n');
        Some(character)
    }

    fn position(&mut self) -> usize {
        self.rest.peek().map_or(self.text.len(), |(position, _)| *position)
    }
}

/// Returns whether a character is white space within a line. A carriage return counts, as part of
/// the line's end.
fn is_blank(character: char) -> bool {
    character != '\n' && character.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<(String, String)> {
        let entries = parse(text.as_bytes()).unwrap();
        entries.into_iter().map(|entry| (entry.name, entry.value.to_string())).collect()
    }

    fn value(text: &str) -> String {
        let mut all = values(&format!("A={text}\nB=after"));
        assert_eq!(all.pop().unwrap(), ("B".into(), "after".into()), "{text}");
        all.pop().unwrap().1
    }

    #[test]
    fn values_are_taken_as_they_are() {
        for (text, is) in [
            ("plain", "plain"),
            ("  spaced out  ", "spaced out"),
            ("", ""),
            ("a=b", "a=b"),
            ("a#b # comment", "a#b"),
            ("# comment", ""),
            ("$HOME ${TOKCTL_KEY} `id` $(id)", "$HOME ${TOKCTL_KEY} `id` $(id)"),
            (r"a\nb", r"a\nb"),
            ("it's", "it's"),
            (r"'a\n $b # \' # comment", r"a\n $b # \"),
            (r#""a\n\t\"\\\$b" # comment"#, "a\n\t\"\\$b"),
            ("\"two\nlines\"", "two\nlines"),
            ("\"one \\\nline\"", "one line"),
            ("'\u{e9}\u{4e2d}'", "\u{e9}\u{4e2d}"),
            ("crlf\r", "crlf"),
            ("'crlf'\r", "crlf"),
            ("\"two\r\nlines\"\r", "two\nlines"),
            ("'two\r\nlines'\r", "two\nlines"),
            ("\"one \\\r\nline\"\r", "one line"),
            ("'lone\rreturn'", "lone\rreturn"),
            ("tokctl://acme/x", "tokctl://acme/x"),
            (r"'it'\''s' # comment", "it's"),
            (r#"'a'"b"c # comment"#, "abc"),
            (r#""C:\Users\me""#, r"C:\Users\me"),
            (r#""\d+\.""#, r"\d+\."),
            ("`a \"b\" # 'c'` # comment", "a \"b\" # 'c'"),
            ("`two\nlines`", "two\nlines"),
            ("'a'#b", "a#b"),
        ] {
            assert_eq!(value(text), is, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_variable_is_passed_over_or_told() {
        let text =
            "\u{feff}\n# comment\nexport A=1\n  B = 2\nexport=3\nexport D # no value\n\nC='4'";
        let names: Vec<_> = values(text).into_iter().map(|(name, value)| name + &value).collect();
        assert_eq!(names, ["A1", "B2", "export3", "C4"]);
        assert!(values("").is_empty());
        for (text, line) in [
            ("A=1\nsecret", 2),
            ("A=1\n\nB C=secret", 3),
            ("A='1\n2", 1),
            ("A=1\nB=\"2\n3\nC=4", 2),
            ("A='1' secret", 1),
            ("A=`1\n2", 1),
            ("A=1\nB=\0", 2),
        ] {
            let slip = parse(text.as_bytes()).unwrap_err();
            assert_eq!(slip.line, line, "{text:?}");
            assert!(!slip.to_string().contains("secret"));
        }
        assert_eq!(parse(b"A=1\nB=\xff").unwrap_err().line, 2);
    }
}
