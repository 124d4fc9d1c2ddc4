//! JSON texts that are sealed afterwards, written without leaving copies of their secrets in memory.

use std::io;

use serde::Serialize;
use zeroize::Zeroizing;

/// Returns the JSON text of `value` in a buffer that is wiped when it is dropped.
pub(crate) fn to_json(value: &impl Serialize) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    // A buffer that grows leaves copies of its content behind, so it has its size from the start;
    // and not more than that, since wiping takes time too.
    let mut text = Zeroizing::new(Vec::with_capacity(json_length(value)?));
    serde_json::to_writer(&mut *text, value)?;
    Ok(text)
}

/// Returns the length in bytes of the JSON text of `value`.
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
