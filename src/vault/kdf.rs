//! Key derivation with Argon2id (RFC 9106): from a slot's secret to the key that wraps the data key.

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

/// The cost of a key derivation; a key slot stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Memory, in KiB.
    pub(crate) memory: u32,
    /// Passes over the memory.
    pub(crate) passes: u32,
    /// Lanes, which could be computed in parallel.
    pub(crate) lanes: u32,
}

impl Cost {
    /// The cost for secrets of 256 random bits, the least that Argon2 accepts. Nobody can guess
    /// such a secret, so a higher cost would only make every `get` slower.
    pub(crate) const LIGHT: Self = Self { memory: 8, passes: 1, lanes: 1 };

    /// The cost for passphrases: the second recommended option of RFC 9106 §4.
    pub(crate) const HEAVY: Self = Self { memory: 64 * 1024, passes: 3, lanes: 4 };

    /// The highest cost that is accepted for a passphrase. Without it, whoever can edit the vault's
    /// file could make every command slow, and use all memory.
    const LIMIT: Self = Self { memory: 256 * 1024, passes: 6, lanes: 16 };

    /// Whether `self` may stand in a file where tokctl would write `usual`: exactly the light cost,
    /// or one between the cost for passphrases and its limit.
    pub(super) fn is_allowed(self, usual: Self) -> bool {
        self == usual
            || usual == Self::HEAVY
                && (usual.memory..=Self::LIMIT.memory).contains(&self.memory)
                && (usual.passes..=Self::LIMIT.passes).contains(&self.passes)
                && (1..=Self::LIMIT.lanes).contains(&self.lanes)
    }
}

/// Derives 64 bytes from `secret`. The caller has checked `cost` with [`Cost::is_allowed`].
pub(super) fn derive(secret: &[u8], salt: &[u8; 16], cost: Cost) -> Zeroizing<[u8; 64]> {
    let mut derived = Zeroizing::new([0; 64]);
    let params = Params::new(cost.memory, cost.passes, cost.lanes, Some(derived.len()))
        .expect("the cost was checked before");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(secret, salt, derived.as_mut_slice())
        .expect("salt and output have lengths that Argon2 takes");
    derived
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected bytes were made with the reference implementation in C.
    #[test]
    fn derivations_are_those_of_the_reference_implementation() {
        for (cost, expected) in [
            (
                Cost::LIGHT,
                "9b2f73f246a828862d5301dd48d4bc8a54b5171d3306e408917941664a1f8bfa\
                 ca1aab07713298c85b5dbe5fa965147affeea0df69bc6a96dca6c96cb523de6f",
            ),
            (
                Cost::HEAVY,
                "500c87ee07d280be6264565cf75e91b37281652c67db781d30811a1b24195131\
                 39ee58579baa908430f8e92e8bd44449be5a80ead646f0286c88ef50d911c098",
            ),
        ] {
            let derived = derive(b"made-up", b"saltsaltsaltsalt", cost);
            assert_eq!(data_encoding::HEXLOWER.encode(derived.as_slice()), expected);
        }
    }

    #[test]
    fn costs_are_bounded_on_both_sides() {
        assert!(Cost::HEAVY.is_allowed(Cost::HEAVY) && Cost::LIGHT.is_allowed(Cost::LIGHT));
        assert!(Cost { memory: 256 * 1024, passes: 6, lanes: 1 }.is_allowed(Cost::HEAVY));
        assert!(!Cost::LIGHT.is_allowed(Cost::HEAVY) && !Cost::HEAVY.is_allowed(Cost::LIGHT));
        for absurd in [
            Cost { memory: u32::MAX, ..Cost::HEAVY },
            Cost { passes: 7, ..Cost::HEAVY },
            Cost { memory: 256 * 1024 + 1, ..Cost::HEAVY },
            Cost { lanes: 17, ..Cost::HEAVY },
            Cost { lanes: 0, ..Cost::HEAVY },
            Cost { memory: 8, passes: 1, lanes: 2 },
        ] {
            assert!(!absurd.is_allowed(Cost::LIGHT), "{absurd:?}");
            assert!(!absurd.is_allowed(Cost::HEAVY), "{absurd:?}");
        }
    }
}
