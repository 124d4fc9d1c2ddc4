//! Questions that are answered with a line of text.

use std::io;

use zeroize::Zeroizing;

use super::answer::Answer;
use super::keys::Key;
use super::look::Look;
use super::terminal::Terminal;
use super::text::{fold, window};

/// The length limit of an answer, in bytes.
const LONGEST: usize = 64 * 1024;

/// The fewest columns in which an answer can be typed beside its question.
const NARROWEST: usize = 16;

/// Whether an answer is shown as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Echo {
    Shown,
    Hidden,
}

/// Asks one question once, and returns the line.
pub(super) fn ask(
    terminal: &mut Terminal,
    look: Look,
    prompt: &str,
    echo: Echo,
) -> io::Result<Answer<Zeroizing<String>>> {
    let head = Head::print(terminal, look, prompt)?;
    // In full from the start: a buffer that grows leaves copies of a secret behind.
    let mut line = Line { typed: Zeroizing::new(Vec::with_capacity(LONGEST)), cursor: 0 };
    line.draw(terminal, &head, echo)?;
    loop {
        let was_empty = line.typed.is_empty();
        match terminal.key()? {
            Key::Enter => {
                terminal.write("\n")?;
                let mut answer = Zeroizing::new(String::with_capacity(LONGEST));
                answer.extend(line.typed.iter());
                return Ok(Answer::Given(answer));
            }
            Key::Escape => {
                terminal.write("\n")?;
                return Ok(Answer::Back);
            }
            Key::EndOfInput if !line.typed.is_empty() => {}
            Key::EndOfInput | Key::Closed => {
                let _ = terminal.write("\n");
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            key => line.edit(key),
        }
        // What is hidden is not drawn at each key: that would tell its length.
        if echo == Echo::Shown || was_empty != line.typed.is_empty() {
            line.draw(terminal, &head, echo)?;
        }
    }
}

/// The row in which an answer is typed, as far as it is the question's.
pub(super) struct Head {
    text: String,
    width: usize,
}

impl Head {
    /// Prints a question up to the row in which its answer is typed.
    pub(super) fn print(terminal: &mut Terminal, look: Look, prompt: &str) -> io::Result<Self> {
        let width = terminal.width();
        let mut rows = fold(&format!("? {prompt}"), width.saturating_sub(2).max(1));
        let mut last = format!("{} ", rows.pop().unwrap_or_default());
        if console::measure_text_width(&last) + NARROWEST > width {
            rows.push(last.trim_end().to_owned());
            "> ".clone_into(&mut last);
        }
        for row in &rows {
            terminal.write(&format!("{}\n", look.question(row)))?;
        }
        let width = console::measure_text_width(&last);
        Ok(Self { text: look.question(&last), width })
    }

    /// Draws the row with `typed`, and puts the cursor where the next character goes.
    pub(super) fn draw(
        &self,
        terminal: &mut Terminal,
        typed: &[char],
        cursor: usize,
    ) -> io::Result<()> {
        let space = terminal.width().saturating_sub(self.width + 1).max(1);
        let (shown, column) = window(typed, cursor, space);
        let column = self.width + column;
        let forward = if column == 0 { String::new() } else { format!("\x1b[{column}C") };
        terminal.write(&format!("\r\x1b[K{}{shown}\r{forward}", self.text))
    }
}

/// A line that is being typed.
pub(super) struct Line {
    pub(super) typed: Zeroizing<Vec<char>>,
    pub(super) cursor: usize,
}

impl Line {
    fn draw(&self, terminal: &mut Terminal, head: &Head, echo: Echo) -> io::Result<()> {
        match echo {
            Echo::Shown => head.draw(terminal, &self.typed, self.cursor),
            Echo::Hidden if self.typed.is_empty() => head.draw(terminal, &[], 0),
            // A person who pastes sees that something arrived, and not how much.
            Echo::Hidden => {
                let mark: Vec<char> = "(not shown)".chars().collect();
                head.draw(terminal, &mark, mark.len())
            }
        }
    }

    /// Changes the line as `key` says.
    pub(super) fn edit(&mut self, key: Key) {
        let cursor = self.cursor;
        match key {
            Key::Character(character) if self.typed.len() * 4 < LONGEST => {
                self.typed.insert(cursor, character);
                self.cursor += 1;
            }
            Key::Backspace if cursor > 0 => {
                self.cursor -= 1;
                self.typed.remove(cursor - 1);
            }
            Key::Delete if cursor < self.typed.len() => {
                self.typed.remove(cursor);
            }
            Key::KillLine => {
                self.typed.clear();
                self.cursor = 0;
            }
            Key::KillWord => {
                let before = &self.typed[..cursor];
                let word = before.iter().rposition(|one| !one.is_whitespace()).unwrap_or(0);
                let start = before[..word].iter().rposition(|one| one.is_whitespace());
                let start = start.map_or(0, |space| space + 1);
                self.typed.drain(start..cursor);
                self.cursor = start;
            }
            Key::Left => self.cursor = cursor.saturating_sub(1),
            Key::Right => self.cursor = (cursor + 1).min(self.typed.len()),
            Key::Home => self.cursor = 0,
            Key::End => self.cursor = self.typed.len(),
            Key::Character(_)
            | Key::Backspace
            | Key::Delete
            | Key::Enter
            | Key::Escape
            | Key::Up
            | Key::Down
            | Key::EndOfInput
            | Key::Closed
            | Key::Other => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_edited_as_in_a_shell() {
        let mut line = Line { typed: Zeroizing::new(Vec::new()), cursor: 0 };
        let mut after = |keys: &[Key]| {
            for key in keys {
                line.edit(*key);
            }
            line.typed.iter().collect::<String>()
        };
        let typed: Vec<Key> = "two words".chars().map(Key::Character).collect();
        assert_eq!(after(&typed), "two words");
        assert_eq!(after(&[Key::KillWord]), "two ");
        assert_eq!(after(&[Key::Backspace, Key::Home, Key::Delete]), "wo");
        assert_eq!(after(&[Key::Character('t'), Key::End, Key::Character('!')]), "two!");
        assert_eq!(after(&[Key::Left, Key::Backspace, Key::Right, Key::Right]), "tw!");
        assert_eq!(after(&[Key::KillLine, Key::Backspace, Key::KillWord]), "");
    }
}
