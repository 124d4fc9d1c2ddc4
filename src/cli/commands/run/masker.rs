//! A filter that masks secrets in a stream of bytes.
//!
//! It decides what is passed on and when. It reads and writes nothing and has no clock.

use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::needles::{Needles, Search};
use super::secrets::Secrets;

/// The text that replaces a secret.
const MASK: &[u8] = b"***";

/// The filter of one stream.
pub(super) struct Masker<'a> {
    secrets: &'a Secrets,
    needles: Needles,
    /// The longest time to hold back a possible beginning of a secret.
    patience: Duration,
    /// The bytes that may be the beginning of a secret.
    held: Zeroizing<Vec<u8>>,
    /// Room for the held bytes with those that follow them.
    joined: Zeroizing<Vec<u8>>,
    /// The number of held bytes that were passed on because the rest took too long.
    ///
    /// They are still compared, so that at least the end of a slow secret is masked.
    shown: usize,
    /// The arrival time of the first byte that was not passed on.
    since: Option<Instant>,
}

impl<'a> Masker<'a> {
    pub(super) fn new(secrets: &'a Secrets, patience: Duration) -> Self {
        Self {
            secrets,
            needles: Needles::default(),
            patience,
            held: Zeroizing::default(),
            joined: Zeroizing::default(),
            shown: 0,
            since: None,
        }
    }

    /// Takes `bytes` that arrived at `now`, and appends what can be passed on to `out`.
    pub(super) fn push(&mut self, bytes: &[u8], now: Instant, out: &mut Vec<u8>) {
        self.secrets.teach(&mut self.needles);
        let before = self.held.len();
        let waited = self.since.take();
        let text = if before == 0 {
            bytes
        } else {
            self.joined.clear();
            let needed = before + bytes.len();
            if self.joined.capacity() < needed {
                // A buffer that grows leaves copies behind.
                self.joined = Zeroizing::new(Vec::with_capacity(needed));
            }
            self.joined.extend_from_slice(&self.held);
            self.joined.extend_from_slice(bytes);
            self.joined.as_slice()
        };
        let (open, shown) = pass_on(&self.needles, text, self.shown, Last::Piece, out);
        // Bytes that were held before keep their arrival time.
        self.since = (shown < text.len()).then(|| waited.filter(|_| shown < before).unwrap_or(now));
        self.shown = shown - open;
        self.held = Zeroizing::new(text[open..].to_vec());
    }

    /// Returns when the held bytes have to be passed on.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.since.map(|since| since + self.patience)
    }

    /// Passes the held bytes on, because their time is over or the stream has ended.
    pub(super) fn flush(&mut self, out: &mut Vec<u8>) {
        pass_on(&self.needles, &self.held, self.shown, Last::OfAll, out);
        self.shown = self.held.len();
        self.since = None;
    }
}

/// The position of a text in its stream: a piece with more to follow, or the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Piece,
    OfAll,
}

