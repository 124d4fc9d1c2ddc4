//! Pages of the manual as plain text: a formatter for the part of `man`'s language (man(7)) that
//! our pages use.
//!
//! It takes the place of `man` where that is not installed. What it does not know it leaves out; a
//! test sees to it that no page has such a thing.

use std::fmt::Write;

/// The indentation of a section's text, in columns.
const SECTION: usize = 4;

/// The indentation of what a tag stands before, unless the page sets another.
const TAGGED: usize = 6;

/// The face in which a piece of text is set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Face {
    #[default]
    Roman,
    Bold,
    Italic,
}

/// Returns the page `roff` as text of at most `width` columns, except for lines that are not to be
/// broken. `in_face` adds what the terminal needs for a face.
pub(super) fn render(roff: &str, width: usize, in_face: fn(Face, &str) -> String) -> String {
    let mut text = Text::new(width, in_face);
    for line in roff.lines() {
        match line.strip_prefix('.') {
            Some(request) => text.request(request),
            None => text.words(line),
        }
    }
    text.end_paragraph();
    text.output.trim_start().to_owned()
}

/// The text so far, and the paragraph that is being filled.
struct Text {
    width: usize,
    in_face: fn(Face, &str) -> String,
    output: String,
    /// The indentation of the section and of the blocks around the paragraph.
    base: usize,
    /// The additional indentation of a tagged paragraph.
    tagged: usize,
    blocks: Vec<usize>,
    /// The tag of the paragraph, until its first word is set.
    tag: Option<Piece>,
    /// The indentation that the next tag gives its paragraph, if the next line is that tag.
    awaits_tag: Option<usize>,
    /// Whether lines are kept as they are.
    is_verbatim: bool,
    above: Above,
    /// Whether the paragraph is one of a list, whose items have no empty lines between them.
    is_in_list: bool,
    paragraph: Vec<Piece>,
}

/// The kind of line that stands above the next text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Above {
    /// A title, or the beginning of a block.
    Title,
    Text,
    /// Text, from which the next is to be set apart.
    Space,
}

/// A word, or a tag, with what it takes on the terminal.
#[derive(Default)]
struct Piece {
    shown: String,
    columns: usize,
}

impl Text {
    fn new(width: usize, in_face: fn(Face, &str) -> String) -> Self {
        Self {
            width,
            in_face,
            output: String::new(),
            base: SECTION,
            tagged: 0,
            blocks: Vec::new(),
            tag: None,
            awaits_tag: None,
            is_verbatim: false,
            above: Above::Title,
            is_in_list: false,
            paragraph: Vec::new(),
        }
    }

    /// Carries out a request: a line that began with a dot.
    fn request(&mut self, request: &str) {
        let (name, rest) = request.split_once(' ').unwrap_or((request, ""));
        self.is_in_list &= matches!(name, "IP" | "B" | "BR" | "I" | "IR");
        match name {
            "SH" | "SS" => {
                self.end_paragraph();
                self.blocks.clear();
                (self.base, self.tagged) = (SECTION, 0);
                let title = unescape(&arguments(rest).join(" "));
                let indent = if name == "SH" { "" } else { "  " };
                let title = (self.in_face)(Face::Bold, &title);
                for part in ["\n", indent, &title, "\n"] {
                    self.output.push_str(part);
                }
                self.above = Above::Title;
            }
            "PP" | "P" | "LP" => {
                self.end_paragraph();
                self.tagged = 0;
                self.leave_space();
            }
            "TP" => {
                self.end_paragraph();
                self.leave_space();
                self.awaits_tag = Some(rest.trim().parse().unwrap_or(TAGGED));
            }
            "IP" => {
                self.end_paragraph();
                let arguments = arguments(rest);
                let mut arguments = arguments.iter();
                self.tag = arguments.next().map(|tag| self.piece(tag));
                self.tagged = arguments.next().and_then(|by| by.parse().ok()).unwrap_or(TAGGED);
                if !std::mem::replace(&mut self.is_in_list, true) {
                    self.leave_space();
                }
            }
            "RS" => {
                self.end_paragraph();
                self.blocks.push(self.base);
                self.base += rest.trim().parse().unwrap_or(self.tagged.max(SECTION));
                (self.tagged, self.above) = (0, Above::Title);
            }
            "RE" => {
                self.end_paragraph();
                self.base = self.blocks.pop().unwrap_or(SECTION);
            }
            "EX" | "EE" => {
                self.end_paragraph();
                self.is_verbatim = name == "EX";
            }
            "br" => self.end_paragraph(),
            "B" => self.alternate(rest, [Face::Bold, Face::Bold], " "),
            "I" => self.alternate(rest, [Face::Italic, Face::Italic], " "),
            "BR" => self.alternate(rest, [Face::Bold, Face::Roman], ""),
            "IR" => self.alternate(rest, [Face::Italic, Face::Roman], ""),
            _ => debug_assert!(is_left_out(name), "`.{name}` is not known here"),
        }
    }

