//! Every kind of tampering, and everything that is none.

use std::fs;
use std::io::Write;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use super::examine::{Fault, Findings, examine};
use super::line::Mark;
use super::state::AuditState;
use super::{append, durable_end, file, prune, read_content, read_entries};
use crate::model::audit::{Action, Caller, Event, Mode, Settings, Subject};
use crate::store::file::VaultFile;

const NOW: Timestamp = Timestamp::constant(1_700_000_000, 123_000_000);
const TIMEOUT: Duration = Duration::from_secs(20);

/// A vault that keeps an audit of `keep` entries.
struct World {
    _home: tempfile::TempDir,
    file: VaultFile,
    state: AuditState,
}

impl World {
    fn keeping(keep: u64) -> Self {
        let home = tempfile::tempdir().unwrap();
        let file = VaultFile::find_or_create(&home.path().join("v/tokens.db")).unwrap();
        file.ensure_sidecar().unwrap();
        let keep = NonZeroU64::new(keep).unwrap();
        let state = AuditState::new(Settings { mode: Mode::BestEffort, keep }).unwrap();
        Self { _home: home, file, state }
    }

    /// With `count` entries, all of which the vault remembers.
    fn with(count: u64) -> Self {
        let mut world = Self::keeping(10_000);
        world.append(count);
        world.remember();
        world
    }

    fn append(&self, count: u64) {
        for _ in 0..count {
            append(&self.file, &self.state, &used(&asker()), TIMEOUT).unwrap();
        }
    }

    /// What every write of a credential does.
    fn remember(&mut self) {
        let found = durable_end(&self.file, &self.state);
        self.seal(found);
    }

    fn seal(&mut self, found: Option<Mark>) {
        self.state = self.state.with(found, None);
    }

    fn prune(&self) {
        prune(&self.file, &self.state, NOW, TIMEOUT).unwrap();
    }

    fn path(&self) -> PathBuf {
        self.file.audit()
    }

    fn lines(&self) -> Vec<String> {
        fs::read_to_string(self.path()).unwrap().lines().map(str::to_owned).collect()
    }

    fn rewrite(&self, lines: &[String]) {
        let ends = if lines.is_empty() { "" } else { "\n" };
        self.overwrite((lines.join("\n") + ends).as_bytes());
    }

    fn overwrite(&self, content: &[u8]) {
        fs::File::create(self.path()).unwrap().write_all(content).unwrap();
    }

    fn examine(&self) -> Findings {
        examine(&read_content(&self.file, TIMEOUT).unwrap(), &self.state)
    }

    fn faults(&self) -> Vec<Fault> {
        self.examine().faults
    }

    /// How many entries were missed, as the entries tell.
    fn missed(&self) -> u64 {
        read_entries(&self.file, TIMEOUT).unwrap().0.iter().map(|entry| entry.missed).sum()
    }
}

fn asker() -> Caller {
    Caller { command: "get", pid: 7, parent: Some("sh".into()) }
}

fn used(caller: &Caller) -> Event<'_> {
    Event {
        at: NOW,
        action: Action::Get,
        of: Subject::Credential { provider: "acme", user: Some("\"x\\\u{202e}") },
        outcome: "ok",
        caller,
    }
}

#[test]
fn what_nobody_touched_is_whole() {
    let world = World::with(5);
    let found = world.examine();
    assert_eq!((found.entries, found.last, found.head), (5, 5, 5));
    assert_eq!((found.faults, found.torn), (vec![], false));
    let (entries, odd) = read_entries(&world.file, TIMEOUT).unwrap();
    assert_eq!((entries.len(), odd), (5, 0));
    assert_eq!(entries[4].n, 5);
    assert_eq!(entries[4].at, "2023-11-14T22:13:20.123Z");
    assert_eq!(entries[4].user.as_deref(), Some("\"x\\\u{202e}"));
}

#[test]
fn any_changed_byte_is_found_in_its_line() {
    let world = World::with(3);
    let whole = fs::read(world.path()).unwrap();
    let mut line = 1;
    for position in 0..whole.len() {
        let mut changed = whole.clone();
        changed[position] ^= 1;
        world.overwrite(&changed);
        let faults = world.faults();
        assert!(!faults.is_empty(), "byte {position} of line {line}");
        if whole[position] == b'\n' {
            line += 1;
        } else {
            assert!(
                faults.iter().any(|fault| fault.line() == Some(line)),
                "byte {position} of line {line}: {faults:?}"
            );
        }
    }
}

#[test]
fn an_entry_that_was_changed_is_told_alone() {
    let world = World::with(5);
    let mut lines = world.lines();
    lines[2] = lines[2].replace("\"ok\"", "\"no\"");
    world.rewrite(&lines);
    assert_eq!(world.faults(), [Fault::Changed { line: 3 }]);
}

