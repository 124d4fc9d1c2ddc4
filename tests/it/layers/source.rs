//! Reads just enough Rust to see which modules a file declares and which paths it names.

/// A word or a sign of Rust, with the line it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) line: usize,
}

/// A path that starts at `crate`, `self` or `super`, with the line it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) segments: Vec<String>,
    pub(super) line: usize,
    /// How many modules written inside the file it stands in.
    pub(super) depth: usize,
}

/// What a file says about modules.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Source {
    /// The modules that have files of their own, in order.
    pub(super) children: Vec<String>,
    /// Those of them that are compiled for unit tests alone.
    pub(super) test_children: Vec<String>,
    pub(super) paths: Vec<Path>,
}

impl Source {
    /// Reads a file.
    pub(super) fn read(text: &str) -> Self {
        let tokens = tokens(text);
        let mut source = Self::default();
        // The depths of braces at which the modules written inside the file end.
        let mut inline = Vec::new();
        let mut braces = 0;
        let mut at = 0;
        while at < tokens.len() {
            let word = |offset: usize| tokens.get(at + offset).map(|token| token.text.as_str());
            match word(0).unwrap_or_default() {
                "{" => braces += 1,
                "}" => {
                    braces -= 1;
                    if inline.last() == Some(&braces) {
                        inline.pop();
                    }
                }
                "mod" if word(2) == Some(";") => {
                    source.children.extend(word(1).map(str::to_owned));
                    if is_for_tests(&tokens[..at]) {
                        source.test_children.extend(word(1).map(str::to_owned));
                    }
                }
                "mod" if word(2) == Some("{") => {
                    inline.push(braces);
                    braces += 1;
                    at += 2;
                }
                // `pub(in crate::model)` says who may look, not what is used.
                "in" if at > 0 && tokens[at - 1].text == "(" => at += skip_path(&tokens[at + 1..]),
                "crate" | "self" | "super" if word(1) == Some("::") => {
                    let start = source.paths.len();
                    at += read_path(&tokens[at..], &[], &mut source.paths);
                    for path in &mut source.paths[start..] {
                        path.depth = inline.len();
                    }
                    continue;
                }
                text => source.paths.extend(quoted_path(text, tokens[at].line, inline.len())),
            }
            at += 1;
        }
        source
    }
}

/// Whether what follows `tokens` stands under `#[cfg(test)]`.
fn is_for_tests(tokens: &[Token]) -> bool {
    let texts: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
    texts.ends_with(&["#", "[", "cfg", "(", "test", ")", "]"])
}

/// Reads the path that `tokens` begin with, and each path of the group that may end it. Says how
/// many tokens it took.
fn read_path(tokens: &[Token], prefix: &[String], into: &mut Vec<Path>) -> usize {
    let mut segments = prefix.to_vec();
    let line = tokens[0].line;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if token.text == "{" && at > 0 {
            at += read_group(&tokens[at..], &segments, into);
            return at;
        }
        if !is_word(&token.text) && token.text != "*" {
            break;
        }
        segments.push(token.text.clone());
        at += 1;
        match tokens.get(at) {
            Some(next) if next.text == "::" => at += 1,
            _ => break,
        }
    }
    into.push(Path { segments, line, depth: 0 });
    at
}

/// Reads `{a, b::{c, d}}` behind `prefix`.
fn read_group(tokens: &[Token], prefix: &[String], into: &mut Vec<Path>) -> usize {
    let mut at = 1;
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "}" => return at + 1,
            "," => at += 1,
            "as" => at += 2,
            _ => at += read_path(&tokens[at..], prefix, into).max(1),
        }
    }
    at
}

fn skip_path(tokens: &[Token]) -> usize {
    tokens.iter().take_while(|token| token.text != ")").count()
}

/// The path in a text such as `#[serde(with = "crate::secret::sealed")]` holds.
fn quoted_path(text: &str, line: usize, depth: usize) -> Option<Path> {
    let segments: Vec<String> =
        text.strip_prefix('"')?.strip_suffix('"')?.split("::").map(str::to_owned).collect();
    let rooted = matches!(segments[0].as_str(), "crate" | "self" | "super");
    (rooted && segments.len() > 1 && segments.iter().all(|segment| is_word(segment)))
        .then_some(Path { segments, line, depth })
}

fn is_word(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && characters.all(|character| character.is_alphanumeric() || character == '_')
}