    /// Leaves an empty line before the next text, unless that is the first below a title.
    fn leave_space(&mut self) {
        if self.above == Above::Text {
            self.above = Above::Space;
        }
    }

    /// Takes in a request whose arguments are set in two faces by turns.
    fn alternate(&mut self, rest: &str, faces: [Face; 2], between: &str) {
        let mut line = String::new();
        for (index, argument) in arguments(rest).iter().enumerate() {
            let letter = match faces[index % 2] {
                Face::Roman => 'R',
                Face::Bold => 'B',
                Face::Italic => 'I',
            };
            let between = if index == 0 { "" } else { between };
            let _ = write!(line, "{between}\\f{letter}{argument}\\fR");
        }
        self.words(&line);
    }

    /// Takes in a line of text.
    fn words(&mut self, line: &str) {
        if let Some(by) = self.awaits_tag.take() {
            self.tag = Some(self.piece(line));
            self.tagged = by;
        } else if self.is_verbatim {
            let shown = self.piece(line).shown;
            if !shown.is_empty() {
                self.begin_line();
            }
            self.output.push_str(shown.trim_end());
            self.output.push('\n');
        } else {
            let pieces: Vec<Piece> = split(line).iter().map(|word| self.set(word)).collect();
            self.paragraph.extend(pieces);
        }
    }

    /// Writes the paragraph out.
    fn end_paragraph(&mut self) {
        let words = std::mem::take(&mut self.paragraph);
        if words.is_empty() && self.tag.is_none() {
            return;
        }
        let indent = self.base + self.tagged;
        let mut column = self.begin_line();
        if column > 0 && column >= indent {
            self.output.push('\n');
            column = 0;
        }
        let mut is_first = true;
        for word in words {
            if !is_first && column + 1 + word.columns > self.width {
                self.output.push('\n');
                (column, is_first) = (0, true);
            }
            if is_first {
                self.output.push_str(&" ".repeat(indent - column.min(indent)));
                column = indent;
            } else {
                self.output.push(' ');
                column += 1;
            }
            is_first = false;
            self.output.push_str(&word.shown);
            column += word.columns;
        }
        if !self.output.ends_with('\n') {
            self.output.push('\n');
        }
    }

    /// Begins a line, with the paragraph's tag if there is one, and returns the column reached.
    fn begin_line(&mut self) -> usize {
        if std::mem::replace(&mut self.above, Above::Text) == Above::Space {
            self.output.push('\n');
        }
        let Some(tag) = self.tag.take() else {
            // Lines that are kept have their whole indentation; words get theirs one by one.
            if self.is_verbatim {
                self.output.push_str(&" ".repeat(self.base + self.tagged));
            }
            return 0;
        };
        self.output.push_str(&" ".repeat(self.base));
        self.output.push_str(&tag.shown);
        self.base + tag.columns
    }

    /// Returns a whole line, spaces included, as one piece.
    fn piece(&self, line: &str) -> Piece {
        self.set(&faces(line))
    }

    fn set(&self, runs: &[(Face, String)]) -> Piece {
        let mut piece = Piece::default();
        for (face, text) in runs {
            piece.columns += console::measure_text_width(text);
            piece.shown.push_str(&(self.in_face)(*face, text));
        }
        piece
    }
}