#[test]
fn removed_entries_are_found_wherever_they_stood() {
    for (range, fault) in [
        (0..2, Fault::Missing { line: 1, from: 1, to: 2 }),
        (2..3, Fault::Missing { line: 3, from: 3, to: 3 }),
        (3..5, Fault::Cut { from: 4, to: 5 }),
        (0..5, Fault::Cut { from: 1, to: 5 }),
    ] {
        let world = World::with(5);
        let mut lines = world.lines();
        lines.drain(range.clone());
        world.rewrite(&lines);
        assert_eq!(world.faults(), [fault], "{range:?}");
    }
    let world = World::with(5);
    fs::remove_file(world.path()).unwrap();
    assert_eq!(world.faults(), [Fault::Cut { from: 1, to: 5 }]);
}

#[test]
fn moved_and_repeated_entries_are_found() {
    let world = World::with(5);
    let mut lines = world.lines();
    lines.swap(1, 2);
    world.rewrite(&lines);
    assert_eq!(
        world.faults(),
        [Fault::Missing { line: 2, from: 2, to: 2 }, Fault::Misplaced { line: 3, number: 2 }]
    );
    lines.swap(1, 2);
    lines.push(lines[1].clone());
    world.rewrite(&lines);
    assert_eq!(world.faults(), [Fault::Misplaced { line: 6, number: 2 }]);
}

#[test]
fn entries_of_another_key_are_found() {
    let (world, other) = (World::with(3), World::with(3));
    world.rewrite(&other.lines());
    assert_eq!(world.faults(), [Fault::OtherVault]);
}

#[test]
fn an_end_that_was_cut_off_is_missed_only_as_far_as_the_vault_remembers() {
    let world = World::with(3);
    world.append(2);
    let lines = world.lines();
    world.rewrite(&lines[..4]);
    assert_eq!(world.faults(), []);
    world.rewrite(&lines[..3]);
    assert_eq!(world.faults(), []);
    world.rewrite(&lines[..2]);
    assert_eq!(world.faults(), [Fault::Cut { from: 3, to: 3 }]);
}

#[test]
fn a_gap_is_not_closed_by_going_on() {
    for left in [0, 3] {
        let mut world = World::with(5);
        let lines = world.lines();
        world.rewrite(&lines[..left]);
        world.append(1);
        world.remember();
        world.append(2);
        world.remember();
        let line = left as u64 + 1;
        assert_eq!(world.faults(), [Fault::Missing { line, from: line, to: 5 }]);
        assert_eq!(world.state.clone().head.number, 8);
    }
}

#[test]
fn another_end_than_the_vault_remembers_is_not_gone_on_from() {
    let world = World::with(3);
    let other = World::with(4);
    let mut lines = world.lines();
    lines[2] = other.lines()[2].clone();
    world.rewrite(&lines);
    world.append(1);
    let faults = world.faults();
    assert!(faults.contains(&Fault::Other { line: 3, number: 3 }), "{faults:?}");
}

#[test]
fn the_head_only_moves_forward_and_to_what_is_genuine() {
    let mut world = World::with(3);
    let head = world.state.clone().head;
    world.seal(Some(Mark { number: 2, ..head }));
    assert_eq!(world.state.clone().head, head);

    world.append(1);
    let whole = world.lines();
    let mut lines = whole.clone();
    lines[3] = lines[3].replace("{\"n\":4", "{\"n\":999");
    world.rewrite(&lines);
    assert_eq!(durable_end(&world.file, &world.state), None);
    world.rewrite(&whole);
    assert_eq!(durable_end(&world.file, &world.state).unwrap().number, 4);
}

#[test]
fn a_line_that_was_not_finished_is_cut_off_and_counted() {
    let world = World::with(2);
    let half = world.lines()[1][..60].to_owned();
    let mut file = fs::OpenOptions::new().append(true).open(world.path()).unwrap();
    file.write_all(half.as_bytes()).unwrap();
    let found = world.examine();
    assert_eq!((found.torn, found.entries, found.faults), (true, 2, vec![]));
    assert_eq!(durable_end(&world.file, &world.state), None);

    world.append(1);
    assert_eq!(world.lines().len(), 3);
    assert_eq!(world.missed(), 1);
    let found = world.examine();
    assert_eq!((found.torn, found.last, found.faults), (false, 3, vec![]));
}

#[test]
fn what_could_not_be_written_is_counted_in_the_next() {
    let world = World::with(1);
    let held = file::lock(&world.file, TIMEOUT).unwrap();
    for _ in 0..3 {
        let missed = append(&world.file, &world.state, &used(&asker()), Duration::ZERO);
        assert!(missed.is_err());
    }
    drop(held);
    world.append(2);
    assert_eq!((world.missed(), world.lines().len()), (3, 3));
    assert_eq!(world.faults(), []);
}

