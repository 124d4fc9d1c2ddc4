//! Exporting credentials in a sealed bundle, for another machine.
//!
//! If two machines use one rotating refresh token, the provider ends the grant. So a credential
//! whose refresh token rotates can only be moved. A move is done in three steps: one commit removes
//! the secrets from their rows and stores the bundle in the vault; then the bundle is written to
//! its target file and flushed to the disk; then it is deleted from the vault. So if the process
//! dies, either the token still works here, or the bundle is in its file or in the vault; never
//! both, and never neither.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use super::clock::Clock;
use super::credential;
use super::error::{BundleError, Error};
use super::refresh::WAIT;
use crate::atomic_file::{self, AtomicFile};
use crate::model::account::{Account, AccountFilter};
use crate::model::bundle::{BundleEntry, Content, Load, handed_over_copy, transfer_copy};
use crate::model::credential::{Credential, MovedOut, Status};
use crate::model::destination::Destination;
use crate::private_file;
use crate::providers::RenewalRules;
use crate::signals;
use crate::store::{self, OpenVault, Placement, Row, Turn};
pub(crate) use crate::vault::bundle::BundleSecret;
use crate::vault::bundle::{self, BundleId, LONGEST};
use crate::vault::plaintext;
use jiff::Timestamp;

/// The pause between two looks whether a member has renewed a credential.
const POLL: Duration = Duration::from_millis(250);

/// A sealed bundle that is not written to a file yet. If its credentials are to be moved, no process
/// renews them while this value lives.
pub(crate) struct Sealed {
    pub(super) id: BundleId,
    text: String,
    /// The credentials in the bundle.
    pub(crate) travellers: Vec<Traveller>,
    _turns: Vec<Turn>,
}

/// One credential of a bundle, as it is in the vault before the export.
pub(crate) struct Traveller {
    pub(crate) account: Account,
    /// The part of the credential's secrets that is in the bundle.
    pub(crate) load: Load,
    pub(crate) credential: Credential,
    revision: u64,
}

impl Traveller {
    /// Returns what a bundle has of the credential.
    fn entry(&self) -> BundleEntry {
        let Self { account, load, credential, .. } = self;
        BundleEntry {
            provider: account.provider.as_str().to_owned(),
            user: account.user.as_str().to_owned(),
            load: *load,
            credential: transfer_copy(credential, *load),
        }
    }

    /// Returns about how many bytes of a bundle the credential takes.
    #[cfg(feature = "postgres")]
    pub(super) fn size(&self) -> Result<usize, Error> {
        Ok(plaintext::to_json(&self.entry()).map_err(|_| UNWRITABLE)?.len())
    }
}

impl Sealed {
    /// Returns the bundle's text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns this bundle for a move, which keeps `turns` until its end.
    fn in_turns(self, turns: Vec<Turn>) -> Self {
        Self { _turns: turns, ..self }
    }
}

