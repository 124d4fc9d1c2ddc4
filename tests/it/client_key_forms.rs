//! The forms in which people have the keys of their clients, and what is said of those that sign nothing.

use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::{Value, json};

use crate::authorization_server::{AuthorizationServer, Client, SigningClient, issue};
use crate::env::{TestEnv, stderr};

const CLIENT_LOGIN: [&str; 4] = ["login", "acme", "--method", "client-credentials"];

/// The curve P-256 as a parameter of a key.
const CURVE: &[u8] = &[0xA0, 0x0A, 6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7];

/// Returns the private number of a P-256 key.
fn private(key: &SigningClient) -> Vec<u8> {
    let body: String = key.pem().lines().filter(|line| !line.starts_with('-')).collect();
    let der = BASE64.decode(body.as_bytes()).unwrap();
    let at = der.windows(5).position(|five| five == [2, 1, 1, 4, 32]).expect("the inner key");
    der[at + 5..][..32].to_vec()
}

/// Returns the key in the older form of `openssl ecparam -genkey`.
fn sec1(key: &SigningClient, curve: &[u8], with_public: bool) -> String {
    let public =
        if with_public { [&[0xA1, 68, 3, 66, 0][..], key.public()].concat() } else { Vec::new() };
    let inner = [&[2, 1, 1, 4, 32][..], &private(key), curve, &public].concat();
    let der = [&[0x30, u8::try_from(inner.len()).unwrap()][..], &inner].concat();
    let name = "EC PRIVATE KEY";
    format!("-----BEGIN {name}-----\n{}\n-----END {name}-----\n", BASE64.encode(&der))
}

fn jwk(key: &SigningClient, more: &Value) -> Value {
    let (x, y) = key.public()[1..].split_at(32);
    let mut jwk = json!({
        "kty": "EC", "crv": "P-256", "d": BASE64URL_NOPAD.encode(&private(key)),
        "x": BASE64URL_NOPAD.encode(x), "y": BASE64URL_NOPAD.encode(y),
    });
    jwk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    jwk
}

#[test]
fn a_key_is_read_in_the_forms_in_which_tools_write_it() {
    let key = SigningClient::p256();
    let numbered = SigningClient::p256().named("7");
    let parameters =
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    let shared = json!({ "kty": "oct", "kid": "made-up", "k": "bWFkZS11cA" });
    let padded = BASE64.encode(&private(&key));
    for (key, text) in [
        (&key, format!("\u{feff}{}", key.pem())),
        (&key, format!("\u{feff}{}", jwk(&key, &json!({})))),
        (&key, key.pem().trim().replace('\n', "\\n")),
        (&key, key.pem().replace('\n', "\r\n")),
        (&key, sec1(&key, CURVE, true)),
        (&key, sec1(&key, &[], true)),
        (&key, format!("{parameters}{}", sec1(&key, CURVE, true))),
        (&numbered, jwk(&numbered, &json!({ "kid": 7 })).to_string()),
        (&key, jwk(&key, &json!({ "d": padded })).to_string()),
        (&key, json!({ "keys": [shared, jwk(&key, &json!({}))] }).to_string()),
        (&key, json!([jwk(&key, &json!({}))]).to_string()),
    ] {
        let server = AuthorizationServer::start_for(Client::public().with_key(key));
        let env = TestEnv::new().with_provider(&server);
        let file = env.file("client.pem", &text);
        env.add_config(&format!("client_key_file = \"{}\"\n", file.display()));
        server.will(issue().without_refresh_token());
        env.tokctl(CLIENT_LOGIN).assert().success();
        env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
    }
}

#[test]
fn the_cause_is_told_for_a_key_that_signs_nothing() {
    let key = SigningClient::p256();
    let server = AuthorizationServer::start_for(Client::public().with_key(&key));
    let env = TestEnv::new().with_provider(&server);
    let file = env.path("client.pem");
    env.add_config(&format!("client_key_file = \"{}\"\n", file.display()));
    let other_curve = [0xA0, 7, 6, 5, 0x2B, 0x81, 4, 0, 0x22];
    let one = jwk(&key, &json!({ "kid": "one" }));
    let two = jwk(&key, &json!({ "kid": "two" }));
    let rsa = json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB", "d": "AQAB" });
    for (text, told) in [
        (json!({ "kty": "oct", "k": "bWFkZS11cA" }).to_string(), "it is a shared secret"),
        (json!({ "keys": [{ "kty": "oct", "k": "bWFkZS11cA" }] }).to_string(), "shared secret"),
        (json!({ "keys": [] }).to_string(), "its set holds no key"),
        (json!({ "keys": [one, two] }).to_string(), "`client_key_id` says which one"),
        (rsa.to_string(), "without the factors"),
        (jwk(&key, &json!({ "crv": null })).to_string(), "lacks `crv`"),
        (jwk(&key, &json!({ "d": "!" })).to_string(), "the `d` of its JWK is no base64url"),
        (jwk(&key, &json!({ "alg": 7 })).to_string(), "a field that is no text"),
        ("{\"kty\":\"EC\",".to_owned(), "is no JSON"),
        (json!({ "type": "service_account" }).to_string(), "`--service-account` takes"),
        (sec1(&key, CURVE, false), "lacks the public half"),
        (sec1(&key, &other_curve, true), "no P-256 key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nAA==\n".to_owned(), "ssh-keygen"),
    ] {
        env.file("client.pem", &text);
        let refused = env.tokctl(CLIENT_LOGIN).assert().code(2).stdout_eq("");
        assert!(stderr(&refused).contains(told), "{text}: {}", stderr(&refused));
    }
    env.add_config("client_key_id = \"three\"\n");
    for set in [json!({ "keys": [one, two] }), json!({ "keys": [one] })] {
        env.file("client.pem", set.to_string());
        let refused = env.tokctl(CLIENT_LOGIN).assert().code(2);
        let said = stderr(&refused);
        assert!(said.contains("no private key with the id `three`"), "{said}");
    }
}
