//! Sealing credentials into a bundle, for another machine.
//!
//! Two holders of one rotating refresh token end its grant. So what rotates leaves in one way
//! alone: it is handed over. One commit takes the secrets out of their rows and keeps the bundle
//! in their place; only then is the bundle put where it was asked for, and once that is flushed to
//! the disk, what was kept is forgotten. Whenever the process dies, the token is usable here, or
//! the bundle is there or can be had from the vault; never both, and never neither.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::clock::Clock;
use super::credential;
use super::error::{BundleError, Error};
use super::refresh::WAIT;
use crate::atomic_file::{self, AtomicFile};
use crate::model::account::Account;
use crate::model::bundle::{BundleEntry, Content, Load, handed_over_copy, transfer_copy};
use crate::model::credential::{Credential, Status};
use crate::private_file;
use crate::providers::RenewalRules;
use crate::signals;
use crate::store::{self, CredentialTurns, OpenVault, Placement, Row};
pub(crate) use crate::vault::bundle::BundleSecret;
use crate::vault::bundle::{self, BundleId, LONGEST};
use crate::vault::plaintext;

/// A bundle that was sealed. If its credentials are to be moved, none is renewed while this lives.
pub(crate) struct Sealed {
    id: BundleId,
    text: String,
    /// What travels in it.
    pub(crate) travellers: Vec<Traveller>,
    _turn: Option<CredentialTurns>,
}

/// One credential of a bundle, as it stands in the vault.
pub(crate) struct Traveller {
    pub(crate) account: Account,
    pub(crate) load: Load,
    pub(crate) credential: Credential,
    revision: u64,
}

