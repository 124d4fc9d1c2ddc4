//! Locks between processes, which the kernel releases when their holder dies.
//!
//! They are kernel locks on files in the sidecar directory: no lock can be stale. The file of a
//! credential or a login is unlinked by whoever holds its lock, at the end, so that there are as many
//! as are in use; a process that waited for it sees that and begins with a new one. It stays where a
//! journal may name it: the next turn tells by it that the process that sent the request has ended.
//! Where somebody else unlinks one, a [`Lease`](super::lease::Lease) keeps processes apart. The
//! database file itself is never locked like this, since closing any descriptor on it would drop
//! SQLite's own locks.
//!
//! A fixed number of files was weighed, shared by all credentials: one slow request would hold up
//! others. So was one file with a range for each: not every system has such locks for a thread.

use std::collections::HashSet;
use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::error::Error;
use super::file::VaultFile;
use super::lease::LockIdentity;
use crate::model::account::{Account, ProviderName, UserName};
use crate::private_file;

/// The interval at which a waiter tries again: short compared with a request, long compared with
/// the system call.
const POLL: Duration = Duration::from_millis(10);

/// A lock that is held until this value is dropped or the process ends.
#[derive(Debug)]
pub(crate) struct Guard {
    file: File,
    /// The path of a file that goes with the lock, unless [`Self::is_needed`].
    path: Option<PathBuf>,
    /// Whether something may name the file.
    is_needed: AtomicBool,
}

impl Guard {
    /// The lock on a file that stays.
    fn on_fixed(file: File) -> Self {
        Self { file, path: None, is_needed: AtomicBool::new(true) }
    }

    /// The lock on the file at `path`, which goes with it.
    fn on_passing(file: File, path: &Path) -> Self {
        Self { file, path: Some(path.to_owned()), is_needed: AtomicBool::new(false) }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(path) = &self.path
            && !self.is_needed.load(Ordering::Relaxed)
        {
            unlink(&self.file, path);
        }
    }
}

/// Unlinks `file` at `path`, whose lock this process holds. A failure does no harm: it goes the next
/// time.
fn unlink(file: &File, path: &Path) {
    if is_same(file, path).unwrap_or(false) {
        let _ = std::fs::remove_file(path);
    }
}

/// The lock of one credential, which this process holds.
#[derive(Debug)]
pub(crate) struct CredentialGuard {
    guard: Guard,
    identity: LockIdentity,
}

impl CredentialGuard {
    fn of(guard: Guard) -> Result<Self, Error> {
        let found = LockIdentity::read(&guard.file).map_err(failed)?;
        // A journal can name a file only that had a holder before.
        guard.is_needed.store(found.is_some(), Ordering::Relaxed);
        let identity = match found {
            Some(found) => found,
            None => LockIdentity::give(&guard.file)?,
        };
        Ok(Self { guard, identity })
    }

    /// Keeps the file of the lock, since a journal is about to name it.
    pub(crate) fn keep_file(&self) {
        self.guard.is_needed.store(true, Ordering::Relaxed);
    }

    /// Marks the file as one that goes with the lock, since the credential has no journal.
    pub(crate) fn let_file_go(&self) {
        self.guard.is_needed.store(false, Ordering::Relaxed);
    }

    pub(crate) fn identity(&self) -> &LockIdentity {
        &self.identity
    }
}

impl From<CredentialGuard> for Guard {
    fn from(guard: CredentialGuard) -> Self {
        guard.guard
    }
}

/// The state of a lock, as it is seen without taking it.
pub(crate) enum Seen {
    /// A process holds it.
    Held,
    /// Nobody holds it; the identity is `None` if its file does not exist or has no name.
    Free(Option<LockIdentity>),
}

#[derive(Clone, Copy)]
enum Mode {
    Shared,
    Exclusive,
}

/// The lock of one credential, which this process does not hold yet. Its holder may spend the
/// credential's refresh token.
///
/// The file stays open, so that each try costs one system call even if many processes wait.
pub(crate) struct CredentialLock {
    path: PathBuf,
    file: File,
}

impl CredentialLock {
    /// Opens the file of the lock with the `name` of [`VaultFile::name_of`], without taking the lock.
    pub(crate) fn named(vault: &VaultFile, name: &str) -> Result<Self, Error> {
        let path = vault.ensure_sidecar()?.join(format!("{name}.lock"));
        let file = private_file::open_or_create(&path).map_err(failed)?;
        Ok(Self { path, file })
    }

