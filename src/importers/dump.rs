//! Tables that were written out as text by the clients of databases and by spreadsheets: fields with
//! a separator, or JSON.
//!
//! How a field is quoted differs from program to program. What is in the fields is not known here.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::record::Fault;
use super::row::Row;
use super::text;

/// The fields of a line, with its place.
pub(super) type Line = (String, Vec<String>);

/// The separator between the fields of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Separator {
    /// A tab, as in `mysql -B` and PostgreSQL's own format. A backslash quotes.
    Tab,
    /// A comma, as in RFC 4180.
    Comma,
    /// A semicolon, as spreadsheets write it in most of Europe.
    Semicolon,
    /// A bar, as `psql` and `sqlite3` show tables. Nothing quotes.
    Bar,
}

/// All separators. A later one is tried if an earlier one makes no table.
pub(super) const SEPARATORS: [Separator; 4] =
    [Separator::Tab, Separator::Comma, Separator::Semicolon, Separator::Bar];

/// The most times that a quote without an end is looked for: each time reads all that follows.
const MOST_OPEN_QUOTES: usize = 100;

/// The characters that end a line.
const LINE_ENDS: [char; 2] = ['\r', '\n'];

/// Returns the fields of each line. Lines that only decorate a table are left out.
pub(super) fn lines(text: &str, separator: Separator) -> Vec<Line> {
    // A first line may tell a spreadsheet the separator.
    let begin = match text.split_once('\n') {
        Some((first, _)) if first.starts_with("sep=") => first.len() + 1,
        Some(_) | None => 0,
    };
    let mut lines = match separator {
        Separator::Tab => quoted(text, begin, b'\t'),
        Separator::Comma => quoted(text, begin, b','),
        Separator::Semicolon => quoted(text, begin, b';'),
        Separator::Bar => between_bars(text),
    };
    lines.retain(|(_, fields)| !matches!(&fields[..], [alone] if is_footer(alone)));
    if separator == Separator::Tab {
        for field in lines.iter_mut().flat_map(|(_, fields)| fields) {
            // Whoever reads `\N` for a value that is not there reads it as it stands.
            if field != "\\N"
                && let Cow::Owned(plain) = without_backslashes(field)
            {
                *field = plain;
            }
        }
    }
    lines
}

/// Whether a line is the count of rows behind a table: `(2 rows)`, or `2 rows in set (0.00 sec)`.
fn is_footer(line: &str) -> bool {
    let line = line.trim_start_matches('(');
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.len() < line.len() && rest.starts_with(" row")
}

/// Reads lines whose fields may be quoted, and then span several lines, from the byte `at` on.
fn quoted(text: &str, mut at: usize, separator: u8) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let (mut counted, mut number, mut open_quotes) = (0, 1, 0);
    let byte = |byte: u64| usize::try_from(byte).unwrap_or(usize::MAX);
    'again: loop {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(separator)
            .has_headers(false)
            .flexible(true)
            .quoting(open_quotes < MOST_OPEN_QUOTES)
            .from_reader(&text.as_bytes()[at..]);
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record).unwrap_or(false) {
            let start = at + record.position().map_or(0, |position| byte(position.byte()));
            let whole = text.get(start..at + byte(reader.position().byte())).unwrap_or_default();
            let start = start + leading(whole);
            let whole = whole.trim_matches(LINE_ENDS);
            number += text[counted..start].matches('\n').count();
            counted = start;
            let place = format!("line {number}");
            let is_odd = lines.first().is_some_and(|(_, first)| first.len() != record.len())
                || !is_well_quoted(whole.as_bytes(), separator);
            if is_odd && let Some((first, _)) = whole.split_once('\n') {
                // The quote at which it begins has no end: the next line is one of its own.
                lines.push((place, vec![first.trim().to_owned()]));
                at = start + first.len() + 1;
                open_quotes += 1;
                continue 'again;
            }
            lines.push((place, record.iter().map(str::to_owned).collect()));
        }
        return lines;
    }
}

/// Whether each quote that begins a field has its end at the end of a field.
fn is_well_quoted(line: &[u8], separator: u8) -> bool {
    let (mut at, mut is_quoted, mut begins) = (0, false, true);
    while let Some(byte) = line.get(at) {
        let next = line.get(at + 1);
        if is_quoted && *byte == b'"' {
            let ends = next.is_none_or(|next| *next == separator || b"\r\n".contains(next));
            match next {
                Some(b'"') => at += 1,
                _ if ends => is_quoted = false,
                _ => return false,
            }
        } else if !is_quoted {
            is_quoted = begins && *byte == b'"';
            begins = *byte == separator || b"\r\n".contains(byte);
        }
        at += 1;
    }
    !is_quoted
}

/// Returns the number of bytes of empty lines before a text.
fn leading(text: &str) -> usize {
    text.len() - text.trim_start_matches(LINE_ENDS).len()
}

/// Reads lines as they are shown in a terminal, with a frame or without.
fn between_bars(text: &str) -> Vec<Line> {
    let is_frame = |line: &str| line.bytes().all(|byte| b"-+| ".contains(&byte));
    let numbered = (1..).zip(text.lines());
    numbered
        .filter(|(_, line)| !is_frame(line))
        .map(|(number, line)| {
            let line = line.trim();
            let framed = line.strip_prefix('|').and_then(|rest| rest.strip_suffix('|'));
            let fields = framed.unwrap_or(line).split('|').map(|field| field.trim().to_owned());
            (format!("line {number}"), fields.collect())
        })
        .collect()
}

