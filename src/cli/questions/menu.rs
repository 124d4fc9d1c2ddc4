//! Questions that are answered with one of several items. Letters filter them.

use std::io;

use zeroize::Zeroizing;

use super::answer::Answer;
use super::keys::Key;
use super::line::{Head, Line};
use super::look::Look;
use super::terminal::Terminal;
use super::text::cut;

/// The most items that are shown at a time.
const MOST: usize = 12;

/// The rows of a terminal that are not for items: the question, the help, and one to spare.
const OTHER_ROWS: usize = 4;

const HELP: &str = "letters filter, arrows move, Enter takes, Esc goes back";

/// Asks for one of `items`, and returns its position.
pub(super) fn ask(
    terminal: &mut Terminal,
    look: Look,
    prompt: &str,
    items: &[String],
) -> io::Result<Answer<usize>> {
    let head = Head::print(terminal, look, prompt)?;
    let mut filter = Line { typed: Zeroizing::new(Vec::new()), cursor: 0 };
    let mut marked = 0;
    loop {
        let found = matching(items, &filter.typed.iter().collect::<String>());
        marked = marked.min(found.len().saturating_sub(1));
        draw_items(terminal, look, items, &found, marked)?;
        head.draw(terminal, &filter.typed, filter.cursor)?;
        match terminal.key()? {
            Key::Enter => {
                let Some(chosen) = found.get(marked) else { continue };
                let shown: Vec<char> = items[*chosen].chars().collect();
                terminal.write("\x1b[J")?;
                head.draw(terminal, &shown, 0)?;
                terminal.write("\n")?;
                return Ok(Answer::Given(*chosen));
            }
            Key::Escape => {
                terminal.write("\x1b[J\n")?;
                return Ok(Answer::Back);
            }
            Key::EndOfInput | Key::Closed => {
                let _ = terminal.write("\x1b[J\n");
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Key::Up => marked = marked.checked_sub(1).unwrap_or(found.len().saturating_sub(1)),
            Key::Down => marked = if marked + 1 < found.len() { marked + 1 } else { 0 },
            key => {
                let before = filter.typed.clone();
                filter.edit(key);
                if before != filter.typed {
                    marked = 0;
                }
            }
        }
    }
}

/// Draws the items below the row of the cursor, and goes back to it.
fn draw_items(
    terminal: &mut Terminal,
    look: Look,
    items: &[String],
    found: &[usize],
    marked: usize,
) -> io::Result<()> {
    let width = terminal.width().saturating_sub(1);
    let most = MOST.min(terminal.height().saturating_sub(OTHER_ROWS)).max(1);
    let first = marked.saturating_sub(most - 1);
    let mut rows: Vec<String> = Vec::new();
    for (place, item) in found.iter().enumerate().skip(first).take(most) {
        let text = format!("{} {}", if place == marked { ">" } else { " " }, items[*item]);
        let text = cut(&text, width);
        rows.push(if place == marked { look.marked(&text) } else { text });
    }
    if found.is_empty() {
        rows.push(cut("  nothing is called so: Ctrl-U clears what was typed", width));
    }
    let more = found.len().saturating_sub(first + most);
    let help = if more > 0 { format!("{more} more; {HELP}") } else { HELP.to_owned() };
    rows.push(look.help(&cut(&help, width)));
    let mut text = String::from("\r");
    for row in &rows {
        text += "\n\x1b[K";
        text += row;
    }
    terminal.write(&format!("{text}\x1b[J\x1b[{}A", rows.len()))
}

/// Returns the positions of the items that hold every word of `filter`, whatever the case. Those
/// that begin with it come first, and of these the one that is just that.
fn matching(items: &[String], filter: &str) -> Vec<usize> {
    let filter = filter.trim().to_lowercase();
    let rank = |item: &str| {
        let item = item.to_lowercase();
        if item.split_whitespace().next() == Some(&filter) {
            Some(0)
        } else if item.starts_with(&filter) {
            Some(1)
        } else if filter.split_whitespace().all(|word| item.contains(word)) {
            Some(2)
        } else {
            None
        }
    };
    let mut found: Vec<(u8, usize)> =
        items.iter().enumerate().filter_map(|(place, item)| Some((rank(item)?, place))).collect();
    found.sort_unstable();
    found.into_iter().map(|(_, place)| place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_filter_and_what_begins_so_comes_first() {
        let items = ["a-jira", "facebook", "jira-dc", "jira  Jira Cloud"].map(str::to_owned);
        let found = |filter| matching(&items, filter);
        assert_eq!(found("jira"), [3, 2, 0]);
        assert_eq!(found("J"), [2, 3, 0]);
        assert_eq!(found("cloud ji"), [3]);
        assert_eq!(found("x"), Vec::<usize>::new());
        assert_eq!(found(""), [0, 1, 2, 3]);
    }
}
