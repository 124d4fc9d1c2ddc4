//! A vault that was unlocked: what is read and written under its key.
//!
//! One call is one look at the vault, or one transaction. Whoever calls may share the vault among
//! threads; a key that another process rotated meanwhile is unlocked again on the way.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jiff::Timestamp;

use super::change::{Change, Outcome, Placement};
use super::engine::Engine;
use super::error::Error;
use super::record::Row;
use super::spill;
use super::sqlite::reseal::{self, Damage};
use super::sqlite::{Remember, Sqlite, attempts, audit, bundles, credentials, standings};
use super::turn::{HandOverTurn, LoginTurn, StatusTurn, Turn, TurnOfMany};
use super::unlock;
use super::vault::Vault;
use crate::model::account::{Account, ProviderName, UserName};
use crate::model::attempt::Attempt;
use crate::model::audit::Settings;
use crate::model::credential::{Credential, Status};
use crate::model::standing::Standing;
use crate::vault::bundle::BundleId;
use crate::vault::seal::DataKey;
use crate::vault::slot_secret::SlotSecret;

/// A vault and the key that opens its rows.
pub(crate) struct OpenVault {
    vault: Vault,
    with: SlotSecret,
    /// The newest data key, which all handles of this process on the vault share.
    key: Arc<Mutex<Arc<DataKey>>>,
    /// How the audit is to be kept from the next write on, if today's configuration is known.
    audit_wanted: Mutex<Option<Settings>>,
    has_written: AtomicBool,
}

/// Opens an unlocked vault once more: the keychain is not asked, and no key derived again.
#[derive(Clone)]
pub(crate) struct Opener {
    path: PathBuf,
    with: SlotSecret,
    key: Arc<Mutex<Arc<DataKey>>>,
}

impl Opener {
    /// Opens the file that is at the vault's place by now, for reading and writing by many threads.
    pub(crate) fn open(&self) -> Result<OpenVault, Error> {
        let vault = Vault::kept_in(Sqlite::open_for_threads(&self.path)?);
        Ok(OpenVault::sharing(vault, self.with.clone(), Arc::clone(&self.key)))
    }
}

impl Deref for OpenVault {
    type Target = Vault;

    fn deref(&self) -> &Vault {
        &self.vault
    }
}

/// What became of the service's word on a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recorded {
    Yes,
    /// The journal of a refresh stands; it goes with the revision that a status would replace.
    InDoubt,
    /// The row is another one by now.
    Moved,
}

/// What became of credentials that came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TakenIn {
    Yes,
    /// Nothing was written: the vault has moved on meanwhile.
    Moved,
    /// Nothing was written: the bundle was taken in at this time.
    Before(Timestamp),
}

/// Reading.
impl OpenVault {
    pub(super) fn new(vault: Vault, with: SlotSecret, key: DataKey) -> Self {
        let key = Arc::new(Mutex::new(Arc::new(key)));
        Self::sharing(vault, with, key)
    }

    fn sharing(vault: Vault, with: SlotSecret, key: Arc<Mutex<Arc<DataKey>>>) -> Self {
        let (audit_wanted, has_written) = (Mutex::new(None), AtomicBool::new(false));
        Self { vault, with, key, audit_wanted, has_written }
    }

    /// What opens the vault once more, without the connection that this one holds.
    pub(crate) fn opener(&self) -> Opener {
        let (path, key) = (self.location().to_owned(), Arc::clone(&self.key));
        Opener { path, with: self.with.clone(), key }
    }

    /// Opens a vault that was opened for reading alone for writing as well.
    pub(crate) fn open_for_writing(&self) -> Result<(), Error> {
        self.file_engine().open_for_writing()
    }

    /// What the vault was unlocked with.
    pub(crate) fn with(&self) -> &SlotSecret {
        &self.with
    }

    /// Reads the credential of `account`, opened, with its journal.
    ///
    /// Fails with [`Error::Tampered`] where it does not open.
    pub(crate) fn read(&self, account: &Account) -> Result<Option<Row>, Error> {
        self.under_key(|key| {
            self.file_engine().read(|view| credentials::read_with_journal(view, key, account))
        })
    }

    /// Reads the credential of `account` and the last time that its provider was asked about it.
    /// Finds what is damaged and goes with every credential that is stored: before a refresh token
    /// is spent.
    pub(crate) fn read_with_attempt(
        &self,
        account: &Account,
    ) -> Result<Option<(Row, Option<Attempt>)>, Error> {
        self.under_key(|key| {
            self.file_engine().read(|view| {
                let Some(row) = credentials::read_with_journal(view, key, account)? else {
                    return Ok(None);
                };
                audit::read(view, key)?;
                Ok(Some((row, attempts::read(view, account)?)))
            })
        })
    }

