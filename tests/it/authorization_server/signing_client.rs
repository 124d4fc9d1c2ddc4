//! A client that proves itself with what its key signs (RFC 7523 §2.2), and the check of it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use data_encoding::{BASE64, BASE64URL_NOPAD};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaKeyPair,
    UnparsedPublicKey, VerificationAlgorithm,
};
use serde_json::Value;

use super::checks::Params;
use crate::http::Request;

/// An RSA key in PKCS #8 that was made for these tests and opens nothing anywhere.
const RSA: &str = include_str!("../../../src/oauth/made_up_rsa_key.base64");

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The audience that a server wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    Issuer,
    TokenEndpoint,
    EachEndpoint,
}

/// The key of a client: what the client has of it, and what the server knows.
#[derive(Debug, Clone)]
pub(crate) struct SigningClient {
    pem: String,
    public: Vec<u8>,
    algorithm: &'static str,
    key_id: Option<String>,
    audience: Audience,
    /// The ids of the assertions that came, each of which is taken once.
    used: Arc<Mutex<BTreeSet<String>>>,
}

impl SigningClient {
    /// The made-up RSA key, which signs with `RS256` or `PS256`.
    pub(crate) fn rsa(algorithm: &'static str) -> Self {
        let der = BASE64.decode(RSA.replace('\n', "").as_bytes()).unwrap();
        let public = RsaKeyPair::from_pkcs8(&der).unwrap().public_key().as_ref().to_vec();
        Self::new(&der, public, algorithm)
    }

    /// A new P-256 key.
    pub(crate) fn p256() -> Self {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let der = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, der.as_ref(), &random).unwrap();
        Self::new(der.as_ref(), pair.public_key().as_ref().to_vec(), "ES256")
    }

    /// A new Ed25519 key.
    pub(crate) fn ed25519() -> Self {
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(der.as_ref()).unwrap();
        Self::new(der.as_ref(), pair.public_key().as_ref().to_vec(), "EdDSA")
    }

    fn new(der: &[u8], public: Vec<u8>, algorithm: &'static str) -> Self {
        let marker = |word: &str| format!("-----{word} {} KEY-----", "PRIVATE");
        let pem = format!("{}\n{}\n{}\n", marker("BEGIN"), BASE64.encode(der), marker("END"));
        let (audience, used) = (Audience::TokenEndpoint, Arc::default());
        Self { pem, public, algorithm, key_id: None, audience, used }
    }

    /// The same at a server that wants this audience.
    pub(crate) fn for_audience(self, audience: Audience) -> Self {
        Self { audience, ..self }
    }

    /// The same at a server that knows the key by this id.
    pub(crate) fn named(self, key_id: &str) -> Self {
        Self { key_id: Some(key_id.to_owned()), ..self }
    }

    /// The private key in PEM.
    /// The public half, as its library has it: for P-256 the point, uncompressed.
    pub(crate) fn public(&self) -> &[u8] {
        &self.public
    }

    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// How often the key has proved the client.
    pub(crate) fn uses(&self) -> usize {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Checks the proof in a form.
    pub(super) fn check(&self, request: &Request, form: &Params, id: &str) -> Result<(), String> {
        let field = |name: &str| form.get(name).map(String::as_str);
        if field("client_assertion_type") != Some(ASSERTION_TYPE) {
            return Err(format!("client_assertion_type is {:?}", field("client_assertion_type")));
        }
        let assertion = field("client_assertion").ok_or("no client_assertion")?;
        let (header, claims) = self.open(assertion)?;
        if header["alg"] != self.algorithm || header["kid"].as_str() != self.key_id.as_deref() {
            return Err(format!("the header is {header}"));
        }
        let host = format!("http://{}", request.header("host").unwrap_or_default());
        let audience = match self.audience {
            Audience::Issuer => host,
            Audience::TokenEndpoint => format!("{host}/token"),
            Audience::EachEndpoint => format!("{host}{}", request.path()),
        };
        if claims["iss"] != id || claims["sub"] != id || claims["aud"] != audience {
            return Err(format!("the claims are {claims}"));
        }
        let time = |name: &str| claims[name].as_u64().ok_or(format!("no {name}"));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let (issued_at, expires_at) = (time("iat")?, time("exp")?);
        if issued_at > now || issued_at + 60 < now || expires_at <= now || expires_at > now + 300 {
            return Err(format!("it is {now}, and the claims are {claims}"));
        }
        let jti = claims["jti"].as_str().ok_or("no jti")?.to_owned();
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.insert(jti) { Ok(()) } else { Err("an assertion comes twice".to_owned()) }
    }

    fn open(&self, assertion: &str) -> Result<(Value, Value), String> {
        let (signed, signature) = assertion.rsplit_once('.').ok_or("no signature")?;
        let decode =
            |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|error| error.to_string());
        let algorithm: &'static dyn VerificationAlgorithm = match self.algorithm {
            "RS256" => &RSA_PKCS1_2048_8192_SHA256,
            "PS256" => &RSA_PSS_2048_8192_SHA256,
            "ES256" => &ECDSA_P256_SHA256_FIXED,
            _ => &ED25519,
        };
        UnparsedPublicKey::new(algorithm, &self.public)
            .verify(signed.as_bytes(), &decode(signature)?)
            .map_err(|_| "the signature is not the client's")?;
        let (header, claims) = signed.split_once('.').ok_or("no claims")?;
        let part =
            |text: &str| serde_json::from_slice(&decode(text)?).map_err(|error| error.to_string());
        Ok((part(header)?, part(claims)?))
    }
}
