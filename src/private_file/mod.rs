//! Files and directories that only the user may read and change.
//!
//! This module and [`crate::atomic_file`] are the only code that writes plain files. Directories
//! have mode 0700 and files 0600 from the moment they are created, whatever the umask takes away.
//! [`find`] follows a path and judges who can change what is there.

mod error;
mod group;
mod walk;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

pub(crate) use self::error::{Error, io_error};
pub(crate) use self::walk::{Content, Found, find, is_read_only, is_volume_for_everybody};
use crate::bounded::UntilDeadline;

/// The mode bits that give group and others any permission.
const OTHERS: u32 = 0o077;

/// The number of times that a file is opened or created while others take it away.
const MOST_TRIES: usize = 100;

/// The users who have permissions on a file that only its owner can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    OwnerOnly,
    Others,
}

/// Creates `directory` and its missing parents with mode 0700; an existing one stays as it is.
pub(crate) fn create_directory(directory: &Path) -> Result<(), Error> {
    let mut made = create_new_directory(directory);
    if made.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        && let Some(parent) = directory.parent()
        && !parent.as_os_str().is_empty()
    {
        create_directory(parent)?;
        made = create_new_directory(directory);
    }
    match made {
        // Another process may have made it between any two of these calls.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => Ok(()),
        made => made.map_err(io_error(directory)),
    }
}