    /// The revision of the credential of `account`, which is not opened for it, and the last time
    /// that its provider was asked.
    pub(crate) fn revision(
        &self,
        account: &Account,
    ) -> Result<Option<(u64, Option<Attempt>)>, Error> {
        self.file_engine().read(|view| {
            let Some(revision) = credentials::revision(view, account)? else { return Ok(None) };
            Ok(Some((revision, attempts::read(view, account)?)))
        })
    }

    /// Opens every credential, and tells how many there are, and which do not open.
    pub(crate) fn examine(&self, progress: impl FnMut(u64)) -> Result<(u64, Damage), Error> {
        let key = self.key();
        self.file_engine().read(|view| reseal::examine(view, &key, progress))
    }

    /// The bundle that was handed over and is not known to be in place.
    pub(crate) fn waiting_bundle(&self) -> Result<Option<(BundleId, String)>, Error> {
        self.file_engine().read(|view| bundles::unplaced(view))
    }

    /// When a bundle was taken in, if it was.
    pub(crate) fn taken_in_at(&self, bundle: BundleId) -> Result<Option<Timestamp>, Error> {
        self.file_engine().read(|view| bundles::opened_at(view, bundle))
    }
}

/// Writing.
impl OpenVault {
    /// Makes sure, by a real write, that the disk takes one and that the key is the current one.
    pub(crate) fn check_writable(&self) -> Result<(), Error> {
        self.commit(|| Change::Reserve).map(drop)
    }

    /// Remembers how far the audit reaches.
    pub(crate) fn touch_audit(&self) -> Result<(), Error> {
        self.commit(|| Change::Touch).map(drop)
    }

    /// Waits for the turn to write the credential of `account`.
    pub(crate) fn turn(&self, account: &Account, deadline: Instant) -> Result<Turn, Error> {
        Turn::of(self.vault.file(), account, deadline)
    }

