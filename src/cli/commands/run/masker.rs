//! Taking secrets out of a stream of bytes.
//!
//! Decides what is passed on and when; reads and writes nothing, and asks no clock.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use memchr::memmem::Finder;
use zeroize::Zeroizing;

/// What stands in the place of a secret.
const MASK: &[u8] = b"***";

/// A shorter secret is part of too much that is none.
const SHORTEST: usize = 8;

/// The longest that what may be the beginning of a secret is held back.
const PATIENCE: Duration = Duration::from_millis(100);

/// The secrets to look for, which several streams share. None is ever taken away: what is old may
/// be printed still.
#[derive(Default)]
pub(super) struct Secrets {
    all: Mutex<Vec<Zeroizing<Vec<u8>>>>,
    count: AtomicUsize,
}

impl Secrets {
    /// Adds a secret, unless it is too short to be told from other text.
    pub(super) fn add(&self, secret: &str) {
        if secret.chars().count() < SHORTEST {
            return;
        }
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.iter().any(|known| known.as_slice() == secret.as_bytes()) {
            all.push(Zeroizing::new(secret.as_bytes().to_vec()));
            self.count.store(all.len(), Ordering::SeqCst);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count.load(Ordering::SeqCst) == 0
    }
}

/// One stream.
pub(super) struct Masker<'a> {
    secrets: &'a Secrets,
    needles: Vec<Needle>,
    /// What came and may be the beginning of a secret.
    held: Zeroizing<Vec<u8>>,
    /// How many bytes of it were passed on, since the rest took too long. They are looked at still:
    /// of a secret that comes slowly, at least the end is masked.
    shown: usize,
    /// When the first byte that was not passed on came.
    since: Option<Instant>,
}

struct Needle {
    secret: Zeroizing<Vec<u8>>,
    finder: Finder<'static>,
}

impl<'a> Masker<'a> {
    pub(super) fn new(secrets: &'a Secrets) -> Self {
        let held = Zeroizing::default();
        Self { secrets, needles: Vec::new(), held, shown: 0, since: None }
    }

    /// Takes what came at `now`, and adds to `out` what can be passed on.
    pub(super) fn push(&mut self, bytes: &[u8], now: Instant, out: &mut Vec<u8>) {
        self.learn();
        let before = self.held.len();
        let waited = self.since.take();
        let joined;
        let text = if before == 0 {
            bytes
        } else {
            joined = Zeroizing::new([self.held.as_slice(), bytes].concat());
            joined.as_slice()
        };
        let (open, shown) = pass_on(&self.needles, text, self.shown, Last::Piece, out);
        // What was held before and is held still waits since then.
        self.since = (shown < text.len()).then(|| waited.filter(|_| shown < before).unwrap_or(now));
        self.shown = shown - open;
        self.held = Zeroizing::new(text[open..].to_vec());
    }

    /// When what is held back has to be passed on.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.since.map(|since| since + PATIENCE)
    }

    /// Passes on what is held back: its time is over, or nothing follows.
    pub(super) fn flush(&mut self, out: &mut Vec<u8>) {
        pass_on(&self.needles, &self.held, self.shown, Last::OfAll, out);
        self.shown = self.held.len();
        self.since = None;
    }

    /// Takes over secrets that were added since.
    fn learn(&mut self) {
        let known = self.needles.len();
        if self.secrets.count.load(Ordering::SeqCst) == known {
            return;
        }
        let all = self.secrets.all.lock().unwrap_or_else(PoisonError::into_inner);
        self.needles.extend(all[known..].iter().map(|secret| Needle {
            finder: Finder::new(secret.as_slice()).into_owned(),
            secret: secret.clone(),
        }));
    }
}

/// Whether more of a text may follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Piece,
    OfAll,
}

