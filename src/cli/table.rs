//! Tables and paragraphs that fit the terminal.
//!
//! A table has one line for each row: columns that are too wide for the terminal are cut with `…`,
//! and never broken into several lines. Cells hold text that is safe to show already.

use std::io::{self, IsTerminal};

use comfy_table::{Attribute, ColumnConstraint, ContentArrangement, Row, Width, presets};
use console::Term;
use textwrap::{Options, WordSeparator, WordSplitter};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::ui::Ui;

pub(crate) use comfy_table::{Cell, Color};

/// The blanks between two columns.
const GAP: u16 = 2;

/// The text of a cell where there is nothing to tell.
const NOTHING: &str = "-";

/// The width below which a column is cut only if nothing else helps.
const LEGIBLE: u16 = 12;

/// [`LEGIBLE`] for a terminal with room for few columns.
const BARELY_LEGIBLE: u16 = 8;

/// The least width of a column: a character of two columns, and the mark of a cut.
const NARROWEST: u16 = 3;

/// The width of a terminal below which short words are better.
const NARROW: usize = 60;

/// The fate of a column on a terminal that is too narrow for the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// The column is cut before others.
    Cut,
    /// The column is cut after all others.
    Whole,
    /// The column is left out before others are cut.
    Spare,
    /// The column is cut, and left out where a column would be too narrow to read; before others are
    /// cut, if no row has anything in it.
    Extra,
    /// The column is never cut, and left out where a column would be too narrow to read.
    Lesser,
}

/// A table with a heading for each column.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<(&'static str, Fit)>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Makes a table without rows, from the heading and the fate of each column.
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
        self.render_in(width(), Ui::colors_on_stdout())
    }

    fn render_in(&self, width: Option<usize>, colored: bool) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING).set_truncation_indicator("…").force_no_tty();
        if colored {
            // The flag and the variables that decide are read elsewhere.
            crossterm::style::force_color_output(true);
            table.enforce_styling().style_text_only();
        }
        // No colour of its own, so that it can be read on any background.
        let bold = |title: &str| Cell::new(title).add_attribute(Attribute::Bold);
        table.set_header(one_line(self.columns.iter().map(|(title, _)| bold(title)).collect()));
        table.add_rows(self.rows.iter().cloned().map(one_line));
        let width = width.map(|width| u16::try_from(width.saturating_sub(self.excess())));
        let width = width.map(|width| width.unwrap_or(u16::MAX));
        if let Some(width) = width {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        let natural = table.column_max_content_widths();
        let fits =
            |least: &[Option<u16>]| width.is_none_or(|width| total(least) <= usize::from(width));
        let mut least = self.least(&natural, width);
        if !fits(&least) {
            // The beginning of a time would read as another time.
            let is_cut = |(least, (_, fit)): &(&mut Option<u16>, &(&str, Fit))| {
                least.is_some() && *fit == Fit::Cut
            };
            for (least, _) in least.iter_mut().zip(&self.columns).filter(is_cut) {
                *least = least.map(|least| least.min(NARROWEST));
            }
        }
        let all_fit = fits(&least);
        let rightmost = least.iter().rposition(Option::is_some);
        for (at, column) in table.column_iter_mut().enumerate() {
            let padding = if Some(at) == rightmost { 0 } else { GAP };
            // No text holds a line end, so no text is broken at its blanks.
            column.set_padding((0, padding)).set_delimiter('\n');
            match (least[at], self.columns[at].1) {
                (None, _) => column.set_constraint(ColumnConstraint::Hidden),
                (Some(_), Fit::Whole | Fit::Spare | Fit::Lesser) if all_fit => {
                    column.set_constraint(ColumnConstraint::ContentWidth)
                }
                (Some(least), _) if all_fit => column
                    .set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least + padding))),
                // Nothing is legible then.
                (Some(_), _) => column,
            };
        }
        table.trim_fmt()
    }

    /// Returns the least width of each column that is shown in a terminal of this `width`, where the
    /// widest texts take `natural`; `None` for a column that is left out.
    fn least(&self, natural: &[u16], width: Option<u16>) -> Vec<Option<u16>> {
        let is_empty = |at: usize| self.rows.iter().all(|row| row[at].content() == NOTHING);
        let fit = |at: usize| match self.columns[at].1 {
            Fit::Extra if is_empty(at) => Fit::Spare,
            fit => fit,
        };
        let narrow = width.is_some_and(|width| usize::from(width) < NARROW);
        let least = if narrow { BARELY_LEGIBLE } else { LEGIBLE };
        let legible = |at: usize| match fit(at) {
            Fit::Whole | Fit::Spare | Fit::Lesser => natural[at],
            Fit::Cut | Fit::Extra => least.min(natural[at]),
        };
        let wanted = |at: usize| if fit(at) == Fit::Cut { natural[at] } else { legible(at) };
        let mut shown: Vec<Option<u16>> = (0..natural.len()).map(|at| Some(wanted(at))).collect();
        for (leaving, width_of) in [
            (&[Fit::Spare][..], &wanted as &dyn Fn(usize) -> u16),
            (&[Fit::Extra, Fit::Lesser], &legible),
        ] {
            for (at, shown) in shown.iter_mut().enumerate().filter(|(_, shown)| shown.is_some()) {
                *shown = Some(width_of(at));
            }
            for at in (0..shown.len()).rev().filter(|at| leaving.contains(&fit(*at))) {
                if width.is_some_and(|width| total(&shown) > usize::from(width)) {
                    shown[at] = None;
                }
            }
        }
        shown
    }

    /// Returns by how much a line may be wider than it counts.
    ///
    /// Terminals differ in what they join, such as the parts of an emoji of several persons. There
    /// has to be room for all parts, so that no line is wider than the terminal.
    fn excess(&self) -> usize {
        let of_row = |row: &Vec<Cell>| row.iter().map(|cell| excess(&cell.content())).sum();
        self.rows.iter().map(of_row).max().unwrap_or_default()
    }
}

