//! The bytes of one entry of a roster.

use sha2::{Digest, Sha256};

use super::fields::Fields;
use super::identity::{Identity, is_signed};
use super::member::{Member, MemberId, MemberKeys, Role};
use super::pin::{EntryHash, Pin};
use crate::vault::cipher::AssociatedData;
use crate::vault::seal::{Generation, VaultId};

/// The version of the bytes.
const VERSION: u8 = 1;

/// The purpose of an entry's signature, which is signed with it.
const PURPOSE: &str = "tokctl shared roster";

/// The purpose for which the name of a shared vault is derived.
const VAULT_PURPOSE: &str = "tokctl shared vault";

const SIGNATURE: usize = 64;

/// The most bytes of an entry: there is room for a thousand members.
const LONGEST: usize = 256 * 1024;

/// The name of a shared vault: a hash of 32 random bytes and of its founder's key.
///
/// It is in the first entry and can't be that entry's hash, since the entry commits to the data key,
/// and this commitment is bound to the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SharedId(pub(crate) [u8; 32]);

impl SharedId {
    /// Returns the name that a vault gets from the random bytes in its first entry and its founder.
    pub(super) fn of(random: &[u8; 32], founder: MemberId) -> Self {
        let named = AssociatedData::of_version(VERSION, VAULT_PURPOSE).field(random);
        Self(Sha256::digest(named.field(&founder.0).bytes()).into())
    }

    /// Returns the 16 bytes to which the seals of its rows are bound, as those of every vault are.
    pub(crate) fn vault(self) -> VaultId {
        VaultId(*self.0.first_chunk().expect("it has 32 bytes"))
    }

    /// Returns the name in lower-case hexadecimal.
    pub(crate) fn hex(self) -> String {
        data_encoding::HEXLOWER.encode(&self.0)
    }
}

/// One entry of a roster: all members from then on, and a commitment to the data key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) n: u64,
    pub(super) vault: SharedId,
    /// The hash of the entry before; in the first entry, 32 random bytes.
    pub(super) previous: [u8; 32],
    pub(super) generation: Generation,
    /// The member who signed the entry.
    pub(super) signer: MemberId,
    pub(super) members: Vec<Member>,
    pub(super) commitment: [u8; 32],
}

/// An entry whose signature is its signer's, with its hash. Whether the signer may do what the entry
/// does is for [`rules`](super::rules) to say.
#[derive(Debug, Clone)]
pub(super) struct SignedEntry {
    pub(super) entry: Entry,
    pub(super) hash: EntryHash,
}

/// The reason why bytes are no entry.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// The bytes have another form. Whoever keeps them changed them, or a newer tokctl wrote them.
    #[error("it is no entry that this tokctl can read")]
    Form,
    /// The signature is not the signer's.
    #[error("its signature is not the signer's")]
    Signature,
}

impl SignedEntry {
    /// Returns `entry` signed by `signer`, and the bytes to be kept.
    pub(super) fn sign(entry: Entry, signer: &Identity) -> (Self, Vec<u8>) {
        let mut bytes = entry.encode();
        let (hash, signature) = (hash(&bytes), signer.sign(&bytes));
        bytes.extend_from_slice(&signature);
        (Self { entry, hash }, bytes)
    }

    /// Reads the bytes that [`Self::sign`] returned, and verifies the signature.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > LONGEST {
            return Err(Malformed::Form);
        }
        let (signed, signature) = bytes.split_last_chunk::<SIGNATURE>().ok_or(Malformed::Form)?;
        let entry = Entry::decode(signed).ok_or(Malformed::Form)?;
        if !is_signed(entry.signer, signed, signature) {
            return Err(Malformed::Signature);
        }
        Ok(Self { entry, hash: hash(signed) })
    }

    /// Returns the number and hash of the entry.
    pub(super) fn pin(&self) -> Pin {
        Pin { n: self.entry.n, hash: self.hash }
    }
}

fn hash(signed: &[u8]) -> EntryHash {
    EntryHash(Sha256::digest(signed).into())
}

impl Entry {
    /// Returns the bytes that are signed.
    fn encode(&self) -> Vec<u8> {
        let head = AssociatedData::of_version(VERSION, PURPOSE)
            .number(self.n)
            .field(&self.vault.0)
            .field(&self.previous)
            .number(self.generation)
            .field(&self.signer.0)
            .field(&self.commitment)
            .number(self.members.len() as u64);
        let all = self.members.iter().fold(head, |bytes, member| {
            bytes
                .field(member.label.as_str().as_bytes())
                .field(&member.keys.encryption)
                .field(&member.keys.id.0)
                .field(member.role.as_str().as_bytes())
        });
        all.bytes().to_vec()
    }

    /// Reads bytes that [`Self::encode`] returned; `None` if another entry, or none, has these.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields::of(bytes, VERSION, PURPOSE)?;
        let (n, vault, previous) = (fields.number()?, SharedId(fields.array()?), fields.array()?);
        let (generation, signer) = (fields.number()?, MemberId(fields.array()?));
        let (commitment, count) = (fields.array()?, fields.number()?);
        let mut members = Vec::new();
        for _ in 0..count {
            members.push(member(&mut fields)?);
        }
        let entry = Self { n, vault, previous, generation, signer, members, commitment };
        fields.is_empty().then_some(entry)
    }
}

fn member(fields: &mut Fields<'_>) -> Option<Member> {
    let label = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    let keys = MemberKeys::checked(fields.array()?, MemberId(fields.array()?))?;
    let role: Role = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    Some(Member { label, keys, role })
}
