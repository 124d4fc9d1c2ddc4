//! Keys, decoded from the bytes that a terminal sends.

use std::io;

/// A key that was pressed, or what a paste brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Character(char),
    Enter,
    Escape,
    Backspace,
    Delete,
    Left,
    Right,
    Up,
    Down,
    Home,
    End,
    /// Ctrl-U: all that was typed is dropped.
    KillLine,
    /// Ctrl-W: the last word is dropped.
    KillWord,
    /// Ctrl-D.
    EndOfInput,
    /// The terminal is gone.
    Closed,
    /// A key that means nothing to a question.
    Other,
}

/// The bytes that come from a terminal.
pub(super) trait Bytes {
    /// Waits for the next byte. Returns `None` if the terminal is gone.
    fn next(&mut self) -> io::Result<Option<u8>>;

    /// Returns the next byte if it comes at once: the rest of a sequence does, a key does not.
    fn next_at_once(&mut self) -> io::Result<Option<u8>>;
}

const ESCAPE: u8 = 0x1b;

/// Waits for the next key.
pub(super) fn read(bytes: &mut impl Bytes) -> io::Result<Key> {
    let Some(first) = bytes.next()? else { return Ok(Key::Closed) };
    Ok(match first {
        b'\r' | b'\n' => Key::Enter,
        0x08 | 0x7f => Key::Backspace,
        0x01 => Key::Home,
        0x04 => Key::EndOfInput,
        0x05 => Key::End,
        0x0e => Key::Down,
        0x10 => Key::Up,
        0x15 => Key::KillLine,
        0x17 => Key::KillWord,
        ESCAPE => return sequence(bytes),
        0..=0x1f => Key::Other,
        _ => return character(first, bytes),
    })
}

/// Decodes what follows an escape: nothing, if it is the key itself.
fn sequence(bytes: &mut impl Bytes) -> io::Result<Key> {
    match bytes.next_at_once()? {
        None | Some(ESCAPE) => return Ok(Key::Escape),
        Some(b'[' | b'O') => {}
        // Alt and another key.
        Some(_) => return Ok(Key::Other),
    }
    let mut parameters = Vec::new();
    while let Some(byte) = bytes.next_at_once()? {
        if !(0x40..=0x7e).contains(&byte) {
            parameters.push(byte);
            continue;
        }
        return Ok(match (byte, &parameters[..]) {
            (b'A', _) => Key::Up,
            (b'B', _) => Key::Down,
            (b'C', _) => Key::Right,
            (b'D', _) => Key::Left,
            (b'H', _) | (b'~', b"1" | b"7") => Key::Home,
            (b'F', _) | (b'~', b"4" | b"8") => Key::End,
            (b'~', b"3") => Key::Delete,
            (_, _) => Key::Other,
        });
    }
    Ok(Key::Other)
}

/// Decodes a character of UTF-8 that begins with `first`.
fn character(first: u8, bytes: &mut impl Bytes) -> io::Result<Key> {
    let length = match first {
        0x20..=0x7f => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Ok(Key::Other),
    };
    let mut encoded = [first, 0, 0, 0];
    for place in &mut encoded[1..length] {
        match bytes.next_at_once()? {
            Some(byte) => *place = byte,
            None => return Ok(Key::Other),
        }
    }
    let decoded = std::str::from_utf8(&encoded[..length]).ok();
    let character = decoded.and_then(|text| text.chars().next()).filter(|one| !one.is_control());
    Ok(character.map_or(Key::Other, Key::Character))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that come without a pause.
    struct Pasted<'a>(&'a [u8]);

    impl Bytes for Pasted<'_> {
        fn next(&mut self) -> io::Result<Option<u8>> {
            let Some((first, rest)) = self.0.split_first() else { return Ok(None) };
            self.0 = rest;
            Ok(Some(*first))
        }

        fn next_at_once(&mut self) -> io::Result<Option<u8>> {
            self.next()
        }
    }

    fn keys(typed: &[u8]) -> Vec<Key> {
        let mut bytes = Pasted(typed);
        let mut keys = Vec::new();
        loop {
            match read(&mut bytes).unwrap() {
                Key::Closed => return keys,
                key => keys.push(key),
            }
        }
    }

    #[test]
    fn keys_are_what_terminals_send_for_them() {
        for (typed, key) in [
            (&b"a"[..], Key::Character('a')),
            ("\u{e9}".as_bytes(), Key::Character('\u{e9}')),
            ("\u{1f600}".as_bytes(), Key::Character('\u{1f600}')),
            (b"\n", Key::Enter),
            (b"\r", Key::Enter),
            (b"\x1b", Key::Escape),
            (b"\x1b[A", Key::Up),
            (b"\x1bOB", Key::Down),
            (b"\x1b[1;5D", Key::Left),
            (b"\x1b[3~", Key::Delete),
            (b"\x1b[200~", Key::Other),
            (b"\x1bx", Key::Other),
            (b"\x7f", Key::Backspace),
            (b"\x04", Key::EndOfInput),
            (b"\xff", Key::Other),
            ("\u{85}".as_bytes(), Key::Other),
        ] {
            assert_eq!(keys(typed), [key], "{typed:?}");
        }
    }

    #[test]
    fn a_paste_is_the_keys_in_it() {
        let (a, b) = (Key::Character('a'), Key::Character('b'));
        assert_eq!(keys(b"\x1b[200~ab\x1b[201~\n"), [Key::Other, a, b, Key::Other, Key::Enter]);
    }
}
