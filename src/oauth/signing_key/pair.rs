//! Pairs of a private and a public key, and what they sign.

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaKeyPair,
};

use super::unusable::Unusable;
use crate::model::signing::SigningAlgorithm;

/// A private key with its public half.
pub(super) enum Pair {
    Rsa(Box<RsaKeyPair>),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Pair {
    /// Returns the pair of a P-256 key from its private number and its public point, uncompressed.
    pub(super) fn p256(private: &[u8], public: &[u8]) -> Result<Self, Unusable> {
        EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            private,
            public,
            &SystemRandom::new(),
        )
        .map(Self::P256)
        .map_err(|_| Unusable::OtherType)
    }

    /// Returns the signature over `message`, in the form of RFC 7518 §3 and RFC 8037 §3.1.
    pub(super) fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, Unusable> {
        let random = SystemRandom::new();
        match (self, algorithm) {
            (Self::Rsa(pair), SigningAlgorithm::Rs256 | SigningAlgorithm::Ps256) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                let signed = if algorithm == SigningAlgorithm::Ps256 {
                    pair.sign(&RSA_PSS_SHA256, &random, message, &mut signature)
                } else {
                    pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                };
                signed.map_err(|_| Unusable::NoRandomness).map(|()| signature)
            }
            (Self::P256(pair), SigningAlgorithm::Es256) => pair
                .sign(&random, message)
                .map_err(|_| Unusable::NoRandomness)
                .map(|signature| signature.as_ref().to_vec()),
            (Self::Ed25519(pair), SigningAlgorithm::EdDsa) => {
                Ok(pair.sign(message).as_ref().to_vec())
            }
            (Self::Rsa(_) | Self::P256(_) | Self::Ed25519(_), _) => {
                Err(Unusable::OtherAlgorithm(algorithm))
            }
        }
    }
}