/// Creates an empty file of mode 0600; fails with [`io::ErrorKind::AlreadyExists`].
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
    if file.metadata()?.mode() & 0o777 != 0o600 {
        // The umask took permissions away, even the owner's.
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// Opens a plain file for reading and writing; creates an empty one of mode 0600 if it is missing.
/// Fails for a symbolic link, which could lead anywhere, and for anything else that is no plain
/// file.
pub(crate) fn open_or_create(path: &Path) -> io::Result<File> {
    let file = open_or_create_unjudged(path)?;
    require_plain(&file)?;
    Ok(file)
}

/// Opens a file as [`open_or_create`] does, for a caller that sees to it itself that the file is a
/// plain one.
pub(crate) fn open_or_create_unjudged(path: &Path) -> io::Result<File> {
    // A pipe without a reader would keep the caller waiting.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    // Another process may create the file, or take it away, between any two of these calls.
    for _ in 0..MOST_TRIES {
        match OpenOptions::new().read(true).write(true).custom_flags(flags).open(path) {
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => {}
            opened => return opened,
        }
        match create_new(path) {
            Err(there) if there.kind() == io::ErrorKind::AlreadyExists => {}
            created => return created,
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

/// Opens a plain file for reading as [`open_plain`] does, but fails for a symbolic link.
pub(crate) fn open_plain_no_follow(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    require_plain(&file)?;
    Ok(file)
}

fn require_plain(file: &File) -> io::Result<()> {
    if file.metadata()?.is_file() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file"))
}

/// Opens a file for reading and appending, and no symbolic link; creates an empty one of mode 0600
/// if it is missing.
pub(crate) fn append_or_create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    for _ in 0..MOST_TRIES {
        match options.open(path) {
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => {}
            opened => return opened,
        }
        match create_new(path) {
            Ok(_) => {}
            Err(there) if there.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

/// Opens a plain file for reading; fails at once for anything else, such as a pipe, where opening
/// would wait for a writer.
pub(crate) fn open_plain(path: &Path) -> io::Result<File> {
    let file = open_at_once(path)?;
    require_plain(&file)?;
    Ok(file)
}

fn open_at_once(path: &Path) -> io::Result<File> {
    let no_wait = OFlags::NONBLOCK.bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(no_wait).open(path)
}

/// Creates `directory` with mode 0700; fails with [`io::ErrorKind::AlreadyExists`].
pub(crate) fn create_new_directory(directory: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(directory)?;
    let metadata = fs::symlink_metadata(directory)?;
    if metadata.mode() & 0o777 != 0o700 {
        // The umask took permissions away, even the owner's.
        fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Replaces the file at `path` with one of mode 0644, atomically: a reader finds the old content or
/// the new. Nothing is flushed to the disk.
pub(crate) fn replace_public(path: &Path, content: &[u8]) -> io::Result<()> {
    replace(path, content, 0o644)
}

/// Replaces the file at `path` with one of mode 0600, atomically, as [`replace_public`] does.
pub(crate) fn replace_private(path: &Path, content: &[u8]) -> io::Result<()> {
    replace(path, content, 0o600)
}

fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    // The rename below would turn a device, a pipe or a link into a plain file.
    if fs::symlink_metadata(path).is_ok_and(|there| !there.is_file()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file"));
    }
    let temporary = temporary_path(path).ok_or(io::ErrorKind::InvalidInput)?;
    // An earlier process with this process id may have left one behind. Whoever else could put a
    // file here could replace the target as well.
    let _ = fs::remove_file(&temporary);
    let write = || {
        let mut file = create_new(&temporary)?;
        file.write_all(content)?;
        // The umask may have taken permissions away.
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        fs::rename(&temporary, path)
    };
    write().inspect_err(|_| {
        let _ = fs::remove_file(&temporary);
    })
}

/// Returns the path of the temporary file beside `path` in which this process prepares the new
/// content, such as `bundle.txt.4711.tmp`; `None` if `path` names no file.
pub(crate) fn temporary_path(path: &Path) -> Option<PathBuf> {
    let mut name = path.file_name()?.to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    Some(path.with_file_name(name))
}

/// Checks that only the user or root can change the file or directory `path` itself, whatever leads
/// there, and returns who can read it.
///
/// For a symbolic link, the owner of the link is checked as well as its target.
pub(crate) fn check(path: &Path) -> Result<Readers, Error> {
    check_as(path, Content::Believed)
}

/// Checks a file or directory as [`check`] does, except that a group may write what is sealed.
pub(crate) fn check_as(path: &Path, content: Content) -> Result<Readers, Error> {
    let link = fs::symlink_metadata(path).map_err(io_error(path))?;
    walk::check_owner(path, &link)?;
    let metadata =
        if link.is_symlink() { fs::metadata(path).map_err(io_error(path))? } else { link };
    walk::judge(path, &metadata, content)?;
    Ok(readers(&metadata))
}

/// Returns who has permissions on a file.
pub(crate) fn readers(metadata: &fs::Metadata) -> Readers {
    if metadata.mode() & OTHERS == 0 { Readers::OwnerOnly } else { Readers::Others }
}

/// Takes the permission to write from the group and from others; fails if the file belongs to
/// another user.
pub(crate) fn keep_writers_out(path: &Path) -> io::Result<()> {
    let metadata = fs::metadata(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(metadata.mode() & 0o7755))
}

/// Sets the mode of a file to 0600; fails if it belongs to another user.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
}

/// Sets the mode of a directory to 0700, and that of the plain files in it to 0600; leaves what
/// belongs to another user.
pub(crate) fn make_content_private(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    let is_plain = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_file());
    for entry in entries.flatten().filter(is_plain) {
        let _ = make_private(&entry.path());
    }
    let _ = fs::set_permissions(directory, fs::Permissions::from_mode(0o700));
}

/// Reads a file of at most `limit` bytes that nobody but the user and root can change or exchange,
/// and returns who else can read it. It may be a pipe, whose writer is waited for as long as
/// `patience`.
pub(crate) fn read_trusted(
    path: &Path,
    limit: u64,
    patience: impl FnOnce() -> Duration,
) -> Result<(Vec<u8>, Readers), Error> {
    let file = open_at_once(path).map_err(io_error(path))?;
    let opened = file.metadata().map_err(io_error(path))?;
    let readers = readers(&opened);
    walk::check_owner(path, &opened)?;
    // What has no name any more, such as a shell's here-document, can't be exchanged.
    if opened.is_file() && opened.nlink() > 0 {
        let found = find(path, Content::Believed)?;
        if (found.metadata.dev(), found.metadata.ino()) != (opened.dev(), opened.ino()) {
            let source = io::Error::other("it was exchanged meanwhile");
            return Err(Error::Io { path: path.to_owned(), source });
        }
    } else if !opened.is_file() && !opened.file_type().is_char_device() {
        // Nobody changes what is read from a device, such as `/dev/null`, by writing to it.
        walk::judge(path, &opened, Content::Believed)?;
    }
    Ok((read_any(file, path, limit, || Some(patience()))?, readers))
}

/// Reads a plain file as [`read_trusted`] does; fails at once for anything else.
pub(crate) fn read_trusted_plain(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    // The way is judged after the file was opened: most often there is none, and every `get` asks.
    if !fs::metadata(path).map_err(io_error(path))?.is_file() {
        return Err(Error::NotAFile { path: path.to_owned() });
    }
    read_trusted(path, limit, || Duration::ZERO).map(|(bytes, _)| bytes)
}

/// Reads a file of at most `limit` bytes without checking who can change it. It may be a pipe,
/// whose writer is waited for.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let file = open_at_once(path).map_err(io_error(path))?;
    read_any(file, path, limit, || None)
}

/// Reads a file or pipe that was opened without waiting.
fn read_any(
    file: File,
    path: &Path,
    limit: u64,
    patience: impl FnOnce() -> Option<Duration>,
) -> Result<Vec<u8>, Error> {
    let metadata = file.metadata().map_err(io_error(path))?;
    if metadata.is_dir() {
        return Err(Error::NotAFile { path: path.to_owned() });
    }
    if metadata.is_file() {
        return read_all(file, path, limit);
    }
    let pipe = UntilDeadline::new(file, patience().map(|patience| Instant::now() + patience));
    read_all_from(pipe, 64 * 1024, path, limit)
}

/// Reads a plain file of at most `limit` bytes without checking who can change it; fails at once
/// for anything else.
pub(crate) fn read_plain(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let file = open_at_once(path).map_err(io_error(path))?;
    if !file.metadata().map_err(io_error(path))?.is_file() {
        return Err(Error::NotAFile { path: path.to_owned() });
    }
    read_all(file, path, limit)
}

fn read_all(file: File, path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let length = file.metadata().map_err(io_error(path))?.len().min(limit);
    read_all_from(file, usize::try_from(length).unwrap_or(usize::MAX), path, limit)
}

fn read_all_from(
    from: impl Read,
    expected: usize,
    path: &Path,
    limit: u64,
) -> Result<Vec<u8>, Error> {
    // The buffer is large enough from the start, since one that grows leaves copies of its content
    // behind. A pipe does not tell its length.
    let mut bytes = Vec::with_capacity(expected.saturating_add(1).max(64 * 1024));
    from.take(limit + 1).read_to_end(&mut bytes).map_err(io_error(path))?;
    if bytes.len() as u64 > limit {
        return Err(Error::TooLarge { path: path.to_owned(), limit });
    }
    Ok(bytes)
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
    fn many_make_one_directory_at_once() {
        let home = tempfile::tempdir().unwrap();
        for round in 0..50 {
            let directory = home.path().join(format!("{round}/a/b/c/d"));
            let start = std::sync::Barrier::new(8);
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        start.wait();
                        create_directory(&directory).unwrap();
                    });
                }
            });
            assert_eq!(mode(&directory), 0o700);
        }
    }

    #[test]
    fn what_others_can_write_is_not_trusted() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        create_new(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o622)).unwrap();
        assert!(matches!(check(&path), Err(Error::WritableByOthers { .. })));
        assert!(read_trusted(&path, 10, || Duration::ZERO).is_err());
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
