//! The JWT with which a client proves itself in place of a secret (RFC 7523 §2.2, `private_key_jwt`
//! of OpenID Connect Core 1.0 §9).

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::signed_jwt::{self, NotSigned};
use super::signing_key::Unusable;
use crate::model::address::Address;
use crate::model::client_authentication::AssertionAudience;
use crate::model::client_key::ClientKey;
use crate::secret::Assertion;

/// The value of `client_assertion_type`.
pub(super) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The time in seconds for which an assertion is valid after it was made. Auth0 takes none that is
/// valid for more than five minutes in all.
const LIFE: i64 = 170;

/// The number of seconds by which an assertion is dated back: a server whose clock is a little
/// behind refuses what was made in the future. Keycloak takes none that is a minute old.
const BACKDATED: i64 = 10;

/// Makes an assertion of the client `id` for one request to `endpoint`.
pub(super) fn make(
    id: &str,
    key: &ClientKey,
    audience: &AssertionAudience,
    endpoint: &Address,
    now: Timestamp,
) -> Result<Assertion, NotSigned> {
    let claims = claims(id, audience, endpoint, now)?;
    signed_jwt::sign(&key.key, key.algorithm, key.key_id.as_deref(), &claims)
}

/// Returns the claims, with an id that was never used before: servers take each assertion once.
fn claims(
    id: &str,
    audience: &AssertionAudience,
    endpoint: &Address,
    now: Timestamp,
) -> Result<Value, Unusable> {
    let mut octets = [0; 16];
    getrandom::fill(&mut octets).map_err(|_| Unusable::NoRandomness)?;
    let audience = match audience {
        AssertionAudience::Endpoint => endpoint.as_str(),
        AssertionAudience::Fixed(text) => text,
    };
    let made_at = now.as_second().saturating_sub(BACKDATED);
    Ok(json!({
        "iss": id,
        "sub": id,
        "aud": audience,
        "iat": made_at,
        "nbf": made_at,
        "exp": now.as_second().saturating_add(LIFE),
        "jti": HEXLOWER.encode(&octets),
    }))
}

#[cfg(test)]
mod tests {
    use data_encoding::{BASE64, BASE64URL_NOPAD};
    use proptest::prelude::*;
    use ring::rand::SystemRandom;
    use ring::signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
        UnparsedPublicKey,
    };

    use super::*;
    use crate::model::signing::SigningAlgorithm;
    use crate::secret::{PrivateKey, SecretText};

    fn key(key_id: Option<String>) -> (ClientKey, Vec<u8>) {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let der = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, der.as_ref(), &random).unwrap();
        let (word, body) = ("PRIVATE KEY", BASE64.encode(der.as_ref()));
        let pem = format!("-----BEGIN {word}-----\n{body}\n-----END {word}-----\n");
        let key = PrivateKey::from_trusted(pem);
        let public = pair.public_key().as_ref().to_vec();
        (ClientKey { key, key_id, algorithm: SigningAlgorithm::Es256 }, public)
    }

    /// Checks the signature, and returns header and claims.
    fn opened(assertion: &Assertion, public: &[u8]) -> (Value, Value) {
        let (signed, signature) = assertion.expose().rsplit_once('.').unwrap();
        let decode = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).unwrap();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public)
            .verify(signed.as_bytes(), &decode(signature))
            .unwrap();
        let (header, claims) = signed.split_once('.').unwrap();
        let part = |text: &str| serde_json::from_slice(&decode(text)).unwrap();
        (part(header), part(claims))
    }

    proptest! {
        #[test]
        fn an_assertion_says_who_for_whom_and_for_how_long_whatever_the_names_are(
            id in "\\PC{1,40}",
            key_id in proptest::option::of("\\PC{1,20}"),
            audience in proptest::option::of("\\PC{1,40}"),
            second in -377_705_116_000_i64..253_402_207_000,
        ) {
            let endpoint: Address = "https://as.example/token?tenant=a".parse().unwrap();
            let now = Timestamp::from_second(second).unwrap();
            let (key, public) = key(key_id.clone());
            let expected = audience.clone().unwrap_or_else(|| endpoint.to_string());
            let audience = audience.map_or(AssertionAudience::Endpoint, AssertionAudience::Fixed);
            let made = || make(&id, &key, &audience, &endpoint, now).unwrap();
            let (header, claims) = opened(&made(), &public);
            prop_assert_eq!(&header["alg"], "ES256");
            prop_assert_eq!(header.get("kid").and_then(Value::as_str), key_id.as_deref());
            for name in ["iss", "sub"] {
                prop_assert_eq!(claims[name].as_str(), Some(&*id));
            }
            prop_assert_eq!(claims["aud"].as_str(), Some(&*expected), "one text and no list");
            let time = |name: &str| claims[name].as_i64().unwrap();
            prop_assert!(time("iat") <= second && time("nbf") <= second && second < time("exp"));
            prop_assert!(time("exp") - time("iat") <= 300 && second - time("iat") < 60);
            let (_, again) = opened(&made(), &public);
            prop_assert_ne!(&claims["jti"], &again["jti"], "each is for one request");
        }
    }
}