/// Returns a field without the backslashes that quote a character in it.
fn without_backslashes(field: &str) -> Cow<'_, str> {
    if !field.contains('\\') {
        return field.into();
    }
    let mut plain = String::with_capacity(field.len());
    let mut letters = field.chars();
    while let Some(letter) = letters.next() {
        plain.push(match (letter, letter == '\\') {
            (_, true) => match letters.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('0') => '\0',
                Some(other) => other,
                None => '\\',
            },
            (letter, false) => letter,
        });
    }
    plain.into()
}

/// Returns the rows of a text in JSON, each with its place: a list of objects, or an object in each
/// line. `None` if the text is no JSON.
pub(super) fn objects(text: &str) -> Option<Vec<(String, Result<Row, Fault>)>> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let mut rows = Vec::new();
    if let Some(value) = text::json(text) {
        collect(value, &mut rows);
        let numbered = (1..).zip(rows);
        return Some(numbered.map(|(number, row)| (format!("entry {number}"), row)).collect());
    }
    let mut placed = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        match text::json(line) {
            Some(value) => collect(value, &mut rows),
            None => rows.push(Err(Fault::Malformed("it is no JSON object"))),
        }
        placed.extend(rows.drain(..).map(|row| (format!("line {number}"), row)));
    }
    // A text that only begins like JSON has no line of it.
    placed.iter().any(|(_, row)| row.is_ok()).then_some(placed)
}

/// Collects the objects in a value: of a list, of a list in an object such as
/// `{"rows": […]}`, or the object itself.
fn collect(value: Value, rows: &mut Vec<Result<Row, Fault>>) {
    match value {
        Value::Array(values) => values.into_iter().for_each(|value| collect(value, rows)),
        Value::Object(mut object) => {
            let list = object.iter().find_map(|(name, value)| {
                let values = value.as_array().filter(|values| !values.is_empty())?;
                values.iter().all(Value::is_object).then(|| name.clone())
            });
            match list.and_then(|name| object.remove(&name)) {
                Some(list) => collect(list, rows),
                None => rows.push(Ok(in_lower_case(object))),
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            rows.push(Err(Fault::Malformed("it is no JSON object")));
        }
    }
}

fn in_lower_case(object: Map<String, Value>) -> Row {
    object.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str, separator: Separator) -> Vec<Vec<String>> {
        lines(text, separator).into_iter().map(|(_, fields)| fields).collect()
    }

    #[test]
    fn fields_stand_as_the_clients_of_databases_write_them() {
        let expected = [["a", "b"], ["1", "x y"]];
        for (text, separator) in [
            ("a\tb\n1\tx y\n", Separator::Tab),
            ("a\tb\n1\tx\\ y\n", Separator::Tab),
            ("\"a\"\t\"b\"\r\n1\t\"x y\"\r\n", Separator::Tab),
            ("a,b\r\n1,x y", Separator::Comma),
            ("sep=;\na;b\n1;\"x y\"\n\n", Separator::Semicolon),
            ("a|b\n1|x y\n(1 row)\n", Separator::Bar),
            (" a |  b  \n---+-----\n 1 | x y\n(1 row)\n\n", Separator::Bar),
            (
                "+---+-----+\n| a | b   |\n+---+-----+\n| 1 | x y |\n+---+-----+\n1 row in set\n",
                Separator::Bar,
            ),
        ] {
            assert_eq!(fields(text, separator), expected, "{text}");
        }
        assert_eq!(fields("\\N\ta\\tb\\\\", Separator::Tab), [["\\N", "a\tb\\"]]);
        assert_eq!(fields("\"a\nb\",c", Separator::Comma), [["a\nb", "c"]]);
    }

    #[test]
    fn a_quote_without_an_end_keeps_no_other_line() {
        let text = "a,b\n\"1,2\n3,4\n\n5,6\n\"7,8\n";
        let read = lines(text, Separator::Comma);
        let places: Vec<&str> = read.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(places, ["line 1", "line 2", "line 3", "line 5", "line 6"]);
        assert_eq!(read[2].1, ["3", "4"]);
        assert_eq!(read[3].1, ["5", "6"]);
    }

    #[test]
    fn rows_in_json_are_a_list_or_a_line_each() {
        let places = |text: &str| -> Vec<String> {
            objects(text).unwrap().into_iter().map(|(place, _)| place).collect()
        };
        assert_eq!(places(r#"[{"a":1},{"a":2}]"#), ["entry 1", "entry 2"]);
        assert_eq!(places(r#"[{"type":"header"},{"data":[{"A":1},{"a":2}]}]"#).len(), 3);
        assert_eq!(places("{\"a\":1}\nmade-up\n\n{\"a\":2}\n"), ["line 1", "line 2", "line 4"]);
        assert!(objects("{a,b\n1,2").is_none() && objects("a,b").is_none());
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd_to_be_read(text in "[\"\n\r,;|\t\\\\a{}]*|\\PC*") {
            for separator in SEPARATORS {
                let _ = lines(&text, separator);
            }
            let _ = objects(&text);
        }

        #[test]
        fn no_line_is_too_odd_for_the_others(odd in "[a\"\\\\,;|\t{}]{0,20}") {
            for (separator, between) in SEPARATORS.into_iter().zip(["\t", ",", ";", "|"]) {
                let text = format!("k{between}v\n{odd}\ngood{between}row\n");
                let read = fields(&text, separator);
                proptest::prop_assert_eq!(read.last().unwrap(), &["good", "row"], "{}", text);
            }
        }
    }
}
