//! The property of the seal.

use crate::vault::seal::{DataKey, SealContext, VaultId};

/// Asserts that sealed `text` opens in its own context unchanged, and in no other way: not changed,
/// shortened, lengthened, moved, or under another key.
pub(super) fn assert_opens_only_unchanged(text: &[u8], (at, change): (usize, u8)) {
    let key = DataKey::generate(VaultId([5; 16]), 1).expect("random bytes");
    let row = |revision, clear| SealContext::Row { provider: "acme", user: "x", revision, clear };
    let context = row(1, text);
    let sealed = key.seal(context, text).expect("random bytes");
    assert_eq!(**key.open(context, &sealed).expect("it opens where it was sealed"), *text);
    let mut changed = sealed.clone();
    let at = at % changed.len();
    changed[at] ^= change;
    assert_eq!(key.open(context, &changed).is_ok(), change == 0, "byte {at} changed by {change}");
    assert!(key.open(context, &sealed[..at]).is_err(), "cut off at {at}");
    assert!(key.open(context, &[&*sealed, &[change]].concat()).is_err(), "with a byte more");
    assert!(key.open(context, text).is_err(), "what was never sealed");
    assert!(key.open(row(2, text), &sealed).is_err(), "in another context");
    let beside = [text, b"x"].concat();
    assert!(key.open(row(1, &beside), &sealed).is_err(), "beside other columns");
    let uncovered = SealContext::Credential { provider: "acme", user: "x", revision: 1 };
    assert!(key.open(uncovered, &sealed).is_err(), "as if it covered none");
    let other = DataKey::generate(key.vault, 1).expect("random bytes");
    assert!(other.open(context, &sealed).is_err(), "under another key");
}
