//! A chain of codes that shows whether a list of texts is complete and unchanged.
//!
//! Each code is the HMAC-SHA256 (RFC 2104) of one text and of the code before it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::cipher::Key;

/// The code of one text, which depends on all the texts before it too.
pub(crate) type Link = [u8; 32];

/// The link before the first text.
pub(crate) const START: Link = [0; 32];

/// Returns the code of `text` after `before`.
pub(crate) fn link(key: &Key, before: &Link, text: &[u8]) -> Link {
    code(key, before, text).finalize().into_bytes().into()
}

/// Whether `link` is the code of `text` after `before`.
pub(crate) fn holds(key: &Key, before: &Link, text: &[u8], link: &Link) -> bool {
    code(key, before, text).verify_slice(link).is_ok()
}

fn code(key: &Key, before: &Link, text: &[u8]) -> Hmac<Sha256> {
    let mut code =
        Hmac::<Sha256>::new_from_slice(key.expose()).expect("HMAC takes keys of any length");
    code.update(before);
    code.update(text);
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_depends_on_key_text_and_all_before() {
        let (key, other) = (Key::generate().unwrap(), Key::generate().unwrap());
        let first = link(&key, &START, b"a");
        let second = link(&key, &first, b"b");
        assert!(holds(&key, &first, b"b", &second));
        assert!(!holds(&other, &first, b"b", &second));
        assert!(!holds(&key, &START, b"b", &second));
        assert!(!holds(&key, &first, b"c", &second));
    }

    /// RFC 4231, test case 1, has a shorter key; this is its construction with one of 32 bytes.
    #[test]
    fn the_code_is_hmac_sha256() {
        let key = Key::from_bytes(&[0x0b; 32]).unwrap();
        let expected = {
            use sha2::Digest;
            let inner = Sha256::new()
                .chain_update([0x36 ^ 0x0b; 32])
                .chain_update([0x36; 32])
                .chain_update(START)
                .chain_update(b"Hi There")
                .finalize();
            Sha256::new()
                .chain_update([0x5c ^ 0x0b; 32])
                .chain_update([0x5c; 32])
                .chain_update(inner)
                .finalize()
        };
        assert_eq!(link(&key, &START, b"Hi There")[..], expected[..]);
    }
}
