//! Members of a shared vault, as the roster names them.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE32_NOPAD_NOCASE;
use ed25519_dalek::VerifyingKey;
use sha2::{Digest, Sha256};

const KEY: usize = 32;
const CHECKSUM: usize = 4;

/// The beginning of a member's text.
const PREFIX: &str = "tokctl-member-1-";

/// The most characters of a label.
const LONGEST_LABEL: usize = 64;

/// The public keys of one member. Their text, a *member string*, is what `tokctl key public` prints
/// and an admin pastes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MemberKeys {
    /// The X25519 key for which the data key is wrapped.
    pub(super) encryption: [u8; KEY],
    /// The Ed25519 key that verifies what the member signed.
    pub(super) id: MemberId,
}

/// The Ed25519 key of a member, which also serves as the member's name: rows and slots say with it
/// whose they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MemberId(pub(crate) [u8; KEY]);

/// The reason why a text is no member string.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// The prefix is missing: the text is something else.
    #[error("it does not begin with `tokctl-member-1-`")]
    Prefix,
    /// The checksum does not match: the text was cut off or mistyped.
    #[error("it was cut off or mistyped: its checksum does not match")]
    Checksum,
    /// One of the keys is none that an identity can have.
    #[error("its keys are none that an identity can have")]
    Keys,
}

impl MemberKeys {
    /// Returns the name under which rows and slots of the member are kept.
    pub(crate) fn id(&self) -> MemberId {
        self.id
    }

    /// Returns the keys of a member; `None` if one of them is none that an identity can have: an
    /// X25519 key of zeros, or an Ed25519 key of which anybody can make signatures.
    pub(super) fn checked(encryption: [u8; KEY], id: MemberId) -> Option<Self> {
        let verifying = id.verifying_key()?;
        (encryption != [0; KEY] && !verifying.is_weak()).then_some(Self { encryption, id })
    }

    fn checksum(&self) -> [u8; CHECKSUM] {
        let digest = Sha256::new()
            .chain_update(PREFIX)
            .chain_update(self.encryption)
            .chain_update(self.id.0)
            .finalize();
        *digest.first_chunk().expect("SHA-256 has 32 bytes")
    }
}

impl MemberId {
    /// Returns the key in hex.
    pub(crate) fn hex(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.0)
    }

    pub(super) fn verifying_key(&self) -> Option<VerifyingKey> {
        VerifyingKey::from_bytes(&self.0).ok()
    }
}

impl fmt::Display for MemberKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.encryption[..], &self.id.0, &self.checksum()].concat();
        f.write_str(PREFIX)?;
        f.write_str(&BASE32_NOPAD_NOCASE.encode(&bytes).to_ascii_lowercase())
    }
}

impl FromStr for MemberKeys {
    type Err = Malformed;

    /// Parses a member string. White space around it is ignored.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let encoded = text.trim().strip_prefix(PREFIX).ok_or(Malformed::Prefix)?;
        let decoded = BASE32_NOPAD_NOCASE.decode(encoded.as_bytes());
        let decoded = decoded.map_err(|_| Malformed::Checksum)?;
        let parts: (&[[u8; KEY]], &[u8]) = decoded.as_chunks();
        let ([encryption, id], checksum) = parts else { return Err(Malformed::Checksum) };
        let unchecked = Self { encryption: *encryption, id: MemberId(*id) };
        if unchecked.checksum() != checksum {
            return Err(Malformed::Checksum);
        }
        Self::checked(unchecked.encryption, unchecked.id).ok_or(Malformed::Keys)
    }
}

/// The name that admins gave a member: 1 to 64 letters, digits and `.`, `_`, `-`, `+`, `@`, of which
/// the first is a letter or digit. Two labels that differ in capitals alone are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Label(String);

/// The failure to parse a [`Label`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "a member's label has 1 to {LONGEST_LABEL} letters, digits and `.`, `_`, `-`, `+`, `@`, and begins \
     with a letter or digit"
)]
pub(crate) struct NoLabel;

