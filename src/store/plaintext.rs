//! What is to be sealed, as it is written down before.

use std::io;

use serde::Serialize;
use zeroize::Zeroizing;

use super::error::Error;

/// A value as it is written under a seal.
pub(crate) fn written(value: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, Error> {
    // Room from the start: a buffer that grows leaves copies of its content behind. And no more
    // than that, since all of it is wiped.
    let mut text = Zeroizing::new(Vec::with_capacity(length(value)?));
    write(&mut *text, value)?;
    Ok(text)
}

/// How long a value is once it is written.
pub(super) fn length(value: &impl Serialize) -> Result<usize, Error> {
    let mut length = Length(0);
    write(&mut length, value)?;
    Ok(length.0)
}

fn write(to: impl io::Write, value: &impl Serialize) -> Result<(), Error> {
    serde_json::to_writer(to, value)
        .map_err(|_| Error::Inconsistent("a credential that can't be written down"))
}

/// Counts the bytes that are written to it.
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
        let text = written(&value).unwrap();
        assert_eq!(text.len(), text.capacity());
        assert_eq!(serde_json::from_slice::<Vec<String>>(&text).unwrap(), value);
    }
}
