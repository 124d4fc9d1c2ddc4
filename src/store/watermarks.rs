//! Watermarks: the highest numbers of a vault that this machine saw.
//!
//! Whoever can write to the vault's file can put an older row back, or the whole older file, and
//! every seal opens. A refresh token in it may be spent. So this machine keeps, outside the vault,
//! the highest number that it saw of the header and of each credential. They are read only on the
//! way to a request or a write, and losing them is no error: then this machine knows nothing yet.
//!
//! There is one file for each vault, in the state directory. It begins with sorted records, in
//! which one is found by a few reads. Behind them, each process appends what it commits, and
//! another process loses none of it: whoever appends has a shared lock, and whoever sorts has the
//! lock alone and puts a new file in its place. Accounts stand there as hashes.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::locks::is_same;
use super::watermark::{RECORD, Subject, Watermark, decode, encode};
use crate::private_file;
use crate::vault::seal::VaultId;

/// The first bytes of a file. The number of sorted records follows.
const MAGIC: [u8; 8] = *b"tokseen1";

/// The length of what stands before the records.
const HEAD: usize = 16;

/// The smallest number of unsorted records that are sorted in.
const SORT_FROM: u64 = 1024;

/// The time for which a process that sorts is waited for: a few milliseconds unless it was stopped.
const PATIENCE: Duration = Duration::from_secs(2);

/// The pause between two tries to append.
const POLL: Duration = Duration::from_millis(1);

/// The number of subjects up to which each is searched for by itself.
const FEW: usize = 16;

/// The watermarks of all vaults, in one directory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watermarks {
    /// `None` where nothing says where the state directory is: then nothing is kept.
    directory: Option<PathBuf>,
}

impl Watermarks {
    /// Returns the watermarks that are kept in `directory`; without one, nothing is remembered.
    pub(crate) fn in_directory(directory: Option<PathBuf>) -> Self {
        Self { directory }
    }

    /// Returns the highest number seen of each of `subjects`; 0 where none is known.
    pub(super) fn highest(&self, vault: VaultId, subjects: &[Subject]) -> Vec<u64> {
        let none = || vec![0; subjects.len()];
        let Some(path) = self.path(vault) else { return none() };
        let Ok(file) = private_file::open_plain(&path) else { return none() };
        let Ok(Some(marks)) = Marks::of(&file) else { return none() };
        let found = if subjects.len() > FEW {
            marks.highest_of(subjects)
        } else {
            subjects.iter().map(|subject| marks.highest(*subject)).collect()
        };
        found.unwrap_or_else(|_: io::Error| none())
    }

    /// Keeps `marks`. A failure is no error: what is kept here only adds to what the vault tells.
    pub(super) fn keep(&self, vault: VaultId, marks: &[Watermark]) {
        if let Some(path) = self.path(vault)
            && !marks.is_empty()
        {
            let _ = append(&path, marks);
        }
    }

    fn path(&self, vault: VaultId) -> Option<PathBuf> {
        Some(self.directory.as_ref()?.join(format!("{}.seen", vault.hex())))
    }
}

/// The content of an open file.
struct Marks<'a> {
    file: &'a File,
    sorted: u64,
    unsorted: Vec<u8>,
}

impl<'a> Marks<'a> {
    /// Reads the unsorted records of `file`; returns `None` if it is not such a file.
    fn of(file: &'a File) -> io::Result<Option<Self>> {
        let mut head = [0; HEAD];
        match file.read_exact_at(&mut head, 0) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let (magic, sorted) = head.split_at(MAGIC.len());
        let sorted = u64::from_le_bytes(sorted.try_into().unwrap_or_default());
        let length = file.metadata()?.len();
        let Some(begin) = sorted.checked_mul(RECORD as u64).map(|length| HEAD as u64 + length)
        else {
            return Ok(None);
        };
        let Some(rest) = length.checked_sub(begin).filter(|_| magic == MAGIC) else {
            return Ok(None);
        };
        let mut unsorted = vec![0; usize::try_from(rest).unwrap_or(0)];
        // Whoever sorts puts another file in place, so an open one only grows.
        file.read_exact_at(&mut unsorted, begin)?;
        Ok(Some(Self { file, sorted, unsorted }))
    }

    fn highest(&self, subject: Subject) -> io::Result<u64> {
        let mut highest = self.sorted(subject)?.unwrap_or(0);
        for mark in self.unsorted().filter(|mark| mark.subject == subject) {
            highest = if mark.accepted { mark.number } else { highest.max(mark.number) };
        }
        Ok(highest)
    }

