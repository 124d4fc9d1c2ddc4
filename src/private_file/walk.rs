//! The way to a file: every directory and every symbolic link that leads to it.
//!
//! Whoever can write to a directory on the way can put another file there. So each of them is
//! judged, and the file is opened only where nobody else could exchange it meanwhile.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use super::error::{Error, io_error};
use super::group;

/// The mode bits that let group and others write.
const OTHERS_WRITE: u32 = 0o022;

/// The bit of a directory in which everybody deletes only what is their own.
const STICKY: u32 = 0o1000;

/// The number of symbolic links that are followed, as in Linux.
const MOST_LINKS: usize = 40;

/// The id that a user namespace shows for users whom it does not have.
const NOBODY: u32 = 65534;

/// The harm that a change by others can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// The file is sealed, so a change is noticed.
    Sealed,
    /// The file is believed as it stands.
    Believed,
}

/// A file or directory to which the way is safe.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// The path without symbolic links.
    pub(crate) path: PathBuf,
    pub(crate) metadata: Metadata,
    /// The paths that a group with others in it can write, the file itself included, and volumes of a
    /// container that everybody in it can write. There are none on the way to a file that is
    /// [`Content::Believed`].
    pub(crate) loose: Vec<PathBuf>,
}

impl Found {
    /// Fails for a directory for everybody, such as `/tmp`, which takes no private files.
    pub(crate) fn refuse_if_for_everybody(self) -> Result<Self, Error> {
        if is_for_everybody(&self.metadata) || is_open_volume(&self.path, &self.metadata) {
            return Err(Error::Shared { path: self.path });
        }
        Ok(self)
    }
}

/// Follows `path` to its end and judges all that leads there, and what is there. A symbolic link
/// has to belong to the user or to root, as everything else has.
pub(crate) fn find(path: &Path, content: Content) -> Result<Found, Error> {
    let (mut way, mut judged) = (Way::to(path)?, Judged::default());
    let (mut last, mut links) = (None, 0);
    while let Some(name) = way.rest.pop() {
        if name == ".." {
            way.at.pop();
            last = None;
            continue;
        }
        way.at.push(name);
        let metadata = fs::symlink_metadata(&way.at).map_err(io_error(&way.at))?;
        if metadata.is_symlink() {
            check_owner(&way.at, &metadata)?;
            links += 1;
            if links > MOST_LINKS {
                return Err(io_error(path)(rustix::io::Errno::LOOP.into()));
            }
            let target = fs::read_link(&way.at).map_err(io_error(&way.at))?;
            way.at.pop();
            way.follow(&target);
            continue;
        }
        judged.add(&way.at, &metadata)?;
        last = Some(metadata);
    }
    let metadata = match last {
        Some(metadata) => metadata,
        None => fs::symlink_metadata(&way.at).map_err(io_error(&way.at))?,
    };
    if judged.for_everybody && !metadata.is_dir() {
        return Err(Error::Shared { path: way.at.parent().unwrap_or(&way.at).to_owned() });
    }
    judged.finish(content).map(|loose| Found { path: way.at, metadata, loose })
}

/// Judges one file or directory alone, which `metadata` describes.
pub(super) fn judge(path: &Path, metadata: &Metadata, content: Content) -> Result<bool, Error> {
    let mut judged = Judged::default();
    judged.add(path, metadata)?;
    if judged.for_everybody {
        return Err(Error::Shared { path: path.to_owned() });
    }
    judged.finish(content).map(|loose| !loose.is_empty())
}

/// A path that is being followed: what was followed already, and what is left, last name first.
struct Way {
    at: PathBuf,
    rest: Vec<OsString>,
}

impl Way {
    fn to(path: &Path) -> Result<Self, Error> {
        let mut way = Self { at: PathBuf::from("/"), rest: Vec::new() };
        way.follow(path);
        if path.is_relative() {
            way.follow(&std::env::current_dir().map_err(io_error(path))?);
        }
        Ok(way)
    }

    fn follow(&mut self, path: &Path) {
        for component in path.components().rev() {
            match component {
                Component::Normal(name) => self.rest.push(name.to_owned()),
                Component::ParentDir => self.rest.push("..".into()),
                Component::RootDir => self.at = PathBuf::from("/"),
                Component::CurDir | Component::Prefix(_) => {}
            }
        }
    }
}

