//! The secret of one member of shared vaults.
//!
//! An identity is 32 random bytes. Four keys are derived from them: an X25519 key, by RFC 9180's
//! `DeriveKeyPair`, for which the data key is wrapped; an Ed25519 key, which signs; and two symmetric
//! ones: the *local key* seals what this member keeps on a machine, and the *bundle key* what the
//! member carries from one vault to another.

use std::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey};
use hkdf::Hkdf;
use hpke::kem::X25519HkdfSha256;
use hpke::{Kem, Serializable};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::member::{MemberId, MemberKeys};
use crate::vault::cipher::Key;
use crate::vault::key_string::{self, Form};

/// The salt under which keys are derived.
const SALT: &[u8] = b"tokctl identity 1";

/// The secret of one member. It never leaves the member's machine.
#[derive(Clone)]
pub(crate) struct Identity(Key);

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity([redacted])")
    }
}

impl Identity {
    /// Returns a new random identity.
    pub(crate) fn generate() -> Result<Self, getrandom::Error> {
        Key::generate().map(Self)
    }

    /// Returns the identity of these bytes, which [`key_string::decode`] read.
    pub(crate) fn from_key(key: Key) -> Self {
        Self(key)
    }

    /// Returns the text form, for `TOKCTL_KEY`.
    pub(crate) fn text(&self) -> Zeroizing<String> {
        key_string::encode(Form::Identity, &self.0)
    }

    /// Returns the public keys.
    pub(crate) fn keys(&self) -> MemberKeys {
        let (_, public) = self.encryption_keys();
        MemberKeys { encryption: public.to_bytes().into(), id: self.id() }
    }

    /// Returns the name of the member, the public Ed25519 key.
    pub(crate) fn id(&self) -> MemberId {
        MemberId(self.signing_key().verifying_key().to_bytes())
    }

    /// Returns the key that seals what this member keeps on a machine.
    pub(crate) fn local_key(&self) -> Key {
        Key::from_bytes(self.derive(b"local key").as_slice()).expect("32 bytes are a key")
    }

    /// Returns the key of a bundle that carries credentials between the vaults of this member.
    pub(crate) fn bundle_key(&self) -> Key {
        Key::from_bytes(self.derive(b"bundle key").as_slice()).expect("32 bytes are a key")
    }

    /// Signs `message`, which begins with what it is for.
    pub(super) fn sign(&self, message: &[u8]) -> [u8; Signature::BYTE_SIZE] {
        self.signing_key().sign(message).to_bytes()
    }

    /// Returns the X25519 keys, the private one first.
    pub(super) fn encryption_keys(
        &self,
    ) -> (<X25519HkdfSha256 as Kem>::PrivateKey, <X25519HkdfSha256 as Kem>::PublicKey) {
        X25519HkdfSha256::derive_keypair(self.0.expose())
    }

    fn signing_key(&self) -> SigningKey {
        SigningKey::from_bytes(&self.derive(b"ed25519"))
    }

    /// Derives 32 bytes by HKDF-SHA256 (RFC 5869).
    fn derive(&self, label: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut derived = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(Some(SALT), self.0.expose())
            .expand(label, derived.as_mut_slice())
            .expect("HKDF gives as much as 255 hashes");
        derived
    }
}

/// Whether `signature` is the one of the member `id` under `message`, by the strict rules: neither a
/// key of small order nor a second form of a signature passes.
pub(super) fn is_signed(id: MemberId, message: &[u8], signature: &[u8; 64]) -> bool {
    let signature = Signature::from_bytes(signature);
    id.verifying_key().is_some_and(|key| key.verify_strict(message, &signature).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_survives_its_text_and_is_no_slot_key() {
        let identity = Identity::generate().unwrap();
        let text = identity.text();
        let (form, key) = key_string::decode(&text).unwrap();
        assert_eq!((form, Identity::from_key(key).keys()), (Form::Identity, identity.keys()));
        assert!(text.starts_with("tokctl-identity-1-"));
    }

    #[test]
    fn a_signature_is_for_one_member_and_message() {
        let [one, other] = [1, 2].map(|byte| Identity(Key::from_bytes(&[byte; 32]).unwrap()));
        let signature = one.sign(b"made up");
        assert!(is_signed(one.id(), b"made up", &signature));
        assert!(!is_signed(one.id(), b"made uP", &signature));
        assert!(!is_signed(other.id(), b"made up", &signature));
        for bit in 0..64 * 8 {
            let mut changed = signature;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_signed(one.id(), b"made up", &changed), "{bit}");
        }
        // The neutral element as a key, and as R, with S = 0: a plain verification takes it.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        let mut forged = [0; 64];
        forged[0] = 1;
        assert!(!is_signed(MemberId(neutral), b"made up", &forged));
    }

    #[test]
    fn no_key_of_an_identity_tells_another() {
        let identity = Identity(Key::from_bytes(&[7; 32]).unwrap());
        let keys = identity.keys();
        let (local, bundle) = (identity.local_key(), identity.bundle_key());
        let own = [*identity.0.expose(), *local.expose(), *bundle.expose()];
        let all = own.into_iter().chain([keys.encryption, keys.id.0]);
        let different: std::collections::BTreeSet<_> = all.collect();
        assert_eq!(different.len(), 5);
        assert_eq!(format!("{identity:?}"), "Identity([redacted])");
    }
}
