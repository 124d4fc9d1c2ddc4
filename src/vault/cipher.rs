//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) with a fresh random nonce for every seal.
//!
//! Sealed bytes are `version (1) ‖ nonce (24) ‖ ciphertext ‖ tag (16)`. With 192-bit nonces,
//! random ones don't collide in practice, so no counter has to survive a crash. The version is the
//! first byte of the associated data too, so nothing opens as what has another one.

use std::mem;

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The version that all seals have but those that say otherwise.
pub(super) const VERSION: u8 = 1;

const NONCE: usize = 24;
const TAG: usize = 16;

/// A secret of 256 bits, such as a data key, a wrapping key or a slot's secret. It is wiped when it
/// is dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Key([u8; 32]);

impl Key {
    /// Returns a key of random bits from the operating system.
    pub(crate) fn generate() -> Result<Self, getrandom::Error> {
        let mut key = Self([0; 32]);
        getrandom::fill(&mut key.0)?;
        Ok(key)
    }

    /// Returns the key in `bytes`; `None` unless there are 32 of them.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Returns the bytes of the key.
    pub(crate) fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key([redacted])")
    }
}

/// The error for bytes that were not sealed with this key and for this place, or were changed since.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the seal is broken")]
pub(crate) struct BrokenSeal;

/// The associated data of a seal: its version, and fields with their lengths, so that no two lists
/// look alike.
pub(super) struct AssociatedData(Vec<u8>);

impl AssociatedData {
    /// Begins associated data of the usual version, for a seal with this `purpose`.
    pub(super) fn new(purpose: &str) -> Self {
        Self::of_version(VERSION, purpose)
    }

    /// Begins associated data of another `version`, for a seal with this `purpose`.
    pub(super) fn of_version(version: u8, purpose: &str) -> Self {
        // Room for what nearly all are bound to.
        let mut bytes = Vec::with_capacity(512);
        bytes.push(version);
        Self(bytes).field(purpose.as_bytes())
    }

    fn version(&self) -> u8 {
        self.0[0]
    }

    /// The bytes of all of it.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Adds a field, behind its length.
    pub(super) fn field(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(&length(bytes));
        self.0.extend_from_slice(bytes);
        self
    }

    /// Adds a number, as a field of eight bytes.
    pub(super) fn number(self, number: u64) -> Self {
        self.field(&number.to_le_bytes())
    }
}

/// The length of a field, as it stands before it.
pub(super) fn length(field: &[u8]) -> [u8; 8] {
    (field.len() as u64).to_le_bytes()
}

/// A random number that no other seal has. Sealing uses it up.
pub(crate) struct Nonce([u8; NONCE]);

impl Nonce {
    /// Draws `count` fresh nonces. The operating system is asked once for all of them, which takes
    /// longer than to seal a few bytes.
    pub(crate) fn draw(count: usize) -> Result<Vec<Self>, getrandom::Error> {
        let mut bytes = vec![0; count * NONCE];
        getrandom::fill(&mut bytes)?;
        Ok(bytes.as_chunks().0.iter().copied().map(Self).collect())
    }
}

/// A text that was opened where it stood, in room for its next seal. Wiped when dropped.
pub(crate) struct OpenedSeal(Zeroizing<Vec<u8>>);

impl OpenedSeal {
    /// Returns the plaintext.
    pub(crate) fn text(&self) -> &[u8] {
        &self.0[1 + NONCE..self.0.len() - TAG]
    }
}

/// Seals `plaintext`: it opens only with the same key and associated data.
pub(super) fn seal(
    key: &Key,
    bound_to: &AssociatedData,
    plaintext: &[u8],
) -> Result<Vec<u8>, getrandom::Error> {
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce)?;
    let mut sealed = Vec::with_capacity(1 + NONCE + plaintext.len() + TAG);
    sealed.push(bound_to.version());
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plaintext);
    let tag = encrypt(key, bound_to, &nonce, &mut sealed[1 + NONCE..]);
    sealed.extend_from_slice(&tag);
    Ok(sealed)
}

/// Seals what [`open_in_place`] opened, where it stands, whatever version its seal had.
pub(super) fn seal_in_place(
    key: &Key,
    bound_to: &AssociatedData,
    Nonce(nonce): Nonce,
    OpenedSeal(mut text): OpenedSeal,
) -> Vec<u8> {
    let end = text.len() - TAG;
    text[0] = bound_to.version();
    text[1..=NONCE].copy_from_slice(&nonce);
    let tag = encrypt(key, bound_to, &nonce, &mut text[1 + NONCE..end]);
    text[end..].copy_from_slice(&tag);
    // The buffer holds ciphertext now, so it is taken out of its wiping wrapper.
    mem::take(&mut *text)
}

fn encrypt(key: &Key, bound_to: &AssociatedData, nonce: &[u8; NONCE], text: &mut [u8]) -> Tag {
    XChaCha20Poly1305::new(&key.0.into())
        .encrypt_inout_detached(&XNonce::from(*nonce), &bound_to.0, text.into())
        .expect("only texts of 256 GiB are too long to seal")
}

