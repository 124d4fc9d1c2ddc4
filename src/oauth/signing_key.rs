//! Private keys: PEM (RFC 7468) with PKCS #8 (RFC 5958) or PKCS #1 in it, and JSON Web Keys (RFC
//! 7517) with their sets.

use data_encoding::BASE64URL_NOPAD;
use ring::rand::SystemRandom;
use ring::rsa::{KeyPairComponents, PublicKeyComponents};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaKeyPair,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::model::signing::SigningAlgorithm;
use crate::secret::{self, PrivateKey, SecretText};
use crate::untrusted::printable;

/// The length in bytes of each number of a P-256 key.
const P256_LENGTH: usize = 32;

/// The reason why a private key signs nothing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Unusable {
    #[error("it is neither a private key in PEM nor a JWK")]
    NoKey,
    #[error(
        "it is encrypted, and tokctl keeps keys under its own seal: `openssl pkey` decrypts it"
    )]
    Encrypted,
    #[error("it is a public key, and only the private one signs")]
    Public,
    #[error("its form is older than PKCS #8: `openssl pkcs8 -topk8 -nocrypt` converts it")]
    Sec1,
    /// The key is malformed, too short, or of another type or curve.
    #[error("it is no RSA key of 2048 bits or more, no P-256 key and no Ed25519 key")]
    OtherType,
    #[error("its JWK lacks `{0}`")]
    Lacks(&'static str),
    #[error("its set holds several private keys, and none has the id that is wanted")]
    Several,
    #[error("its JWK is for `{0}`, which tokctl does not sign with")]
    OtherUse(String),
    #[error("it can't sign with {0}")]
    OtherAlgorithm(SigningAlgorithm),
    /// The server takes none of the key's algorithms.
    #[error("it signs with {own}, and the server takes {taken}")]
    NotTaken { own: SigningAlgorithm, taken: String },
    /// The system gave no random number.
    #[error("it could not be used just now")]
    NoRandomness,
}

/// A private key that signs, with what a JWK says of itself.
pub(crate) struct SigningKey {
    pair: Pair,
    key_id: Option<String>,
    algorithm: Option<SigningAlgorithm>,
    /// The SHA-256 of the certificate beside the key (RFC 7515 §4.1.8), by which Microsoft knows it.
    thumbprint: Option<String>,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// Reads a key. Of a JWK set, takes the private key with `key_id`, or the only one.
    pub(crate) fn read(text: &PrivateKey, key_id: Option<&str>) -> Result<Self, Unusable> {
        let text = text.expose().trim();
        if text.starts_with('{') {
            return from_jwk(text, key_id);
        }
        let pair = from_pem(text)?;
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
        let random = SystemRandom::new();
        match (&self.pair, algorithm) {
            (Pair::Rsa(pair), SigningAlgorithm::Rs256 | SigningAlgorithm::Ps256) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                let signed = if algorithm == SigningAlgorithm::Ps256 {
                    pair.sign(&RSA_PSS_SHA256, &random, message, &mut signature)
                } else {
                    pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                };
                signed.map_err(|_| Unusable::NoRandomness).map(|()| signature)
            }
            (Pair::P256(pair), SigningAlgorithm::Es256) => pair
                .sign(&random, message)
                .map_err(|_| Unusable::NoRandomness)
                .map(|signature| signature.as_ref().to_vec()),
            (Pair::Ed25519(pair), SigningAlgorithm::EdDsa) => {
                Ok(pair.sign(message).as_ref().to_vec())
            }
            (Pair::Rsa(_) | Pair::P256(_) | Pair::Ed25519(_), _) => {
                Err(Unusable::OtherAlgorithm(algorithm))
            }
        }
    }
}

fn from_pem(text: &str) -> Result<Pair, Unusable> {
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(Unusable::Encrypted);
    }
    let is_public = ["BEGIN PUBLIC KEY", "BEGIN RSA PUBLIC KEY", "BEGIN CERTIFICATE"];
    let no_key = || {
        let public = is_public.iter().any(|marker| text.contains(marker));
        if public { Unusable::Public } else { Unusable::NoKey }
    };
    match PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| no_key())? {
        PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der())
            .map(|pair| Pair::Rsa(Box::new(pair)))
            .map_err(|_| Unusable::OtherType),
        PrivateKeyDer::Pkcs8(key) => from_pkcs8(key.secret_pkcs8_der()),
        PrivateKeyDer::Sec1(_) => Err(Unusable::Sec1),
        // The enum may grow.
        _ => Err(Unusable::NoKey),
    }
}

fn from_pkcs8(der: &[u8]) -> Result<Pair, Unusable> {
    let rsa = || RsaKeyPair::from_pkcs8(der).map(|pair| Pair::Rsa(Box::new(pair)));
    let p256 = || {
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &SystemRandom::new())
            .map(Pair::P256)
    };
    // OpenSSL writes Ed25519 keys without the public half.
    let ed25519 = || Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(Pair::Ed25519);
    rsa().or_else(|_| p256()).or_else(|_| ed25519()).map_err(|_| Unusable::OtherType)
}