/// The unsafe paths that were found on the way to a file.
#[derive(Default)]
struct Judged {
    by_others: Vec<PathBuf>,
    /// The paths that a group can write, and open volumes.
    by_a_group: Vec<PathBuf>,
    /// Whether the last directory is one for everybody, such as `/tmp`: safe for a directory in it
    /// that is ours, and for nothing else.
    for_everybody: bool,
}

impl Judged {
    fn add(&mut self, path: &Path, metadata: &Metadata) -> Result<(), Error> {
        if !(metadata.is_dir() && is_of_nobody(metadata)) {
            check_owner(path, metadata)?;
        }
        let was_for_everybody = std::mem::take(&mut self.for_everybody);
        let mode = metadata.mode();
        if is_for_everybody(metadata) {
            self.for_everybody = true;
        } else if mode & OTHERS_WRITE == 0
            || (mode & 0o002 == 0 && group::is_private(metadata.gid(), group::user()))
            || is_read_only(path)
        {
            self.for_everybody = was_for_everybody && !metadata.is_dir();
        } else if is_open_volume(path, metadata) {
            self.for_everybody = true;
            self.by_a_group.push(path.to_owned());
        } else if mode & 0o002 != 0 {
            self.by_others.push(path.to_owned());
        } else {
            self.by_a_group.push(path.to_owned());
        }
        Ok(())
    }

    /// Returns what a group can write; fails for what nobody else may write.
    fn finish(mut self, content: Content) -> Result<Vec<PathBuf>, Error> {
        if self.by_others.is_empty() && content == Content::Sealed {
            return Ok(self.by_a_group);
        }
        self.by_others.append(&mut self.by_a_group);
        if self.by_others.is_empty() {
            return Ok(Vec::new());
        }
        Err(Error::WritableByOthers { paths: self.by_others })
    }
}

fn is_for_everybody(metadata: &Metadata) -> bool {
    let mode = metadata.mode();
    metadata.is_dir() && mode & STICKY != 0 && mode & 0o002 != 0
}

/// Whether a directory is a volume that root gave to everybody in a container, as Kubernetes makes
/// an `emptyDir`: with all permissions, and without the bit by which others delete nothing.
///
/// Others can take away what lies in it, but what they put there instead is theirs, and is refused.
fn is_open_volume(path: &Path, metadata: &Metadata) -> bool {
    metadata.is_dir()
        && metadata.uid() == 0
        && group::user() != 0
        && metadata.mode() & 0o002 != 0
        && is_mount(path)
}

/// Whether `path` is a volume that everybody in a container can write, as Kubernetes makes an
/// `emptyDir`.
pub(crate) fn is_volume_for_everybody(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| is_open_volume(path, &metadata))
}

/// Whether `path` is the root of a mounted file system.
#[cfg(target_os = "linux")]
fn is_mount(path: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty())
        .is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

#[cfg(not(target_os = "linux"))]
fn is_mount(_: &Path) -> bool {
    false
}

/// Checks that a file belongs to the user or to root.
pub(super) fn check_owner(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    let owner = metadata.uid();
    if owner == 0 || owner == group::user() {
        return Ok(());
    }
    Err(Error::ForeignOwner { path: path.to_owned(), owner, name: group::name_of(owner) })
}

/// Whether a directory belongs to somebody outside this user namespace, such as the system's root
/// seen from a sandbox, who alone can write to it.
fn is_of_nobody(metadata: &Metadata) -> bool {
    let mode = metadata.mode();
    metadata.uid() == NOBODY && (mode & OTHERS_WRITE == 0 || mode & STICKY != 0) && is_namespace()
}

/// Whether this process is in a user namespace other than the first, where each id is itself.
fn is_namespace() -> bool {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    !map.is_empty() && map.split_whitespace().ne(["0", "0", "4294967295"])
}

/// Whether `path` lies on a mount that nobody can write to, as Kubernetes mounts configuration.
pub(crate) fn is_read_only(path: &Path) -> bool {
    rustix::fs::statvfs(path)
        .is_ok_and(|found| found.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY))
}