    /// Returns the highest number of each of many subjects, while the file is read once.
    fn highest_of(&self, subjects: &[Subject]) -> io::Result<Vec<u64>> {
        const AT_ONCE: u64 = 2048;
        let mut order: Vec<usize> = (0..subjects.len()).collect();
        order.sort_unstable_by_key(|at| subjects[*at]);
        let (mut found, mut next) = (vec![0; subjects.len()], 0);
        let mut read = 0;
        while read < self.sorted && next < order.len() {
            let count = AT_ONCE.min(self.sorted - read);
            let mut records = vec![0; usize::try_from(count).unwrap_or(0) * RECORD];
            self.file.read_exact_at(&mut records, HEAD as u64 + read * RECORD as u64)?;
            read += count;
            for mark in records.as_chunks::<RECORD>().0.iter().filter_map(decode) {
                while order.get(next).is_some_and(|at| subjects[*at] < mark.subject) {
                    next += 1;
                }
                while let Some(at) = order.get(next).filter(|at| subjects[**at] == mark.subject) {
                    found[*at] = mark.number;
                    next += 1;
                }
            }
        }
        for mark in self.unsorted() {
            let first = order.partition_point(|at| subjects[*at] < mark.subject);
            for at in order[first..].iter().take_while(|at| subjects[**at] == mark.subject) {
                let highest = &mut found[*at];
                *highest = if mark.accepted { mark.number } else { mark.number.max(*highest) };
            }
        }
        Ok(found)
    }

    fn sorted(&self, subject: Subject) -> io::Result<Option<u64>> {
        let (mut first, mut behind) = (0, self.sorted);
        while first < behind {
            let middle = first + (behind - first) / 2;
            let mut record = [0; RECORD];
            self.file.read_exact_at(&mut record, HEAD as u64 + middle * RECORD as u64)?;
            let Some(mark) = decode(&record) else { return Ok(None) };
            match mark.subject.cmp(&subject) {
                std::cmp::Ordering::Less => first = middle + 1,
                std::cmp::Ordering::Equal => return Ok(Some(mark.number)),
                std::cmp::Ordering::Greater => behind = middle,
            }
        }
        Ok(None)
    }

    fn unsorted(&self) -> impl Iterator<Item = Watermark> {
        self.unsorted.as_chunks::<RECORD>().0.iter().filter_map(decode)
    }

    /// Returns all numbers.
    fn all(&self) -> io::Result<BTreeMap<Subject, u64>> {
        let length = usize::try_from(self.sorted).unwrap_or(0) * RECORD;
        let mut sorted = vec![0; length];
        self.file.read_exact_at(&mut sorted, HEAD as u64)?;
        let sorted = sorted.as_chunks::<RECORD>().0.iter().filter_map(decode);
        let mut all: BTreeMap<_, _> = sorted.map(|mark| (mark.subject, mark.number)).collect();
        for mark in self.unsorted() {
            let highest = all.entry(mark.subject).or_default();
            *highest = if mark.accepted { mark.number } else { mark.number.max(*highest) };
        }
        all.retain(|_, number| *number > 0);
        Ok(all)
    }
}

/// Appends `marks` to the file at `path`, and sorts the file when that is worth it.
fn append(path: &Path, marks: &[Watermark]) -> io::Result<()> {
    let bytes: Vec<u8> = marks.iter().flat_map(encode).collect();
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let file = open_or_create(path)?;
        match file.try_lock_shared() {
            Ok(()) if is_same(&file, path)? => {}
            Ok(()) => continue,
            Err(TryLockError::WouldBlock) => {
                std::thread::sleep(POLL);
                continue;
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let Some(found) = Marks::of(&file)? else {
            // A file that is new, or none of tokctl's.
            drop(file);
            begin_anew(path)?;
            continue;
        };
        // A record that a full disk tore is followed by a whole one: see `begin_anew`.
        let torn = found.unsorted.len() % RECORD;
        if torn != 0 {
            drop(file);
            sort(path)?;
            continue;
        }
        let (sorted, unsorted) = (found.sorted, (found.unsorted.len() / RECORD) as u64);
        // One write to a file that is opened for appending: no other process writes in between.
        let mut appending = &file;
        appending.write_all(&bytes)?;
        drop(file);
        if unsorted + marks.len() as u64 > SORT_FROM.max(sorted / 8) {
            sort(path)?;
        }
        return Ok(());
    }
    Err(io::ErrorKind::TimedOut.into())
}

fn open_or_create(path: &Path) -> io::Result<File> {
    let open = || private_file::append_or_create(path);
    match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let directory = path.parent().ok_or(error)?;
            private_file::create_directory(directory).map_err(io::Error::other)?;
            open()
        }
        opened => opened,
    }
}

/// Puts an empty file in the place of one that holds no watermarks.
fn begin_anew(path: &Path) -> io::Result<()> {
    alone(path, |found| Ok(found.is_none().then(BTreeMap::new)))
}

/// Sorts all records of the file at `path`. Leaves the file as it is while another process appends
/// to it.
fn sort(path: &Path) -> io::Result<()> {
    alone(path, |found| found.map(Marks::all).transpose())
}

