//! What a file of Rust says about modules, read from its tokens: those of macros and attributes
//! are no different there.

use syn::buffer::Cursor;
use syn::parse::{ParseStream, Parser};

/// A path that starts at `crate`, `self`, `super` or at a crate of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) segments: Vec<String>,
    /// The number of modules written inside the file that the path stands in.
    pub(super) depth: usize,
    /// Whether the path stands in unit tests.
    pub(super) in_tests: bool,
}

/// The modules that a file declares, and the paths that it names.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// The modules that have files of their own, in order.
    pub(super) children: Vec<String>,
    /// Those of them that are compiled for unit tests alone.
    pub(super) test_children: Vec<String>,
    pub(super) paths: Vec<Named>,
    depth: usize,
    in_tests: bool,
}

impl Source {
    /// Reads the text of a file.
    pub(super) fn read(text: &str) -> Self {
        let mut source = Self::default();
        let whole = |input: ParseStream<'_>| input.step(|start| Ok(((), source.walk(*start, &[]))));
        whole.parse_str(text).expect("rustc reads it, too");
        source
    }

    /// Reads up to the end of a group whose paths continue `prefix`, and returns that end.
    fn walk<'a>(&mut self, mut at: Cursor<'a>, prefix: &[String]) -> Cursor<'a> {
        let mut for_tests = false;
        while let Some((token, next)) = at.token_tree() {
            if let Some((word, after)) = at.ident() {
                at = match word.to_string().as_str() {
                    // `pub(in crate::model)` says who may look, not what is used.
                    "pub" => after.any_group().map_or(after, |(_, _, _, after)| after),
                    "as" => after.token_tree().map_or(after, |(_, after)| after),
                    "mod" => self.module(after, std::mem::take(&mut for_tests)),
                    first => self.path(first, after, prefix),
                };
                continue;
            }
            if let Some((inside, _, _, _)) = at.any_group() {
                self.walk(inside, &[]);
                for_tests |= token.to_string().replace(' ', "") == "[cfg(test)]";
            } else if let Some((literal, _)) = at.literal() {
                self.quoted(&literal.to_string());
            }
            at = next;
        }
        at
    }

    /// Reads what follows `mod`: a child's name, or a module written inside the file.
    fn module<'a>(&mut self, at: Cursor<'a>, for_tests: bool) -> Cursor<'a> {
        let Some((name, after)) = at.ident() else { return at };
        if let Some((inside, _, _, after)) = after.any_group() {
            let outside = (self.depth, self.in_tests);
            (self.depth, self.in_tests) = (self.depth + 1, self.in_tests || for_tests);
            self.walk(inside, &[]);
            (self.depth, self.in_tests) = outside;
            return after;
        }
        if for_tests {
            self.test_children.push(name.to_string());
        }
        self.children.push(name.to_string());
        after
    }

    /// Reads the path that begins with `first`, and each path of the group that may end it.
    fn path<'a>(&mut self, first: &str, mut at: Cursor<'a>, prefix: &[String]) -> Cursor<'a> {
        let mut segments = [prefix, &[first.to_owned()]].concat();
        while let Some(after) = colons(at) {
            if let Some((word, after)) = after.ident() {
                segments.push(word.to_string());
                at = after;
            } else if let Some((inside, _, _, after)) = after.any_group() {
                self.walk(inside, &segments);
                return after;
            } else {
                // `*`, or `<` before the types.
                at = after;
                if at.punct().is_some_and(|(sign, _)| sign.as_char() == '*') {
                    segments.push("*".to_owned());
                }
            }
        }
        self.name(segments);
        at
    }

    /// Takes a text such as `#[serde(with = "crate::secret::sealed")]` holds for a path.
    fn quoted(&mut self, literal: &str) {
        let path = literal.trim_matches('"').split("::");
        let is_word = |word: &str| word.chars().all(|c| c.is_alphanumeric() || c == '_');
        if literal.starts_with('"') && path.clone().all(is_word) {
            self.name(path.map(str::to_owned).collect());
        }
    }

    fn name(&mut self, segments: Vec<String>) {
        if segments.len() > 1 {
            self.paths.push(Named { segments, depth: self.depth, in_tests: self.in_tests });
        }
    }
}

/// What follows `::`, where that comes next.
fn colons(at: Cursor<'_>) -> Option<Cursor<'_>> {
    let (_, second) = at.punct().filter(|(sign, _)| sign.as_char() == ':')?;
    let (_, after) = second.punct().filter(|(sign, _)| sign.as_char() == ':')?;
    Some(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        Source::read(text).paths.iter().map(|path| path.segments.join("::")).collect()
    }

    #[test]
    fn children_come_in_their_order_and_those_for_tests_are_known() {
        let text = "mod b;\n#[cfg(unix)]\npub(crate) mod a;\nmod inside { }\n#[cfg(test)] mod t;";
        let source = Source::read(text);
        assert_eq!(source.children, ["b", "a", "t"]);
        assert_eq!(source.test_children, ["t"]);
    }

    #[test]
    fn groups_are_taken_apart() {
        assert_eq!(
            paths("use crate::{a::{B, c::*}, d as e, self};"),
            ["crate::a::B", "crate::a::c::*", "crate::d", "crate::self"]
        );
    }

    #[test]
    fn paths_in_code_in_macros_and_in_attributes_are_seen() {
        assert_eq!(
            paths(
                "#[serde(with = \"crate::a::b\")] fn f(x: &'a super::T) {
                     self::g::<crate::c::D>(format!(\"{}\", crate::e::F { g: [crate::h::I] }))
                 }"
            ),
            ["crate::a::b", "super::T", "self::g", "crate::c::D", "crate::e::F", "crate::h::I"]
        );
    }

    #[test]
    fn comments_texts_and_visibility_name_nothing() {
        assert_eq!(
            paths(
                "/// crate::z\n// crate::a\n/* crate::b /* */ crate::c */ \
                 pub(in crate::d) fn f() { let _ = ('\"', \"see crate::e\", r#\"crate::f\"#); }"
            ),
            [""; 0]
        );
    }

    #[test]
    fn a_path_knows_how_deep_it_stands_and_whether_in_tests() {
        let source = Source::read("#[cfg(test)] mod tests { use super::*; }\nuse crate::a;\n");
        let places: Vec<_> = source.paths.iter().map(|path| (path.depth, path.in_tests)).collect();
        assert_eq!(places, [(1, true), (0, false)]);
    }
}