/// Seals the credentials of `accounts` in a bundle that `secret` opens. The map's values say how
/// today's definitions renew them. With `moving` they are to be handed over, else copied.
///
/// Waits for refreshes in flight. Changes nothing yet: [`hand_over`] or [`put`] comes next. Fails
/// with [`BundleError::StaysHere`] for a workload's grant, with
/// [`BundleError::NothingTravels`] for an expired token that can't be copied with what renews
/// it, and with [`Error::Interrupted`] if a credential's refresh token may be spent.
pub(crate) fn seal(
    vault: &OpenVault,
    accounts: BTreeMap<Account, RenewalRules>,
    moving: bool,
    secret: &BundleSecret,
    clock: Clock,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Sealed, Error> {
    let turn = vault.credential_turns(accounts.keys(), moving, Instant::now() + WAIT)?;
    let sealed = seal_in_turn(vault, accounts, moving, secret, clock, progress)?;
    // A copy changes no row, so other processes may refresh while it is written.
    Ok(if moving { sealed.in_turns(vec![turn]) } else { sealed })
}

/// Seals the credentials of `accounts` as [`seal`] does, for a caller who keeps refreshes away.
fn seal_in_turn(
    vault: &OpenVault,
    accounts: BTreeMap<Account, RenewalRules>,
    moving: bool,
    secret: &BundleSecret,
    clock: Clock,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Sealed, Error> {
    if moving && vault.unplaced_bundle()?.is_some() {
        return Err(BundleError::Unplaced.into());
    }
    let travellers = collect(vault, accounts, moving, clock, progress)?;
    pack(travellers, None, secret)
}

/// Reads the credentials of `accounts`, and decides which of their secrets go into a bundle.
///
/// Fails as [`seal`] does, for a caller who keeps refreshes away.
pub(super) fn collect(
    vault: &OpenVault,
    accounts: BTreeMap<Account, RenewalRules>,
    moving: bool,
    clock: Clock,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Vec<Traveller>, Error> {
    let all = accounts.len() as u64;
    (1..)
        .zip(accounts)
        .map(|(done, (account, renewal))| {
            let traveller = traveller(vault, account, renewal, moving, clock());
            progress(done, all);
            traveller
        })
        .collect()
}

/// Seals `travellers` in a bundle that `secret` opens, on its way to the vault `to` if that is known.
/// Fails with [`BundleError::TooLarge`] if it is longer than tokctl reads.
pub(super) fn pack(
    travellers: Vec<Traveller>,
    to: Option<&Destination>,
    secret: &BundleSecret,
) -> Result<Sealed, Error> {
    let content = Content {
        credentials: travellers.iter().map(Traveller::entry).collect(),
        destination: to.cloned(),
    };
    let content = plaintext::to_json(&content).map_err(|_| UNWRITABLE)?;
    let (id, text) = bundle::seal(secret, &content)?;
    let text = format!("{text}\n");
    // After a move the credentials are in the bundle only, so it must be possible to import it.
    if text.len() as u64 > LONGEST {
        return Err(BundleError::TooLarge.into());
    }
    Ok(Sealed { id, text, travellers, _turns: Vec::new() })
}

/// Writes a bundle of copies to the new file `target`. Fails with [`BundleError::NotMade`], also if
/// the file exists.
pub(crate) fn put(sealed: &Sealed, target: &Path) -> Result<(), Error> {
    let _held = hold_signals()?;
    clear_leftovers(target);
    let text = sealed.text.as_bytes();
    let put = AtomicFile::reserve(target, text.len()).and_then(|file| file.commit(text));
    Ok(put.map_err(|source| BundleError::NotMade { source })?)
}

/// Removes the secrets of a bundle's credentials from the vault, and writes the bundle to the new
/// file `target`.
///
/// If it fails with [`BundleError::NotMade`], the vault is unchanged. If it fails with
/// [`BundleError::NotPlaced`], the bundle is in the vault, and [`resume`] writes it later.
pub(crate) fn hand_over(
    vault: &OpenVault,
    sealed: &Sealed,
    target: &Path,
    clock: Clock,
) -> Result<(), Error> {
    // Signals wait from here on: a process that a signal ends leaves its temporary file behind.
    let _held = hold_signals()?;
    let text = sealed.text.as_bytes();
    clear_leftovers(target);
    // The file is created before the vault is changed, so that a full or read-only disk or an
    // existing file stops the move in time.
    let file = AtomicFile::reserve(target, text.len())
        .map_err(|source| BundleError::NotMade { source })?;
    give(vault, sealed, None, clock)?;
    file.commit(text).map_err(|source| BundleError::NotPlaced { source })?;
    Ok(vault.forget_bundle(sealed.id)?)
}

/// Removes the secrets of a bundle's credentials from the vault, which keeps the bundle until it is in
/// place, and remembers the vault `to` that it goes to.
pub(super) fn give(
    vault: &OpenVault,
    sealed: &Sealed,
    to: Option<&Destination>,
    clock: Clock,
) -> Result<(), Error> {
    let now = clock();
    let member = vault.own_member();
    let without_secrets = |traveller: &Traveller| Placement {
        account: traveller.account.clone(),
        credential: handed_over_copy(&traveller.credential, member.clone(), to, now),
        over: Some(traveller.revision),
    };
    let placements: Vec<Placement> = sealed.travellers.iter().map(without_secrets).collect();
    // A signal that comes before anything was moved ends the process, so nobody sees that error.
    Ok(vault.hand_over(&placements, sealed.id, &sealed.text, now, signals::is_pending)?)
}

/// Writes the bundle of an interrupted [`hand_over`] to `target`, and deletes it from the vault. A
/// file that already has the bundle's content counts as written.
///
/// Fails with [`BundleError::NothingUnplaced`] if no bundle waits, with [`BundleError::NotPlaced`] if the
/// file can't be written or has other content, and with [`BundleError::UnderWay`] if the bundle is on its
/// way to another vault, which may have its credentials already: unless it is `forced`.
pub(crate) fn resume(vault: &OpenVault, target: &Path, forced: bool) -> Result<(), Error> {
    let _turn = vault.hand_over_turn(Instant::now() + WAIT)?;
    let (id, text) = vault.unplaced_bundle()?.ok_or(BundleError::NothingUnplaced)?;
    if !forced && let Some(to) = last_destination(vault)? {
        return Err(BundleError::UnderWay { to }.into());
    }
    let _held = hold_signals()?;
    clear_leftovers(target);
    let placed = if has_content(target, text.as_bytes()) {
        atomic_file::remove_stale(target);
        flush(target)
    } else {
        AtomicFile::reserve(target, text.len()).and_then(|file| file.commit(text.as_bytes()))
    };
    placed.map_err(|source| BundleError::NotPlaced { source })?;
    Ok(vault.forget_bundle(id)?)
}

/// Returns the vault to which what was handed over last went; `None` if that went into a bundle for
/// whoever opens it.
fn last_destination(vault: &OpenVault) -> Result<Option<Box<Destination>>, Error> {
    let own = vault.own_member();
    let look = |_: &Account, credential: &Credential| {
        let is_own = |moved: &MovedOut| own.as_ref() == Some(&moved.by);
        let is_moved = credential.status == Status::HandedOver
            && credential.moved_out.as_ref().is_none_or(is_own);
        is_moved.then(|| (credential.updated_at, credential.moved_to.clone()))
    };
    let mut last: Option<(Timestamp, Option<Box<Destination>>)> = None;
    vault.each_credential(AccountFilter::default(), look, |_, looked| {
        if let Ok(Some(moved)) = looked
            && last.as_ref().is_none_or(|(at, _)| *at < moved.0)
        {
            last = Some(moved);
        }
    })?;
    Ok(last.and_then(|(_, to)| to))
}

/// Deletes what exports to other files beside `target` left when they were killed: room that was not
/// filled yet, or a bundle.
fn clear_leftovers(target: &Path) {
    let is_leftover = |file: &File| {
        let mut content = Vec::new();
        let read = file.take(LONGEST).read_to_end(&mut content);
        let is_room = !content.is_empty() && content.iter().all(|byte| *byte == 0);
        read.is_ok() && (is_room || bundle::begins_bundle(&content))
    };
    atomic_file::remove_stale_beside(target, &is_leftover);
}

/// Delays signals that would end the process until the returned value is dropped.
pub(super) fn hold_signals() -> Result<signals::Hold, store::Error> {
    signals::hold().map_err(|source| store::Error::io("watch signals over", source))
}

/// Reads the credential of `account` and decides which of its secrets go into the bundle.
fn traveller(
    vault: &OpenVault,
    account: Account,
    renewal: RenewalRules,
    moving: bool,
    now: Timestamp,
) -> Result<Traveller, Error> {
    let Row { stored, journal, .. } = settled(vault, &account)?;
    let credential = stored.credential;
    if credential.status == Status::HandedOver {
        return Err(credential::handed_over(vault, &account, &credential));
    }
    if credential.is_of_workload() {
        return Err(BundleError::StaysHere { account }.into());
    }
    let load = Load::of(renewal.rotates(&credential), moving);
    if load == Load::TokenAlone && credential.expiry().is_past(now) {
        return Err(BundleError::NothingTravels { account }.into());
    }
    match (load, journal) {
        // The refresh token may be spent, and the journal that says so stays in this vault.
        (Load::Moved | Load::Copied, Some(journal))
            if !credential.renewal_is_repeatable()
                || (load == Load::Moved && journal.shared.is_some()) =>
        {
            let until = credential.expiry().at();
            let (since, holder) = (journal.started_at, journal.holder().map(str::to_owned));
            return Err(Error::Interrupted { account, since, holder, until });
        }
        (Load::Moved | Load::Copied | Load::TokenAlone, _) => {}
    }
    Ok(Traveller { account, load, credential, revision: stored.revision })
}

/// Reads the credential of `account` once no member of a shared vault is renewing it. In a file the
/// caller's turn keeps others away.
fn settled(vault: &OpenVault, account: &Account) -> Result<Row, Error> {
    let deadline = Instant::now() + vault.patience(WAIT);
    loop {
        let row = credential::expect_whole(vault, account)?.trusted(account)?;
        let lease = row.journal.as_ref().and_then(|journal| journal.shared.as_ref());
        if !lease.is_some_and(|lease| lease.is_running) || Instant::now() > deadline {
            return Ok(row);
        }
        std::thread::sleep(vault.pause(POLL));
    }
}

/// The error for a credential that can't be serialized. It never comes, because a credential holds
/// only texts and times.
const UNWRITABLE: store::Error =
    store::Error::Inconsistent("a credential that can't be written down");

/// Returns whether the file at `path` already has this `content`.
fn has_content(path: &Path, content: &[u8]) -> bool {
    let limit = content.len() as u64;
    private_file::open_plain(path).is_ok()
        && private_file::read(path, limit).is_ok_and(|found| found == content)
}

/// Flushes the file at `path` and its directory to the disk.
fn flush(path: &Path) -> Result<(), private_file::Error> {
    private_file::open_plain(path)
        .and_then(|file| file.sync_all())
        .and_then(|()| atomic_file::flush_directory_of(path))
        .map_err(|source| private_file::Error::Io { path: path.to_owned(), source })
}
