//! Text in rows of a terminal: its width, and where it is broken or cut.

use console::measure_text_width;

/// Breaks `text` at its spaces into rows of at most `width` columns. A longer word is broken too.
pub(super) fn fold(text: &str, width: usize) -> Vec<String> {
    let mut rows = vec![String::new()];
    for word in text.split(' ') {
        let row = rows.last_mut().expect("it begins with one");
        let gap = usize::from(!row.is_empty());
        if measure_text_width(row) + gap + measure_text_width(word) <= width {
            row.push_str(&" ".repeat(gap));
            row.push_str(word);
            continue;
        }
        if !row.is_empty() {
            rows.push(String::new());
        }
        for character in word.chars() {
            let row = rows.last_mut().expect("it begins with one");
            if !row.is_empty() && measure_text_width(row) + width_of(character) > width {
                rows.push(String::new());
            }
            rows.last_mut().expect("it begins with one").push(character);
        }
    }
    rows
}

/// Cuts `text` to at most `width` columns; a text that was cut ends with `…`.
pub(super) fn cut(text: &str, width: usize) -> String {
    console::truncate_str(text, width, "\u{2026}").into_owned()
}

/// Returns the part of `typed` that fits into `width` columns with the cursor in it, and the column
/// of the cursor.
pub(super) fn window(typed: &[char], cursor: usize, width: usize) -> (String, usize) {
    let mut column = 0;
    let mut start = cursor;
    while start > 0 && column + width_of(typed[start - 1]) <= width {
        start -= 1;
        column += width_of(typed[start]);
    }
    let mut used = column;
    let after = typed[cursor..].iter().take_while(|character| {
        used += width_of(**character);
        used <= width
    });
    (typed[start..cursor].iter().chain(after).collect(), column)
}

fn width_of(character: char) -> usize {
    measure_text_width(character.encode_utf8(&mut [0; 4]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_broken_at_spaces_and_longer_words_anywhere() {
        assert_eq!(fold("one two three", 8), ["one two", "three"]);
        assert_eq!(fold("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(fold("\u{65e5}\u{672c}\u{8a9e}", 4), ["\u{65e5}\u{672c}", "\u{8a9e}"]);
        assert_eq!(fold("", 8), [""]);
    }

    #[test]
    fn the_cursor_stays_in_the_window() {
        let typed: Vec<char> = "abcdef".chars().collect();
        assert_eq!(window(&typed, 6, 10), ("abcdef".into(), 6));
        assert_eq!(window(&typed, 6, 3), ("def".into(), 3));
        assert_eq!(window(&typed, 0, 3), ("abc".into(), 0));
        assert_eq!(window(&typed, 2, 4), ("abcd".into(), 2));
        let wide: Vec<char> = "\u{65e5}\u{672c}".chars().collect();
        assert_eq!(window(&wide, 2, 3), ("\u{672c}".into(), 2));
    }
}