/// Opens bytes that [`seal`] returned, and returns the plaintext.
pub(super) fn open(
    key: &Key,
    bound_to: &AssociatedData,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, BrokenSeal> {
    let (version, rest) = sealed.split_first().ok_or(BrokenSeal)?;
    if *version != bound_to.version() {
        return Err(BrokenSeal);
    }
    let (nonce, rest) = rest.split_first_chunk::<NONCE>().ok_or(BrokenSeal)?;
    let (text, tag) = rest.split_last_chunk::<TAG>().ok_or(BrokenSeal)?;
    let mut text = Zeroizing::new(text.to_vec());
    decrypt(key, bound_to, nonce, &mut text, tag)?;
    Ok(text)
}

/// Opens what [`seal`] made where it stands, without a copy.
pub(super) fn open_in_place(
    key: &Key,
    bound_to: &AssociatedData,
    sealed: Vec<u8>,
) -> Result<OpenedSeal, BrokenSeal> {
    let mut opened = Zeroizing::new(sealed);
    let (version, rest) = opened.split_first_mut().ok_or(BrokenSeal)?;
    if *version != bound_to.version() {
        return Err(BrokenSeal);
    }
    let (nonce, rest) = rest.split_first_chunk_mut::<NONCE>().ok_or(BrokenSeal)?;
    let (text, tag) = rest.split_last_chunk_mut::<TAG>().ok_or(BrokenSeal)?;
    decrypt(key, bound_to, nonce, text, tag)?;
    Ok(OpenedSeal(opened))
}

fn decrypt(
    key: &Key,
    bound_to: &AssociatedData,
    nonce: &[u8; NONCE],
    text: &mut [u8],
    tag: &[u8; TAG],
) -> Result<(), BrokenSeal> {
    XChaCha20Poly1305::new(&key.0.into())
        .decrypt_inout_detached(&XNonce::from(*nonce), &bound_to.0, text.into(), &(*tag).into())
        .map_err(|_| BrokenSeal)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of draft-irtf-cfrg-xchacha-03, appendix A.3.1.
    #[test]
    fn the_cipher_is_the_one_of_the_draft() {
        let hex = |text: &str| data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap();
        let key = Key::from_bytes(&(0x80..=0x9f).collect::<Vec<u8>>()).unwrap();
        let bound_to = AssociatedData(hex("50515253c0c1c2c3c4c5c6c7"));
        // The draft has no version: it is what the associated data begin with.
        let mut sealed = vec![0x50];
        sealed.extend((0x40..=0x57).collect::<Vec<u8>>());
        sealed.extend(hex(concat!(
            "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa644",
            "0bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e",
            "3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52e",
            "c0875924c1c7987947deafd8780acf49"
        )));
        let text = open(&key, &bound_to, &sealed).unwrap();
        assert!(text.starts_with(b"Ladies and Gentlemen of the class of '99"));
    }

    #[test]
    fn nothing_opens_when_a_single_bit_is_flipped() {
        let key = Key::generate().unwrap();
        let bound_to = || AssociatedData::new("test").number(7);
        let sealed = seal(&key, &bound_to(), b"made up").unwrap();
        assert_eq!(**open(&key, &bound_to(), &sealed).unwrap(), *b"made up");
        for position in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[position / 8] ^= 1 << (position % 8);
            assert_eq!(open(&key, &bound_to(), &changed).unwrap_err(), BrokenSeal);
        }
        for length in 0..sealed.len() {
            assert_eq!(open(&key, &bound_to(), &sealed[..length]).unwrap_err(), BrokenSeal);
        }
        assert!(open(&key, &AssociatedData::new("test").number(8), &sealed).is_err());
        assert!(open(&Key::generate().unwrap(), &bound_to(), &sealed).is_err());
    }

    #[test]
    fn what_is_opened_in_place_is_sealed_again_by_another_key() {
        let (key, next) = (Key::generate().unwrap(), Key::generate().unwrap());
        let bound_to = || AssociatedData::new("test").number(7);
        for text in ["", "made up"] {
            let before = seal(&key, &bound_to(), text.as_bytes()).unwrap();
            let opened = open_in_place(&key, &bound_to(), before.clone()).unwrap();
            assert_eq!(opened.text(), text.as_bytes());
            let nonce = Nonce::draw(1).unwrap().remove(0);
            let after = seal_in_place(&next, &bound_to(), nonce, opened);
            assert_ne!(before[1..=NONCE], after[1..=NONCE]);
            assert_eq!(**open(&next, &bound_to(), &after).unwrap(), *text.as_bytes());
            assert!(open_in_place(&key, &bound_to(), after).is_err());
            for length in 0..before.len() {
                assert!(open_in_place(&key, &bound_to(), before[..length].to_vec()).is_err());
            }
        }
    }

    #[test]
    fn no_seal_passes_for_one_of_another_version() {
        let (key, next) = (Key::generate().unwrap(), Key::generate().unwrap());
        let [one, two] = [1, 2].map(|version| AssociatedData::of_version(version, "test"));
        let mut sealed = seal(&key, &two, b"made up").unwrap();
        assert_eq!(sealed[0], 2);
        assert!(open(&key, &one, &sealed).is_err());
        let opened = open_in_place(&key, &two, sealed.clone()).unwrap();
        let again = seal_in_place(&next, &one, Nonce::draw(1).unwrap().remove(0), opened);
        assert_eq!(**open(&next, &one, &again).unwrap(), *b"made up");
        sealed[0] = 1;
        for bound_to in [&one, &two] {
            assert!(open(&key, bound_to, &sealed).is_err());
            assert!(open_in_place(&key, bound_to, sealed.clone()).is_err());
        }
    }

    #[test]
    fn nonces_that_are_drawn_together_differ() {
        let nonces = Nonce::draw(100).unwrap();
        let different: std::collections::BTreeSet<_> = nonces.iter().map(|it| it.0).collect();
        assert_eq!(different.len(), 100);
        assert!(!different.contains(&[0; NONCE]));
    }

    #[test]
    fn fields_can_not_be_shifted_into_each_other() {
        let one = AssociatedData::new("t").field(b"ab").field(b"c");
        let other = AssociatedData::new("t").field(b"a").field(b"bc");
        assert_ne!(one.0, other.0);
    }
}