/// Appends to `out` what of `text` can be passed on; the first `shown` bytes were already.
///
/// Returns where the held part begins, and how many bytes of `text` are passed on by now.
fn pass_on(
    needles: &Needles,
    text: &[u8],
    mut shown: usize,
    last: Last,
    out: &mut Vec<u8>,
) -> (usize, usize) {
    let mut search = Search::new(needles, text);
    let open_from = |position| match last {
        Last::Piece => needles.open_from(text, position),
        Last::OfAll => text.len(),
    };
    let mut position = 0;
    let mut open = open_from(0);
    // A secret that begins at or after the open part may belong to it.
    while let Some((start, end)) = search.first(position).filter(|(start, _)| *start < open) {
        if end > shown {
            out.extend_from_slice(&text[shown.clamp(position, start)..start]);
            out.extend_from_slice(MASK);
            shown = end;
        }
        position = end;
        if open < position {
            open = open_from(position);
        }
    }
    out.extend_from_slice(&text[shown.clamp(position, open)..open]);
    (open, shown.max(open))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(100);

    fn secrets(all: &[&str]) -> Secrets {
        let secrets = Secrets::default();
        for secret in all {
            secrets.add(secret);
        }
        secrets
    }

    fn whole(secrets: &Secrets, text: &[u8]) -> Vec<u8> {
        in_pieces(secrets, &[text])
    }

    /// Masks a text that arrives in `pieces`, without a pause between them.
    fn in_pieces(secrets: &Secrets, pieces: &[&[u8]]) -> Vec<u8> {
        let (mut masker, mut out, now) =
            (Masker::new(secrets, PATIENCE), Vec::new(), Instant::now());
        for piece in pieces {
            masker.push(piece, now, &mut out);
        }
        masker.flush(&mut out);
        out
    }

    /// A small random number generator (splitmix64) with a fixed seed.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, bound: usize) -> usize {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut mixed = self.0;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            usize::try_from((mixed ^ (mixed >> 31)) >> 1).unwrap() % bound
        }
    }

    /// Masks by the plain rule: from left to right, the longest secret that begins at a position.
    fn by_the_rule(all: &[&str], text: &[u8]) -> Vec<u8> {
        let (mut out, mut position) = (Vec::new(), 0);
        while position < text.len() {
            let here = all.iter().filter(|secret| text[position..].starts_with(secret.as_bytes()));
            let longest = here.map(|secret| secret.len()).max();
            out.extend_from_slice(if longest.is_some() {
                MASK
            } else {
                &text[position..=position]
            });
            position += longest.unwrap_or(1);
        }
        out
    }

    #[test]
    fn secrets_are_masked_and_nothing_else() {
        let known = secrets(&["access-1-made-up", "short"]);
        let masked = |text: &str| String::from_utf8(whole(&known, text.as_bytes())).unwrap();
        assert_eq!(masked("access-1-made-up"), "***");
        assert_eq!(masked("a access-1-made-up\naccess-1-made-up b"), "a ***\n*** b");
        assert_eq!(masked("access-1-made-u short access-"), "access-1-made-u short access-");
        assert_eq!(whole(&known, b"\0\xff access-1-made-up \xfe"), b"\0\xff *** \xfe");
    }

    #[test]
    fn any_split_gives_what_the_whole_gives() {
        // Only two letters, so that beginnings of secrets are everywhere.
        let families: [&[&str]; 4] = [
            &["abababab"],
            &["aaaaaaaa", "aaaaaaaab", "aaaaaaaaaa"],
            &["aabaabaabaab", "baabaaba", "abaabaab"],
            &["aaaaaaaaaaaab", "aaaabbbb", "bbbbaaaab"],
        ];
        let mut numbers = Numbers(1);
        for round in 0..4000 {
            let all = families[round % families.len()];
            let known = secrets(all);
            let mut text = Vec::new();
            while text.len() < 60 {
                match numbers.below(6) {
                    0 => text.extend_from_slice(all[numbers.below(all.len())].as_bytes()),
                    1 => text.extend_from_slice(&all[0].as_bytes()[..numbers.below(8)]),
                    _ => text.push(b"ab"[numbers.below(2)]),
                }
            }
            let mut pieces: Vec<&[u8]> = Vec::new();
            let mut rest = text.as_slice();
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(1 + numbers.below(rest.len().min(12)));
                pieces.push(piece);
                rest = after;
            }
            let expected = by_the_rule(all, &text);
            assert_eq!(
                whole(&known, &text),
                expected,
                "{all:?} {:?}",
                String::from_utf8_lossy(&text)
            );
            assert_eq!(in_pieces(&known, &pieces), expected, "{all:?} {pieces:?}");
        }
    }

    #[test]
    fn nothing_is_held_beyond_its_time() {
        let known = secrets(&["access-1-made-up"]);
        let (mut masker, mut out, start) =
            (Masker::new(&known, PATIENCE), Vec::new(), Instant::now());
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        masker.push(b"said: acc", at(0), &mut out);
        assert_eq!(out, b"said: ");
        assert_eq!(masker.deadline(), Some(at(100)));
        masker.push(b"ess", at(60), &mut out);
        assert_eq!(masker.deadline(), Some(at(100)), "the first byte came at 0");
        masker.flush(&mut out);
        assert_eq!(out, b"said: access");
        assert_eq!(masker.deadline(), None);
        masker.push(b"-1", at(300), &mut out);
        assert_eq!(masker.deadline(), Some(at(400)));
        masker.push(b"-made-up.", at(310), &mut out);
        assert_eq!(out, b"said: access***.", "at least the end is masked");
        masker.push(b" access", at(320), &mut out);
        masker.flush(&mut out);
        masker.push(b"ories", at(900), &mut out);
        assert_eq!(out, b"said: access***. accessories");
        assert_eq!(masker.deadline(), None);
        // Held since now: the bytes before were no secret.
        masker.push(b"acc", at(1000), &mut out);
        masker.push(b"acc", at(1050), &mut out);
        assert_eq!(masker.deadline(), Some(at(1150)));
    }

    #[test]
    fn what_is_held_for_a_longer_secret_is_masked_when_its_time_is_over() {
        let known = secrets(&["xxabcdefgh12", "abcdefgh"]);
        let (mut masker, mut out, now) =
            (Masker::new(&known, PATIENCE), Vec::new(), Instant::now());
        masker.push(b"xxabcdefgh", now, &mut out);
        assert_eq!(out, b"");
        masker.flush(&mut out);
        assert_eq!(out, b"xx***");
        masker.push(b"1", now, &mut out);
        masker.flush(&mut out);
        masker.push(b"2.", now, &mut out);
        assert_eq!(out, b"xx***1***.");
    }

    #[test]
    fn what_is_added_later_is_masked_beside_what_was_there() {
        let known = secrets(&["access-1-made-up"]);
        let (mut masker, mut out, now) =
            (Masker::new(&known, PATIENCE), Vec::new(), Instant::now());
        masker.push(b"access-2-made-up\n", now, &mut out);
        known.add("access-2-made-up");
        masker.push(b"access-2-made-up access-1-made-up\n", now, &mut out);
        assert_eq!(out, b"access-2-made-up\n*** ***\n");
    }
}
