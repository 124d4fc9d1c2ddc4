//! JSON that a log may show: the values stay the same, and no text in it changes a terminal or
//! commands a CI platform.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

use crate::untrusted;

/// Writes `value` in several lines, indented.
pub(crate) fn write(writer: impl Write, value: &impl Serialize) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(writer, Escaping(PrettyFormatter::new()));
    value.serialize(&mut serializer).map_err(io::Error::from)
}

/// Writes `value` as [`write()`] does, but in larger parts: for values of any size, without secrets.
pub(crate) fn stream(writer: impl Write, value: &impl Serialize) -> io::Result<()> {
    let mut lines = Lines { writer, waiting: Vec::with_capacity(2 * PART) };
    serde_json::to_writer_pretty(&mut lines, value)?;
    lines.pass_on(lines.waiting.len())
}

/// The number of bytes that [`Lines`] waits for: about those of one element of a list, so that one
/// odd character does not slow down many.
const PART: usize = 512;

/// A writer that makes JSON safe to show, several whole lines at once.
struct Lines<W> {
    writer: W,
    waiting: Vec<u8>,
}

impl<W: Write> Lines<W> {
    /// Writes the first `length` bytes that wait, which end between two lines.
    fn pass_on(&mut self, length: usize) -> io::Result<()> {
        let text = str::from_utf8(&self.waiting[..length]).map_err(io::Error::other)?;
        self.writer.write_all(untrusted::json(text).as_bytes())?;
        self.waiting.drain(..length);
        Ok(())
    }
}

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        let before = self.waiting.len();
        self.waiting.extend_from_slice(part);
        // Within a string, a line break is escaped.
        if self.waiting.len() >= PART
            && let Some(end) = part.iter().rposition(|byte| *byte == b'\n')
        {
            self.pass_on(before + end + 1)?;
        }
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// The formatter of [`write()`]. What it does not name is as in compact JSON.
struct Escaping(PrettyFormatter<'static>);

impl Formatter for Escaping {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        writer.write_all(untrusted::json(fragment).as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn it_is_indented_as_usual_and_says_the_same() {
        let value = json!({"a": [1, {"b": "##vso[x]\u{ad}\u{202e}"}, []], "c": {}, "##[d": null});
        let mut written = Vec::new();
        write(&mut written, &value).unwrap();
        let written = String::from_utf8(written).unwrap();
        assert!(!written.contains("##") && !written.contains(['\u{ad}', '\u{202e}']), "{written}");
        assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), value);
        assert_eq!(
            written.lines().count(),
            serde_json::to_string_pretty(&value).unwrap().lines().count()
        );
    }

    #[test]
    fn in_larger_parts_it_is_the_same_text() {
        let long = "##\u{e9}\u{202e} \n".repeat(PART);
        for length in [0, 1, 7, 100] {
            let one = json!({"a": ["##[x", "\u{200d}"], "b": &long[..long.len() * length / 100]});
            let value = json!({"v": 1, "all": vec![one; length]});
            let (mut whole, mut parts) = (Vec::new(), Vec::new());
            write(&mut whole, &value).unwrap();
            stream(&mut parts, &value).unwrap();
            assert_eq!(String::from_utf8(parts), String::from_utf8(whole), "{length}");
        }
    }
}