/// Returns by how much the parts of `text` are wider than what a terminal joins of them.
fn excess(text: &str) -> usize {
    let parts: usize = text.chars().filter_map(UnicodeWidthChar::width).sum();
    parts.saturating_sub(text.width())
}

/// Returns the width of a line with these columns.
fn total(widths: &[Option<u16>]) -> usize {
    let shown = widths.iter().flatten().map(|width| usize::from(*width));
    shown.clone().sum::<usize>() + usize::from(GAP) * shown.count().saturating_sub(1)
}

fn one_line(cells: Vec<Cell>) -> Row {
    let mut row = Row::from(cells);
    row.max_height(1);
    row
}

/// Returns the lines of `text`, broken at words for a terminal: the first line is to stand at column
/// `first`, the others are indented to column `others`. A word that is wider than a line, and a
/// command in backticks, stay in one piece, so that they can be copied.
pub(crate) fn wrap(text: &str, first: usize, others: usize) -> String {
    wrap_in(width(), text, first, others)
}

fn wrap_in(width: Option<usize>, text: &str, first: usize, others: usize) -> String {
    let Some(width) = width else { return text.to_owned() };
    let width = width.saturating_sub(excess(text));
    let (before, indent) = (" ".repeat(first), " ".repeat(others));
    let options = Options::new(width)
        .initial_indent(&before)
        .subsequent_indent(&indent)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    let filled = textwrap::fill(&with_commands_as_words(text), options);
    filled.get(first..).unwrap_or_default().replace(IN_COMMAND, " ")
}

/// The character that stands for a blank within a command, where no line is broken. No text that is
/// safe to show has it.
const IN_COMMAND: char = '\u{E000}';

fn with_commands_as_words(text: &str) -> String {
    let mut in_command = false;
    let blank = |character| if character == ' ' { IN_COMMAND } else { character };
    text.chars()
        .map(|character| {
            in_command ^= character == '`';
            if in_command { blank(character) } else { character }
        })
        .collect()
}

/// Returns whether `text` fits the terminal that stdout is, in lines that begin at column `indent`.
pub(crate) fn fits_behind(text: &str, indent: usize) -> bool {
    let Some(width) = width() else { return true };
    let words = with_commands_as_words(text);
    words.split(' ').all(|word| indent + word.width() + excess(word) <= width)
}

/// Returns `text` with blanks behind it, up to `width` columns of a terminal.
pub(crate) fn padded(text: &str, width: usize) -> String {
    format!("{text}{:1$}", "", width.saturating_sub(text.width()))
}

