//! Tables and paragraphs that fit the terminal.
//!
//! A table has one line for each row: columns that are too wide for the terminal are cut with `…`,
//! and never broken into several lines. Cells hold text that is safe to show already.

use std::io::{self, IsTerminal};

use console::{Style, Term};
use textwrap::{Options, WordSeparator, WordSplitter};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::ui::Ui;

/// The blanks between two columns.
const GAP: usize = 2;

/// The width below which a column is cut only if nothing else helps.
const LEGIBLE: usize = 12;

/// The least width of a column: a character of two columns, and the mark of a cut.
const NARROWEST: usize = 3;

/// The width of a terminal below which short words are better.
const NARROW: usize = 60;

/// What stands for the part that was cut off.
const CUT: &str = "…";

/// What becomes of a column on a terminal that is too narrow for the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// The column is cut before others.
    Cut,
    /// The column is cut after all others.
    Whole,
    /// The column is left out.
    Spare,
}

/// A cell of a [`Table`]: a text, and the style in which a terminal with colours shows it.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    style: Option<Style>,
}

impl Cell {
    pub(crate) fn styled(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style: Some(style) }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), style: None }
    }
}

/// A table with a heading for each column.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<(&'static str, Fit)>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(crate) fn new(columns: impl IntoIterator<Item = (&'static str, Fit)>) -> Self {
        Self { columns: columns.into_iter().collect(), rows: Vec::new() }
    }

    /// Adds a row with one cell for each column.
    pub(crate) fn add(&mut self, row: Vec<Cell>) {
        self.rows.push(row);
    }

    /// Returns the lines of the table, in colours if stdout uses them.
    ///
    /// If stdout is a terminal of known width, no line is wider than it.
    pub(crate) fn render(&self) -> String {
        self.render_in(width())
    }

    fn render_in(&self, width: Option<usize>) -> String {
        let natural: Vec<usize> = (0..self.columns.len()).map(|at| self.natural(at)).collect();
        let widths = match width {
            Some(width) => self.fitted(natural, width),
            None => natural.into_iter().map(Some).collect(),
        };
        let head = self.columns.iter().map(|(title, _)| {
            // No colour of its own, so that it can be read on any background.
            Cell::styled(*title, Style::new().bold())
        });
        let head: Vec<Cell> = head.collect();
        let lines = std::iter::once(&head).chain(&self.rows).map(|row| line(row, &widths, width));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Returns the width that the column at `at` would like to have.
    fn natural(&self, at: usize) -> usize {
        let cells = self.rows.iter().map(|row| columns(&row[at].text));
        cells.chain([columns(self.columns[at].0)]).max().unwrap_or_default()
    }

    /// Returns a width for each column, `None` for one that is left out, so that all of them fit
    /// into `width` as far as possible.
    fn fitted(&self, natural: Vec<usize>, width: usize) -> Vec<Option<usize>> {
        let mut widths: Vec<Option<usize>> = natural.into_iter().map(Some).collect();
        let has = |at: usize, fit: Fit| self.columns[at].1 == fit;
        for at in (0..widths.len()).rev().filter(|at| has(*at, Fit::Spare)) {
            if total(&widths) > width {
                widths[at] = None;
            }
        }
        narrow(&mut widths, width, LEGIBLE, |at| has(at, Fit::Cut));
        narrow(&mut widths, width, NARROWEST, |at| has(at, Fit::Cut));
        narrow(&mut widths, width, NARROWEST, |_| true);
        widths
    }
}

/// Takes columns away from the widest of those that `may` be cut, as long as they are wider than
/// `least` and all of them together are wider than `width`.
fn narrow(widths: &mut [Option<usize>], width: usize, least: usize, may: impl Fn(usize) -> bool) {
    while total(widths) > width {
        let wide = widths.iter_mut().enumerate().filter(|(at, _)| may(*at));
        let widest = wide.filter_map(|(_, width)| width.as_mut()).max_by_key(|width| **width);
        match widest {
            Some(widest) if *widest > least => *widest -= 1,
            Some(_) | None => return,
        }
    }
}

/// Returns the width of a line with these columns.
fn total(widths: &[Option<usize>]) -> usize {
    let shown = widths.iter().flatten();
    shown.clone().sum::<usize>() + GAP * shown.count().saturating_sub(1)
}

/// Returns the row as one line without blanks at its end, no wider than `most`.
fn line(row: &[Cell], widths: &[Option<usize>], most: Option<usize>) -> String {
    let mut line = String::new();
    // The blanks before the next cell, and the width of all that stands before them.
    let (mut blanks, mut taken) = (0, 0);
    for (cell, width) in row.iter().zip(widths) {
        let Some(width) = *width else { continue };
        let room = most.map_or(width, |most| width.min(most.saturating_sub(taken + blanks)));
        let text = cut(&cell.text, room);
        let used = columns(&text);
        if used > 0 {
            line.extend(std::iter::repeat_n(' ', blanks));
            match &cell.style {
                Some(style) => line.push_str(&Ui::styled(style, &text)),
                None => line.push_str(&text),
            }
            taken += blanks + used;
            blanks = 0;
        }
        blanks += width - used + GAP;
    }
    line
}

