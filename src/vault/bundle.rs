//! The text form of a bundle, which carries credentials from one vault to another.
//!
//! It is `tokctl-bundle-1.HEADER.CONTENT`, where HEADER and CONTENT are base64url (RFC 4648 §5): one
//! line without characters that a shell or a CI platform treats specially, so that it can be pasted
//! into a secret variable. A bundle is sealed like a vault: a data key of its own seals the content,
//! and the header, not encrypted, is the one key slot that wraps this data key. The content's seal
//! is bound to the bytes of the header.

use data_encoding::BASE64URL_NOPAD as BASE64URL;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::cipher::{BrokenSeal, Key};
use super::seal::{DataKey, SealContext, VaultId};
use super::slot::{self, Cost, KeyMaterial, KeySlot, SlotId, SlotKind};
use crate::secret::Passphrase;

/// The beginning of a bundle's text, in every version.
const PREFIX: &str = "tokctl-bundle-";

/// Whether `content` is the beginning of a bundle's text.
pub(crate) fn begins_bundle(content: &[u8]) -> bool {
    content.starts_with(PREFIX.as_bytes())
}

/// The current version of the text form.
const VERSION: &str = "1";

/// The generation of a bundle's data key, which is never replaced.
const GENERATION: u64 = 1;

/// The greatest length of a bundle's text, in bytes.
pub(crate) const LONGEST: u64 = 4 * 1024 * 1024;

/// The random name of a bundle, 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BundleId(pub(crate) [u8; 16]);

/// The secret that opens a bundle.
#[derive(Debug, Clone)]
pub(crate) enum BundleSecret {
    /// A key that `tokctl key generate` printed.
    Key(Key),
    Passphrase(Passphrase),
}

/// A bundle that was parsed and is still sealed.
#[derive(Debug)]
pub(crate) struct Bundle {
    id: BundleId,
    header: Vec<u8>,
    slot: KeySlot,
    content: Vec<u8>,
}

/// The reason why a text is no bundle.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// The text is empty, as where the export that should have written it failed.
    #[error("it is empty")]
    Empty,
    /// The prefix is missing: the text is something else.
    #[error("it does not begin with `tokctl-bundle-`")]
    Prefix,
    /// A newer tokctl made the bundle.
    #[error("it was made by a newer tokctl")]
    Version,
    /// The text was cut off or changed.
    #[error("it was cut off or changed on its way")]
    Damaged,
}

/// The reason why a bundle did not open.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Error {
    /// The bundle was sealed for another key or passphrase.
    #[error("it was sealed for another {0}")]
    WrongSecret(SlotKind),
    /// The bundle was changed after it was sealed.
    #[error("it was cut off or changed on its way")]
    Damaged,
}

/// The header of a bundle, as it is written in JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    id: String,
    slot: String,
    kind: String,
    /// Memory for Argon2id, in KiB.
    memory: u32,
    passes: u32,
    lanes: u32,
    salt: String,
    check: String,
    wrapped: String,
}

impl BundleSecret {
    pub(crate) fn kind(&self) -> SlotKind {
        match self {
            Self::Key(_) => SlotKind::Key,
            Self::Passphrase(_) => SlotKind::Passphrase,
        }
    }

    fn key_material(&self) -> KeyMaterial {
        match self {
            Self::Key(key) => KeyMaterial::Random(key.clone()),
            Self::Passphrase(passphrase) => KeyMaterial::Passphrase(passphrase.clone()),
        }
    }
}

/// Seals `content` and returns the bundle's new name and its text form.
pub(crate) fn seal(
    secret: &BundleSecret,
    content: &[u8],
) -> Result<(BundleId, String), getrandom::Error> {
    let key = DataKey::generate(VaultId::generate()?, GENERATION)?;
    let id = SlotId::generate()?;
    let slot = KeySlot::wrap(id, secret.kind(), &secret.key_material(), &key)?;
    let header = Header::of(key.vault, &slot).to_json();
    let sealed = key.seal(SealContext::Bundle { header: &header }, content)?;
    let (header, content) = (BASE64URL.encode(&header), BASE64URL.encode(&sealed));
    Ok((BundleId(key.vault.0), format!("{PREFIX}{VERSION}.{header}.{content}")))
}

