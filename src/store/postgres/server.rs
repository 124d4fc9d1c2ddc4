//! A shared vault as one member has it open.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::apply::Work;
use super::claim::{TIME_TO_CLAIM, claim};
use super::driver::{Connection, Connections, Transaction};
use super::members::FoundedVault;
use super::membership::{Membership, signed};
use super::membership_change::{self, Changed, NO_SLOT};
use super::pause::pause;
use super::row::whole_second;
use super::rows::{self, Part};
use super::status::LeaseRunning;
use crate::boot_clock::Moment;
use crate::model::account::Account;
use crate::store::address::Address;
use crate::store::change::{Change, Ground, Outcome};
use crate::store::error::Error as StoreError;
use crate::store::evidence::Found;
use crate::store::file::VaultFile;
use crate::store::record::{AttemptId, Journal, Row as Read, Stored};
use crate::store::shared_error::Error;
use crate::store::watermark::{Subject, Watermark};
use crate::store::watermarks::Watermarks;
use crate::vault::seal::DataKey;
use crate::vault::shared::identity::Identity;
use crate::vault::shared::member::Label;
use crate::vault::shared::pin::Pin;
use crate::vault::shared::roster::{self, Founded, Roster};
use crate::vault::shared::slot;

/// The largest difference between the clocks of the database and of this machine.
const APART: SignedDuration = SignedDuration::from_hours(24);

/// The longest time by which the database's clock may be behind a row that was written: another node,
/// whose clock differs, may have taken over.
const BEHIND: SignedDuration = SignedDuration::from_mins(1);

/// The length of a member's part in the names of what a machine keeps for that member.
const MEMBER_NAME: usize = 16;

/// The settings with which a shared vault is opened.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) address: Address,
    /// The entry of the list of members from which on it is followed; `None` for a vault that is to
    /// be founded.
    pub(crate) pin: Option<Pin>,
    pub(crate) identity: Identity,
    /// The directory in which this machine keeps locks, spill files and the audit.
    pub(crate) state: PathBuf,
    pub(crate) watermarks: Watermarks,
    /// The clock of this machine, with which that of the database is compared.
    pub(crate) clock: fn() -> Timestamp,
    /// The function that takes the time of the database, which this process goes by from then on.
    pub(crate) go_by: fn(Timestamp),
}

/// An open shared vault.
pub(in crate::store) struct Server {
    /// The path beside which this machine keeps what belongs to the vault, in a directory. There is no
    /// file of that path.
    file: VaultFile,
    identity: Identity,
    watermarks: Watermarks,
    /// The key that seals what stays on this machine.
    machine_key: DataKey,
    connections: Connections,
    known: Mutex<Known>,
}

/// The knowledge of this process about the vault.
struct Known {
    membership: Arc<Membership>,
    /// The time of the database when it was last read, in microseconds, and the moment of that.
    clock: (i64, Moment),
    /// The attempts that this process began.
    attempts: Vec<AttemptId>,
}

impl Server {
    /// Opens the vault at `place`: verifies its list of members, and gets the data key.
    pub(in crate::store) fn open(place: Place) -> Result<Self, StoreError> {
        Self::open_over(Connection::to(place.address.clone()), place)
    }

    fn open_over(mut connection: Connection, place: Place) -> Result<Self, StoreError> {
        let pin = place.pin.ok_or_else(|| Error::NoPin { place: place.address.shown() })?;
        let mut read = || connection.single(|it| Membership::read(it, pin, &place.identity));
        let (mut membership, mut now) = read()?;
        if place.watermarks.check_roster(&membership.roster).is_err() {
            // Another process of this machine may have seen a later entry since.
            (membership, now) = read()?;
        }
        Self::over(connection, membership, now, place)
    }

    /// Founds a vault in the database of `place`, whose first member is `label`.
    pub(in crate::store) fn found(place: Place, label: Label) -> Result<Self, StoreError> {
        let Founded { roster, key, entry } = roster::found(&place.identity, label)?;
        let keys = place.identity.keys();
        let own = slot::wrap(&key, roster.vault(), &keys).map_err(|_| NO_SLOT)?;
        let founded = FoundedVault { roster: &roster, entry: &entry, slot: (keys.id(), own) };
        let mut connection = Connection::to(place.address.clone());
        connection.transact(|transaction| founded.make(transaction))?;
        // Over the same connection, which is made anew when it breaks: nobody but this process knows
        // the vault yet.
        Self::open_over(connection, Place { pin: Some(roster.head()), ..place })
    }

