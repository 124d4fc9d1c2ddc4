//! The JSON text that goes under a seal, written without leaving copies of its secrets behind.

use std::io;

use serde::Serialize;
use zeroize::Zeroizing;

/// The JSON text of `value`, which is wiped when it is dropped.
pub(crate) fn to_json(value: &impl Serialize) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    // Room from the start: a buffer that grows leaves copies of its content behind. And no more
    // than that, since all of it is wiped.
    let mut text = Zeroizing::new(Vec::with_capacity(json_length(value)?));
    serde_json::to_writer(&mut *text, value)?;
    Ok(text)
}

/// The length in bytes of the JSON text of `value`.
pub(crate) fn json_length(value: &impl Serialize) -> serde_json::Result<usize> {
    let mut length = Length(0);
    serde_json::to_writer(&mut length, value)?;
    Ok(length.0)
}

/// A writer that counts bytes and keeps none.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_never_grows_while_a_secret_is_written_into_it() {
        let value = vec!["made-up".repeat(10_000); 7];
        let text = to_json(&value).unwrap();
        assert_eq!(text.len(), text.capacity());
        assert_eq!(serde_json::from_slice::<Vec<String>>(&text).unwrap(), value);
    }
}
