//! Checks of the vault itself, as far as it opens.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::check_runner::CheckRunner;
use super::logins;
use super::remedy::row_of;
use super::row::{Row, Verdict, restore_or_begin_anew};
use super::surroundings::Surroundings;
use super::words;
use crate::cli::error::{CliError, Hint};
use crate::cli::explain::repair;
use crate::cli::{keys, time};
use crate::model::account::ProviderName;
use crate::ops::doctor::{self, Check};
use crate::ops::error::StoreError;
use crate::ops::key_slots::SlotId;
use crate::ops::{OpenVault, SlotKind, SlotSecret, Vault};

/// The facts about the vault that the checks found out, beside the rows of the report.
#[derive(Default)]
pub(super) struct VaultOverview {
    /// The error that there is no vault.
    pub(super) missing: Option<CliError>,
    /// The services with credentials in the vault.
    pub(super) providers: BTreeSet<ProviderName>,
}

/// Checks the vault at `path`, and opens it with the secret at hand or as every command does.
pub(super) fn look(
    runner: &mut CheckRunner<'_>,
    path: &Path,
    around: &Surroundings,
    online: bool,
) -> VaultOverview {
    let mut overview = VaultOverview::default();
    let place = path.to_owned();
    let look = |path: &mut PathBuf| Ok(doctor::vault_files(path));
    let opened = runner
        .run_on(Check::Permissions, place, look)
        .and_then(|place| runner.run_on(Check::Disk, place, |path| Ok(doctor::disk(path))))
        // A disk that did not answer is not asked again.
        .and_then(|place| runner.run(Check::Vault, move || Vault::open_as_it_is(&place)));
    let (kinds, vault) = match opened {
        Some(Ok((vault, current))) => examine(runner, vault, current, &mut overview),
        Some(Err(error @ StoreError::NoVault { .. })) => {
            runner.add([no_vault_row()]);
            overview.missing = Some(error.into());
            (Vec::new(), None)
        }
        Some(Err(error)) => {
            runner.add([Row::failure(Check::Vault, error.into())]);
            (Vec::new(), None)
        }
        None => (Vec::new(), None),
    };
    let by_keychain = around.at_hand.as_ref().is_some_and(Vec::is_empty);
    if let Some(vault) = vault {
        if kinds.is_empty() {
            skip_sealed(runner, "the vault has no key slot");
        } else {
            check_unlocked(runner, vault, around, &kinds, online);
        }
    }
    keychain(runner, path, by_keychain && (overview.missing.is_some() || has_keychain(&kinds)));
    overview
}

fn has_keychain(kinds: &[SlotKind]) -> bool {
    kinds.contains(&SlotKind::Keychain)
}

fn no_vault_row() -> Row {
    Row::new(Check::Vault, Verdict::Hint, "there is none yet: the first login makes one")
        .hint(Hint::FirstLogin)
}

/// Runs the checks that need no key.
///
/// Returns the vault, or `None` if a check was abandoned.
fn examine(
    runner: &mut CheckRunner<'_>,
    vault: Vault,
    current: bool,
    overview: &mut VaultOverview,
) -> (Vec<SlotKind>, Option<Vault>) {
    let header = match doctor::vault(&vault, current) {
        Err(error @ StoreError::NoVault { .. }) => {
            runner.add([no_vault_row()]);
            overview.missing = Some(error.into());
            return (Vec::new(), None);
        }
        Err(error) => Row::failure(Check::Vault, error.into()),
        Ok(finding) => row_of(finding),
    };
    runner.add([header]);
    let looked = runner.run_on(Check::Integrity, vault, |vault| Ok(doctor::database(vault)));
    let Some(vault) = looked else { return (Vec::new(), None) };
    let listed = vault.slots().and_then(|listed| Ok((listed, vault.foreign_slots()?)));
    let (kinds, foreign): (Vec<SlotKind>, _) = match listed {
        Ok((listed, foreign)) => {
            let own = listed.iter().filter(|slot| !foreign.contains(&slot.id));
            (own.map(|slot| slot.kind).collect(), foreign)
        }
        Err(error) => {
            runner.add([Row::failure(Check::Slots, error.into())]);
            return (Vec::new(), None);
        }
    };
    let is_lost = kinds.is_empty();
    runner.add(foreign.iter().map(|id| foreign_slot(*id, is_lost)));
    if foreign.is_empty() {
        runner.add([row_of(doctor::recovery(&kinds))]);
    }
    if let Ok(providers) = vault.providers() {
        overview.providers = providers.into_iter().collect();
    }
    (kinds, check_leftovers(runner, vault))
}

/// Makes the row for a key slot that names another vault. It may be an edited one of this vault, so it
/// is not taken out where nothing else opens the vault (`is_lost`).
fn foreign_slot(id: SlotId, is_lost: bool) -> Row {
    let message = format!(
        "the key slot {id} is of another vault, or was edited: every other command refuses this vault"
    );
    let hint = if is_lost { restore_or_begin_anew() } else { repair() };
    Row::new(Check::Slots, Verdict::Damaged, message).hint(hint)
}

