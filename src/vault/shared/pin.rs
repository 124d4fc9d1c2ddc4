//! Pins: the entry of a roster at which a machine begins to trust.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE32_NOPAD_NOCASE;

/// The SHA-256 of an entry's signed bytes, without its signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EntryHash(pub(crate) [u8; 32]);

/// The number and hash of one entry, as text `7.HASH`. A join line ends with one, and members
/// compare the one of the last entry, the *head*, to find out whether a server shows them the same
/// roster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pin {
    pub(crate) n: u64,
    pub(crate) hash: EntryHash,
}

/// The failure to parse a [`Pin`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "a pin is a number, a dot, and 52 letters and digits without a slip in them: the end of a join line"
)]
pub(crate) struct NoPin;

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = BASE32_NOPAD_NOCASE.encode(&self.hash.0).to_ascii_lowercase();
        write!(f, "{}.{hash}", self.n)
    }
}

impl FromStr for Pin {
    type Err = NoPin;

    fn from_str(text: &str) -> Result<Self, NoPin> {
        let (n, hash) = text.trim().split_once('.').ok_or(NoPin)?;
        if n.starts_with('0') || !n.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NoPin);
        }
        let n = n.parse().map_err(|_| NoPin)?;
        let hash = BASE32_NOPAD_NOCASE.decode(hash.as_bytes()).map_err(|_| NoPin)?;
        Ok(Self { n, hash: EntryHash(hash.try_into().map_err(|_| NoPin)?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_survives_its_text() {
        let pin = Pin { n: 7, hash: EntryHash([0xa5; 32]) };
        let text = pin.to_string();
        assert_eq!(text.len(), 2 + 52);
        assert_eq!(text.parse(), Ok(pin));
        assert_eq!(text.to_ascii_uppercase().parse(), Ok(pin));
        for wrong in ["", "7", "7.", "x.y", &text[1..], &text[..50], &format!("0{text}"), "+7.a"] {
            assert_eq!(wrong.parse::<Pin>(), Err(NoPin), "{wrong}");
        }
    }
}
