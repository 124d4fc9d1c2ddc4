//! What the keychain does in each state of a real desktop.
//!
//! The ignored tests need a session bus of their own in the state that their name begins with:
//! `tests/run` makes one for each.

use std::time::{Duration, Instant};

use super::*;

const PATIENT: Patience =
    Patience { limit: Duration::from_secs(5), may_prompt: false, session: None };
const PROMPTING: Patience =
    Patience { limit: Duration::from_secs(2), may_prompt: true, session: None };

fn key(byte: u8) -> Key {
    Key::from_bytes(&[byte; 32]).unwrap()
}

fn name() -> EntryName {
    EntryName::new("00112233", "44556677")
}

#[test]
fn a_secret_is_32_bytes_of_base64_and_nothing_else() {
    let text = BASE64.encode(&[7; 32]);
    assert_eq!(*decode(text.as_bytes()).unwrap().expose(), [7; 32]);
    for text in ["", "a", &BASE64.encode(&[7; 31]), &BASE64.encode(&[7; 33]), &format!("{text}\n")]
    {
        assert!(matches!(decode(text.as_bytes()), Err(Error::Malformed)), "{text:?}");
    }
    let not_base64 = text.replace('B', "!");
    assert!(matches!(decode(not_base64.as_bytes()), Err(Error::Malformed)));
}

#[test]
#[ignore = "needs a keychain: run by tests/run"]
fn unlocked_keeps_one_secret_under_one_name() {
    delete(&name(), &PATIENT).unwrap();
    assert!(matches!(read(&name(), &PATIENT), Err(Error::Missing { .. })));
    create(&name(), &key(7), &PATIENT).unwrap();
    assert_eq!(*read(&name(), &PATIENT).unwrap().expose(), [7; 32]);
    assert!(matches!(create(&name(), &key(8), &PATIENT), Err(Error::Exists)));
    assert_eq!(*read(&name(), &PATIENT).unwrap().expose(), [7; 32]);
    delete(&name(), &PATIENT).unwrap();
    delete(&name(), &PATIENT).unwrap();
    assert!(matches!(read(&name(), &PATIENT), Err(Error::Missing { .. })));
}

#[test]
#[ignore = "needs a keychain: run by tests/run"]
fn locked_is_said_at_once_and_without_a_prompt() {
    let start = Instant::now();
    assert!(matches!(read(&name(), &PATIENT), Err(Error::Locked)));
    assert!(matches!(create(&name(), &key(7), &PATIENT), Err(Error::Locked)));
    assert!(matches!(delete(&name(), &PATIENT), Err(Error::Locked)));
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[test]
#[ignore = "needs a keychain: run by tests/run"]
fn locked_stays_so_if_no_prompt_can_be_shown() {
    assert!(matches!(read(&name(), &PROMPTING), Err(Error::Locked)));
}

#[test]
#[ignore = "needs a keychain: run by tests/run"]
fn unanswered_prompt_ends_with_patience() {
    let start = Instant::now();
    assert!(matches!(read(&name(), &PROMPTING), Err(Error::NoAnswer(_))));
    assert!(start.elapsed() < PROMPTING.limit + Duration::from_secs(1));
    assert!(matches!(read(&name(), &PATIENT), Err(Error::Locked)));
}

#[test]
#[ignore = "needs a keychain: run by tests/run"]
fn absent_service_is_told_from_a_missing_entry() {
    assert!(matches!(read(&name(), &PATIENT), Err(Error::NoService)));
    assert!(matches!(create(&name(), &key(7), &PATIENT), Err(Error::NoService)));
    assert!(matches!(delete(&name(), &PATIENT), Err(Error::NoService)));
}

#[test]
#[ignore = "needs a keychain: run by tests/run"]
fn empty_service_is_told_from_a_missing_entry() {
    assert!(matches!(read(&name(), &PROMPTING), Err(Error::NoCollection)));
    assert!(matches!(create(&name(), &key(7), &PROMPTING), Err(Error::NoCollection)));
    assert!(matches!(delete(&name(), &PROMPTING), Err(Error::NoCollection)));
}
