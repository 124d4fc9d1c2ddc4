//! The properties of a bundle: of its text, and of its content.

use std::sync::LazyLock;

use data_encoding::BASE64URL_NOPAD as BASE64URL;
use serde_json::Value;

use super::credential::{assert_decidable, can_be_kept, can_be_sent, serialized};
use super::input::{Setting, replace_all};
use super::price::{Price, price};
use super::printed_text;
use super::sample_vault::NOW;
use crate::model::bundle::{BundleEntry, Content, Load};
use crate::model::summary::Summary;
use crate::ops::import::{self, Incoming, Terms};
use crate::secret::{Passphrase, SecretText};
use crate::vault::Key;
use crate::vault::bundle::{self, Bundle, BundleSecret, Error};
use crate::vault::slot::Cost;

/// The content of the genuine bundle.
const CONTENT: &str = "made-up content";

/// A genuine bundle, and the means to open it.
struct Genuine {
    text: String,
    key: BundleSecret,
    others: [BundleSecret; 2],
}

static GENUINE: LazyLock<Genuine> = LazyLock::new(|| {
    let fresh = || BundleSecret::Key(Key::generate().expect("random bytes"));
    let key = fresh();
    let (_, text) = bundle::seal(&key, CONTENT.as_bytes()).expect("random bytes");
    let passphrase = Passphrase::from_trusted("made up".into());
    Genuine { text, key, others: [fresh(), BundleSecret::Passphrase(passphrase)] }
});

/// Checks a bundle. The input is one of these words, and what it names:
///
/// - `text`: a text in which `HEADER` and `CONTENT` stand for the parts of the genuine one
/// - `header`: the JSON of a header, in which `@id` and the like stand for what the genuine one has
/// - `content`: the JSON in a bundle, under the right seal
///
/// # Panics
///
/// If something opens that was not sealed so, or is imported that no vault keeps.
pub fn bundle(data: &[u8]) {
    let Some((setting, rest)) = Setting::split(data) else { return };
    if setting.has("content") {
        return check_content(rest);
    }
    let (header, content) = GENUINE.parts();
    let text = if setting.has("header") {
        let header = BASE64URL.encode(&GENUINE.with_own_fields(rest));
        format!("tokctl-bundle-1.{header}.{content}")
    } else {
        let text = replace_all(rest, "HEADER", header.as_bytes());
        String::from_utf8_lossy(&replace_all(&text, "CONTENT", content.as_bytes())).into_owned()
    };
    check_text(&text);
}

impl Genuine {
    /// Returns the header and the content as they stand in the text.
    fn parts(&self) -> (&str, &str) {
        let mut parts = self.text.split('.').skip(1);
        let mut part = || parts.next().expect("a bundle has three parts");
        (part(), part())
    }

    fn with_own_fields(&self, header: &[u8]) -> Vec<u8> {
        let own = fields(&self.text).expect("a header that was just made");
        own.as_object().into_iter().flatten().fold(header.to_vec(), |header, (name, value)| {
            let value = value.as_str().unwrap_or_default();
            replace_all(&header, &format!("@{name}"), value.as_bytes())
        })
    }
}

/// Reads the header in a bundle's text, without the type that the product has for it.
fn fields(text: &str) -> Option<Value> {
    let header = BASE64URL.decode(text.split('.').nth(1)?.as_bytes()).ok()?;
    serde_json::from_slice(&header).ok()
}

/// Asserts that no cost beyond the bounds is paid, and that only the sealed text opens, with its
/// own secret.
fn check_text(text: &str) {
    let read = match Bundle::parse(text) {
        Ok(read) => read,
        Err(error) => return printed_text::assert_harmless(&error.to_string()),
    };
    let text: String = text.split_whitespace().collect();
    let header = fields(&text).expect("what was read has a header");
    let number = |name: &str| {
        let number = header[name].as_u64().and_then(|number| number.try_into().ok());
        number.expect("what was read has its cost")
    };
    let cost = Cost { memory: number("memory"), passes: number("passes"), lanes: number("lanes") };
    let price = price(read.kind(), cost);
    for secret in [&GENUINE.key].into_iter().chain(&GENUINE.others) {
        if secret.kind() != read.kind() {
            assert_eq!(read.open(secret).err(), Some(Error::WrongSecret(read.kind())));
            continue;
        }
        match price {
            Price::Expensive => {}
            Price::Refused => assert_eq!(read.open(secret).err(), Some(Error::Damaged)),
            Price::Cheap => match read.open(secret) {
                Ok(content) => {
                    assert_eq!(**content, *CONTENT.as_bytes());
                    assert_eq!(text, GENUINE.text, "an edited bundle opens");
                    assert!(std::ptr::eq(secret, &raw const GENUINE.key), "to a foreign key");
                }
                Err(error) => printed_text::assert_harmless(&error.to_string()),
            },
        }
    }
}

/// Asserts that only content is imported that a vault could have kept: whoever has the secret can
/// seal anything.
fn check_content(content: &[u8]) {
    let (id, text) = bundle::seal(&GENUINE.key, content).expect("random bytes");
    let read = Bundle::parse(&text).expect("what was just sealed");
    assert_eq!(read.id(), id);
    let opened = match import::open(&read, &GENUINE.key) {
        Ok(opened) => opened,
        Err(error) => return printed_text::assert_harmless(&error.to_string()),
    };
    for Incoming { account, credential, origin, forks, issued_at, left_out } in &opened.incoming {
        printed_text::assert_harmless(origin);
        printed_text::assert_harmless(&account.to_string());
        assert!(!forks && issued_at.is_none() && left_out.is_none(), "a bundle comes in whole");
        assert_decidable(credential);
        assert!(can_be_kept(&Summary::of(account, credential)), "{origin} can't be found again");
        assert!(can_be_sent(credential), "{origin} breaks out of its line");
    }
    let again =
        Content { credentials: opened.incoming.iter().map(carried).collect(), destination: None };
    let again = serde_json::to_vec(&again).expect("what was read can be serialized");
    let again: Content = serde_json::from_slice(&again).expect("and read");
    for (carried, incoming) in again.credentials.iter().zip(&opened.incoming) {
        assert_eq!(serialized(&carried.credential), serialized(&incoming.credential));
    }
    let count = opened.incoming.len();
    match import::preview(None, opened.incoming, Terms::default(), NOW) {
        Ok(placed) => {
            assert_eq!(import::written_accounts(&placed).count(), count, "it comes in whole");
        }
        Err(error) => printed_text::assert_harmless(&error.to_string()),
    }
}

fn carried(incoming: &Incoming) -> BundleEntry {
    BundleEntry {
        provider: incoming.account.provider.as_str().to_owned(),
        user: incoming.account.user.as_str().to_owned(),
        load: Load::Copied,
        credential: incoming.credential.clone(),
    }
}