/// Checks what interrupted commands left behind.
fn check_leftovers(runner: &mut CheckRunner<'_>, vault: Vault) -> Option<Vault> {
    let path = vault.location().to_owned();
    let vault =
        runner.run_on(Check::Refreshes, vault, |vault| doctor::interrupted_refreshes(vault))?;
    runner.add(logins::needy(runner.context, &vault));
    let vault = runner.run_on(Check::Leftovers, vault, move |vault| {
        let mut findings = doctor::keychain_leftovers(vault)?;
        findings.extend(doctor::waiting_bundle(vault)?);
        findings.extend(doctor::sidecar_files(&path, Some(vault))?);
        Ok(findings)
    })?;
    runner.run_on(Check::Clock, vault, move |vault| Ok(vec![doctor::recorded_clock(vault)?]))
}

/// Unlocks the vault and runs the checks that need a key.
fn check_unlocked(
    runner: &mut CheckRunner<'_>,
    vault: Vault,
    around: &Surroundings,
    kinds: &[SlotKind],
    online: bool,
) {
    let Some(at_hand) = &around.at_hand else {
        return skip_sealed(runner, "what the environment says of the key can't be used");
    };
    let context = runner.context;
    let opened = match at_hand.first() {
        Some(with) => {
            let with = with.clone();
            let opened = runner.run(Check::Unlock, move || vault.unlock(with));
            let Some(opened) = opened else { return };
            opened.map_err(CliError::from)
        }
        // Prompts, as every other command would.
        None => keys::unlock(context, vault),
    };
    let vault = match opened {
        Ok(vault) => vault,
        Err(error) => {
            runner.add([Row::failure(Check::Unlock, error)]);
            return skip_sealed(runner, "the vault does not open");
        }
    };
    let vault = vault.with_watermarks(context.watermarks());
    if let Ok(secret) = vault.slot_secret() {
        let message = format!("it opens with a `{}` slot", secret.kind());
        runner.add([Row::new(Check::Unlock, Verdict::Fine, message)]);
    }
    check_sealed(runner, vault, around, kinds, online);
}

/// Adds rows for the checks that are skipped without a key.
fn skip_sealed(runner: &mut CheckRunner<'_>, why: &str) {
    let unknown = [Check::Slots, Check::Credentials, Check::Freshness, Check::Audit];
    runner.add(unknown.map(|check| Row::new(check, Verdict::Unknown, format!("not tried: {why}"))));
}

fn check_sealed(
    runner: &mut CheckRunner<'_>,
    vault: OpenVault,
    around: &Surroundings,
    kinds: &[SlotKind],
    online: bool,
) {
    let mut at_hand = around.at_hand.clone().unwrap_or_default();
    // Reuses the secret that unlocked the vault, so that the user is not asked twice.
    let own = vault.slot_secret().ok();
    if at_hand.is_empty() {
        at_hand.extend(own.cloned());
    }
    if has_keychain(kinds) && own.is_some_and(|own| own.kind() != SlotKind::Keychain) {
        at_hand.push(SlotSecret::Keychain(keys::patience_without_prompt(runner.context)));
    }
    let looked = runner
        .run_on(Check::Slots, vault, move |vault| doctor::slots(vault, &at_hand))
        .and_then(|vault| {
            runner.run_on(Check::Credentials, vault, |vault| doctor::credentials(vault))
        })
        .and_then(|vault| runner.run_on(Check::Freshness, vault, |vault| doctor::freshness(vault)))
        .and_then(|vault| {
            runner.run_on(Check::Audit, vault, |vault| Ok(vec![doctor::audit(vault)?]))
        });
    let Some(vault) = looked else { return };
    let context = runner.context;
    let doing = words::doing(Check::Logins);
    let configured = around.configured.as_ref();
    runner.add(context.ui.while_waiting(doing, || logins::compared(configured, &vault)));
    if online {
        runner.run_on(Check::Clock, vault, |vault| doctor::ask_server(vault, time::by_machine));
    }
}

/// Checks the keychain. If unlocking it needs a prompt, that was shown before.
fn keychain(runner: &mut CheckRunner<'_>, path: &Path, needed: bool) {
    let patience = keys::patience_without_prompt(runner.context);
    let patient = patience.clone();
    let answers = runner.run_on(Check::Keychain, false, move |answers| {
        let trip = doctor::round_trip(needed, &patient);
        *answers = trip.answers;
        Ok(trip.findings)
    });
    // A keychain that did not answer would make this check wait again.
    if answers == Some(true) {
        let place = path.to_owned();
        runner.run_on(Check::KeychainEntries, (), move |()| {
            let open = || Vault::open_as_it_is(&place).ok().map(|(vault, _)| vault);
            doctor::entries(open, &patience)
        });
    } else {
        let message = "not searched, since the keychain can't be used";
        runner.add([Row::new(Check::KeychainEntries, Verdict::Unknown, message)]);
    }
}
