//! A search for many texts at once.
//!
//! A vector search finds the first bytes of any of them, and what follows is then compared. The
//! cost hardly depends on the number of texts: each token comes in several forms.

use std::collections::BTreeMap;

use aho_corasick::Span;
use aho_corasick::packed::{self, MatchKind};
use memchr::memmem::Finder;

use super::forms::Form;

/// The number of bytes at the beginning of a text that are searched for. No text is shorter.
const ANCHOR: usize = 8;

/// The largest number of anchors that one search takes.
const TOGETHER: usize = 64;

/// The length of the shortest line, other than the first, of a text that is broken into lines.
const SHORTEST_LINE: usize = 16;

type Anchor = [u8; ANCHOR];

/// The texts to search for.
#[derive(Default)]
pub(super) struct Needles {
    /// The number of tokens that the texts are forms of.
    pub(super) tokens: usize,
    by_anchor: BTreeMap<Anchor, Vec<Form>>,
    searchers: Vec<Searcher>,
    /// A bit for each pair of bytes, which tells whether a text begins with it.
    beginnings: Vec<u64>,
    /// The length of the longest text in a stream, in bytes.
    longest: usize,
}

/// The result of comparing a form with the text at one position.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    /// The whole text is there, and ends here.
    Whole(usize),
    /// The text ends before the form does.
    Begun,
    Other,
}

impl Needles {
    /// Adds `forms`, each of which has at least [`ANCHOR`] bytes.
    pub(super) fn add(&mut self, forms: impl Iterator<Item = Form>) {
        self.beginnings.resize(1 << 10, 0);
        for form in forms {
            let Some(anchor) = form.text.first_chunk::<ANCHOR>() else { continue };
            let pair = pair(form.text[0], form.text[1]);
            self.beginnings[pair / 64] |= 1 << (pair % 64);
            self.longest = self.longest.max(longest(&form));
            let here = self.by_anchor.entry(*anchor).or_default();
            if !here.contains(&form) {
                here.push(form);
            }
        }
        let anchors: Vec<Anchor> = self.by_anchor.keys().copied().collect();
        self.searchers = anchors.chunks(TOGETHER).flat_map(Searcher::all).collect();
    }

    /// Returns where `text` ends in a possible beginning of a secret, at or after `position`.
    ///
    /// Without one, returns the end of the text.
    pub(super) fn open_from(&self, text: &[u8], position: usize) -> usize {
        let from = (text.len() + 1).saturating_sub(self.longest).max(position);
        (from..text.len()).find(|start| self.is_begun_at(text, *start)).unwrap_or(text.len())
    }

    fn is_begun_at(&self, text: &[u8], start: usize) -> bool {
        let begun = |form: &Form| compare(form, text, start) == Comparison::Begun;
        match &text[start..] {
            [first, second, ..] => {
                let pair = pair(*first, *second);
                self.beginnings[pair / 64] >> (pair % 64) & 1 == 1
                    && self.by_anchor.values().flatten().any(begun)
            }
            [_] | [] => self.by_anchor.values().flatten().any(begun),
        }
    }

    /// Returns the end of the longest secret at `start`, if there is one.
    fn longest_at(&self, text: &[u8], start: usize) -> Option<usize> {
        let anchor = text[start..].first_chunk::<ANCHOR>()?;
        let ends = self.by_anchor.get(anchor)?.iter().map(|form| compare(form, text, start));
        let ends = ends.filter_map(|found| match found {
            Comparison::Whole(end) => Some(end),
            Comparison::Begun | Comparison::Other => None,
        });
        ends.max()
    }
}

fn pair(first: u8, second: u8) -> usize {
    usize::from(first) << 8 | usize::from(second)
}

/// Returns the number of bytes that `form` takes at most, with the ends of its lines.
fn longest(form: &Form) -> usize {
    let breaks = if form.breaks { 1 + form.text.len() / SHORTEST_LINE } else { 0 };
    form.text.len() + 2 * breaks
}

