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
use super::error::{BundleError, Error};
use super::open_vault::{OpenVault, Row};
use super::refresh;
use crate::draft::{self, Draft};
use crate::model::account::Account;
use crate::model::bundle::{Carried, Content, Load, left_behind, travelling};
use crate::model::credential::{Credential, Status};
use crate::private_file;
use crate::providers::Renewal;
use crate::signals;
use crate::store::{self, attempts, bundles, credentials, journal, locks, plaintext, spill};
pub(crate) use crate::vault::bundle::BundleSecret;
use crate::vault::bundle::{self, BundleId, LONGEST};

/// A bundle that was sealed. If its credentials are to be moved, none is renewed while this lives.
pub(crate) struct Sealed {
    id: BundleId,
    text: String,
    /// What travels in it.
    pub(crate) travellers: Vec<Traveller>,
    _locks: Vec<locks::Guard>,
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
    vault: &mut OpenVault,
    asked: BTreeMap<Account, Renewal>,
    moving: bool,
    secret: &BundleSecret,
    clock: Clock,
) -> Result<Sealed, Error> {
    let deadline = Instant::now() + refresh::WAIT;
    let mut held = Vec::with_capacity(asked.len() + 2);
    if moving {
        held.push(locks::hand_over(vault.file(), deadline)?);
        if vault.look(bundles::unplaced)?.is_some() {
            return Err(BundleError::Unplaced.into());
        }
    }
    // In the order of their names, so that two that want the same ones don't wait for each other.
    for account in asked.keys() {
        held.push(locks::credential(vault.file(), account, deadline)?);
    }
    held.push(locks::key_in_use(vault.file(), deadline)?);
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
    let locks = if moving { held } else { Vec::new() };
    Ok(Sealed { id, text, travellers, _locks: locks })
}

/// Puts a bundle of copies at `target`, where nothing may be yet.
pub(crate) fn put(sealed: &Sealed, target: &Path) -> Result<(), Error> {
    let _held = held()?;
    let text = sealed.text.as_bytes();
    let put = Draft::of(target, text.len()).and_then(|draft| draft.place(text));
    Ok(put.map_err(|source| BundleError::NotMade { source })?)
}

/// Hands the credentials of a bundle over, and puts it at `target`, where nothing may be yet.
pub(crate) fn hand_over(
    vault: &mut OpenVault,
    sealed: &Sealed,
    target: &Path,
    clock: Clock,
) -> Result<(), Error> {
    // From here on, since what a signal ends takes no draft away.
    let held = held()?;
    let text = sealed.text.as_bytes();
    // A disk that is full or read-only, or a name that is taken, is found before anything leaves.
    let draft = Draft::of(target, text.len()).map_err(|source| BundleError::NotMade { source })?;
    let now = clock();
    vault.write(|transaction, key| {
        if held.is_over() {
            // Nobody hears of it: the signal ends the process, now that nothing has left.
            return Err(store::Error::Busy);
        }
        for traveller in &sealed.travellers {
            let Traveller { account, credential, revision, .. } = traveller;
            let stays = left_behind(credential, now);
            if !credentials::replace(transaction, key, account, &stays, *revision)? {
                // Somebody took the locks' files away.
                return Err(store::Error::Busy);
            }
            journal::remove(transaction, account)?;
            attempts::remove(transaction, account)?;
        }
        bundles::keep(transaction, sealed.id, &sealed.text, now)
    })?;
    for Traveller { account, .. } in &sealed.travellers {
        // It opens for nothing any more; that it is there does no harm.
        let _ = spill::discard(vault.file(), account);
    }
    draft.place(text).map_err(|source| BundleError::NotPlaced { source })?;
    forget(vault, sealed.id)
}

/// Puts the bundle of an interrupted hand-over at `target`, where nothing else may be yet.
pub(crate) fn resume(vault: &mut OpenVault, target: &Path) -> Result<(), Error> {
    let _turn = locks::hand_over(vault.file(), Instant::now() + refresh::WAIT)?;
    let (id, text) = vault.look(bundles::unplaced)?.ok_or(BundleError::NothingUnplaced)?;
    let _held = held()?;
    let placed = if is_at(target, text.as_bytes()) {
        draft::remove_left(target);
        flushed(target)
    } else {
        Draft::of(target, text.len()).and_then(|draft| draft.place(text.as_bytes()))
    };
    placed.map_err(|source| BundleError::NotPlaced { source })?;
    forget(vault, id)
}

/// Has signals wait.
fn held() -> Result<signals::Held, store::Error> {
    signals::hold().map_err(|source| store::Error::Io { doing: "watch signals over", source })
}

/// Forgets a bundle that is in place. What was overwritten goes from the log too, where nobody
/// reads it.
fn forget(vault: &mut OpenVault, id: BundleId) -> Result<(), Error> {
    vault.write(|transaction, _| bundles::forget(transaction, id))?;
    let _ = vault.store().and_then(|store| store.empty_log());
    Ok(())
}

/// What travels of one credential.
fn traveller(
    vault: &mut OpenVault,
    account: Account,
    renewal: Renewal,
    moving: bool,
    now: Timestamp,
) -> Result<Traveller, Error> {
    let row = vault.expect(&account)?;
    let Row { stored, journal } = refresh::adopt_spill(vault, &account, row)?;
    let credential = stored.credential;
    if credential.status == Status::HandedOver {
        return Err(vault.handed_over(&account));
    }
    let load = Load::of(renewal.rotates(&credential), moving);
    if load == Load::TokenAlone && credential.expiry().is_past(now) {
        return Err(BundleError::NothingTravels { account }.into());
    }
    match (load, journal) {
        // What renews it may be spent, and only this vault knows.
        (Load::Moved | Load::Copied, Some(journal)) if !credential.spends_nothing() => {
            return Err(Error::Interrupted { account, since: journal.started_at });
        }
        (Load::Moved | Load::Copied | Load::TokenAlone, _) => {}
    }
    Ok(Traveller { account, load, credential, revision: stored.revision })
}

/// What is sealed.
fn written(travellers: &[Traveller]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let carried = |Traveller { account, load, credential, .. }: &Traveller| Carried {
        provider: account.provider.as_str().to_owned(),
        user: account.user.as_str().to_owned(),
        load: *load,
        credential: travelling(credential, *load),
    };
    let content = Content { credentials: travellers.iter().map(carried).collect() };
    Ok(plaintext::written(&content)?)
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
        .and_then(|()| draft::flush_directory_of(path))
        .map_err(|source| private_file::Error::Io { path: path.to_owned(), source })
}
