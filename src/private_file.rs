//! Files and directories that are nobody else's business.
//!
//! The only code that writes plain files. What it makes is private from the start (directories
//! 0700, files 0600), and it says whether what it finds can be trusted.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// Write permission for group and others.
const OTHERS_WRITE: u32 = 0o022;

/// Any permission for group and others.
const OTHERS: u32 = 0o077;

/// Why a file or directory can't be trusted, or used at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Someone else can change it: the owner has to take the permission away.
    #[error("`{}` can be written by others", path.display())]
    WritableByOthers { path: PathBuf },
    /// A directory for everybody, such as /tmp: no place for what is private.
    #[error("`{}` is a directory for everybody", path.display())]
    Shared { path: PathBuf },
    /// It belongs to someone else, who can change it at will.
    #[error("`{}` belongs to another user", path.display())]
    ForeignOwner { path: PathBuf },
    /// It is no plain file.
    #[error("`{}` is not a plain file", path.display())]
    NotAFile { path: PathBuf },
    /// Its own permissions keep the user out.
    #[error("permission to use `{}` is denied", path.display())]
    Denied { path: PathBuf },
    /// It is larger than such a file ever is.
    #[error("`{}` is larger than {limit} bytes", path.display())]
    TooLarge { path: PathBuf, limit: u64 },
    /// The system refused.
    #[error("can't use `{}`", path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// Who may see a file that only its owner can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    OwnerOnly,
    Others,
}

/// Makes `directory` with mode 0700 unless it is there, and its parents with it.
pub(crate) fn create_directory(directory: &Path) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(io_error(directory))
}

/// Makes an empty file of mode 0600, or fails with [`io::ErrorKind::AlreadyExists`].
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