/// Whether a request is for `man` alone.
fn is_left_out(name: &str) -> bool {
    matches!(name, "TH" | "nr" | "nh" | "ad") || name.starts_with("\\\"")
}

/// Returns the arguments of a request: separated by spaces, unless in double quotes.
fn arguments(rest: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut rest = rest.trim();
    while !rest.is_empty() {
        let (argument, after) = if let Some(quoted) = rest.strip_prefix('"') {
            quoted.split_once('"').unwrap_or((quoted, ""))
        } else {
            // `\ ` is a space that does not separate.
            let mut spaces = rest.match_indices(' ').map(|(at, _)| at);
            let end = spaces.find(|&at| !rest[..at].ends_with('\\')).unwrap_or(rest.len());
            rest.split_at(end)
        };
        arguments.push(argument.to_owned());
        rest = after.trim_start();
    }
    arguments
}

/// Returns the words of a line, each as runs of one face.
fn split(line: &str) -> Vec<Vec<(Face, String)>> {
    let mut words = vec![Vec::new()];
    for (face, text) in faces(line) {
        for (index, part) in text.split(' ').enumerate() {
            if index > 0 {
                words.push(Vec::new());
            }
            if let (Some(word), false) = (words.last_mut(), part.is_empty()) {
                // A space that is not to be broken is shown as one.
                word.push((face, part.replace('\u{a0}', " ")));
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Returns the runs of one face in a line, without roff's escapes.
fn faces(line: &str) -> Vec<(Face, String)> {
    let mut runs = Vec::new();
    let mut face = Face::Roman;
    for (index, part) in line.split("\\f").enumerate() {
        let mut text = part;
        if index > 0 {
            face = match part.chars().next() {
                Some('B') => Face::Bold,
                Some('I') => Face::Italic,
                Some(_) | None => Face::Roman,
            };
            text = part.get(1..).unwrap_or_default();
        }
        if !text.is_empty() {
            runs.push((face, unescape(text)));
        }
    }
    runs
}

/// Returns `text` with roff's escapes replaced by what they stand for.
fn unescape(text: &str) -> String {
    const ESCAPES: [(&str, &str); 8] = [
        ("\\-", "-"),
        ("\\(aq", "'"),
        ("\\(bu", "•"),
        ("\\(dq", "\""),
        ("\\(ti", "~"),
        ("\\(ha", "^"),
        ("\\&", ""),
        ("\\ ", "\u{a0}"),
    ];
    let plain = ESCAPES.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    plain.replace("\\e", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(face: Face, text: &str) -> String {
        match face {
            Face::Roman => text.to_owned(),
            Face::Bold => format!("*{text}*"),
            Face::Italic => format!("_{text}_"),
        }
    }

    #[test]
    fn paragraphs_are_filled_and_examples_are_not() {
        let page = ".TH X 1\n.SH NAME\nx \\- a\nname\n.SH DESCRIPTION\nWords that are \\fBfilled\\fR \
                    up.\n.PP\nA second one.\n.PP\n.EX\nx  \\-\\-long option that is kept \\e\n.EE";
        assert_eq!(
            render(page, 24, marked),
            "*NAME*\n    x - a name\n\n*DESCRIPTION*\n    Words that are\n    *filled* up.\n\n    A \
             second one.\n\n    x  --long option that is kept \\\n"
        );
    }

    #[test]
    fn tags_stand_before_their_paragraphs() {
        let page = ".SH OPTIONS\n.TP\n\\fB\\-\\-long\\fR \\fIX\\fR\nSays more.\n.TP\n-v\nShort.\n.IP \
                    \\(bu 2\nFirst\n.IP \\(bu 2\nSecond, which is longer\n.RS 4\nInside.\n.RE\n.BR \
                    x (1)";
        assert_eq!(
            render(page, 24, marked),
            "*OPTIONS*\n    *--long* _X_\n          Says more.\n\n    -v    Short.\n\n    • First\n    • \
             Second, which is\n      longer\n        Inside.\n    *x*(1)\n"
        );
    }
}