    /// Takes the lock; returns `None` while another process has it.
    pub(crate) fn take(&mut self) -> Result<Option<CredentialGuard>, Error> {
        loop {
            match self.file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
            // If somebody unlinked the file meanwhile, the lock is on a file that nobody else opens.
            if is_same(&self.file, &self.path).map_err(failed)? {
                let file = self.file.try_clone().map_err(failed)?;
                return CredentialGuard::of(Guard::on_passing(file, &self.path)).map(Some);
            }
            self.file = private_file::open_or_create(&self.path).map_err(failed)?;
        }
    }

    /// Whether no process has the lock at this moment. Any number of processes can ask at once.
    pub(crate) fn is_free(&self) -> Result<bool, Error> {
        match self.file.try_lock_shared() {
            Ok(()) => self.file.unlock().map(|()| true).map_err(failed),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

impl Drop for CredentialLock {
    /// Unlinks a file that this wait made and nobody took the lock of.
    fn drop(&mut self) {
        let is_new = self.file.metadata().is_ok_and(|found| found.len() == 0);
        if is_new && self.file.try_lock().is_ok() {
            unlink(&self.file, &self.path);
        }
    }
}

/// Waits for the lock of one credential until `deadline`; fails with [`Error::Busy`] after that.
pub(crate) fn credential(
    vault: &VaultFile,
    account: &Account,
    deadline: Instant,
) -> Result<CredentialGuard, Error> {
    let path = vault.ensure_sidecar()?.join(format!("{}.lock", VaultFile::name_of(account)));
    CredentialGuard::of(Guard::on_passing(wait(&path, Mode::Exclusive, deadline)?, &path))
}

/// Looks at the lock of one credential. Makes no file, and keeps nobody waiting.
pub(crate) fn look_at(vault: &VaultFile, account: &Account) -> Result<Seen, Error> {
    let path = vault.sidecar_path().join(format!("{}.lock", VaultFile::name_of(account)));
    let file = match private_file::open_plain(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Seen::Free(None)),
        Err(source) => return Err(failed(source)),
    };
    match file.try_lock_shared() {
        Ok(()) => LockIdentity::read(&file).map(Seen::Free).map_err(failed),
        Err(TryLockError::WouldBlock) => Ok(Seen::Held),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Takes the lock of a login for `user`, or of a login whose user is not known yet; returns `None`
/// while another process has it. Others can still use and refresh the credential.
pub(crate) fn login(
    vault: &VaultFile,
    provider: &ProviderName,
    user: Option<&UserName>,
) -> Result<Option<Guard>, Error> {
    let name = VaultFile::name_of_login(provider, user);
    let path = vault.ensure_sidecar()?.join(format!("{name}.login.lock"));
    Ok(acquire(&path, Mode::Exclusive)?.map(|file| Guard::on_passing(file, &path)))
}

/// Waits for the lock of a hand-over to another machine, so that only one bundle at a time is on
/// its way.
pub(crate) fn hand_over(vault: &VaultFile, deadline: Instant) -> Result<Guard, Error> {
    let path = vault.ensure_sidecar()?.join("hand-over.lock");
    wait(&path, Mode::Exclusive, deadline).map(Guard::on_fixed)
}

/// Waits for the shared lock under which key slots and data key stay as they are, such as during a
/// refresh.
///
/// A process that wants to change the keys holds the *turnstile* while it waits, so that a
/// stream of refreshes can't keep a rotation waiting forever.
pub(crate) fn key_in_use(vault: &VaultFile, deadline: Instant) -> Result<Guard, Error> {
    let directory = vault.ensure_sidecar()?;
    let turn = wait(&directory.join("turnstile.lock"), Mode::Shared, deadline)?;
    let guard = wait(&directory.join("vault.lock"), Mode::Shared, deadline)?;
    drop(turn);
    Ok(Guard::on_fixed(guard))
}

/// Waits for the exclusive locks under which the vault is created or its keys are changed, while
/// no refresh is in progress.
pub(crate) fn key_changes(vault: &VaultFile, deadline: Instant) -> Result<[Guard; 2], Error> {
    let directory = vault.ensure_sidecar()?;
    let turn = wait(&directory.join("turnstile.lock"), Mode::Exclusive, deadline)?;
    let guard = wait(&directory.join("vault.lock"), Mode::Exclusive, deadline)?;
    Ok([turn, guard].map(Guard::on_fixed))
}

/// Unlinks the files of credentials and logins in the sidecar directory whose lock nobody has, but
/// for those of the accounts `in_doubt`, which a journal may name. Earlier programs left one for each
/// login. Which accounts these are is asked only where such files lie: it takes a look at all rows.
pub(crate) fn clear_away(
    vault: &VaultFile,
    in_doubt: impl FnOnce() -> Result<Vec<Account>, Error>,
) {
    let Ok(entries) = std::fs::read_dir(vault.sidecar_path()) else { return };
    let named = |path: PathBuf| {
        let name = path.file_name()?.to_str()?.strip_suffix(".lock")?;
        let of = name.strip_suffix(".login").unwrap_or(name).to_owned();
        VaultFile::is_name(&of).then_some((path, of))
    };
    let found: Vec<_> = entries.filter_map(|entry| named(entry.ok()?.path())).collect();
    if found.is_empty() {
        return;
    }
    let Ok(in_doubt) = in_doubt() else { return };
    let kept: HashSet<String> = in_doubt.iter().map(VaultFile::name_of).collect();
    for (path, of) in found {
        if !kept.contains(&of)
            && let Ok(file) = private_file::open_plain_no_follow(&path)
            && file.try_lock().is_ok()
        {
            unlink(&file, &path);
        }
    }
}

fn wait(path: &Path, mode: Mode, deadline: Instant) -> Result<File, Error> {
    loop {
        if let Some(locked) = acquire(path, mode)? {
            return Ok(locked);
        }
        if Instant::now() >= deadline {
            return Err(Error::Busy);
        }
        std::thread::sleep(POLL);
    }
}

fn acquire(path: &Path, mode: Mode) -> Result<Option<File>, Error> {
    loop {
        let file = private_file::open_or_create(path).map_err(failed)?;
        let locked = match mode {
            Mode::Shared => file.try_lock_shared(),
            Mode::Exclusive => file.try_lock(),
        };
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // If somebody unlinked the file meanwhile, the lock is on a file that nobody else opens.
        if is_same(&file, path).map_err(failed)? {
            return Ok(Some(file));
        }
    }
}

fn failed(source: io::Error) -> Error {
    Error::io("lock", source)
}

/// Whether `path` still names the open `file`: somebody may have deleted or replaced it.
pub(super) fn is_same(file: &File, path: &Path) -> io::Result<bool> {
    let own = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(named) => Ok((own.dev(), own.ino()) == (named.dev(), named.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault() -> (tempfile::TempDir, VaultFile) {
        let home = tempfile::tempdir().unwrap();
        let file = VaultFile::find_or_create(&home.path().join("tokens.db")).unwrap();
        (home, file)
    }

    fn account(user: &str) -> Account {
        Account { provider: "acme".parse().unwrap(), user: user.parse().unwrap() }
    }

    fn soon() -> Instant {
        Instant::now() + POLL
    }

    #[test]
    fn a_credential_has_one_holder_and_does_not_delay_another() {
        let (_home, vault) = vault();
        let queue =
            |user| CredentialLock::named(&vault, &VaultFile::name_of(&account(user))).unwrap();
        let held = queue("x").take().unwrap().unwrap();
        let mut waiting = queue("x");
        assert!(waiting.take().unwrap().is_none());
        assert!(!waiting.is_free().unwrap());
        assert!(matches!(credential(&vault, &account("x"), soon()), Err(Error::Busy)));
        assert!(queue("y").take().unwrap().is_some());
        drop(held);
        assert!(waiting.is_free().unwrap());
        assert!(waiting.take().unwrap().is_some());
    }

    #[test]
    fn a_lock_file_that_was_taken_away_is_made_anew() {
        let (_home, vault) = vault();
        let mut queue = CredentialLock::named(&vault, &VaultFile::name_of(&account("x"))).unwrap();
        std::fs::remove_file(&queue.path).unwrap();
        let held = queue.take().unwrap();
        assert!(held.is_some());
        assert!(
            CredentialLock::named(&vault, &VaultFile::name_of(&account("x")))
                .unwrap()
                .take()
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn a_waiting_key_change_lets_no_new_refresh_pass() {
        let (_home, file) = vault();
        let vault = &file;
        let refreshing = key_in_use(vault, soon()).unwrap();
        assert!(key_in_use(vault, soon()).is_ok(), "refreshes share");
        std::thread::scope(|scope| {
            let long = Instant::now() + Duration::from_secs(10);
            let rotation = scope.spawn(move || key_changes(vault, long).unwrap());
            // The rotation holds the turnstile as soon as it waits.
            while key_in_use(vault, soon()).is_ok() {}
            assert!(!rotation.is_finished());
            drop(refreshing);
            drop(rotation.join().unwrap());
        });
        assert!(key_in_use(vault, soon()).is_ok());
    }
}