/// Opens a file for reading and writing, made empty with mode 0600 if it is not there.
pub(crate) fn open_or_create(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// The same, but never through a symbolic link, which could lead to a file of another kind.
pub(crate) fn open_or_create_itself(path: &Path) -> io::Result<File> {
    let no_follow = OFlags::NOFOLLOW.bits().cast_signed();
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(no_follow)
        .open(path)
}

/// Opens a file for reading, and nothing but a plain one: opening a pipe would wait for its writer.
pub(crate) fn open_plain(path: &Path) -> io::Result<File> {
    let file = open_at_once(path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file"))
}

fn open_at_once(path: &Path) -> io::Result<File> {
    let no_wait = OFlags::NONBLOCK.bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(no_wait).open(path)
}

/// Makes `directory` with mode 0700, or fails with [`io::ErrorKind::AlreadyExists`].
pub(crate) fn create_new_directory(directory: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(directory)
}

/// Puts a file that everybody may read in the place of `path`, at once: whoever reads it finds
/// the old content or the new. Nothing is flushed to the disk.
pub(crate) fn replace_public(path: &Path, content: &[u8]) -> io::Result<()> {
    replace(path, content, 0o644)
}

/// The same for a file that nobody else may read.
pub(crate) fn replace_private(path: &Path, content: &[u8]) -> io::Result<()> {
    replace(path, content, 0o600)
}

fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    // A device, a pipe or a link would become a file, to the harm of whoever uses it.
    if fs::symlink_metadata(path).is_ok_and(|there| !there.is_file()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file"));
    }
    let mut beside = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    beside.push(format!(".{}.tmp", std::process::id()));
    let beside = path.with_file_name(beside);
    // One that a process with this number left behind; who could put another here could as well
    // replace the file itself.
    let _ = fs::remove_file(&beside);
    let write = || {
        let mut file = create_new(&beside)?;
        file.write_all(content)?;
        // Whatever the umask.
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        fs::rename(&beside, path)
    };
    write().inspect_err(|_| {
        let _ = fs::remove_file(&beside);
    })
}

/// A private file that will be at its place whole or not at all. What was made for it is gone when
/// it is dropped before; it is locked meanwhile, so what lies there unlocked was left behind.
pub(crate) struct Draft {
    file: File,
    beside: PathBuf,
    path: PathBuf,
}

impl Draft {
    /// Makes sure that `length` bytes can be put at `path`, where nothing may be yet.
    ///
    /// On file systems that copy on write, room that is there may still not be writable later.
    pub(crate) fn of(path: &Path, length: usize) -> Result<Self, Error> {
        let io = io_error(path);
        if fs::symlink_metadata(path).is_ok() {
            return Err(io(io::ErrorKind::AlreadyExists.into()));
        }
        let Some(name) = path.file_name() else {
            return Err(Error::NotAFile { path: path.to_owned() });
        };
        remove_left_drafts(path);
        let mut name = name.to_owned();
        name.push(format!(".{}.tmp", std::process::id()));
        let beside = path.with_file_name(name);
        let file = create_locked(&beside).map_err(io_error(path))?;
        let draft = Self { file, beside, path: path.to_owned() };
        let made_room =
            draft.file.write_all_at(&vec![0; length], 0).and_then(|()| draft.file.sync_all());
        made_room.map_err(io)?;
        Ok(draft)
    }

    /// Puts `content` in its place and flushes it to the disk; replaces nothing.
    pub(crate) fn place(self, content: &[u8]) -> Result<(), Error> {
        let io = io_error(&self.path);
        let write = || {
            self.file.set_len(content.len() as u64)?;
            self.file.write_all_at(content, 0)?;
            self.file.sync_all()?;
            rename_to_free(&self.beside, &self.path)?;
            flush_directory_of(&self.path)
        };
        write().map_err(io)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Gone already, if it was placed.
        let _ = fs::remove_file(&self.beside);
    }
}

/// Makes a file that is locked; nobody who looks for what was left behind takes it away.
fn create_locked(path: &Path) -> io::Result<File> {
    loop {
        let file = create_new(path)?;
        // Not every file system knows locks. Where one is held already, somebody is about to take
        // the file away.
        let _ = file.lock();
        let (own, named) = (file.metadata()?, fs::symlink_metadata(path));
        if named.is_ok_and(|named| (named.dev(), named.ino()) == (own.dev(), own.ino())) {
            return Ok(file);
        }
    }
}

/// Takes away the user's own drafts for `path` that no living process is at.
pub(crate) fn remove_left_drafts(path: &Path) {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else { return };
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let Ok(entries) = fs::read_dir(directory) else { return };
    let own = rustix::process::geteuid().as_raw();
    for entry in entries.flatten().filter(|entry| is_draft_of(name, &entry.file_name())) {
        let draft = directory.join(entry.file_name());
        let is_ours = entry.metadata().is_ok_and(|found| found.is_file() && found.uid() == own);
        // Held until the file is gone.
        let Some(lock) = is_ours.then(|| open_plain(&draft).ok()).flatten() else { continue };
        if lock.try_lock().is_ok() {
            let _ = fs::remove_file(&draft);
        }
    }
}

/// Whether `found` is what a draft of the file `name` is called.
fn is_draft_of(name: &OsStr, found: &OsStr) -> bool {
    let number = found
        .as_encoded_bytes()
        .strip_prefix(name.as_encoded_bytes())
        .and_then(|rest| rest.strip_prefix(b"."))
        .and_then(|rest| rest.strip_suffix(b".tmp"));
    number.is_some_and(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit))
}

/// Renames where nothing is at the new name.
fn rename_to_free(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // Not every file system knows how.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
            other => return Ok(other?),
        }
    }
    if fs::symlink_metadata(to).is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    fs::rename(from, to)
}

/// Flushes to the disk that `path` is there.
pub(crate) fn flush_directory_of(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

/// Checks that only the user or root can change `path`, a file or a directory.
///
/// A symbolic link's owner counts as well as its target's.
pub(crate) fn check(path: &Path) -> Result<Readers, Error> {
    let link = fs::symlink_metadata(path).map_err(io_error(path))?;
    check_owner(path, &link)?;
    let metadata =
        if link.is_symlink() { fs::metadata(path).map_err(io_error(path))? } else { link };
    check_owner(path, &metadata)?;
    if metadata.mode() & OTHERS_WRITE != 0 {
        let path = path.to_owned();
        let sticky = metadata.is_dir() && metadata.mode() & 0o1000 != 0;
        return Err(if sticky { Error::Shared { path } } else { Error::WritableByOthers { path } });
    }
    Ok(if metadata.mode() & OTHERS == 0 { Readers::OwnerOnly } else { Readers::Others })
}

/// Takes all permissions from group and others; fails for a file that is somebody else's.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
}

/// Reads a small file that only the user or root can change; it may be a pipe.
pub(crate) fn read_trusted(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    check(path)?;
    read(path, limit)
}

