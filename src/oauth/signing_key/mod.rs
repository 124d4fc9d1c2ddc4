//! Private keys: PEM (RFC 7468) with PKCS #8 (RFC 5958) or PKCS #1 in it, and JSON Web Keys (RFC
//! 7517) with their sets.

mod unusable;
mod pair;
mod pem;
mod jwk;

use data_encoding::BASE64URL_NOPAD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use self::pair::Pair;
pub(crate) use self::unusable::Unusable;
use crate::model::signing::SigningAlgorithm;
use crate::secret::{PrivateKey, SecretText};

/// A private key that signs, with what a JWK says of itself.
pub(crate) struct SigningKey {
    pair: Pair,
    key_id: Option<String>,
    algorithm: Option<SigningAlgorithm>,
    /// The SHA-256 of the certificate beside the key (RFC 7515 §4.1.8), by which Microsoft knows it.
    thumbprint: Option<String>,
}

impl SigningKey {
    /// Reads a key. Of a JWK set, takes the private key with `key_id`, or the only one.
    pub(crate) fn read(text: &PrivateKey, key_id: Option<&str>) -> Result<Self, Unusable> {
        let text = text.expose().trim_start_matches('\u{feff}').trim();
        if text.starts_with(['{', '[']) {
            let (pair, key_id, algorithm) = jwk::read(text, key_id)?;
            let key = Self { pair, key_id, algorithm, thumbprint: None };
            return match algorithm.filter(|wanted| !key.algorithms().contains(wanted)) {
                Some(algorithm) => Err(Unusable::OtherAlgorithm(algorithm)),
                None => Ok(key),
            };
        }
        // A variable or a value in JSON often has the line ends escaped.
        let escaped = text.contains("-----BEGIN") && !text.contains('\n');
        let lines =
            Zeroizing::new(if escaped { text.replace("\\n", "\n") } else { text.to_owned() });
        let text = lines.as_str();
        let pair = pem::read(text)?;
        let certificate = CertificateDer::pem_slice_iter(text.as_bytes()).find_map(Result::ok);
        let thumbprint = certificate.map(|der| BASE64URL_NOPAD.encode(&Sha256::digest(&der)));
        Ok(Self { pair, key_id: None, algorithm: None, thumbprint })
    }

    /// Returns the id that the key's own JWK names.
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Returns the thumbprint of the certificate that stands beside the key.
    pub(super) fn thumbprint(&self) -> Option<&str> {
        self.thumbprint.as_deref()
    }

    /// Returns the algorithms with which the key can sign, the one to prefer first.
    pub(crate) fn algorithms(&self) -> &'static [SigningAlgorithm] {
        match (&self.pair, self.algorithm) {
            (Pair::Rsa(_), None) => &[SigningAlgorithm::Rs256, SigningAlgorithm::Ps256],
            (Pair::Rsa(_), Some(SigningAlgorithm::Ps256)) => &[SigningAlgorithm::Ps256],
            (Pair::Rsa(_), Some(_)) => &[SigningAlgorithm::Rs256],
            (Pair::P256(_), _) => &[SigningAlgorithm::Es256],
            (Pair::Ed25519(_), _) => &[SigningAlgorithm::EdDsa],
        }
    }

    /// Returns the signature over `message`, in the form of RFC 7518 §3 and RFC 8037 §3.1.
    pub(super) fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, Unusable> {
        self.pair.sign(algorithm, message)
    }
}