#[test]
fn a_line_of_nobodys_is_gone_on_after_and_found() {
    for junk in ["junk\n".to_owned(), format!("{}\n", "x".repeat(9000)), "y".repeat(9000)] {
        let world = World::with(2);
        let mut file = fs::OpenOptions::new().append(true).open(world.path()).unwrap();
        file.write_all(junk.as_bytes()).unwrap();
        world.append(2);
        assert_eq!(world.faults(), [Fault::Foreign { line: 3 }]);
        assert_eq!(world.examine().last, 4);
    }
}

#[test]
fn a_link_in_the_files_place_is_not_followed() {
    let world = World::with(1);
    let elsewhere = world.path().with_file_name("elsewhere");
    fs::rename(world.path(), &elsewhere).unwrap();
    let before = fs::read(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, world.path()).unwrap();
    assert!(append(&world.file, &world.state, &used(&asker()), TIMEOUT).is_err());
    assert_eq!(fs::read(&elsewhere).unwrap(), before);
}

#[test]
fn the_pruned_file_is_as_long_as_it_should_be_and_whole() {
    let mut world = World::keeping(10);
    world.append(1);
    // What a process left that was killed at it.
    fs::File::create(world.path().with_extension("new")).unwrap().write_all(b"half").unwrap();
    for _ in 1..60 {
        world.append(1);
        world.remember();
        world.prune();
        let found = world.examine();
        assert_eq!(found.faults, []);
        assert!(found.entries <= 11, "{} entries", found.entries);
    }
    let found = world.examine();
    assert_eq!((found.last, found.head), (60, 60));
    assert!(found.entries >= 10);
    assert!(world.lines()[0].starts_with("{\"anchor\":"), "{}", world.lines()[0]);
    assert_eq!(read_entries(&world.file, TIMEOUT).unwrap().1, 0);
}

/// 20 entries, of which the last 10 are left.
fn pruned() -> World {
    let mut world = World::keeping(10);
    world.append(20);
    world.remember();
    world.prune();
    assert_eq!(world.lines().len(), 11);
    world
}

#[test]
fn an_anchor_vouches_for_no_more_than_it_says() {
    let world = pruned();
    let whole = world.lines();
    world.rewrite(&whole[1..]);
    assert_eq!(world.faults(), [Fault::Missing { line: 1, from: 1, to: 10 }]);

    let mut lines = whole.clone();
    lines.remove(1);
    world.rewrite(&lines);
    assert_eq!(world.faults(), [Fault::Missing { line: 2, from: 11, to: 11 }]);

    let mut lines = whole.clone();
    lines[0] = lines[0].replace("{\"anchor\":10", "{\"anchor\":11");
    lines.remove(1);
    world.rewrite(&lines);
    assert!(world.faults().contains(&Fault::Changed { line: 1 }), "{:?}", world.faults());

    let mut lines = whole;
    lines.swap(0, 1);
    world.rewrite(&lines);
    assert!(world.faults().contains(&Fault::Foreign { line: 2 }), "{:?}", world.faults());
}

#[test]
fn the_end_of_a_pruned_file_can_be_cut_no_less() {
    let world = pruned();
    world.rewrite(&world.lines()[..1]);
    assert_eq!(world.faults(), [Fault::Cut { from: 11, to: 20 }]);
}

#[test]
fn what_was_wrong_is_remembered_when_it_is_pruned() {
    let mut world = World::keeping(10);
    world.append(20);
    let mut lines = world.lines();
    lines[4] = lines[4].replace("\"ok\"", "\"no\"");
    world.rewrite(&lines);
    world.remember();
    world.prune();
    assert_eq!(world.faults(), [Fault::Pruned { up_to: 10 }]);

    // For as many entries again as are kept.
    world.append(10);
    world.remember();
    world.prune();
    assert_eq!(world.faults(), [Fault::Pruned { up_to: 10 }]);
    world.append(2);
    world.remember();
    world.prune();
    assert_eq!(world.faults(), []);
}

#[test]
fn junk_does_not_push_what_is_wrong_out_of_sight() {
    let mut world = World::keeping(10);
    world.append(10);
    world.remember();
    let mut lines = vec!["junk".to_owned(); 50];
    lines.extend(world.lines().split_off(5));
    world.rewrite(&lines);
    world.append(1);
    world.remember();
    world.prune();
    assert_ne!(world.faults(), []);
}

#[test]
fn many_at_once_keep_one_chain_while_it_is_pruned() {
    let world = World::keeping(30);
    let (file, state) = (&world.file, world.state.clone());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for turn in 0..25 {
                    append(file, &state, &used(&asker()), TIMEOUT).unwrap();
                    if turn % 5 == 0 {
                        prune(file, &state, NOW, TIMEOUT).unwrap();
                    }
                }
            });
        }
    });
    let found = world.examine();
    assert_eq!((found.last, found.faults), (200, vec![]));
}