/// Adds to `out` what of `text` can be passed on, of which so many bytes were passed on before.
/// Returns where what is to be held begins, and how many bytes are passed on now.
fn pass_on(
    needles: &[Needle],
    text: &[u8],
    mut shown: usize,
    last: Last,
    out: &mut Vec<u8>,
) -> (usize, usize) {
    let mut search = Search { text, needles, next: vec![Some(0); needles.len()] };
    let open_from = |search: &Search<'_>, position| match last {
        Last::Piece => search.open_from(position),
        Last::OfAll => text.len(),
    };
    let mut position = 0;
    let mut open = open_from(&search, 0);
    // One that begins no earlier than what is open still may be part of that.
    while let Some((start, end)) = search.first(position).filter(|(start, _)| *start < open) {
        if end > shown {
            out.extend_from_slice(&text[shown.clamp(position, start)..start]);
            out.extend_from_slice(MASK);
            shown = end;
        }
        position = end;
        if open < position {
            open = open_from(&search, position);
        }
    }
    out.extend_from_slice(&text[shown.clamp(position, open)..open]);
    (open, shown.max(open))
}

/// The search through one piece of text.
struct Search<'a> {
    text: &'a [u8],
    needles: &'a [Needle],
    /// Where each needle is found next, or from where to look; `None`: no more.
    next: Vec<Option<usize>>,
}

impl Search<'_> {
    /// The first secret at or after `position`, and of those that begin there the longest.
    fn first(&mut self, position: usize) -> Option<(usize, usize)> {
        let mut best: Option<(usize, usize)> = None;
        for (needle, next) in self.needles.iter().zip(&mut self.next) {
            let Some(from) = *next else { continue };
            let is_found = from >= position && self.text[from..].starts_with(&needle.secret);
            if !is_found {
                let from = from.max(position);
                *next = needle.finder.find(&self.text[from..]).map(|offset| from + offset);
            }
            let Some(start) = *next else { continue };
            let end = start + needle.secret.len();
            if best.is_none_or(|(first, last)| (start, last) < (first, end)) {
                best = Some((start, end));
            }
        }
        best
    }

    /// Where, at or after `position`, what may become a secret begins: it is the beginning of one,
    /// and reaches to the end. The end, if there is none.
    fn open_from(&self, position: usize) -> usize {
        let longest = self.needles.iter().map(|needle| needle.secret.len()).max().unwrap_or(0);
        let from = (self.text.len() + 1).saturating_sub(longest).max(position);
        let begins = |start: &usize| {
            let rest = &self.text[*start..];
            self.needles
                .iter()
                .any(|Needle { secret, .. }| secret.len() > rest.len() && secret.starts_with(rest))
        };
        (from..self.text.len()).find(begins).unwrap_or(self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    /// Masks a text that comes in these pieces, without a pause between them.
    fn in_pieces(secrets: &Secrets, pieces: &[&[u8]]) -> Vec<u8> {
        let (mut masker, mut out, now) = (Masker::new(secrets), Vec::new(), Instant::now());
        for piece in pieces {
            masker.push(piece, now, &mut out);
        }
        masker.flush(&mut out);
        out
    }

    /// A small generator of numbers (splitmix64), the same at every run.
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

    /// The rule by itself: from left to right, the longest secret that begins somewhere.
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
        // Two letters alone, so that beginnings of secrets are everywhere.
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
        let (mut masker, mut out, start) = (Masker::new(&known), Vec::new(), Instant::now());
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
        // Held anew: what came before was no secret.
        masker.push(b"acc", at(1000), &mut out);
        masker.push(b"acc", at(1050), &mut out);
        assert_eq!(masker.deadline(), Some(at(1150)));
    }

    #[test]
    fn what_is_held_for_a_longer_secret_is_masked_when_its_time_is_over() {
        let known = secrets(&["xxabcdefgh12", "abcdefgh"]);
        let (mut masker, mut out, now) = (Masker::new(&known), Vec::new(), Instant::now());
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
        let (mut masker, mut out, now) = (Masker::new(&known), Vec::new(), Instant::now());
        masker.push(b"access-2-made-up\n", now, &mut out);
        known.add("access-2-made-up");
        masker.push(b"access-2-made-up access-1-made-up\n", now, &mut out);
        assert_eq!(out, b"access-2-made-up\n*** ***\n");
        assert!(Secrets::default().is_empty() && !known.is_empty());
    }
}
