//! The spill file of a credential, which takes the answer to a refresh that could not be stored in
//! the credential's row. For a shared vault it takes each answer, before that is stored.
//!
//! Its disk space is allocated and flushed before the request, so that the answer can be written
//! even if the disk is full by then.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

#[cfg(feature = "postgres")]
use jiff::Timestamp;

use super::error::Error;
use super::file::VaultFile;
use super::sqlite::row_seal;
use crate::model::account::Account;
use crate::model::credential::Credential;
use crate::private_file;
use crate::vault::plaintext;
use crate::vault::seal::{DataKey, SealContext};

/// The disk space for new tokens in an answer, in bytes, in addition to the credential's length.
const ROOM: usize = 64 * 1024;

/// The length of the prefix in bytes: it holds the length of the sealed bytes that follow. Behind
/// those stand the revision and the attempt whose answer it is, and in a shared vault the time when
/// the database had it.
const PREFIX: usize = 4;

/// The length of revision and attempt, in bytes.
#[cfg(feature = "postgres")]
const PLACE: usize = 8 + 16;

/// The place of an answer in the vault, as its spill file has it. [`Spill::read`] tells whether it is
/// true.
#[cfg(feature = "postgres")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The revision and the attempt whose answer it is.
    pub(crate) revision: u64,
    pub(crate) attempt: [u8; 16],
    /// The time, by the database, when the answer was in its row, or something newer.
    pub(crate) stored_at: Option<Timestamp>,
}

/// Overwrites the spill file of `account`, if there is one.
pub(crate) fn discard(vault: &VaultFile, account: &Account) -> Result<(), Error> {
    let path = path(vault, account)?;
    if !path.exists() {
        return Ok(());
    }
    let file =
        private_file::open_or_create(&path).map_err(|source| Error::io("write beside", source))?;
    Spill { file }.clear()
}