    fn over(
        connection: Connection,
        membership: Membership,
        now: i64,
        place: Place,
    ) -> Result<Self, StoreError> {
        let database = Timestamp::from_microsecond(now).unwrap_or(Timestamp::MIN);
        let apart = database.duration_since((place.clock)());
        if apart.abs() > APART {
            return Err(Error::ClockApart { hours: apart.as_hours() }.into());
        }
        (place.go_by)(database);
        place.watermarks.check_roster(&membership.roster).map_err(Error::from)?;
        place.watermarks.keep_roster(&membership.roster);
        let vault = membership.vault();
        // Two members may use one machine: none opens what the other seals there.
        let member = place.identity.id().hex();
        let name = format!("{}.{}", vault.hex(), &member[..MEMBER_NAME]);
        let path = place.state.join("shared").join(name);
        let machine_key = DataKey::of_machine(vault.vault(), place.identity.local_key());
        let clock = (now, Moment::now());
        let known = Known { membership: Arc::new(membership), clock, attempts: Vec::new() };
        Ok(Self {
            file: VaultFile::of_state(path),
            identity: place.identity,
            watermarks: place.watermarks,
            machine_key,
            connections: Connections::of(connection),
            known: Mutex::new(known),
        })
    }

    pub(in crate::store) fn file(&self) -> &VaultFile {
        &self.file
    }

    /// Returns the key that seals what stays on this machine.
    pub(in crate::store) fn machine_key(&self) -> &DataKey {
        &self.machine_key
    }

    /// Returns the data key, as this member has it now.
    pub(in crate::store) fn data_key(&self) -> DataKey {
        self.membership().key.clone()
    }

    /// Returns the roster up to the entry that was verified last.
    pub(in crate::store) fn roster(&self) -> Roster {
        self.membership().roster.clone()
    }

    pub(in crate::store) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Fails with [`Error::NotRenewedForReader`] if this member may only read.
    pub(in crate::store) fn check_may_refresh(&self, account: &Account) -> Result<(), StoreError> {
        let refused = |_| Error::NotRenewedForReader { account: account.clone() };
        Ok(self.membership().check_writer().map_err(refused)?)
    }

    /// Returns the present time by the clock of the database, whatever this machine's clock says, in
    /// whole seconds as every time in a credential.
    pub(in crate::store) fn now(&self) -> Timestamp {
        whole_second(self.known().now())
    }

