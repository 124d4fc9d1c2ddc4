//! Slots of a shared vault: its data key, wrapped for one member by HPKE (RFC 9180, base mode).
//!
//! Anybody can make a slot for a public key, and the server keeps them. So what comes out of one is
//! a data key only if the last entry of the roster [commits](commitment) to it.

use hmac::{Hmac, KeyInit, Mac};
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, single_shot_open, single_shot_seal,
};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::entry::{Entry, SharedId};
use super::identity::Identity;
use super::member::MemberKeys;
use crate::vault::cipher::{AssociatedData, Key};
use crate::vault::seal::{DataKey, Generation};

/// The version of a slot's bytes, the first of them. The key that the sender made for this slot
/// alone follows, then the wrapped key.
const VERSION: u8 = 1;

/// The purpose of a slot, which goes into it.
const PURPOSE: &str = "tokctl shared slot";

/// The purpose of a commitment, which goes into it.
const COMMITMENT: &str = "tokctl shared data key";

type EncappedKey = <X25519HkdfSha256 as Kem>::EncappedKey;

/// The error for a slot that does not open: it was made for another member, vault or generation, or
/// was changed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the slot does not open")]
pub(crate) struct BrokenSlot;

/// The error for a public key of which no slot can be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("nothing can be sealed for this member's key")]
pub(crate) struct UnusableKey;

/// Wraps `key` for the member with `keys`.
pub(crate) fn wrap(
    key: &DataKey,
    vault: SharedId,
    keys: &MemberKeys,
) -> Result<Vec<u8>, UnusableKey> {
    let public = Deserializable::from_bytes(&keys.encryption).map_err(|_| UnusableKey)?;
    let info = info(vault, key.generation, keys);
    let (encapped, wrapped) = single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &public,
        &info,
        key.key.expose(),
        &[],
    )
    .map_err(|_| UnusableKey)?;
    Ok([&[VERSION], &encapped.to_bytes()[..], &wrapped].concat())
}

/// Opens the slot of `identity` in the vault and generation of `entry`. Whether the entry commits to
/// the key is not asked here.
pub(super) fn open(identity: &Identity, entry: &Entry, slot: &[u8]) -> Result<DataKey, BrokenSlot> {
    let (encapped, wrapped) = match slot {
        [VERSION, rest @ ..] => rest.split_first_chunk::<32>().ok_or(BrokenSlot)?,
        _ => return Err(BrokenSlot),
    };
    let encapped = EncappedKey::from_bytes(encapped).map_err(|_| BrokenSlot)?;
    let (private, _) = identity.encryption_keys();
    let info = info(entry.vault, entry.generation, &identity.keys());
    let opened = single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &private,
        &encapped,
        &info,
        wrapped,
        &[],
    );
    let opened = opened.map(Zeroizing::new).map_err(|_| BrokenSlot)?;
    let key = Key::from_bytes(&opened).ok_or(BrokenSlot)?;
    Ok(DataKey { vault: entry.vault.vault(), generation: entry.generation, key })
}

/// Returns what a slot is bound to. The number of the entry is no part of it: when a member is added,
/// the slots of the others stay.
fn info(vault: SharedId, generation: Generation, keys: &MemberKeys) -> Vec<u8> {
    AssociatedData::of_version(VERSION, PURPOSE)
        .field(&vault.0)
        .number(generation)
        .field(&keys.encryption)
        .field(&keys.id.0)
        .bytes()
        .to_vec()
}

/// Returns the commitment to `key`. Two keys with one commitment can't be found, while a ciphertext
/// and its tag could be made to open under two keys.
pub(super) fn commitment(vault: SharedId, key: &DataKey) -> [u8; 32] {
    code(vault, key).finalize().into_bytes().into()
}

/// Whether `entry` commits to `key`.
pub(super) fn is_committed(entry: &Entry, key: &DataKey) -> bool {
    entry.generation == key.generation
        && code(entry.vault, key).verify_slice(&entry.commitment).is_ok()
}

fn code(vault: SharedId, key: &DataKey) -> Hmac<Sha256> {
    let committed =
        AssociatedData::of_version(VERSION, COMMITMENT).field(&vault.0).number(key.generation);
    let code = Hmac::<Sha256>::new_from_slice(key.key.expose());
    code.expect("HMAC takes keys of any length").chain_update(committed.bytes())
}
