//! A private file that appears whole or not at all.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::private_file::{Error, create_new, io_error, open_plain, temporary_path};

/// A private file that appears at its path whole or not at all.
///
/// Its content is prepared in a temporary file beside that path, which is deleted when this value
/// is dropped. The temporary file is locked while the process lives: an unlocked one is a leftover.
pub(crate) struct AtomicFile {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
}

impl AtomicFile {
    /// Reserves `length` bytes of disk space for a new file at `path`; fails if something is there.
    ///
    /// On a copy-on-write file system, writing may still fail later for lack of space.
    pub(crate) fn reserve(path: &Path, length: usize) -> Result<Self, Error> {
        let io = io_error(path);
        remove_stale(path);
        if fs::symlink_metadata(path).is_ok() {
            return Err(io(io::ErrorKind::AlreadyExists.into()));
        }
        let not_a_file = || Error::NotAFile { path: path.to_owned() };
        let temporary = temporary_path(path).ok_or_else(not_a_file)?;
        let file = create_locked(&temporary).map_err(io_error(path))?;
        let made = Self { file, temporary, path: path.to_owned() };
        let made_room =
            made.file.write_all_at(&vec![0; length], 0).and_then(|()| made.file.sync_all());
        made_room.map_err(io)?;
        Ok(made)
    }

    /// Writes `content`, flushes it to the disk and moves it to its path; fails if something is
    /// there by now.
    pub(crate) fn commit(self, content: &[u8]) -> Result<(), Error> {
        let io = io_error(&self.path);
        let write = || {
            self.file.set_len(content.len() as u64)?;
            self.file.write_all_at(content, 0)?;
            self.file.sync_all()?;
            rename_to_free(&self.temporary, &self.path)?;
            flush_directory_of(&self.path)
        };
        write().map_err(io)
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        // It is gone already if the file was committed.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Creates a locked file, so that [`remove_stale`] in another process leaves it alone.
fn create_locked(path: &Path) -> io::Result<File> {
    loop {
        let file = create_new(path)?;
        // Not every file system has locks. If another process holds the lock, it takes this file
        // for a leftover and is about to delete it: the check below finds that out.
        let _ = file.lock();
        let (own, named) = (file.metadata()?, fs::symlink_metadata(path));
        if named.is_ok_and(|named| (named.dev(), named.ino()) == (own.dev(), own.ino())) {
            return Ok(file);
        }
    }
}

/// Deletes the user's own temporary files for `path` that no living process has locked.
pub(crate) fn remove_stale(path: &Path) {
    let Some(name) = path.file_name() else { return };
    remove_unlocked(path, &|found, _| target_of(found) == Some(name.as_encoded_bytes()));
}

/// Deletes the user's own temporary files for whatever file in the directory of `path` that no living
/// process has locked and whose content `is_known`.
pub(crate) fn remove_stale_beside(path: &Path, is_known: &dyn Fn(&File) -> bool) {
    remove_unlocked(path, &|found, file| target_of(found).is_some() && is_known(file));
}

fn remove_unlocked(path: &Path, is_meant: &dyn Fn(&OsStr, &File) -> bool) {
    let Some(directory) = path.parent() else { return };
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let Ok(entries) = fs::read_dir(directory) else { return };
    let own = rustix::process::geteuid().as_raw();
    for entry in entries.flatten().filter(|entry| target_of(&entry.file_name()).is_some()) {
        let temporary = directory.join(entry.file_name());
        let is_ours = entry.metadata().is_ok_and(|found| found.is_file() && found.uid() == own);
        // The lock is held until the file is deleted.
        let Some(file) = is_ours.then(|| open_plain(&temporary).ok()).flatten() else { continue };
        if file.try_lock().is_ok() && is_meant(&entry.file_name(), &file) {
            let _ = fs::remove_file(&temporary);
        }
    }
}

/// Returns the name of the file for which `found` is the name of a temporary file; `None` if it is no
/// such name.
fn target_of(found: &OsStr) -> Option<&[u8]> {
    let rest = found.as_encoded_bytes().strip_suffix(b".tmp")?;
    let dot = rest.iter().rposition(|byte| *byte == b'.')?;
    let (name, number) = (&rest[..dot], &rest[dot + 1..]);
    let is_number = !number.is_empty() && number.iter().all(u8::is_ascii_digit);
    (is_number && !name.is_empty()).then_some(name)
}

/// Renames `from` to `to`; fails if something is at `to`.
fn rename_to_free(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // Not every file system has this flag.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
            other => return Ok(other?),
        }
    }
    if fs::symlink_metadata(to).is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    fs::rename(from, to)
}

/// Flushes the directory that holds `path` to the disk, so that the file's name survives a power
/// cut.
pub(crate) fn flush_directory_of(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_appears_whole_and_private_or_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        drop(AtomicFile::reserve(&path, 100).unwrap());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
        AtomicFile::reserve(&path, 100).unwrap().commit(b"content").unwrap();
        assert_eq!(
            (fs::read(&path).unwrap(), fs::metadata(&path).unwrap().mode() & 0o7777),
            (b"content".to_vec(), 0o600)
        );
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_atomic_file_replaces_nothing() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        let draft = AtomicFile::reserve(&path, 3).unwrap();
        create_new(&path).unwrap().write_all(b"other").unwrap();
        assert!(draft.commit(b"own").is_err());
        assert!(AtomicFile::reserve(&path, 3).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"other");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
        assert!(AtomicFile::reserve(&home.path().join("none/file"), 3).is_err());
    }

    #[test]
    fn a_stale_temporary_file_is_deleted_and_others_stay() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        let in_hand = create_locked(&home.path().join("file.1.tmp")).unwrap();
        for name in ["file.2.tmp", "file.notes.tmp", "file..tmp", "files.3.tmp", "file.4.tmp.old"] {
            create_new(&home.path().join(name)).unwrap();
        }
        AtomicFile::reserve(&path, 3).unwrap().commit(b"new").unwrap();
        assert!(!home.path().join("file.2.tmp").exists());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 6, "all but that one, and the new");
        drop(in_hand);
        remove_stale(&path);
        assert!(!home.path().join("file.1.tmp").exists());
    }
}