/// Overwrites and deletes the spill file of `account`, whose credential is gone. The caller has the
/// turn that keeps refreshes away.
pub(crate) fn remove(vault: &VaultFile, account: &Account) -> Result<(), Error> {
    discard(vault, account)?;
    match fs::remove_file(path(vault, account)?) {
        Err(source) if source.kind() != ErrorKind::NotFound => {
            Err(Error::Io { doing: "delete beside", source })
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Overwrites all spill files. The caller knows that no refresh is in progress, and that their
/// content was stored or belongs to no attempt.
pub(crate) fn discard_all(vault: &VaultFile) -> Result<(), Error> {
    let io = |source| Error::io("write beside", source);
    for entry in fs::read_dir(vault.ensure_sidecar()?).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.extension().is_some_and(|extension| extension == "spill") {
            let file = private_file::open_or_create(&path).map_err(io)?;
            Spill { file }.clear()?;
        }
    }
    Ok(())
}

/// Opens the spill file of `account`, if there is one.
#[cfg(feature = "postgres")]
pub(crate) fn existing(vault: &VaultFile, account: &Account) -> Option<Spill> {
    named(vault, &VaultFile::name_of(account))
}

/// Opens the spill file with the `name` of [`VaultFile::name_of`], if there is one.
#[cfg(feature = "postgres")]
pub(crate) fn named(vault: &VaultFile, name: &str) -> Option<Spill> {
    let path = vault.sidecar_path().join(format!("{name}.spill"));
    // Opened for writing too, as the file of this user that it is.
    path.exists()
        .then(|| private_file::open_or_create(&path).ok())
        .flatten()
        .map(|file| Spill { file })
}

/// Returns the names of all spill files with an answer in them, and opens each.
#[cfg(feature = "postgres")]
pub(crate) fn all(vault: &VaultFile) -> Vec<(String, Spill)> {
    let Ok(entries) = fs::read_dir(vault.sidecar_path()) else { return Vec::new() };
    let filled = |entry: std::io::Result<fs::DirEntry>| {
        let name = entry.ok()?.file_name().into_string().ok()?;
        let name = name.strip_suffix(".spill").filter(|name| VaultFile::is_name(name))?;
        let spill = named(vault, name)?;
        spill.place().is_some().then(|| (name.to_owned(), spill))
    };
    entries.filter_map(filled).collect()
}

/// An open spill file.
pub(crate) struct Spill {
    file: File,
}

impl Spill {
    /// Opens the spill file of `account` and allocates space for `credential` with new tokens.
    ///
    /// On a copy-on-write file system, writing may still fail later for lack of space.
    pub(crate) fn open(
        vault: &VaultFile,
        account: &Account,
        credential: &Credential,
    ) -> Result<Self, Error> {
        let io = |source| Error::io("make room beside", source);
        let path = path(vault, account)?;
        let file = private_file::open_or_create(&path).map_err(io)?;
        let length = plaintext::json_length(credential)
            .map_err(|_| Error::Inconsistent("a credential that can't be written down"))?;
        let room = ROOM + length;
        let there = usize::try_from(file.metadata().map_err(io)?.len()).unwrap_or(usize::MAX);
        if there < room {
            file.write_all_at(&vec![0; room - there], there as u64).map_err(io)?;
            file.sync_all().map_err(io)?;
            File::open(vault.ensure_sidecar()?)
                .and_then(|directory| directory.sync_all())
                .map_err(io)?;
        }
        Ok(Self { file })
    }

    /// Seals `credential`, which the attempt `attempt` at `revision` brought, writes it to the file
    /// and flushes it.
    pub(crate) fn write(
        &self,
        key: &DataKey,
        account: &Account,
        (revision, attempt): (u64, &[u8; 16]),
        credential: &Credential,
    ) -> Result<(), Error> {
        let sealed = row_seal::seal(key, seal_context(account, revision, attempt), credential)?;
        let length = u32::try_from(sealed.len())
            .map_err(|_| Error::Inconsistent("an answer that is too long"))?;
        // Nobody has stored it yet.
        let place = [&revision.to_le_bytes(), attempt.as_slice(), &[0; 8]].concat();
        let bytes = [&length.to_le_bytes(), sealed.as_slice(), &place].concat();
        let io = |source| Error::io("write beside", source);
        self.file.write_all_at(&bytes, 0).map_err(io)?;
        self.file.sync_data().map_err(io)
    }

    /// Returns what the file says of the answer in it; `None` if it is empty.
    #[cfg(feature = "postgres")]
    pub(crate) fn place(&self) -> Option<Place> {
        let at = self.place_at()?;
        let mut place = [0; PLACE];
        self.file.read_exact_at(&mut place, at).ok()?;
        let (revision, attempt) = place.split_first_chunk::<8>()?;
        let mut stored = [0; 8];
        self.file.read_exact_at(&mut stored, at + PLACE as u64).ok()?;
        let stored = Some(i64::from_le_bytes(stored)).filter(|second| *second != 0);
        Some(Place {
            revision: u64::from_le_bytes(*revision),
            attempt: attempt.try_into().ok()?,
            stored_at: stored
                .map(|second| Timestamp::from_second(second).unwrap_or(Timestamp::MIN)),
        })
    }

    /// Notes that the database has the answer, or something newer, since `at`. If a crash undoes the
    /// note, the answer is taken for one that is not stored, and compared with its row once more.
    #[cfg(feature = "postgres")]
    pub(crate) fn mark_stored(&self, at: Timestamp) -> Result<(), Error> {
        let Some(place) = self.place_at() else { return Ok(()) };
        let bytes = at.as_second().to_le_bytes();
        let io = |source| Error::io("write beside", source);
        self.file.write_all_at(&bytes, place + PLACE as u64).map_err(io)
    }

    /// Returns where revision and attempt stand; `None` if the file is empty.
    #[cfg(feature = "postgres")]
    fn place_at(&self) -> Option<u64> {
        let mut prefix = [0; PREFIX];
        self.file.read_exact_at(&mut prefix, 0).ok()?;
        let length = u32::from_le_bytes(prefix);
        (length != 0).then(|| PREFIX as u64 + u64::from(length))
    }

    /// Returns the credential that the attempt `attempt` at `revision` left here; `None` if the file
    /// is empty or does not open for this attempt.
    pub(crate) fn read(
        &self,
        key: &DataKey,
        account: &Account,
        (revision, attempt): (u64, &[u8; 16]),
    ) -> Option<Credential> {
        let mut prefix = [0; PREFIX];
        self.file.read_exact_at(&mut prefix, 0).ok()?;
        let length = u32::from_le_bytes(prefix) as usize;
        let stored = usize::try_from(self.file.metadata().ok()?.len()).ok()?;
        if length == 0 || length > stored.saturating_sub(PREFIX) {
            return None;
        }
        let mut sealed = vec![0; length];
        self.file.read_exact_at(&mut sealed, PREFIX as u64).ok()?;
        let opened = key.open(seal_context(account, revision, attempt), &sealed).ok()?;
        serde_json::from_slice(&opened).ok()
    }

    /// Overwrites the content of the file with zeros.
    pub(crate) fn clear(&self) -> Result<(), Error> {
        let io = |source| Error::io("write beside", source);
        let mut prefix = [0; PREFIX];
        self.file.read_exact_at(&mut prefix, 0).map_err(io)?;
        if prefix == [0; PREFIX] {
            return Ok(());
        }
        // The length in the file may be forged, so no more is overwritten than the file holds.
        let stored = usize::try_from(self.file.metadata().map_err(io)?.len()).unwrap_or(usize::MAX);
        let length = stored.min(PREFIX + u32::from_le_bytes(prefix) as usize);
        self.file.write_all_at(&vec![0; length], 0).map_err(io)?;
        self.file.sync_data().map_err(io)
    }
}

fn path(vault: &VaultFile, account: &Account) -> Result<PathBuf, Error> {
    Ok(vault.ensure_sidecar()?.join(format!("{}.spill", VaultFile::name_of(account))))
}

fn seal_context<'a>(account: &'a Account, revision: u64, attempt: &'a [u8; 16]) -> SealContext<'a> {
    SealContext::Spill {
        provider: account.provider.as_str(),
        user: account.user.as_str(),
        revision,
        attempt,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::credential::Expiry;
    use crate::secret::SecretText;
    use crate::vault::seal::VaultId;

    fn credential() -> Credential {
        Credential::made_up_static(Expiry::None)
    }

    #[test]
    fn a_spill_opens_only_for_its_attempt() {
        let home = tempfile::tempdir().unwrap();
        let vault = VaultFile::find_or_create(&home.path().join("tokens.db")).unwrap();
        let account = Account { provider: "acme".parse().unwrap(), user: "x".parse().unwrap() };
        let key = DataKey::generate(VaultId([5; 16]), 1).unwrap();
        let (attempt, other) = ([1; 16], [2; 16]);

        let spill = Spill::open(&vault, &account, &credential()).unwrap();
        assert!(spill.read(&key, &account, (1, &attempt)).is_none());
        spill.write(&key, &account, (1, &attempt), &credential()).unwrap();

        let again = Spill::open(&vault, &account, &credential()).unwrap();
        assert!(again.read(&key, &account, (1, &other)).is_none());
        assert!(again.read(&key, &account, (2, &attempt)).is_none());
        let found = again.read(&key, &account, (1, &attempt)).unwrap();
        assert_eq!(found.token().unwrap().expose(), "made-up");
        again.clear().unwrap();
        assert!(again.read(&key, &account, (1, &attempt)).is_none());
    }

    #[test]
    fn a_length_that_somebody_else_wrote_is_not_believed() {
        let home = tempfile::tempdir().unwrap();
        let file = private_file::create_new(&home.path().join("x.spill")).unwrap();
        file.write_all_at(&[0xFF; 10], 0).unwrap();
        let spill = Spill { file };
        spill.clear().unwrap();
        let mut left = [1; 10];
        spill.file.read_exact_at(&mut left, 0).unwrap();
        assert_eq!((left, spill.file.metadata().unwrap().len()), ([0; 10], 10));
    }
}
