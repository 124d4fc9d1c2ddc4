//! Numbers with their noun, for sentences that a user reads.

use std::fmt::Display;

/// Returns `count` and `noun`, which is given in the singular: `1 entry`, `2 entries`.
///
/// Knows the regular plurals of English alone.
pub(crate) fn counted<N: Copy + Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    if count == N::from(1) { format!("1 {noun}") } else { format!("{count} {}", plural(noun)) }
}

fn plural(noun: &str) -> String {
    const VOWELS: [char; 5] = ['a', 'e', 'i', 'o', 'u'];
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(VOWELS) => format!("{stem}ies"),
        Some(_) | None => format!("{noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_a_kind_is_singular() {
        assert_eq!(counted(1_u64, "entry"), "1 entry");
        assert_eq!(counted(0_usize, "entry"), "0 entries");
        assert_eq!(counted(2_i64, "day"), "2 days");
        assert_eq!(counted(-1_i64, "hour"), "-1 hours");
        assert_eq!(counted(2_u32, "key slot"), "2 key slots");
    }
}
