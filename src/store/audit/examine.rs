//! Verifying the whole file of the audit.

use std::fmt;

use super::line::{Kind, Line, Mark};
use super::state::AuditState;

/// The findings of a verification of the whole file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Findings {
    /// The number of entries in the file.
    pub(crate) entries: u64,
    /// The number of the last entry; 0 for none.
    pub(crate) last: u64,
    /// The number of the last entry that the vault remembers; 0 for none.
    pub(crate) head: u64,
    /// Whether the file ends with an unfinished line.
    pub(crate) torn: bool,
    /// The faults, in the order of the file.
    pub(crate) faults: Vec<Fault>,
}

/// A change to the file that tokctl did not make. Lines count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The vault has no key for any line: it is another copy of the vault, or somebody removed the
    /// key.
    OtherCopy,
    /// The vault is older than the one that this machine wrote in its place, and the file may have
    /// been cut to match it.
    PutBack,
    /// No line is of this vault: another vault was in its place, or somebody exchanged them all.
    OtherVault,
    /// The line does not have the form of an entry or anchor.
    Foreign { line: u64 },
    /// The text or the code of an entry or anchor was changed.
    Changed { line: u64 },
    /// Entries before this line were removed.
    Missing { line: u64, from: u64, to: u64 },
    /// An entry is at a position where it was not written.
    Misplaced { line: u64, number: u64 },
    /// The code of the entry differs from the one that the vault remembers for its number.
    Other { line: u64, number: u64 },
    /// The end was cut off, up to the last entry that the vault remembers.
    Cut { from: u64, to: u64 },
    /// Something was wrong with entries that were pruned later.
    Pruned { up_to: u64 },
}

impl Fault {
    /// Returns the line of the fault, if it has one.
    pub(super) fn line(&self) -> Option<u64> {
        match *self {
            Self::Foreign { line }
            | Self::Changed { line }
            | Self::Missing { line, .. }
            | Self::Misplaced { line, .. }
            | Self::Other { line, .. } => Some(line),
            Self::OtherCopy
            | Self::PutBack
            | Self::OtherVault
            | Self::Cut { .. }
            | Self::Pruned { .. } => None,
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
            Self::PutBack => f.write_str(
                "the vault is older than this machine has seen, so entries may have been cut off",
            ),
            Self::OtherVault => f.write_str(
                "none of its entries is of this vault, as after a vault was put in the place of another; \
                 or all of them were exchanged",
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

/// Verifies all lines of `file` with the key and the head in `state`.
///
/// After a fault, the verification goes on from the line as it is, so that each fault is reported
/// once.
pub(crate) fn examine(file: &[u8], state: &AuditState) -> Findings {
    let mut found = Findings { head: state.head.number, ..Findings::default() };
    let mut expected = Mark::START;
    let (mut lines_read, mut is_own) = (0_u64, false);
    let (whole, torn) = match file.iter().rposition(|byte| *byte == b'\n') {
        Some(end) => (&file[..end], &file[end + 1..]),
        None => (&[][..], file),
    };
    found.torn = !torn.is_empty();
    let lines =
        whole.split(|byte| *byte == b'\n').take(if whole.is_empty() { 0 } else { usize::MAX });
    for (line, text) in (1..).zip(lines) {
        match Line::parse(text) {
            Some(parsed) => {
                lines_read += 1;
                is_own |= found.line(line, &parsed, &mut expected, state);
            }
            None => found.faults.push(Fault::Foreign { line }),
        }
    }
    found.last = expected.number;
    if found.last < state.head.number {
        found.faults.push(Fault::Cut { from: found.last + 1, to: state.head.number });
    }
    if lines_read > 1 && !is_own {
        found.faults = vec![Fault::OtherVault];
    }
    found
}

/// Returns the findings for a vault that has no key for the audit: a file with any content is a
/// fault.
pub(crate) fn examine_without_key(file: &[u8]) -> Findings {
    let faults = if file.is_empty() { Vec::new() } else { vec![Fault::OtherCopy] };
    Findings { faults, ..Findings::default() }
}

impl Findings {
    /// Verifies a line, and returns whether this vault wrote it.
    fn line(
        &mut self,
        line: u64,
        parsed: &Line<'_>,
        expected: &mut Mark,
        state: &AuditState,
    ) -> bool {
        let holds = parsed.holds(&state.key, &expected.link);
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
                if parsed.mark().number == state.head.number && parsed.mark() != state.head {
                    self.faults.push(Fault::Other { line, number });
                }
            }
        }
        holds
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
