//! Files and directories that only the user may read and change.
//!
//! This module and [`crate::atomic_file`] are the only code that writes plain files. Directories
//! have mode 0700 and files 0600 from the moment they are created. [`check`] tells whether a file
//! that was found can be trusted.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// The mode bits that let group and others write.
const OTHERS_WRITE: u32 = 0o022;

/// The mode bits that give group and others any permission.
const OTHERS: u32 = 0o077;

/// The reason why a file or directory can't be trusted or used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Another user can change the file: its owner has to take that permission away.
    #[error("`{}` can be written by others", path.display())]
    WritableByOthers { path: PathBuf },
    /// The directory is one for everybody, such as `/tmp`: private files need another one.
    #[error("`{}` is a directory for everybody", path.display())]
    Shared { path: PathBuf },
    /// The file belongs to another user, who can change it.
    #[error("`{}` belongs to another user", path.display())]
    ForeignOwner { path: PathBuf },
    /// The path names something else than a plain file.
    #[error("`{}` is not a plain file", path.display())]
    NotAFile { path: PathBuf },
    /// The permissions of the file keep the user out.
    #[error("permission to use `{}` is denied", path.display())]
    Denied { path: PathBuf },
    /// The file is larger than the caller's limit, in bytes.
    #[error("`{}` is larger than {limit} bytes", path.display())]
    TooLarge { path: PathBuf, limit: u64 },
    /// The operating system reported an error.
    #[error("can't use `{}`", path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// The users who have permissions on a file that only its owner can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    OwnerOnly,
    Others,
}

/// Creates `directory` and its missing parents with mode 0700; an existing one stays as it is.
pub(crate) fn create_directory(directory: &Path) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(io_error(directory))
}

/// Creates an empty file of mode 0600; fails with [`io::ErrorKind::AlreadyExists`].
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

/// Opens a file for reading and writing; creates an empty one of mode 0600 if it is missing.
pub(crate) fn open_or_create(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Opens a file for reading and appending, and no symbolic link; creates an empty one of mode 0600
/// if it is missing.
pub(crate) fn append_or_create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
}

/// Opens a file for reading and writing as [`open_or_create`] does, but fails for a symbolic link,
/// which could lead to a file of another kind.
pub(crate) fn open_or_create_no_follow(path: &Path) -> io::Result<File> {
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

/// Opens a plain file for reading; fails at once for anything else, such as a pipe, where opening
/// would wait for a writer.
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

/// Creates `directory` with mode 0700; fails with [`io::ErrorKind::AlreadyExists`].
pub(crate) fn create_new_directory(directory: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(directory)
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

/// Checks that only the user or root can change the file or directory `path`, and returns who can
/// read it.
///
/// For a symbolic link, the owner of the link is checked as well as its target.
pub(crate) fn check(path: &Path) -> Result<Readers, Error> {
    checked(path).map(|(_, readers)| readers)
}

/// Checks that `path` is a file that only the user or root can change.
pub(crate) fn check_file(path: &Path) -> Result<Readers, Error> {
    let (metadata, readers) = checked(path)?;
    if metadata.is_file() { Ok(readers) } else { Err(Error::NotAFile { path: path.to_owned() }) }
}

fn checked(path: &Path) -> Result<(fs::Metadata, Readers), Error> {
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
    let readers = if metadata.mode() & OTHERS == 0 { Readers::OwnerOnly } else { Readers::Others };
    Ok((metadata, readers))
}

/// Sets the mode of a file to 0600; fails if it belongs to another user.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
}

/// Reads a file of at most `limit` bytes that passes [`check`]; it may be a pipe.
pub(crate) fn read_trusted(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    check(path)?;
    read(path, limit)
}

/// Reads a file of at most `limit` bytes without checking who can change it; it may be a pipe,
/// whose writer is waited for.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let file = File::open(path).map_err(io_error(path))?;
    if file.metadata().map_err(io_error(path))?.is_dir() {
        return Err(Error::NotAFile { path: path.to_owned() });
    }
    read_all(file, path, limit)
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
    // The buffer is large enough from the start, since one that grows leaves copies of its content
    // behind. A pipe does not tell its length.
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

/// Returns a function that makes an [`Error`] of an I/O error on `path`, for `map_err`.
pub(crate) fn io_error(path: &Path) -> impl FnOnce(io::Error) -> Error {
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