impl Sealed {
    /// The bundle's text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

/// Seals the credentials of `asked`, each with how it is renewed by today's definition, for
/// `secret`: to be copied, or with `moving` to be handed over. Refreshes that are in flight are
/// waited for. Nothing is changed yet.
pub(crate) fn seal(
    vault: &OpenVault,
    asked: BTreeMap<Account, RenewalRules>,
    moving: bool,
    secret: &BundleSecret,
    clock: Clock,
) -> Result<Sealed, Error> {
    let turn = vault.credential_turns(asked.keys(), moving, Instant::now() + WAIT)?;
    if moving && vault.unplaced_bundle()?.is_some() {
        return Err(BundleError::Unplaced.into());
    }
    let travellers = asked
        .into_iter()
        .map(|(account, renewal)| traveller(vault, account, renewal, moving, clock()))
        .collect::<Result<Vec<Traveller>, Error>>()?;
    let (id, text) = bundle::seal(secret, &written(&travellers)?)?;
    let text = format!("{text}\n");
    // What is moved is nowhere else afterwards: it has to come in again.
    if text.len() as u64 > LONGEST {
        return Err(BundleError::TooLarge.into());
    }
    // A copy changes nothing here, and whoever reads it may be slow.
    let turn = moving.then_some(turn);
    Ok(Sealed { id, text, travellers, _turn: turn })
}

/// Puts a bundle of copies at `target`, where nothing may be yet.
pub(crate) fn put(sealed: &Sealed, target: &Path) -> Result<(), Error> {
    let _held = held()?;
    let text = sealed.text.as_bytes();
    let put = AtomicFile::reserve(target, text.len()).and_then(|file| file.commit(text));
    Ok(put.map_err(|source| BundleError::NotMade { source })?)
}

/// Hands the credentials of a bundle over, and puts it at `target`, where nothing may be yet.
pub(crate) fn hand_over(
    vault: &OpenVault,
    sealed: &Sealed,
    target: &Path,
    clock: Clock,
) -> Result<(), Error> {
    // From here on, since what a signal ends takes no draft away.
    let held = held()?;
    let text = sealed.text.as_bytes();
    // A disk that is full or read-only, or a name that is taken, is found before anything leaves.
    let file = AtomicFile::reserve(target, text.len())
        .map_err(|source| BundleError::NotMade { source })?;
    let now = clock();
    if held.is_pending() {
        // Nobody hears of it: the signal ends the process, now that nothing has left.
        return Err(store::Error::Busy.into());
    }
    let left = |traveller: &Traveller| Placement {
        account: traveller.account.clone(),
        credential: handed_over_copy(&traveller.credential, now),
        over: Some(traveller.revision),
    };
    let left: Vec<Placement> = sealed.travellers.iter().map(left).collect();
    vault.hand_over(&left, sealed.id, &sealed.text, now)?;
    file.commit(text).map_err(|source| BundleError::NotPlaced { source })?;
    Ok(vault.forget_bundle(sealed.id)?)
}

/// Puts the bundle of an interrupted hand-over at `target`, where nothing else may be yet.
pub(crate) fn resume(vault: &OpenVault, target: &Path) -> Result<(), Error> {
    let _turn = vault.hand_over_turn(Instant::now() + WAIT)?;
    let (id, text) = vault.unplaced_bundle()?.ok_or(BundleError::NothingUnplaced)?;
    let _held = held()?;
    let placed = if is_at(target, text.as_bytes()) {
        atomic_file::remove_stale(target);
        flushed(target)
    } else {
        AtomicFile::reserve(target, text.len()).and_then(|file| file.commit(text.as_bytes()))
    };
    placed.map_err(|source| BundleError::NotPlaced { source })?;
    Ok(vault.forget_bundle(id)?)
}

/// Has signals wait.
fn held() -> Result<signals::Hold, store::Error> {
    signals::hold().map_err(|source| store::Error::Io { doing: "watch signals over", source })
}

/// What travels of one credential.
fn traveller(
    vault: &OpenVault,
    account: Account,
    renewal: RenewalRules,
    moving: bool,
    now: Timestamp,
) -> Result<Traveller, Error> {
    let Row { stored, journal } = credential::expect_whole(vault, &account)?;
    let credential = stored.credential;
    if credential.status == Status::HandedOver {
        return Err(credential::handed_over(vault, &account));
    }
    let load = Load::of(renewal.rotates(&credential), moving);
    if load == Load::TokenAlone && credential.expiry().is_past(now) {
        return Err(BundleError::NothingTravels { account }.into());
    }
    match (load, journal) {
        // What renews it may be spent, and only this vault knows.
        (Load::Moved | Load::Copied, Some(journal)) if !credential.renewal_is_repeatable() => {
            return Err(Error::Interrupted { account, since: journal.started_at });
        }
        (Load::Moved | Load::Copied | Load::TokenAlone, _) => {}
    }
    Ok(Traveller { account, load, credential, revision: stored.revision })
}

/// Texts and times are all that a credential holds.
const UNWRITABLE: store::Error =
    store::Error::Inconsistent("a credential that can't be written down");

/// What is sealed.
fn written(travellers: &[Traveller]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let carried = |Traveller { account, load, credential, .. }: &Traveller| BundleEntry {
        provider: account.provider.as_str().to_owned(),
        user: account.user.as_str().to_owned(),
        load: *load,
        credential: transfer_copy(credential, *load),
    };
    let content = Content { credentials: travellers.iter().map(carried).collect() };
    plaintext::to_json(&content).map_err(|_| UNWRITABLE.into())
}

/// Whether `content` is at `path` already.
fn is_at(path: &Path, content: &[u8]) -> bool {
    let limit = content.len() as u64;
    private_file::open_plain(path).is_ok()
        && private_file::read(path, limit).is_ok_and(|found| found == content)
}

fn flushed(path: &Path) -> Result<(), private_file::Error> {
    private_file::open_plain(path)
        .and_then(|file| file.sync_all())
        .and_then(|()| atomic_file::flush_directory_of(path))
        .map_err(|source| private_file::Error::Io { path: path.to_owned(), source })
}
