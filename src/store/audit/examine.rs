//! Whether the file is whole.

use std::fmt;

use super::line::{Kind, Line, Mark};
use super::sealed::AuditState;

/// What a look at the whole file found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Findings {
    /// How many entries there are.
    pub(crate) entries: u64,
    /// The number of the last one, and of the last that the vault remembers; 0 for none.
    pub(crate) last: u64,
    pub(crate) head: u64,
    /// Whether the file ends with a line that was not finished.
    pub(crate) torn: bool,
    /// What is wrong, in the order of the file.
    pub(crate) faults: Vec<Fault>,
}

/// Something that tokctl did not do. Lines are counted from 1, as editors do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The vault has nothing that any line could be verified with. It is a copy that was put in
    /// another's place, or somebody took that out of it.
    OtherCopy,
    /// It is none of tokctl's lines.
    Foreign { line: u64 },
    /// The text or the code of an entry or anchor is another.
    Changed { line: u64 },
    /// Entries are gone that stood before this line.
    Missing { line: u64, from: u64, to: u64 },
    /// An entry stands where it was not written.
    Misplaced { line: u64, number: u64 },
    /// It is as good as written by tokctl, but the vault remembers another one of that number.
    Other { line: u64, number: u64 },
    /// The end is gone, up to the last entry that the vault remembers.
    Cut { from: u64, to: u64 },
    /// Something was wrong with entries that were pruned since.
    Pruned { up_to: u64 },
}

impl Fault {
    /// The line, where there is one.
    pub(super) fn line(&self) -> Option<u64> {
        match *self {
            Self::Foreign { line }
            | Self::Changed { line }
            | Self::Missing { line, .. }
            | Self::Misplaced { line, .. }
            | Self::Other { line, .. } => Some(line),
            Self::OtherCopy | Self::Cut { .. } | Self::Pruned { .. } => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::OtherCopy => f.write_str(
                "its entries are of another copy of the vault, as after a restore, or what verifies \
                 them was taken away",
            ),
            Self::Foreign { line } => write!(f, "line {line} is none that tokctl wrote"),
            Self::Changed { line } => write!(f, "line {line} was changed"),
            Self::Missing { line, from, to } => {
                write!(f, "{} removed before line {line}", entries(from, to))
            }
            Self::Misplaced { line, number } => {
                write!(f, "line {line} holds entry {number}, which belongs elsewhere")
            }
            Self::Other { line, number } => {
                write!(f, "line {line} holds another entry {number} than the vault remembers")
            }
            Self::Cut { from, to } => write!(f, "{} cut off at the end", entries(from, to)),
            Self::Pruned { up_to } => {
                write!(f, "something was wrong with entries up to {up_to}, which were pruned since")
            }
        }
    }
}

fn entries(from: u64, to: u64) -> String {
    if from == to { format!("entry {from} was") } else { format!("entries {from} to {to} were") }
}

/// Compares all lines of `file` with each other, and with what the vault keeps.
///
/// After something wrong it goes on from what the next line says, so that each fault is told once.
pub(crate) fn examine(file: &[u8], sealed: &AuditState) -> Findings {
    let mut found = Findings { head: sealed.head.number, ..Findings::default() };
    let mut expected = Mark::START;
    let (whole, torn) = match file.iter().rposition(|byte| *byte == b'\n') {
        Some(end) => (&file[..end], &file[end + 1..]),
        None => (&[][..], file),
    };
    found.torn = !torn.is_empty();
    let lines =
        whole.split(|byte| *byte == b'\n').take(if whole.is_empty() { 0 } else { usize::MAX });
    for (line, text) in (1..).zip(lines) {
        match Line::parse(text) {
            Some(parsed) => found.line(line, &parsed, &mut expected, sealed),
            None => found.faults.push(Fault::Foreign { line }),
        }
    }
    found.last = expected.number;
    if found.last < sealed.head.number {
        found.faults.push(Fault::Cut { from: found.last + 1, to: sealed.head.number });
    }
    found
}

/// The same where the vault has no key for it: whatever stands in the file is not to be trusted.
pub(crate) fn examine_without_key(file: &[u8]) -> Findings {
    let faults = if file.is_empty() { Vec::new() } else { vec![Fault::OtherCopy] };
    Findings { faults, ..Findings::default() }
}

impl Findings {
    fn line(&mut self, line: u64, parsed: &Line<'_>, expected: &mut Mark, sealed: &AuditState) {
        let holds = parsed.holds(&sealed.key, &expected.link);
        match parsed.kind {
            Kind::Anchor { .. } if line != 1 => self.faults.push(Fault::Foreign { line }),
            Kind::Anchor { last, damaged } => {
                if !holds {
                    self.faults.push(Fault::Changed { line });
                }
                self.faults.extend(damaged.map(|up_to| Fault::Pruned { up_to }));
                *expected = last;
            }
            Kind::Entry { number } => {
                self.entries += 1;
                self.entry(line, number, holds, expected);
                if number > expected.number {
                    *expected = parsed.mark();
                }
                if parsed.mark().number == sealed.head.number && parsed.mark() != sealed.head {
                    self.faults.push(Fault::Other { line, number });
                }
            }
        }
    }

    fn entry(&mut self, line: u64, number: u64, holds: bool, expected: &Mark) {
        let next = expected.number.saturating_add(1);
        if number < next {
            self.faults.push(Fault::Misplaced { line, number });
        } else if number > next {
            self.faults.push(Fault::Missing { line, from: next, to: number - 1 });
        } else if !holds {
            self.faults.push(Fault::Changed { line });
        }
    }
}