fn compare(form: &Form, text: &[u8], start: usize) -> Comparison {
    let rest = &text[start..];
    let common = rest.len().min(form.text.len());
    if rest[..common] == form.text[..common] {
        return if common == form.text.len() {
            Comparison::Whole(start + common)
        } else {
            Comparison::Begun
        };
    }
    if form.breaks { compare_lines(form, text, start) } else { Comparison::Other }
}

/// Compares a form that may be broken into lines.
fn compare_lines(form: &Form, text: &[u8], start: usize) -> Comparison {
    let (mut at, mut line) = (start, None);
    for (index, byte) in form.text.iter().enumerate() {
        let is_long = index >= ANCHOR && line.is_none_or(|begin| index - begin >= SHORTEST_LINE);
        if is_long {
            let is_return = text.get(at) == Some(&b'\r');
            let end = at + usize::from(is_return);
            if text.get(end) == Some(&b'\n') {
                (at, line) = (end + 1, Some(index));
            } else if is_return && end == text.len() {
                return Comparison::Begun;
            }
        }
        match text.get(at) {
            None => return Comparison::Begun,
            Some(other) if other != byte => return Comparison::Other,
            Some(_) => at += 1,
        }
    }
    Comparison::Whole(at)
}

/// A search for any of several anchors.
enum Searcher {
    Vector(packed::Searcher),
    /// One search for each text, where the processor has no vectors.
    Single(Box<Finder<'static>>),
}

impl Searcher {
    /// Returns as few searches as the processor needs for `anchors`.
    fn all(anchors: &[Anchor]) -> Vec<Self> {
        let mut builder = packed::Config::new().match_kind(MatchKind::LeftmostFirst).builder();
        match (builder.extend(anchors).build(), anchors) {
            (Some(searcher), _) => vec![Self::Vector(searcher)],
            (None, [anchor]) => vec![Self::Single(Box::new(Finder::new(anchor).into_owned()))],
            (None, _) => {
                let (some, others) = anchors.split_at(anchors.len() / 2);
                [some, others].into_iter().flat_map(Self::all).collect()
            }
        }
    }

    /// Returns where an anchor begins, at or after `from`.
    fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        match self {
            Self::Vector(searcher) => {
                let found = searcher.find_in(text, Span { start: from, end: text.len() })?;
                Some(found.start())
            }
            Self::Single(finder) => finder.find(&text[from..]).map(|offset| from + offset),
        }
    }
}

/// A search for all secrets in one text, from its beginning to its end.
pub(super) struct Search<'a> {
    needles: &'a Needles,
    text: &'a [u8],
    /// The secret that each searcher found last.
    next: Vec<Next>,
}

#[derive(Clone, Copy)]
enum Next {
    Unknown,
    At(usize, usize),
    NoMore,
}

impl<'a> Search<'a> {
    pub(super) fn new(needles: &'a Needles, text: &'a [u8]) -> Self {
        Self { needles, text, next: vec![Next::Unknown; needles.searchers.len()] }
    }

    /// Returns the first secret at or after `position`, and the longest of those that begin there.
    pub(super) fn first(&mut self, position: usize) -> Option<(usize, usize)> {
        let mut best: Option<(usize, usize)> = None;
        for (searcher, next) in self.needles.searchers.iter().zip(&mut self.next) {
            *next = match *next {
                Next::NoMore => Next::NoMore,
                Next::At(start, end) if start >= position => Next::At(start, end),
                Next::At(..) | Next::Unknown => search(self.needles, searcher, self.text, position),
            };
            if let Next::At(start, end) = *next
                && best.is_none_or(|(first, _)| start < first)
            {
                best = Some((start, end));
            }
        }
        best
    }
}

fn search(needles: &Needles, searcher: &Searcher, text: &[u8], mut from: usize) -> Next {
    while let Some(start) = searcher.find(text, from) {
        if let Some(end) = needles.longest_at(text, start) {
            return Next::At(start, end);
        }
        from = start + 1;
    }
    Next::NoMore
}