/// A JSON Web Key (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2), or a set of them (RFC 7517 §5).
#[derive(Deserialize)]
struct Jwk {
    #[serde(default)]
    keys: Vec<Jwk>,
    #[serde(default)]
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    r#use: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    #[serde(with = "secret::sealed::option", default)]
    d: Option<PrivateKey>,
    #[serde(with = "secret::sealed::option", default)]
    p: Option<PrivateKey>,
    #[serde(with = "secret::sealed::option", default)]
    q: Option<PrivateKey>,
    #[serde(with = "secret::sealed::option", default)]
    dp: Option<PrivateKey>,
    #[serde(with = "secret::sealed::option", default)]
    dq: Option<PrivateKey>,
    #[serde(with = "secret::sealed::option", default)]
    qi: Option<PrivateKey>,
}

fn from_jwk(text: &str, key_id: Option<&str>) -> Result<SigningKey, Unusable> {
    let read: Jwk = serde_json::from_str(text).map_err(|_| Unusable::NoKey)?;
    if read.keys.is_empty() {
        return read.into_key();
    }
    let mut private: Vec<Jwk> = read.keys.into_iter().filter(|key| key.d.is_some()).collect();
    let wanted = |key: &Jwk| key_id.is_some() && key.kid.as_deref() == key_id;
    let position = match (private.iter().position(wanted), private.len()) {
        (Some(position), _) => position,
        (None, 0) => return Err(Unusable::Public),
        (None, 1) => 0,
        (None, _) => return Err(Unusable::Several),
    };
    private.swap_remove(position).into_key()
}

impl Jwk {
    fn into_key(self) -> Result<SigningKey, Unusable> {
        if self.kty.is_empty() {
            return Err(Unusable::NoKey);
        }
        if self.d.is_none() {
            return Err(Unusable::Public);
        }
        if let Some(other) = self.r#use.as_deref().filter(|purpose| *purpose != "sig") {
            return Err(Unusable::OtherUse(printable(other)));
        }
        let algorithm = match self.alg.as_deref() {
            Some(name) => Some(
                SigningAlgorithm::named(name).ok_or_else(|| Unusable::OtherUse(printable(name)))?,
            ),
            None => None,
        };
        let pair = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => self.rsa()?,
            ("EC", Some("P-256")) => self.p256()?,
            ("OKP", Some("Ed25519")) => self.ed25519()?,
            _ => return Err(Unusable::OtherType),
        };
        let key = SigningKey { pair, key_id: self.kid, algorithm, thumbprint: None };
        match algorithm.filter(|wanted| !key.algorithms().contains(wanted)) {
            Some(algorithm) => Err(Unusable::OtherAlgorithm(algorithm)),
            None => Ok(key),
        }
    }

    fn rsa(&self) -> Result<Pair, Unusable> {
        let private =
            |value: &Option<PrivateKey>, name| number(value.as_ref().map(SecretText::expose), name);
        let components = KeyPairComponents {
            public_key: PublicKeyComponents {
                n: number(self.n.as_deref(), "n")?,
                e: number(self.e.as_deref(), "e")?,
            },
            d: private(&self.d, "d")?,
            p: private(&self.p, "p")?,
            q: private(&self.q, "q")?,
            dP: private(&self.dp, "dp")?,
            dQ: private(&self.dq, "dq")?,
            qInv: private(&self.qi, "qi")?,
        };
        RsaKeyPair::from_components(&components)
            .map(|pair| Pair::Rsa(Box::new(pair)))
            .map_err(|_| Unusable::OtherType)
    }

    fn p256(&self) -> Result<Pair, Unusable> {
        let private = whole(&number(self.d.as_ref().map(SecretText::expose), "d")?)?;
        let mut public = vec![4];
        public.extend_from_slice(&whole(&number(self.x.as_deref(), "x")?)?);
        public.extend_from_slice(&whole(&number(self.y.as_deref(), "y")?)?);
        EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &private,
            &public,
            &SystemRandom::new(),
        )
        .map(Pair::P256)
        .map_err(|_| Unusable::OtherType)
    }

    fn ed25519(&self) -> Result<Pair, Unusable> {
        let seed = bytes(self.d.as_ref().map(SecretText::expose), "d")?;
        let public = bytes(self.x.as_deref(), "x")?;
        Ed25519KeyPair::from_seed_and_public_key(&seed, &public)
            .map(Pair::Ed25519)
            .map_err(|_| Unusable::OtherType)
    }
}

/// Decodes a field of a JWK: base64url, with or without padding.
fn bytes(text: Option<&str>, name: &'static str) -> Result<Zeroizing<Vec<u8>>, Unusable> {
    let text = text.ok_or(Unusable::Lacks(name))?;
    BASE64URL_NOPAD
        .decode(text.trim_end_matches('=').as_bytes())
        .map(Zeroizing::new)
        .map_err(|_| Unusable::Lacks(name))
}

/// Decodes a number (RFC 7518 §2, `Base64urlUInt`), which some tools write with zeros before it.
fn number(text: Option<&str>, name: &'static str) -> Result<Zeroizing<Vec<u8>>, Unusable> {
    let decoded = bytes(text, name)?;
    let zeros = decoded.iter().take_while(|byte| **byte == 0).count();
    Ok(Zeroizing::new(decoded[zeros..].to_vec()))
}

/// Returns a number of a P-256 key in its full length, which some tools write shorter.
fn whole(number: &Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, Unusable> {
    let missing = P256_LENGTH.checked_sub(number.len()).ok_or(Unusable::OtherType)?;
    let mut whole = Zeroizing::new(Vec::with_capacity(P256_LENGTH));
    whole.resize(missing, 0);
    whole.extend_from_slice(number);
    Ok(whole)
}