impl Label {
    /// Returns the label of a founder who has no name.
    pub(crate) fn admin() -> Self {
        Self("admin".to_owned())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `other` is this label, whatever its capitals.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl FromStr for Label {
    type Err = NoLabel;

    fn from_str(text: &str) -> Result<Self, NoLabel> {
        let is_plain = |one: char| one.is_ascii_alphanumeric() || "._-+@".contains(one);
        let begins = text.starts_with(|one: char| one.is_ascii_alphanumeric());
        let fits = begins && text.len() <= LONGEST_LABEL && text.chars().all(is_plain);
        if fits { Ok(Self(text.to_owned())) } else { Err(NoLabel) }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The rights of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// An admin reads and writes, and changes the list of members.
    Admin,
    /// A member reads and writes.
    Member,
    /// A reader reads.
    Reader,
}

impl Role {
    pub(crate) const ALL: [Self; 3] = [Self::Admin, Self::Member, Self::Reader];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Reader => "reader",
        }
    }

    /// Whether a member of this role may write rows.
    pub(crate) fn writes(self) -> bool {
        match self {
            Self::Admin | Self::Member => true,
            Self::Reader => false,
        }
    }
}

/// The failure to parse a [`Role`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("it is one of admin, member and reader")]
pub(crate) struct NoRole;

impl FromStr for Role {
    type Err = NoRole;

    fn from_str(text: &str) -> Result<Self, NoRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(NoRole)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One member of a roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) label: Label,
    pub(crate) keys: MemberKeys,
    pub(crate) role: Role,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The string of a made-up identity.
    const MADE_UP: &str = "tokctl-member-1-igcsgih7gz2jl6ssfskmxa5phepe5cibqojhew57ecmn3ey3yqsc\
                           vbs2sttxy5c5yillx2me3jm4ns7zf54uffwdvizxgojhfpe2odnhod6aq";

    #[test]
    fn a_member_string_survives_and_no_slip_does() {
        let keys: MemberKeys = MADE_UP.parse().unwrap();
        let text = keys.to_string();
        assert_eq!(text, MADE_UP);
        assert_eq!(format!(" {text}\n").parse(), Ok(keys));
        assert_eq!("tokctl-key-x".parse::<MemberKeys>(), Err(Malformed::Prefix));
        for position in PREFIX.len()..text.len() {
            let mut slip = text.clone().into_bytes();
            slip[position] = if slip[position] == b'a' { b'b' } else { b'a' };
            let slip = String::from_utf8(slip).unwrap();
            assert_eq!(slip.parse::<MemberKeys>(), Err(Malformed::Checksum), "{slip}");
            assert_eq!(text[..position].parse::<MemberKeys>(), Err(Malformed::Checksum));
        }
    }

    #[test]
    fn keys_that_bind_nobody_are_refused() {
        let keys: MemberKeys = MADE_UP.parse().unwrap();
        let mut neutral = [0; 32];
        neutral[0] = 1;
        for (encryption, id) in [
            ([0; 32], keys.id),
            (keys.encryption, MemberId(neutral)),
            (keys.encryption, MemberId([0; 32])),
            (keys.encryption, MemberId([2; 32])),
        ] {
            let text = MemberKeys { encryption, id }.to_string();
            assert_eq!(text.parse::<MemberKeys>(), Err(Malformed::Keys));
        }
    }

    #[test]
    fn labels_are_plain_words() {
        for label in ["alice", "ci-7", "alice@example.com", "A", &"a".repeat(64)] {
            assert!(label.parse::<Label>().is_ok(), "{label}");
        }
        for label in ["", "-x", "@x", "a b", "a/b", "\u{e9}", "a\n", &"a".repeat(65)] {
            assert_eq!(label.parse::<Label>(), Err(NoLabel), "{label}");
        }
        let [one, other] = ["Alice", "aLICE"].map(|label| label.parse::<Label>().unwrap());
        assert!(one.is(&other));
    }
}