/// Returns `text` cut to `width` columns, with `…` if anything is missing. What people see as one
/// character stays in one piece.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let Some(room) = width.checked_sub(columns(CUT)) else { return String::new() };
    let mut taken = 0;
    let fitting = text.grapheme_indices(true).find_map(|(at, character)| {
        taken += columns(character);
        (taken > room).then_some(at)
    });
    format!("{}{CUT}", &text[..fitting.unwrap_or(text.len())])
}

/// Returns the number of columns that `text` takes, or more.
///
/// Terminals differ in what they join, such as the parts of an emoji of several persons. The wider
/// form is counted, so that no line is wider than the terminal.
fn columns(text: &str) -> usize {
    let of_parts = |character: &str| character.chars().filter_map(UnicodeWidthChar::width).sum();
    text.graphemes(true).map(|character| character.width().max(of_parts(character))).sum()
}

/// Returns the lines of `text`, broken at words for a terminal: the first line is to stand at column
/// `first`, the others are indented to column `others`. A word that is wider than a line stays in
/// one piece.
pub(crate) fn wrap(text: &str, first: usize, others: usize) -> String {
    wrap_in(width(), text, first, others)
}

fn wrap_in(width: Option<usize>, text: &str, first: usize, others: usize) -> String {
    let Some(width) = width else { return text.to_owned() };
    let (before, indent) = (" ".repeat(first), " ".repeat(others));
    let options = Options::new(width)
        .initial_indent(&before)
        .subsequent_indent(&indent)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    let filled = textwrap::fill(text, options);
    filled.get(first..).unwrap_or_default().to_owned()
}

/// Returns whether stdout is a terminal with room for few columns, where short words are better.
pub(crate) fn is_narrow() -> bool {
    width().is_some_and(|width| width < NARROW)
}

/// Returns the width of the terminal that stdout is; `None` if it is none, or its width is unknown.
fn width() -> Option<usize> {
    let (_, columns) = io::stdout().is_terminal().then(|| Term::stdout().size_checked())??;
    Some(columns.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let columns = [
            ("PROVIDER", Fit::Whole),
            ("USER", Fit::Cut),
            ("STATUS", Fit::Whole),
            ("PARENT", Fit::Spare),
        ];
        let mut table = Table::new(columns);
        table.add(vec!["acme".into(), "x".into(), "active".into(), "sh".into()]);
        let long = "somebody.with.a.long.name@example.com";
        table.add(vec!["vendor".into(), long.into(), "login required".into(), "cron".into()]);
        table
    }

    #[test]
    fn a_column_is_as_wide_as_its_widest_cell() {
        let expected = "\
PROVIDER  USER                                   STATUS          PARENT
acme      x                                      active          sh
vendor    somebody.with.a.long.name@example.com  login required  cron";
        for width in [None, Some(71), Some(200)] {
            assert_eq!(table().render_in(width), expected);
        }
    }

    #[test]
    fn on_a_narrow_terminal_spare_columns_go_first_and_then_texts_are_cut() {
        let expected = "\
PROVIDER  USER                                   STATUS
acme      x                                      active
vendor    somebody.with.a.long.name@example.com  login required";
        assert_eq!(table().render_in(Some(70)), expected);
        let expected = "\
PROVIDER  USER          STATUS
acme      x             active
vendor    somebody.wi…  login required";
        assert_eq!(table().render_in(Some(38)), expected);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in 0..80 {
            let shown = table().render_in(Some(width));
            assert_eq!(shown.lines().count(), if width == 0 { 2 } else { 3 }, "{width}: {shown}");
            assert!(shown.lines().all(|line| columns(line) <= width), "{width}: {shown}");
        }
    }

    #[test]
    fn a_cut_keeps_to_columns_and_to_characters_as_people_see_them() {
        for (text, width, shown) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("山田太郎", 8, "山田太郎"),
            ("山田太郎", 7, "山田太…"),
            ("山田太郎", 6, "山田…"),
            ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
            // Six columns where the three are not joined.
            ("👩\u{200d}👩\u{200d}👧x", 6, "…"),
            ("👩\u{200d}👩\u{200d}👧xyz", 8, "👩\u{200d}👩\u{200d}👧x…"),
            ("abc", 1, "…"),
            ("abc", 0, ""),
        ] {
            assert_eq!(cut(text, width), shown, "{text} in {width}");
        }
    }

    #[test]
    fn a_paragraph_breaks_at_words_alone() {
        let text = "see that /a/path/that/is/wider-than-the-terminal can be read";
        let expected = "see that\n    /a/path/that/is/wider-than-the-terminal\n    can be read";
        assert_eq!(wrap_in(Some(20), text, 4, 4), expected);
        assert_eq!(wrap_in(None, text, 4, 4), text);
        assert_eq!(wrap_in(Some(20), "", 4, 4), "");
    }
}
