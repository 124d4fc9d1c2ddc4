//! A made-up service account: its key file, and what it signs.

use std::time::{SystemTime, UNIX_EPOCH};

use data_encoding::{BASE64, BASE64URL_NOPAD};
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use serde_json::{Value, json};

use super::checks::{Params, TokenRequest};
use crate::http::Request;

/// An RSA key in PKCS #8 that was made for these tests and opens nothing anywhere.
const KEY: &str = include_str!("../../../src/oauth/made_up_rsa_key.base64");

pub(crate) const EMAIL: &str = "robot@made-up.example";

/// The account's key file with these fields changed.
pub(crate) fn key_file(changes: &Value) -> String {
    let marker = |word: &str| format!("-----{word} {} KEY-----", "PRIVATE");
    let mut file = json!({
        "type": "service_account",
        "client_email": EMAIL,
        "private_key_id": "made-up-key-1",
        "private_key": format!("{}\n{KEY}{}\n", marker("BEGIN"), marker("END")),
        "token_uri": "https://oauth2.googleapis.com/token",
    });
    for (name, value) in changes.as_object().into_iter().flatten() {
        file[name] = value.clone();
    }
    file.to_string()
}

/// A token request with nothing but an assertion, signed just now and for an hour.
pub(super) fn token_request(request: &Request, form: &Params) -> Result<TokenRequest, String> {
    if request.header("authorization").is_some() || form.len() != 2 {
        return Err("something beside the assertion".to_owned());
    }
    let assertion = form.get("assertion").ok_or("no assertion")?;
    let (signed, signature) = assertion.rsplit_once('.').ok_or("no signature")?;
    let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).map_err(|e| e.to_string())?;
    let der = BASE64.decode(KEY.replace('\n', "").as_bytes()).unwrap();
    let public_key = RsaKeyPair::from_pkcs8(&der).unwrap().public_key().as_ref().to_owned();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public_key)
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| "the signature is not the account's")?;
    let part = |text: &str| -> Result<Value, String> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|error| error.to_string())?;
        serde_json::from_slice(&bytes).map_err(|error| error.to_string())
    };
    let (header, claims) = signed.split_once('.').ok_or("no claims")?;
    let (header, mut claims) = (part(header)?, part(claims)?);
    let mut time = |name: &str| claims.as_object_mut()?.remove(name)?.as_u64();
    let (issued_at, expires_at) = (time("iat").ok_or("no iat")?, time("exp").ok_or("no exp")?);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    if issued_at.abs_diff(now) > 60 || expires_at != issued_at + 3600 {
        return Err(format!("issued at {issued_at} until {expires_at}, and it is {now}"));
    }
    Ok(TokenRequest::JwtBearer { header, claims })
}
