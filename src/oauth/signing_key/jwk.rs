//! JSON Web Keys (RFC 7517) and sets of them.

use data_encoding::BASE64URL_NOPAD;
use ring::rsa::{KeyPairComponents, PublicKeyComponents};
use ring::signature::{Ed25519KeyPair, RsaKeyPair};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::error::Category;
use zeroize::Zeroizing;

use super::pair::Pair;
use super::unusable::Unusable;
use crate::model::signing::SigningAlgorithm;
use crate::secret::{self, PrivateKey, SecretText};
use crate::untrusted::printable;

/// The length in bytes of each number of a P-256 key.
const P256_LENGTH: usize = 32;

/// The form of an elliptic curve's point that has both of its numbers (SEC 1 §2.3.3).
const UNCOMPRESSED: u8 = 4;

/// A key, the id that it names, and the algorithm that it is for.
pub(super) type Read = (Pair, Option<String>, Option<SigningAlgorithm>);

/// A JSON Web Key (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2), or a set of them (RFC 7517 §5).
#[derive(Deserialize)]
struct Jwk {
    keys: Option<Vec<Jwk>>,
    #[serde(default)]
    kty: String,
    /// The key's id. Some tools write a number.
    #[serde(default, deserialize_with = "text_or_number")]
    kid: Option<String>,
    r#type: Option<String>,
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

/// Reads a key, or a set of keys. Of a set, takes the private key with `key_id`; without one that is
/// wanted, the only one.
pub(super) fn read(text: &str, key_id: Option<&str>) -> Result<Read, Unusable> {
    let malformed = |error: serde_json::Error| match error.classify() {
        Category::Data => Unusable::OddField,
        Category::Syntax | Category::Eof | Category::Io => Unusable::NoJson,
    };
    let set = if text.starts_with('[') {
        serde_json::from_str(text).map_err(malformed)?
    } else {
        let read: Jwk = serde_json::from_str(text).map_err(malformed)?;
        match read.keys {
            None => return read.into_key(),
            Some(keys) => keys,
        }
    };
    of_set(set, key_id)?.into_key()
}

/// Returns the private key of a set that is meant.
fn of_set(set: Vec<Jwk>, key_id: Option<&str>) -> Result<Jwk, Unusable> {
    if set.is_empty() {
        return Err(Unusable::EmptySet);
    }
    let only_shared = set.iter().all(|key| key.kty == SHARED);
    let mut private: Vec<Jwk> =
        set.into_iter().filter(|key| key.d.is_some() && key.kty != SHARED).collect();
    let named = |key: &Jwk| key_id.is_some() && key.kid.as_deref() == key_id;
    let position = match (private.iter().position(named), &private[..], key_id) {
        (Some(position), _, _) => position,
        (None, [], _) if only_shared => return Err(Unusable::Shared),
        (None, [], _) => return Err(Unusable::Public),
        (None, [only], Some(_)) if only.kid.is_none() => 0,
        (None, _, Some(wanted)) => return Err(Unusable::NoSuchId(printable(wanted))),
        (None, [_], None) => 0,
        (None, _, None) => return Err(Unusable::Several),
    };
    Ok(private.swap_remove(position))
}

/// The type of a symmetric key (RFC 7518 §6.4).
const SHARED: &str = "oct";

/// The `type` of the file of a cloud's service account.
const SERVICE_ACCOUNT: &str = "service_account";

impl Jwk {
    fn into_key(self) -> Result<Read, Unusable> {
        if self.kty.is_empty() {
            let is_account = self.r#type.as_deref() == Some(SERVICE_ACCOUNT);
            return Err(if is_account { Unusable::ServiceAccount } else { Unusable::NoKey });
        }
        if self.kty == SHARED {
            return Err(Unusable::Shared);
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
            ("EC" | "OKP", None) => return Err(Unusable::Lacks("crv")),
            _ => return Err(Unusable::OtherType),
        };
        Ok((pair, self.kid, algorithm))
    }

    fn rsa(&self) -> Result<Pair, Unusable> {
        let factors = [&self.p, &self.q, &self.dp, &self.dq, &self.qi];
        if factors.iter().all(|factor| factor.is_none()) {
            return Err(Unusable::LacksFactors);
        }
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
        let mut public = vec![UNCOMPRESSED];
        public.extend_from_slice(&whole(&number(self.x.as_deref(), "x")?)?);
        public.extend_from_slice(&whole(&number(self.y.as_deref(), "y")?)?);
        Pair::p256(&private, &public)
    }

    fn ed25519(&self) -> Result<Pair, Unusable> {
        let seed = bytes(self.d.as_ref().map(SecretText::expose), "d")?;
        let public = bytes(self.x.as_deref(), "x")?;
        Ed25519KeyPair::from_seed_and_public_key(&seed, &public)
            .map(Pair::Ed25519)
            .map_err(|_| Unusable::OtherType)
    }
}

/// Reads a text, or the digits of a number.
fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        Value::Number(number) => Ok(Some(number.to_string())),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            Err(serde::de::Error::custom("an id that is no text"))
        }
    }
}

/// Decodes a field of a JWK: base64url, with or without padding. The other alphabet of base64 is read
/// too, since nothing else can be meant.
fn bytes(text: Option<&str>, name: &'static str) -> Result<Zeroizing<Vec<u8>>, Unusable> {
    let text = text.ok_or(Unusable::Lacks(name))?;
    let usual = Zeroizing::new(text.trim_end_matches('=').replace('+', "-").replace('/', "_"));
    BASE64URL_NOPAD
        .decode(usual.as_bytes())
        .map(Zeroizing::new)
        .map_err(|_| Unusable::NotEncoded(name))
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