/// Replaces the file at `path` by what `work` makes of it, while no other process uses it.
fn alone(
    path: &Path,
    work: impl FnOnce(Option<&Marks<'_>>) -> io::Result<Option<BTreeMap<Subject, u64>>>,
) -> io::Result<()> {
    let file = private_file::append_or_create(path)?;
    match file.try_lock() {
        Ok(()) => {}
        // Whoever has it sorts it, or appends and looks at it again.
        Err(TryLockError::WouldBlock) => {
            std::thread::yield_now();
            return Ok(());
        }
        Err(TryLockError::Error(error)) => return Err(error),
    }
    if !is_same(&file, path)? {
        return Ok(());
    }
    let Some(all) = work(Marks::of(&file)?.as_ref())? else { return Ok(()) };
    let mut bytes = Vec::with_capacity(HEAD + all.len() * RECORD);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&(all.len() as u64).to_le_bytes());
    for (subject, number) in all {
        bytes.extend_from_slice(&encode(&Watermark { subject, number, accepted: false }));
    }
    private_file::replace_private(path, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VAULT: VaultId = VaultId([5; 16]);

    fn watermarks() -> (tempfile::TempDir, Watermarks, PathBuf) {
        let home = tempfile::tempdir().unwrap();
        let kept = Watermarks::in_directory(Some(home.path().join("state/tokctl")));
        let path = kept.path(VAULT).unwrap();
        (home, kept, path)
    }

    fn subject(number: u64) -> Subject {
        Subject::place(VAULT, Path::new(&number.to_string()))
    }

    fn mark(subject_number: u64, number: u64) -> Watermark {
        Watermark { subject: subject(subject_number), number, accepted: false }
    }

    fn highest(kept: &Watermarks, number: u64) -> u64 {
        kept.highest(VAULT, &[subject(number)])[0]
    }

    #[test]
    fn the_highest_number_counts_unless_another_was_accepted() {
        let (_home, kept, path) = watermarks();
        assert_eq!(highest(&kept, 1), 0);
        kept.keep(VAULT, &[mark(1, 7), mark(2, 3)]);
        kept.keep(VAULT, &[mark(1, 5)]);
        assert_eq!((highest(&kept, 1), highest(&kept, 2)), (7, 3));
        for _ in 0..2 {
            kept.keep(VAULT, &[Watermark { accepted: true, ..mark(1, 4) }]);
            assert_eq!((highest(&kept, 1), highest(&kept, 2)), (4, 3));
            kept.keep(VAULT, &[mark(1, 6)]);
            assert_eq!((highest(&kept, 1), highest(&kept, 2)), (6, 3));
            sort(&path).unwrap();
        }
        kept.keep(VAULT, &[Watermark { accepted: true, ..mark(1, 0) }]);
        assert_eq!(highest(&kept, 1), 0);
        assert_eq!(kept.highest(VaultId([6; 16]), &[subject(2)]), [0], "another vault's");
    }

    #[test]
    fn all_are_found_again_after_they_are_sorted() {
        let (_home, kept, path) = watermarks();
        let all: Vec<Watermark> = (0..5_000).map(|number| mark(number, number + 1)).collect();
        kept.keep(VAULT, &all);
        let file = private_file::open_plain(&path).unwrap();
        assert_eq!(Marks::of(&file).unwrap().unwrap().sorted, 5_000);
        assert!((0..5_000).all(|number| highest(&kept, number) == number + 1));
        let subjects: Vec<Subject> = (0..5_001).map(subject).collect();
        let expected: Vec<u64> = (1..=5_000).chain([0]).collect();
        assert_eq!(kept.highest(VAULT, &subjects), expected);
        assert_eq!(highest(&kept, 5_000), 0);
    }

    #[test]
    fn many_at_once_lose_nothing() {
        let (_home, kept, _) = watermarks();
        std::thread::scope(|scope| {
            for thread in 0..20 {
                let kept = &kept;
                scope.spawn(move || {
                    for number in 0..300 {
                        kept.keep(VAULT, &[mark(thread, number), mark(100 + number, thread + 1)]);
                    }
                });
            }
        });
        assert!((0..20).all(|thread| highest(&kept, thread) == 299));
        assert!((100..400).all(|subject| highest(&kept, subject) == 20));
    }

    #[test]
    fn what_is_torn_or_none_of_ours_is_no_error() {
        let (_home, kept, path) = watermarks();
        kept.keep(VAULT, &[mark(1, 7)]);
        let mut appending = private_file::append_or_create(&path).unwrap();
        appending.write_all(&[1; 20]).unwrap();
        assert_eq!(highest(&kept, 1), 7);
        kept.keep(VAULT, &[mark(1, 8)]);
        assert_eq!(highest(&kept, 1), 8);
        private_file::replace_private(&path, &[0; 100]).unwrap();
        assert_eq!(highest(&kept, 1), 0);
        kept.keep(VAULT, &[mark(1, 9)]);
        assert_eq!(highest(&kept, 1), 9);
        let nowhere = Watermarks::default();
        nowhere.keep(VAULT, &[mark(1, 9)]);
        assert_eq!(highest(&nowhere, 1), 0);
    }
}