    /// Returns the membership as it was last read.
    pub(super) fn membership(&self) -> Arc<Membership> {
        Arc::clone(&self.known().membership)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Fails with [`Error::ClockBehind`] if the row of `account` at `revision`, a time in microseconds, was
/// written long after `now`.
fn check_clock(account: &Account, revision: u64, now: i64) -> Result<(), Error> {
    let behind = SignedDuration::from_micros(signed(revision)?.saturating_sub(now));
    if behind <= BEHIND {
        return Ok(());
    }
    Err(Error::ClockBehind { account: account.clone(), minutes: behind.as_mins() })
}

/// Reading one credential, and remembering how new it was.
impl Server {
    /// Reads the credential of `account`, and remembers its revision.
    pub(in crate::store) fn read(&self, account: &Account) -> Result<Option<Read>, StoreError> {
        let read = self.read_row(account)?;
        if let Some(row) = &read
            && self.highest(account) < row.stored.revision
        {
            self.note(account, row.stored.revision, false);
        }
        Ok(read)
    }

    fn read_row(&self, account: &Account) -> Result<Option<Read>, StoreError> {
        self.under_membership(|connection, membership| {
            let name = membership.name(account);
            let (header, row) =
                connection.single(|it| rows::one(it, membership, &name, Part::Whole))?;
            let Some(row) = row else { return Ok((None, header.now)) };
            let credential = row.credential(membership, account)?;
            check_clock(account, row.revision, header.now)?;
            let stored = Stored { credential, revision: row.revision };
            let read = match row.evidence(membership, header.now) {
                Found::Genuine(evidence, _) => Read {
                    stored,
                    journal: evidence.journal,
                    attempt: evidence.attempt,
                    refused_since: evidence.refused_since,
                    is_forged: false,
                },
                Found::Forged => Read::forged(stored),
            };
            Ok((Some(read), header.now))
        })
    }

    /// Reads what is known of the last request about the credential of `account`, with the revision
    /// of the credential, which is not opened.
    pub(in crate::store) fn evidence(
        &self,
        account: &Account,
    ) -> Result<Option<(u64, Found)>, StoreError> {
        self.under_membership(|connection, membership| {
            let name = membership.name(account);
            let (header, row) =
                connection.single(|it| rows::one(it, membership, &name, Part::Label))?;
            let found = row.map(|row| (row.revision, row.evidence(membership, header.now)));
            Ok((found, header.now))
        })
    }

    /// Fails with [`StoreError::Older`] if the credential of `account` at `revision` is older than
    /// this machine has seen.
    pub(in crate::store) fn check_age(
        &self,
        account: &Account,
        revision: u64,
    ) -> Result<(), StoreError> {
        if revision < self.highest(account) {
            return Err(StoreError::Older { account: Some(account.clone()) });
        }
        Ok(())
    }

    /// Returns the highest revision of the credential of `account` that this machine saw.
    fn highest(&self, account: &Account) -> u64 {
        let vault = self.machine_key.vault;
        let [subject, _] = Subject::row(vault, account);
        self.watermarks.highest(vault, &[subject]).first().copied().unwrap_or_default()
    }

    /// Remembers the revision of the credential of `account`; with `accepted`, even if a higher one
    /// was seen.
    pub(in crate::store) fn note(&self, account: &Account, number: u64, accepted: bool) {
        let vault = self.machine_key.vault;
        let [subject, _] = Subject::row(vault, account);
        self.watermarks.keep(vault, &[Watermark { subject, number, accepted }]);
    }
}

/// Writing.
impl Server {
    /// Carries out `change` and returns once it is durable.
    pub(in crate::store) fn commit(&self, change: &Change) -> Result<Outcome, StoreError> {
        let mut id = [0; 16];
        getrandom::fill(&mut id)?;
        match change {
            Change::BeginRefresh { account, journal, over } => {
                let outcome = match self.check_age(account, journal.revision) {
                    Ok(()) => self.begin(account, journal, *over)?,
                    // Another process of this machine may have seen a newer row since.
                    Err(older) => match self.evidence(account)? {
                        Some((revision, _)) if revision > journal.revision => Outcome::Moved,
                        Some(_) | None => return Err(older),
                    },
                };
                if outcome == Outcome::Moved {
                    // Another member was faster, or replaces the data key: the next look comes later.
                    std::thread::sleep(pause());
                }
                Ok(outcome)
            }
            other => {
                let check_age = |account: &Account, revision| self.check_age(account, revision);
                let replaces = matches!(change.effect().ground, Ground::Replaced(_));
                let (outcome, written) = self.under_membership(|connection, membership| {
                    let done = connection.transact(|transaction| {
                        let written = RefCell::default();
                        let work = Work {
                            transaction,
                            membership,
                            id,
                            check_age: &check_age,
                            written: &written,
                        };
                        let outcome = work.apply(other)?;
                        Ok((outcome, written.into_inner()))
                    })?;
                    Ok((done, None))
                })?;
                for (account, revision) in written {
                    self.note(&account, revision, replaces);
                }
                Ok(outcome)
            }
        }
    }

    /// Changes the list of members. Where that takes something from a member, every row is sealed
    /// anew under a new data key; returns the refreshes whose answers are given up for it, if that is
    /// `forced`. See [`membership_change::change`].
    pub(in crate::store) fn change_members(
        &self,
        change: &roster::Change,
        forced: bool,
    ) -> Result<(Roster, Vec<LeaseRunning>), StoreError> {
        let membership = self.membership();
        let changed = self.connections.with(|connection| {
            membership_change::change(connection, &membership, change, forced)
        })?;
        let Changed { membership: next, given_up } = changed;
        self.watermarks.keep_roster(&next.roster);
        let roster = next.roster.clone();
        self.known().membership = Arc::new(next);
        Ok((roster, given_up))
    }

    /// Claims the turn to refresh a credential.
    fn begin(
        &self,
        account: &Account,
        journal: &Journal,
        over: Option<AttemptId>,
    ) -> Result<Outcome, StoreError> {
        let outcome = self.under_membership(|connection, membership| {
            membership.check_writer()?;
            // Read here: the connection may have been waited for.
            let (is_own, latest) = {
                let known = self.known();
                let is_own = over.is_some_and(|over| known.attempts.contains(&over));
                (is_own, known.now().saturating_add(TIME_TO_CLAIM))
            };
            let work = |transaction: &Transaction<'_>| {
                claim(transaction, membership, account, journal, over, is_own, latest)
            };
            Ok((connection.transact(work)?, None))
        })?;
        if outcome == Outcome::Done {
            self.known().attempts.push(journal.attempt);
        }
        Ok(outcome)
    }
}

/// Connections, and what is known of the vault.
impl Server {
    /// Runs `work`, which returns the time of the database if it read that. If the vault's key or
    /// members changed since they were read, reads them again and runs `work` once more.
    pub(super) fn under_membership<T, N: Into<Option<i64>>>(
        &self,
        mut work: impl FnMut(&mut Connection, &Membership) -> Result<(T, N), StoreError>,
    ) -> Result<T, StoreError> {
        self.connections.with(|connection| {
            loop {
                let membership = self.membership();
                match work(connection, &membership) {
                    Ok((done, now)) => {
                        if let Some(now) = now.into() {
                            self.known().clock = (now, Moment::now());
                        }
                        return Ok(done);
                    }
                    Err(StoreError::KeyRetired) => self.read_again(connection, &membership)?,
                    Err(error) => return Err(error),
                }
            }
        })
    }

    /// Reads the list of members again, from the last entry of `earlier` on.
    fn read_again(
        &self,
        connection: &mut Connection,
        earlier: &Membership,
    ) -> Result<(), StoreError> {
        let pin = earlier.roster.head();
        let read =
            |transaction: &Transaction<'_>| Membership::read(transaction, pin, &self.identity);
        let (membership, now) = connection.single(read)?;
        let mut known = self.known();
        // Another thread may have read a later one meanwhile.
        if known.membership.roster.head().n <= membership.roster.head().n {
            known.membership = Arc::new(membership);
        }
        known.clock = (now, Moment::now());
        Ok(())
    }
}

impl Known {
    /// Returns the present time by the clock of the database, in microseconds.
    fn now(&self) -> i64 {
        let (at, moment) = &self.clock;
        let elapsed = moment.elapsed(&Moment::now()).unwrap_or_default();
        at.saturating_add(i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX))
    }
}