impl Bundle {
    /// Parses the text form. White space anywhere in it is ignored.
    pub(crate) fn parse(text: &str) -> Result<Self, Malformed> {
        let text: String = text.chars().filter(|character| !character.is_whitespace()).collect();
        let text = text.trim_start_matches('\u{feff}');
        if text.is_empty() {
            return Err(Malformed::Empty);
        }
        let rest = text.strip_prefix(PREFIX).ok_or(Malformed::Prefix)?;
        let (version, rest) = rest.split_once('.').ok_or(Malformed::Damaged)?;
        if version != VERSION {
            let is_number = !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit());
            return Err(if is_number { Malformed::Version } else { Malformed::Damaged });
        }
        let (header, content) = rest.split_once('.').ok_or(Malformed::Damaged)?;
        let decode = |text: &str| BASE64URL.decode(text.as_bytes()).ok();
        let read = || {
            let (header, content) = (decode(header)?, decode(content)?);
            let (id, slot) = serde_json::from_slice::<Header>(&header).ok()?.read()?;
            Some(Self { id, header, slot, content })
        };
        read().ok_or(Malformed::Damaged)
    }

    pub(crate) fn id(&self) -> BundleId {
        self.id
    }

    /// Returns the kind of secret that opens the bundle: `key` or `passphrase`.
    pub(crate) fn kind(&self) -> SlotKind {
        self.slot.kind
    }

    /// Opens the bundle and returns the content that was given to [`seal`].
    pub(crate) fn open(&self, secret: &BundleSecret) -> Result<Zeroizing<Vec<u8>>, Error> {
        if secret.kind() != self.slot.kind {
            return Err(Error::WrongSecret(self.slot.kind));
        }
        let vault = VaultId(self.id.0);
        let key =
            self.slot.unwrap(&secret.key_material(), vault, GENERATION).map_err(
                |error| match error {
                    slot::Error::WrongSecret => Error::WrongSecret(self.slot.kind),
                    slot::Error::Tampered => Error::Damaged,
                },
            )?;
        let context = SealContext::Bundle { header: &self.header };
        key.open(context, &self.content).map_err(|BrokenSeal| Error::Damaged)
    }
}

impl Header {
    fn of(id: VaultId, slot: &KeySlot) -> Self {
        Self {
            id: id.hex(),
            slot: slot.id.to_string(),
            kind: slot.kind.as_str().to_owned(),
            memory: slot.cost.memory,
            passes: slot.cost.passes,
            lanes: slot.cost.lanes,
            salt: BASE64URL.encode(&slot.salt),
            check: BASE64URL.encode(&slot.check),
            wrapped: BASE64URL.encode(&slot.wrapped),
        }
    }

    fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and numbers are always JSON")
    }

    fn read(&self) -> Option<(BundleId, KeySlot)> {
        let decode = |text: &str| BASE64URL.decode(text.as_bytes()).ok();
        let id = data_encoding::HEXLOWER.decode(self.id.as_bytes()).ok()?;
        let slot = KeySlot {
            id: self.slot.parse().ok()?,
            kind: match self.kind.parse().ok()? {
                kind @ (SlotKind::Key | SlotKind::Passphrase) => kind,
                SlotKind::Keychain | SlotKind::Recovery => return None,
            },
            cost: Cost { memory: self.memory, passes: self.passes, lanes: self.lanes },
            salt: decode(&self.salt)?.try_into().ok()?,
            check: decode(&self.check)?.try_into().ok()?,
            wrapped: decode(&self.wrapped)?,
        };
        Some((BundleId(id.try_into().ok()?), slot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretText;

    fn key() -> BundleSecret {
        BundleSecret::Key(Key::from_bytes(&[7; 32]).unwrap())
    }

    fn passphrase(text: &str) -> BundleSecret {
        BundleSecret::Passphrase(Passphrase::from_trusted(text.into()))
    }

    fn open(text: &str, secret: &BundleSecret) -> Option<Vec<u8>> {
        Bundle::parse(text).ok()?.open(secret).ok().map(|content| content.to_vec())
    }

    #[test]
    fn a_bundle_opens_with_its_secret_alone() {
        for (secret, other) in [
            (key(), BundleSecret::Key(Key::from_bytes(&[8; 32]).unwrap())),
            (passphrase("made up"), passphrase("made  up")),
        ] {
            let (id, text) = seal(&secret, b"made-up content").unwrap();
            let bundle = Bundle::parse(&text).unwrap();
            assert_eq!((bundle.id(), bundle.kind()), (id, secret.kind()));
            assert_eq!(**bundle.open(&secret).unwrap(), *b"made-up content");
            assert_eq!(bundle.open(&other).unwrap_err(), Error::WrongSecret(secret.kind()));
            assert!(!text.contains("made-up"));
        }
        let (_, text) = seal(&key(), b"made up").unwrap();
        let sealed_for_a_key = Bundle::parse(&text).unwrap();
        let error = sealed_for_a_key.open(&passphrase("made up")).unwrap_err();
        assert_eq!(error, Error::WrongSecret(SlotKind::Key));
    }

    #[test]
    fn a_bundle_is_one_word_and_white_space_is_no_part_of_it() {
        let (_, text) = seal(&key(), &[0xa5; 300]).unwrap();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        assert!(text.bytes().all(is_plain), "{text}");
        let (head, tail) = text.split_at(100);
        let wrapped = format!("\u{a0} {head}\r\n\t{tail}\n");
        assert_eq!(open(&wrapped, &key()), Some(vec![0xa5; 300]));
    }

    #[test]
    fn a_bundle_that_was_changed_or_cut_off_anywhere_does_not_open() {
        let (_, text) = seal(&key(), b"made up").unwrap();
        for position in 0..text.len() {
            assert_eq!(open(&text[..position], &key()), None, "{position}");
            let mut changed = text.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(open(&changed, &key()), None, "{changed}");
        }
        assert_eq!(open(&format!("{text}A"), &key()), None);
    }

    /// A header alone, with whatever is to be changed in it, and no content.
    fn with_header(change: impl FnOnce(&mut Header)) -> Result<Bundle, Malformed> {
        let key = DataKey::generate(VaultId([1; 16]), GENERATION).unwrap();
        let secret = passphrase("made up").key_material();
        let id = SlotId::generate().unwrap();
        let slot = KeySlot::wrap(id, SlotKind::Passphrase, &secret, &key).unwrap();
        let mut header = Header::of(key.vault, &slot);
        change(&mut header);
        let header = BASE64URL.encode(&header.to_json());
        Bundle::parse(&format!("{PREFIX}{VERSION}.{header}."))
    }

    #[test]
    fn a_cost_beyond_bounds_is_neither_paid_nor_trusted() {
        for (memory, passes, lanes) in
            [(262_145, 3, 4), (65536, 7, 4), (65536, 3, 17), (8, 1, 1), (65535, 3, 4)]
        {
            let bundle = with_header(|header| {
                (header.memory, header.passes, header.lanes) = (memory, passes, lanes);
            });
            let error = bundle.unwrap().open(&passphrase("made up")).unwrap_err();
            assert_eq!(error, Error::Damaged, "{memory} {passes} {lanes}");
        }
    }

    #[test]
    fn a_bundle_has_a_key_or_a_passphrase() {
        for kind in ["keychain", "recovery", "hope"] {
            let bundle = with_header(|header| header.kind = kind.into());
            assert_eq!(bundle.unwrap_err(), Malformed::Damaged);
        }
    }

    #[test]
    fn what_is_no_bundle_is_told_from_what_is_too_new() {
        let parse = |text| Bundle::parse(text).unwrap_err();
        assert_eq!(parse("\u{feff} \n"), Malformed::Empty);
        assert_eq!(parse("SQLite format 3"), Malformed::Prefix);
        assert_eq!(parse("tokctl-bundle-2.x"), Malformed::Version);
        assert_eq!(parse("tokctl-bundle-one.x.y"), Malformed::Damaged);
        assert_eq!(parse("tokctl-bundle-1.x.y"), Malformed::Damaged);
        assert_eq!(parse("tokctl-bundle-1"), Malformed::Damaged);
    }

    /// Made once and kept, so that a bundle made today can be opened by every later version.
    #[test]
    fn the_text_form_stays_what_it_is() {
        assert_eq!(open(FROZEN, &key()).as_deref(), Some(&b"made-up content"[..]));
    }

    const FROZEN: &str = "
        tokctl-bundle-1.eyJpZCI6Ijk3MWZhZWI3ZDg5YzNmNWQ0MTY2ZjA4M2Q2MzIyOWEzIiwic2xvdCI6
        ImM4Y2U2MjhhZDc1N2M3NGMiLCJraW5kIjoia2V5IiwibWVtb3J5Ijo4LCJwYXNzZXMiOjEsImxhbmVz
        IjoxLCJzYWx0IjoiaV8yd0V3RUhMVkYzN2gzWHlXZk1uQSIsImNoZWNrIjoiRnZNUm5SMTZ2UTNUTGs3
        b2ptcFNhUSIsIndyYXBwZWQiOiJBWmZBTjk2bEtjZFBFMHFDMUprQ2s5OVl3a0staHRKbFpUaVB4MHBt
        WUlzdnVMcnBCcUlEOEVuYjJzcFZaOGNmNVg3aXpySWhSa3RfSkppc2RXbGZ3V3VEeGdmRjBqVlFVdyJ9
        .AYL5XXmw0YMxGiesgSGJeRojDow-J6geIMNhErcv5Jujeb4yULjVLP3hUYyV3ggztH4vS-IQdaQ";
}