/// Reads a small file, whoever can change it; it may be a pipe, whose writer is waited for.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let file = File::open(path).map_err(io_error(path))?;
    if file.metadata().map_err(io_error(path))?.is_dir() {
        return Err(Error::NotAFile { path: path.to_owned() });
    }
    read_all(file, path, limit)
}

/// Reads a plain file, whoever can change it, and nothing else: nobody is waited for.
pub(crate) fn read_plain(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let file = open_at_once(path).map_err(io_error(path))?;
    if !file.metadata().map_err(io_error(path))?.is_file() {
        return Err(Error::NotAFile { path: path.to_owned() });
    }
    read_all(file, path, limit)
}

fn read_all(file: File, path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    // Room from the start: a buffer that grows leaves copies of its content behind. What is no
    // plain file does not tell how long it is.
    let length = file.metadata().map_err(io_error(path))?.len().min(limit);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let mut bytes = Vec::with_capacity(length.saturating_add(1).max(64 * 1024));
    file.take(limit + 1).read_to_end(&mut bytes).map_err(io_error(path))?;
    if bytes.len() as u64 > limit {
        return Err(Error::TooLarge { path: path.to_owned(), limit });
    }
    Ok(bytes)
}

fn check_owner(path: &Path, metadata: &fs::Metadata) -> Result<(), Error> {
    let owner = metadata.uid();
    if owner == 0 || owner == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    Err(Error::ForeignOwner { path: path.to_owned() })
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn what_it_makes_is_private() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("a/b");
        create_directory(&directory).unwrap();
        assert_eq!(mode(&directory), 0o700);
        create_new(&directory.join("new")).unwrap();
        assert_eq!(mode(&directory.join("new")), 0o600);
        assert_eq!(
            create_new(&directory.join("new")).unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        assert_eq!(check(&directory.join("new")).unwrap(), Readers::OwnerOnly);
    }

    #[test]
    fn what_others_can_write_is_not_trusted() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        create_new(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o620)).unwrap();
        assert!(matches!(check(&path), Err(Error::WritableByOthers { .. })));
        assert!(read_trusted(&path, 10).is_err());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(check(&path).unwrap(), Readers::Others);
        make_private(&path).unwrap();
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn a_public_file_is_replaced_whole() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        for content in ["a longer text", "short"] {
            replace_public(&path, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
            assert_eq!(mode(&path), 0o644);
        }
        assert!(replace_public(&home.path().join("none/file"), b"").is_err());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_draft_is_placed_whole_and_private_or_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        drop(Draft::of(&path, 100).unwrap());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
        Draft::of(&path, 100).unwrap().place(b"content").unwrap();
        assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"content".to_vec(), 0o600));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_draft_replaces_nothing() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        let draft = Draft::of(&path, 3).unwrap();
        create_new(&path).unwrap().write_all(b"other").unwrap();
        assert!(draft.place(b"own").is_err());
        assert!(Draft::of(&path, 3).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"other");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
        assert!(Draft::of(&home.path().join("none/file"), 3).is_err());
    }

    #[test]
    fn a_draft_that_nobody_is_at_goes_and_others_stay() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        let in_hand = create_locked(&home.path().join("file.1.tmp")).unwrap();
        for name in ["file.2.tmp", "file.notes.tmp", "file..tmp", "files.3.tmp", "file.4.tmp.old"] {
            create_new(&home.path().join(name)).unwrap();
        }
        Draft::of(&path, 3).unwrap().place(b"new").unwrap();
        assert!(!home.path().join("file.2.tmp").exists());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 6, "all but that one, and the new");
        drop(in_hand);
        remove_left_drafts(&path);
        assert!(!home.path().join("file.1.tmp").exists());
    }

    #[test]
    fn a_private_file_stays_private_when_it_is_replaced() {
        let home = tempfile::tempdir().unwrap();
        create_new_directory(&home.path().join("own")).unwrap();
        assert_eq!(mode(&home.path().join("own")), 0o700);
        assert!(create_new_directory(&home.path().join("own")).is_err());
        let path = home.path().join("own/file");
        for content in ["a longer text", "short"] {
            replace_private(&path, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
            assert_eq!(mode(&path), 0o600);
        }
    }

    #[test]
    fn large_files_and_directories_are_not_read() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        io::Write::write_all(&mut create_new(&path).unwrap(), b"12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert!(matches!(read(&path, 4), Err(Error::TooLarge { .. })));
        assert!(matches!(read(home.path(), 4), Err(Error::NotAFile { .. })));
    }
}
