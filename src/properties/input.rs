//! The parts of an input: its setting, and the rest.

/// The words of the first line of an input.
pub(super) struct Setting<'a>(Vec<&'a str>);

impl<'a> Setting<'a> {
    /// Splits `data` into its setting and the rest; `None` if the first line is no text.
    pub(super) fn split(data: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let end = data.iter().position(|byte| *byte == b'\n')?;
        let words = std::str::from_utf8(&data[..end]).ok()?;
        Some((Self(words.split(' ').collect()), &data[end + 1..]))
    }

    pub(super) fn has(&self, word: &str) -> bool {
        self.0.contains(&word)
    }

    /// Returns the first word that is a number.
    pub(super) fn number<T: std::str::FromStr>(&self) -> Option<T> {
        self.0.iter().find_map(|word| word.parse().ok())
    }
}

/// Returns `text` with every `from` replaced.
pub(super) fn replace_all(text: &[u8], from: &str, to: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.windows(from.len()).position(|part| part == from.as_bytes()) {
        result.extend_from_slice(&rest[..at]);
        result.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    result.extend_from_slice(rest);
    result
}