/// Words, texts in their quotes, `::`, and every other sign by itself. Comments and characters in
/// quotes are left out.
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let (kind, length) = lexeme(rest, first);
        let (lexeme, tail) = rest.split_at(length);
        if kind == Kind::Kept {
            tokens.push(Token { text: lexeme.to_owned(), line });
        }
        line += lexeme.matches('\n').count();
        rest = tail;
    }
    tokens
}

#[derive(PartialEq, Eq)]
enum Kind {
    Kept,
    Skipped,
}

/// The kind and the length of what `rest`, which begins with `first`, begins with.
fn lexeme(rest: &str, first: char) -> (Kind, usize) {
    if rest.starts_with("//") {
        return (Kind::Skipped, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (Kind::Skipped, block_comment(rest));
    }
    if let Some(length) = raw_text(rest) {
        return (Kind::Skipped, length);
    }
    if rest.starts_with("::") {
        return (Kind::Kept, 2);
    }
    match first {
        '"' => (Kind::Kept, quoted(rest, '"')),
        '\'' => (Kind::Skipped, character_or_lifetime(rest)),
        _ if first.is_whitespace() => (Kind::Skipped, first.len_utf8()),
        _ if first.is_alphanumeric() || first == '_' => {
            let end = rest.find(|next: char| !next.is_alphanumeric() && next != '_');
            (Kind::Kept, end.unwrap_or(rest.len()))
        }
        _ => (Kind::Kept, first.len_utf8()),
    }
}

/// The length of a block comment, others inside it included.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// The length of `r"…"`, `r#"…"#`, `br"…"`, where `rest` begins with one.
fn raw_text(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    body[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let start = rest.len() - body.len() + hashes + 1;
    let length = rest[start..].find(&end).unwrap_or(rest.len() - start);
    Some((start + length + end.len()).min(rest.len()))
}

/// The length of a text up to its closing `quote`.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in rest.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return at + quote.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

/// The length of `'x'` or `'\n'`; of a lifetime, that of its quote.
fn character_or_lifetime(rest: &str) -> usize {
    let mut characters = rest.char_indices().skip(1);
    let is_character = match characters.next() {
        Some((_, '\\')) => true,
        Some(_) => characters.next().is_some_and(|(_, next)| next == '\''),
        None => false,
    };
    if is_character { quoted(rest, '\'') } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        let source = Source::read(text);
        source.paths.iter().map(|path| path.segments.join("::")).collect()
    }

    #[test]
    fn children_come_in_their_order() {
        let source = Source::read("mod b;\n#[cfg(unix)]\npub(crate) mod a;\nmod inside { }\n");
        assert_eq!(source.children, ["b", "a"]);
        assert_eq!(source.test_children, [""; 0]);
    }

    #[test]
    fn children_for_tests_are_known() {
        let source = Source::read("mod a;\n#[cfg(test)]\nmod tests;\n");
        assert_eq!(source.children, ["a", "tests"]);
        assert_eq!(source.test_children, ["tests"]);
    }

    #[test]
    fn groups_are_taken_apart() {
        assert_eq!(
            paths("use crate::{a::{B, c::*}, d as e, self};"),
            ["crate::a::B", "crate::a::c::*", "crate::d", "crate::self"]
        );
    }

    #[test]
    fn paths_in_code_and_in_attributes_are_seen() {
        assert_eq!(
            paths(
                "#[serde(with = \"crate::a::b\")] fn f(x: &'a super::T) { self::g(crate::c::D) }"
            ),
            ["crate::a::b", "super::T", "self::g", "crate::c::D"]
        );
    }

    #[test]
    fn comments_texts_and_visibility_name_nothing() {
        assert_eq!(
            paths(
                "// crate::a\n/* crate::b /* */ crate::c */ \
                 pub(in crate::d) fn f() { let _ = ('\"', \"see crate::e\", r#\"crate::f\"#); }"
            ),
            [""; 0]
        );
    }

    #[test]
    fn a_path_knows_its_line_and_how_deep_it_stands() {
        let source = Source::read("fn f() { }\nmod tests {\n    use super::*;\n}\nuse crate::a;\n");
        let places: Vec<_> = source.paths.iter().map(|path| (path.line, path.depth)).collect();
        assert_eq!(places, [(3, 1), (5, 0)]);
    }
}
