//! What is sealed.

use crate::vault::seal::{DataKey, Place, VaultId};

/// `text` opens where it was sealed and as it was, and in no other way: not changed, shortened,
/// lengthened, moved, or under another key.
pub(super) fn opens_only_as_it_was(text: &[u8], (at, change): (usize, u8)) {
    let key = DataKey::generate(VaultId([5; 16]), 1).expect("random bytes");
    let row = |revision, clear| Place::Row { provider: "acme", user: "x", revision, clear };
    let place = row(1, text);
    let sealed = key.seal(place, text).expect("random bytes");
    assert_eq!(**key.open(place, &sealed).expect("it opens where it was sealed"), *text);
    let mut changed = sealed.clone();
    let at = at % changed.len();
    changed[at] ^= change;
    assert_eq!(key.open(place, &changed).is_ok(), change == 0, "byte {at} changed by {change}");
    assert!(key.open(place, &sealed[..at]).is_err(), "cut off at {at}");
    assert!(key.open(place, &[&*sealed, &[change]].concat()).is_err(), "with a byte more");
    assert!(key.open(place, text).is_err(), "what was never sealed");
    assert!(key.open(row(2, text), &sealed).is_err(), "in another place");
    let beside = [text, b"x"].concat();
    assert!(key.open(row(1, &beside), &sealed).is_err(), "beside other columns");
    let uncovered = Place::Credential { provider: "acme", user: "x", revision: 1 };
    assert!(key.open(uncovered, &sealed).is_err(), "as if it covered none");
    let other = DataKey::generate(key.vault, 1).expect("random bytes");
    assert!(other.open(place, &sealed).is_err(), "under another key");
}