    /// Waits for the turn to write the credentials of all `accounts`, in this order; with `moving`,
    /// to hand them over as well.
    pub(crate) fn turn_of_many<'a>(
        &self,
        accounts: impl Iterator<Item = &'a Account>,
        moving: bool,
        deadline: Instant,
    ) -> Result<TurnOfMany, Error> {
        TurnOfMany::of(self.vault.file(), accounts, moving, deadline)
    }

    /// Waits for the turn to put a bundle in its place.
    pub(crate) fn hand_over_turn(&self, deadline: Instant) -> Result<HandOverTurn, Error> {
        HandOverTurn::of(self.vault.file(), deadline)
    }

    /// Waits for the turn to change the status of a credential.
    pub(crate) fn status_turn(
        &self,
        account: &Account,
        deadline: Instant,
    ) -> Result<StatusTurn, Error> {
        StatusTurn::of(self.vault.file(), account, deadline)
    }

    /// Takes the turn to log in for `user`, or for whoever it will turn out to be; `None` while
    /// another process has it.
    pub(crate) fn login_turn(
        &self,
        provider: &ProviderName,
        user: Option<&UserName>,
    ) -> Result<Option<LoginTurn>, Error> {
        LoginTurn::of(self.vault.file(), provider, user)
    }

    /// Stores a credential over the one at the revision `over`, or in an empty place, with no
    /// history. Returns whether it did: not if the place was taken meanwhile.
    pub(crate) fn put(
        &self,
        account: &Account,
        credential: &Credential,
        over: Option<u64>,
    ) -> Result<bool, Error> {
        let outcome = self.commit(|| Change::Put {
            account: account.clone(),
            credential: Box::new(credential.clone()),
            over,
        })?;
        if outcome != Outcome::Done {
            return Ok(false);
        }
        if credential.is_refreshable() {
            // What an answer may need one day; a refresh sees to it as well.
            let _ = spill::Spill::open(self.vault.file(), account, credential);
        }
        self.discard_spill(account);
        Ok(true)
    }

    /// Stores all of `placements`, or nothing. A `bundle` that they came in with is taken in with
    /// that, once.
    pub(crate) fn take_in(
        &self,
        placements: Vec<Placement>,
        bundle: Option<BundleId>,
        at: Timestamp,
    ) -> Result<TakenIn, Error> {
        let accounts: Vec<Account> = placements.iter().map(|one| one.account.clone()).collect();
        let outcome =
            self.commit(|| Change::TakeIn { placements: placements.clone(), bundle, at })?;
        match outcome {
            Outcome::TakenIn(at) => Ok(TakenIn::Before(at)),
            Outcome::Done => {
                accounts.iter().for_each(|account| self.discard_spill(account));
                Ok(TakenIn::Yes)
            }
            Outcome::Moved | Outcome::InDoubt | Outcome::News(_) | Outcome::Entries(_) => {
                Ok(TakenIn::Moved)
            }
        }
    }

    /// Leaves in the vault what stays of credentials that are moved, and keeps their bundle until
    /// it is in place.
    ///
    /// Fails with [`Error::Busy`], with nothing changed, if one of them is another one by now.
    pub(crate) fn hand_over(
        &self,
        left: &[Placement],
        bundle: BundleId,
        text: &str,
        at: Timestamp,
    ) -> Result<(), Error> {
        let outcome = self.commit(|| Change::HandOver {
            left: left.to_vec(),
            bundle,
            text: text.to_owned(),
            at,
        })?;
        if outcome != Outcome::Done {
            // Somebody took the locks' files away.
            return Err(Error::Busy);
        }
        left.iter().for_each(|gone| self.discard_spill(&gone.account));
        Ok(())
    }

    /// Forgets a bundle that is in place. What was overwritten goes from the log too, where nobody
    /// reads it.
    pub(crate) fn forget_bundle(&self, bundle: BundleId) -> Result<(), Error> {
        self.commit(|| Change::BundlePlaced(bundle))?;
        self.empty_log();
        Ok(())
    }

    /// Forgets an account whose credential was read at `revision`, with all that belongs to it.
    ///
    /// Fails with [`Error::Busy`] if it is another one by now.
    pub(crate) fn forget_at(&self, account: &Account, revision: u64) -> Result<(), Error> {
        let outcome = self.commit(|| Change::Forget { account: account.clone(), revision })?;
        // Somebody took the locks' files away: what is there now is not what was read.
        if outcome == Outcome::Done { Ok(()) } else { Err(Error::Busy) }
    }

    /// Writes down what the service said of the token in `read`, and `credential` over it if that
    /// changes it.
    pub(crate) fn note_check(
        &self,
        account: &Account,
        (revision, was): (u64, Status),
        credential: Option<&Credential>,
        attempt: &Attempt,
    ) -> Result<Recorded, Error> {
        let outcome = self.commit(|| Change::Checked {
            account: account.clone(),
            revision,
            was,
            attempt: attempt.clone(),
            credential: credential.cloned().map(Box::new),
        })?;
        Ok(match outcome {
            Outcome::Done => Recorded::Yes,
            Outcome::InDoubt => Recorded::InDoubt,
            Outcome::Moved | Outcome::TakenIn(_) | Outcome::News(_) | Outcome::Entries(_) => {
                Recorded::Moved
            }
        })
    }

    /// Takes down how the credential of `account` stands, and returns what this process, and no
    /// other, has to tell.
    pub(crate) fn news(
        &self,
        account: &Account,
        standing: Standing,
    ) -> Result<Option<Standing>, Error> {
        // Nearly always there is nothing to write.
        let told = self.file_engine().read(|view| standings::read(view, account))?;
        if standing.told_after(told) == told {
            return Ok(None);
        }
        match self.commit(|| Change::Told { account: account.clone(), standing })? {
            Outcome::News(news) => Ok(news),
            Outcome::Done
            | Outcome::Moved
            | Outcome::InDoubt
            | Outcome::TakenIn(_)
            | Outcome::Entries(_) => Ok(None),
        }
    }

    /// Seals `settings` with the next write, so that commands which read no configuration know
    /// how the audit is kept.
    pub(crate) fn keep_audit_as(&self, settings: Settings) {
        *lock(&self.audit_wanted) = Some(settings);
    }

    /// Whether anything was committed since the vault was unlocked.
    pub(super) fn has_written(&self) -> bool {
        self.has_written.load(Ordering::Relaxed)
    }

    /// Moves what is in the write-ahead log into the file: it may hold what was overwritten since.
    /// Returns whether that could be done, for all readers.
    pub(super) fn empty_log(&self) -> bool {
        self.file_engine().writer().empty_log().unwrap_or(false)
    }

    /// Overwrites the spill file of `account`: it opens for nothing any more. That it is there does
    /// no harm.
    pub(super) fn discard_spill(&self, account: &Account) {
        let _ = spill::discard(self.vault.file(), account);
    }
}

