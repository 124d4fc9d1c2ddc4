//! The service's log: one line per event on stderr, and never a secret.
//!
//! Lines are `key=value` (logfmt), or JSON with `--json`. On a terminal they have no time and no
//! level.

use std::fmt::Write;

use serde_json::{Map, Value};

use crate::cli::ui::{Ui, Verbosity};
use crate::cli::{stderr, time};
use crate::untrusted::printable;

/// The writer of the log, with its form.
#[derive(Debug, Clone)]
pub(super) struct Log {
    ui: Ui,
    form: Form,
}

#[derive(Debug, Clone, Copy)]
enum Form {
    Logfmt,
    Json,
    Terminal,
}

/// The facts of a line, in their order.
pub(super) type Facts<'a> = &'a [(&'static str, Value)];

impl Log {
    pub(super) fn new(ui: Ui) -> Self {
        let form = match ui.json {
            true => Form::Json,
            false if stderr::is_terminal() => Form::Terminal,
            false => Form::Logfmt,
        };
        Self { ui, form }
    }

    /// Writes one line if the level is enabled.
    pub(super) fn line(&self, level: Verbosity, event: &str, facts: Facts<'_>) {
        let line = render(self.form, &time::rfc3339(time::now()), level, event, facts);
        match self.form {
            Form::Json => self.ui.log_json(level, &line),
            Form::Logfmt | Form::Terminal => self.ui.log(level, &line),
        }
    }
}

fn render(form: Form, time: &str, level: Verbosity, event: &str, facts: Facts<'_>) -> String {
    let level = match level {
        Verbosity::Errors => "error",
        Verbosity::Warnings => "warn",
        Verbosity::Status => "info",
        Verbosity::Details => "debug",
        Verbosity::Decisions => "trace",
    };
    let mut line = match form {
        Form::Json => {
            let head = [("time", time), ("level", level), ("event", event)];
            let head = head.map(|(key, value)| (key.to_owned(), value.into()));
            let facts = facts.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
            return Value::Object(head.into_iter().chain(facts).collect::<Map<_, _>>()).to_string();
        }
        Form::Logfmt => format!("time={time} level={level} event={event}"),
        Form::Terminal => event.to_owned(),
    };
    for (key, value) in facts {
        let _ = match value {
            Value::String(text) => write!(line, " {key}={}", word(text)),
            other => write!(line, " {key}={other}"),
        };
    }
    line
}

/// Formats a text as one logfmt word, quoted if it needs to be.
fn word(text: &str) -> String {
    let text = printable(text);
    let is_plain =
        |character: char| !character.is_whitespace() && !matches!(character, '"' | '=' | '\\');
    if !text.is_empty() && text.chars().all(is_plain) {
        return text;
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(form: Form) -> String {
        let facts = [("user", "a \"b\" =\n\u{1b}[31m".into()), ("failed", 2.into())];
        render(form, "2027-01-01T00:00:00Z", Verbosity::Warnings, "failed", &facts)
    }

    #[test]
    fn a_line_is_one_line_whatever_is_in_it() {
        assert_eq!(
            line(Form::Logfmt),
            r#"time=2027-01-01T00:00:00Z level=warn event=failed user="a \"b\" =  [31m" failed=2"#
        );
        assert_eq!(line(Form::Terminal), r#"failed user="a \"b\" =  [31m" failed=2"#);
        let json: Value = serde_json::from_str(&line(Form::Json)).unwrap();
        assert_eq!(json["level"], "warn");
        assert_eq!(json["failed"], 2);
        assert_eq!(json["user"], "a \"b\" =\n\u{1b}[31m");
        assert!(!line(Form::Json).contains(['\n', '\u{1b}']));
    }

    #[test]
    fn a_plain_word_stays_as_it_is() {
        assert_eq!(word("alice@example.com"), "alice@example.com");
        assert_eq!(word(""), "\"\"");
    }
}