/// Returns how many columns of a terminal `text` takes.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// Returns whether `text` fits on one line of the terminal that stdout is, or stdout is none.
pub(crate) fn fits(text: &str) -> bool {
    width().is_none_or(|width| text.width() + excess(text) <= width)
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
            assert_eq!(table().render_in(width, false), expected);
        }
    }

    #[test]
    fn on_a_narrow_terminal_spare_columns_go_first_and_then_texts_are_cut() {
        let expected = "\
PROVIDER  USER                                   STATUS
acme      x                                      active
vendor    somebody.with.a.long.name@example.com  login required";
        assert_eq!(table().render_in(Some(70), false), expected);
        let expected = "\
PROVIDER  USER          STATUS
acme      x             active
vendor    somebody.wi…  login required";
        assert_eq!(table().render_in(Some(38), false), expected);
    }

    #[test]
    fn a_column_that_says_nothing_goes_before_a_text_is_cut() {
        let mut table = Table::new([("WHO", Fit::Cut), ("WHERE", Fit::Extra)]);
        table.add(vec!["somebody.with.a.name".into(), "-".into()]);
        let shown = |table: &Table| table.render_in(Some(24), false);
        assert_eq!(shown(&table), "WHO\nsomebody.with.a.name");
        table.add(vec!["x".into(), "here".into()]);
        assert_eq!(
            shown(&table),
            "WHO                WHERE\nsomebody.with.a.…  -\nx                  here"
        );
    }

    #[test]
    fn lesser_columns_go_before_a_text_is_too_short_to_read() {
        let columns = [("WHEN", Fit::Whole), ("WHAT", Fit::Lesser), ("WHO", Fit::Cut)];
        let mut table = Table::new(columns);
        table.add(vec!["07:01".into(), "refresh".into(), "somebody.with.a.name".into()]);
        let shown = |width| table.render_in(Some(width), false);
        assert_eq!(shown(24), "WHEN   WHAT     WHO\n07:01  refresh  somebod…");
        assert_eq!(shown(23), "WHEN   WHO\n07:01  somebody.with.a…");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in 12..80 {
            let shown = table().render_in(Some(width), false);
            assert_eq!(shown.lines().count(), 3, "{width}: {shown}");
            assert!(shown.lines().all(|line| line.width() <= width), "{width}: {shown}");
        }
    }

    #[test]
    fn a_cut_keeps_to_characters_as_people_see_them() {
        let shown = |text: &str, width| {
            let mut table = Table::new([("A", Fit::Cut)]);
            table.add(vec![text.into()]);
            table.render_in(Some(width), false).lines().last().unwrap_or_default().to_owned()
        };
        for (text, width, cut) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("two words", 8, "two wor…"),
            ("山田太郎", 8, "山田太郎"),
            ("山田太郎", 7, "山田太…"),
            ("山田太郎", 6, "山田…"),
            ("e\u{301}e\u{301}e\u{301}e\u{301}", 3, "e\u{301}e\u{301}…"),
            // Six columns where the three are not joined.
            ("👩\u{200d}👩\u{200d}👧xyz", 8, "👩\u{200d}👩\u{200d}👧x…"),
        ] {
            assert_eq!(shown(text, width), cut, "{text} in {width}");
        }
    }

    #[test]
    fn colours_are_used_only_if_that_was_decided() {
        let mut table = Table::new([("A", Fit::Cut)]);
        table.add(vec![Cell::new("active").fg(Color::DarkGreen)]);
        assert_eq!(table.render_in(None, false), "A\nactive");
        assert!(table.render_in(None, true).contains("\u{1b}[38;5;2mactive"));
    }

    #[test]
    fn a_paragraph_breaks_at_words_alone() {
        let text = "see that /a/path/that/is/wider-than-the-terminal can be read";
        let expected = "see that\n    /a/path/that/is/wider-than-the-terminal\n    can be read";
        assert_eq!(wrap_in(Some(20), text, 4, 4), expected);
        assert_eq!(wrap_in(None, text, 4, 4), text);
        assert_eq!(wrap_in(Some(20), "", 4, 4), "");
        let command = "do `tokctl get a/b` now";
        assert_eq!(wrap_in(Some(18), command, 0, 2), "do\n  `tokctl get a/b`\n  now");
    }
}
