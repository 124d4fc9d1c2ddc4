//! JSON Web Tokens that tokctl signs (RFC 7515, RFC 7519): the one place for it.
//!
//! What a token claims is for its own file: [`super::client_assertion`] for the one with which a
//! client proves itself, [`super::jwt_bearer`] for the one that a service account exchanges.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use super::signing_key::{SigningKey, Unusable};
use crate::model::signing::SigningAlgorithm;
use crate::secret::{Assertion, PrivateKey, SecretText};

/// The reason why a JWT was not signed, so that nothing was sent.
#[derive(Debug, thiserror::Error)]
#[error("the private key can't be used: {0}")]
pub(crate) struct NotSigned(#[from] Unusable);

/// Signs `claims` with `key` by `algorithm`. The header has `key_id`, or else the id that the key
/// itself names.
pub(crate) fn sign(
    key: &PrivateKey,
    algorithm: SigningAlgorithm,
    key_id: Option<&str>,
    claims: &Value,
) -> Result<Assertion, NotSigned> {
    let key = SigningKey::read(key, key_id)?;
    let mut header = json!({ "alg": algorithm.name(), "typ": "JWT" });
    if let Some(key_id) = key_id.or(key.key_id()) {
        header["kid"] = json!(key_id);
    }
    if let Some(thumbprint) = key.thumbprint() {
        header["x5t#S256"] = json!(thumbprint);
    }
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let signed = format!("{}.{}", part(&header), part(claims));
    let signature = key.sign(algorithm, signed.as_bytes())?;
    Ok(Assertion::from_trusted(format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))))
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;
    use proptest::prelude::*;
    use ring::rand::SystemRandom;
    use ring::signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair,
        Ed25519KeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaKeyPair,
        UnparsedPublicKey, VerificationAlgorithm,
    };

    use super::*;

    /// A made-up RSA key, as DER and as a JWK.
    const RSA: &str = include_str!("made_up_rsa_key.base64");
    const RSA_JWK: &str = include_str!("made_up_rsa_key.jwk");

    fn pem(kind: &str, der: &[u8]) -> PrivateKey {
        let body = BASE64.encode(der);
        PrivateKey::from_trusted(format!("-----BEGIN {kind}-----\n{body}\n-----END {kind}-----\n"))
    }

    fn rsa_der() -> Vec<u8> {
        BASE64.decode(RSA.replace('\n', "").as_bytes()).unwrap()
    }

    fn rsa_public() -> Vec<u8> {
        RsaKeyPair::from_pkcs8(&rsa_der()).unwrap().public_key().as_ref().to_vec()
    }

    /// A new P-256 key: its PEM, its JWK without the curly brackets, and its public half.
    fn p256() -> (PrivateKey, String, Vec<u8>) {
        let random = SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref(), &random);
        let public = pair.unwrap().public_key().as_ref().to_vec();
        // In the form that ring writes, the private number begins at byte 36.
        let text = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        let jwk = format!(
            r#""kty":"EC","crv":"P-256","d":"{}","x":"{}","y":"{}""#,
            text(&der.as_ref()[36..68]),
            text(&public[1..33]),
            text(&public[33..])
        );
        (pem("PRIVATE KEY", der.as_ref()), jwk, public)
    }

    fn header_of(
        key: &PrivateKey,
        algorithm: SigningAlgorithm,
        key_id: Option<&str>,
        public: (&'static dyn VerificationAlgorithm, &[u8]),
    ) -> Value {
        let jwt = sign(key, algorithm, key_id, &json!({ "a": 1 })).unwrap();
        let (signed, signature) = jwt.expose().rsplit_once('.').unwrap();
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
        UnparsedPublicKey::new(public.0, public.1).verify(signed.as_bytes(), &signature).unwrap();
        let (header, claims) = signed.split_once('.').unwrap();
        assert_eq!(BASE64URL_NOPAD.decode(claims.as_bytes()).unwrap(), br#"{"a":1}"#);
        serde_json::from_slice(&BASE64URL_NOPAD.decode(header.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn each_kind_of_key_signs_as_its_public_half_can_tell() {
        let rsa = pem("PRIVATE KEY", &rsa_der());
        let rsa_jwk = PrivateKey::from_trusted(RSA_JWK.into());
        for key in [&rsa, &rsa_jwk] {
            let public = rsa_public();
            let rs256: &'static dyn VerificationAlgorithm = &RSA_PKCS1_2048_8192_SHA256;
            header_of(key, SigningAlgorithm::Rs256, None, (rs256, &public));
            header_of(key, SigningAlgorithm::Ps256, None, (&RSA_PSS_2048_8192_SHA256, &public));
        }
        let (key, jwk, public) = p256();
        for key in [key, PrivateKey::from_trusted(format!("{{{jwk}}}"))] {
            let header =
                header_of(&key, SigningAlgorithm::Es256, None, (&ECDSA_P256_SHA256_FIXED, &public));
            assert_eq!(header, json!({ "alg": "ES256", "typ": "JWT" }));
        }
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(der.as_ref()).unwrap();
        let public = pair.public_key().as_ref().to_vec();
        let jwk = json!({
            "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "its own", "use": "sig",
            "d": BASE64URL_NOPAD.encode(&der.as_ref()[16..48]), "x": BASE64URL_NOPAD.encode(&public),
        });
        let jwk = PrivateKey::from_trusted(jwk.to_string());
        for key in [pem("PRIVATE KEY", der.as_ref()), jwk.clone()] {
            header_of(&key, SigningAlgorithm::EdDsa, Some("made-up"), (&ED25519, &public));
        }
        let header = header_of(&jwk, SigningAlgorithm::EdDsa, None, (&ED25519, &public));
        assert_eq!(header["kid"], "its own");
    }

    #[test]
    fn a_certificate_beside_the_key_is_named() {
        let (key, _, public) = p256();
        let certificate = pem("CERTIFICATE", b"made-up");
        let both = format!("{}{}", certificate.expose(), key.expose());
        let both = PrivateKey::from_trusted(both);
        let algorithm: &'static dyn VerificationAlgorithm = &ECDSA_P256_SHA256_FIXED;
        let header = header_of(&both, SigningAlgorithm::Es256, None, (algorithm, &public));
        // printf made-up | openssl dgst -sha256 -binary | basenc --base64url
        assert_eq!(header["x5t#S256"], "2lNCKkYYc1-K5yq9shwW00CEmxpRDvIHaLExFx-PcSI");
    }

    #[test]
    fn a_set_has_the_key_that_is_named_or_the_only_one() {
        let (_, one, public) = p256();
        let (_, other, _) = p256();
        let public: (&'static dyn VerificationAlgorithm, &[u8]) =
            (&ECDSA_P256_SHA256_FIXED, &public);
        let shown = r#"{"kty":"EC","crv":"P-256","kid":"seen","x":"AA","y":"AA"}"#;
        let alone = format!(r#"{{"keys":[{shown},{{{one}}}]}}"#);
        header_of(&PrivateKey::from_trusted(alone), SigningAlgorithm::Es256, None, public);
        let both = format!(r#"{{"keys":[{{{other},"kid":"a"}},{{{one},"kid":"b"}}]}}"#);
        let both = PrivateKey::from_trusted(both);
        header_of(&both, SigningAlgorithm::Es256, Some("b"), public);
        assert_eq!(SigningKey::read(&both, None).err(), Some(Unusable::Several));
        let other_id = SigningKey::read(&both, Some("c")).err();
        assert_eq!(other_id, Some(Unusable::NoSuchId("c".into())));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_or_is_told(
            text in prop_oneof![
                "\\PC{0,80}",
                "-----BEGIN (RSA |EC |ENCRYPTED )?(PRIVATE|PUBLIC) KEY-----\nc2VjcmV0[A-Za-z0-9+/=]{0,60}\n-----END .{0,20}",
                "\\{\"kty\":\"(RSA|EC|OKP|oct)\",\"crv\":\"(P-256|Ed25519)\",\"(d|n|k)\":\"c2VjcmV0[A-Za-z0-9_-]{0,60}\"\\}",
            ],
            named in prop::option::of("[a-z]{0,6}")
        ) {
            let key = PrivateKey::from_trusted(text);
            if let Err(why) = SigningKey::read(&key, named.as_deref()) {
                let told = why.to_string();
                prop_assert!(!told.contains("c2VjcmV0") && !told.contains('\n'), "{told}");
            }
            let signed = sign(&key, SigningAlgorithm::Es256, named.as_deref(), &json!({}));
            prop_assert!(signed.is_err(), "nothing here is a key");
        }
    }

    #[test]
    fn what_signs_nothing_is_told_without_a_word_of_it() {
        let (key, jwk, _) = p256();
        let set = format!(r#"{{"keys":[{{{jwk}}},{{{jwk}}}]}}"#);
        let short = RSA_JWK.replace("\"dp\"", "\"other\"");
        for (text, expected) in [
            ("made-up", Unusable::NoKey),
            ("{}", Unusable::NoKey),
            ("{\"kty\": 7}", Unusable::OddField),
            ("{\"kty\":", Unusable::NoJson),
            (pem("ENCRYPTED PRIVATE KEY", b"made-up").expose(), Unusable::Encrypted),
            (pem("PUBLIC KEY", b"made-up").expose(), Unusable::Public),
            (pem("CERTIFICATE", b"made-up").expose(), Unusable::Public),
            (pem("EC PRIVATE KEY", b"made-up").expose(), Unusable::OtherType),
            (pem("PRIVATE KEY", b"made-up").expose(), Unusable::OtherType),
            (r#"{"kty":"oct","k":"bWFkZS11cA","d":"AA"}"#, Unusable::Shared),
            (r#"{"kty":"RSA","n":"AA","e":"AQAB"}"#, Unusable::Public),
            (short.as_str(), Unusable::Lacks("dp")),
            (set.as_str(), Unusable::Several),
            (&format!("{{{jwk},\"use\":\"enc\"}}"), Unusable::OtherUse("enc".into())),
            (&format!("{{{jwk},\"alg\":\"ES512\"}}"), Unusable::OtherUse("ES512".into())),
            (
                &format!("{{{jwk},\"alg\":\"RS256\"}}"),
                Unusable::OtherAlgorithm(SigningAlgorithm::Rs256),
            ),
        ] {
            let found = SigningKey::read(&PrivateKey::from_trusted(text.into()), None).err();
            assert_eq!(found, Some(expected), "{text}");
        }
        let refused = sign(&key, SigningAlgorithm::Ps256, None, &json!({})).unwrap_err();
        assert_eq!(refused.to_string(), "the private key can't be used: it can't sign with PS256");
    }
}