/// The key, and what is done under it.
impl OpenVault {
    /// Carries out a change; once more, under the new key, if a rotation was faster.
    pub(super) fn commit(&self, change: impl Fn() -> Change) -> Result<Outcome, Error> {
        let outcome = self.under_key(|key| {
            let change = change();
            let remember =
                if change.is_bookkeeping() { Remember::Nothing } else { self.remember() };
            self.vault.engine.commit(key, change, remember)
        })?;
        self.has_written.store(true, Ordering::Relaxed);
        Ok(outcome)
    }

    /// What a commit that writes a credential remembers of the audit.
    pub(super) fn remember(&self) -> Remember {
        Remember::Audit(*lock(&self.audit_wanted))
    }

    /// Does something under the vault's key, and once more under the new one if a rotation was
    /// faster.
    pub(super) fn under_key<T>(
        &self,
        mut work: impl FnMut(&DataKey) -> Result<T, Error>,
    ) -> Result<T, Error> {
        loop {
            let key = self.key();
            match work(&key) {
                Err(Error::KeyRetired) => self.unlock_again(&key)?,
                other => return other,
            }
        }
    }

    fn unlock_again(&self, retired: &DataKey) -> Result<(), Error> {
        let mut newest = lock(&self.key);
        // Another thread may have done so: the keychain is asked once, and a passphrase's key,
        // which takes much memory, derived once.
        if (newest.vault, newest.generation) == (retired.vault, retired.generation) {
            self.file_engine().look_again()?;
            *newest = Arc::new(unlock::data_key(&self.vault, &self.with)?);
        } else {
            self.file_engine().look_again()?;
        }
        Ok(())
    }

    /// The newest data key.
    pub(super) fn key(&self) -> Arc<DataKey> {
        Arc::clone(&lock(&self.key))
    }

    /// Makes `next` the key, after a rotation was committed.
    pub(super) fn key_is(&self, next: DataKey) {
        *lock(&self.key) = Arc::new(next);
        self.has_written.store(true, Ordering::Relaxed);
    }

    pub(super) fn file_engine(&self) -> &Sqlite {
        let Engine::Sqlite(file) = &self.vault.engine;
        file
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::credential::Expiry;
    use crate::store::keys::FirstSlot;
    use crate::vault::Key;
    use crate::vault::slot::{KeyMaterial, KeySlot, SlotId, SlotKind};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn account() -> Account {
        Account { provider: "acme".parse().unwrap(), user: "x".parse().unwrap() }
    }

    fn vault(home: &tempfile::TempDir, key: &Key) -> OpenVault {
        let vault = Vault::open_or_create(&home.path().join("v/tokens.db")).unwrap();
        let (slot, with) = (FirstSlot::generate().unwrap(), SlotSecret::Key(key.clone()));
        vault.finish(slot, with, &KeyMaterial::Random(key.clone()), NOW).unwrap()
    }

    #[test]
    fn after_a_rotation_one_handle_unlocks_for_all() {
        let (home, key) = (tempfile::tempdir().unwrap(), Key::generate().unwrap());
        let vault = vault(&home, &key);
        let opener = vault.opener();
        let (first, second) = (opener.open().unwrap(), opener.open().unwrap());

        let next = DataKey::generate(vault.key().vault, 2).unwrap();
        let (id, material) = (SlotId::generate().unwrap(), KeyMaterial::Random(key));
        let slot = KeySlot::wrap(id, SlotKind::Key, &material, &next).unwrap();
        let file = Sqlite::open(vault.location(), crate::store::sqlite::Access::ReadWrite).unwrap();
        file.without_key(|transaction| {
            for statement in
                ["UPDATE vault SET generation = 2", "DELETE FROM key_slots", "DELETE FROM audit"]
            {
                transaction.execute(statement, [])?;
            }
            crate::store::sqlite::slots::insert(transaction, &slot, NOW)?;
            let credential = Credential::made_up_static(Expiry::None);
            credentials::put(transaction, &next, &account(), &credential)
        })
        .unwrap();
        assert!(first.read(&account()).unwrap().is_some());
        // Now that no slot is left, nothing can be unlocked any more.
        file.without_key(|transaction| Ok(transaction.execute("DELETE FROM key_slots", [])?))
            .unwrap();
        assert!(second.read(&account()).unwrap().is_some());
        assert!(opener.open().unwrap().read(&account()).unwrap().is_some());
    }
}
