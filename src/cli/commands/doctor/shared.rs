//! Checks of a shared vault: of its database, its members, its rows, and of what this machine keeps.

use super::check_runner::CheckRunner;
use super::logins;
use super::remedy::row_of;
use super::row::{Row, Verdict};
use super::surroundings::Surroundings;
use super::vault::VaultOverview;
use super::words;
use crate::cli::error::CliError;
use crate::cli::vault_place::SharedName;
use crate::cli::{time, vaults};
use crate::ops::OpenVault;
use crate::ops::doctor::{self, Check};
use crate::ops::error::{Error as OpsError, SharedError, StoreError};
use crate::ops::shared::{self, Place};

/// Checks the shared vault `name`. Where it can't be opened, the error of that is what is missing.
pub(super) fn look(
    runner: &mut CheckRunner<'_>,
    name: &SharedName,
    around: &Surroundings,
    online: bool,
) -> VaultOverview {
    let mut overview = VaultOverview::default();
    let context = runner.context;
    let place = match vaults::place(context, name) {
        Ok(place) => place,
        Err(error) => return not_opened(runner, Check::Unlock, error),
    };
    let opening = place.clone();
    let opened = runner.run(Check::Database, move || shared::open(opening));
    let vault = match opened {
        Some(Ok(vault)) => vault,
        Some(Err(error)) => {
            if let OpsError::Store(StoreError::Shared(SharedError::PrivilegeMissing { .. })) =
                &error
            {
                let address = place.address.clone();
                let lacks = runner.run(Check::Database, || doctor::lacks_to_read(address));
                runner.add(lacks.and_then(Result::ok).flatten().map(row_of));
            }
            return not_opened(runner, Check::Database, error.into());
        }
        None => return overview,
    };
    if vault.only_reads() {
        context.note_reader();
    }
    let Some(vault) = check_members(runner, vault, &place) else { return overview };
    if let Ok(providers) = vault.providers() {
        overview.providers = providers.into_iter().collect();
    }
    runner.add(logins::needy(context, &vault));
    let doing = words::doing(Check::Logins);
    let configured = around.configured.as_ref();
    runner.add(context.ui.while_waiting(doing, || logins::compared(configured, &vault)));
    runner.add([row_of(doctor::database_clock(&vault, time::now))]);
    if online {
        runner.run_on(Check::Clock, vault, |vault| doctor::ask_server(vault, time::now));
    }
    overview
}

/// Runs the checks of the database, of its rows, and of what this machine keeps of them.
fn check_members(
    runner: &mut CheckRunner<'_>,
    vault: OpenVault,
    place: &Place,
) -> Option<OpenVault> {
    let context = runner.context;
    let (memory, state) = (place.watermarks.clone(), place.state.clone());
    let (files, identity) = (place.state.clone(), context.identity_path());
    let vault = runner.run_on(Check::Database, vault, |vault| doctor::database_health(vault))?;
    let vault = runner.run_on(Check::Members, vault, |vault| doctor::members(vault))?;
    let vault = runner.run_on(Check::Credentials, vault, |vault| doctor::credentials(vault))?;
    let vault = runner.run_on(Check::Freshness, vault, move |vault| {
        let mut findings = doctor::freshness(vault)?;
        findings.extend(doctor::memory_of(vault, &memory, &state)?);
        Ok(findings)
    })?;
    let vault =
        runner.run_on(Check::Refreshes, vault, |vault| doctor::interrupted_refreshes(vault))?;
    let vault = runner.run_on(Check::Leftovers, vault, |vault| {
        let mut findings = doctor::kept_answers(vault)?;
        findings.extend(doctor::waiting_bundle(vault)?);
        Ok(findings)
    })?;
    let vault = runner.run_on(Check::Permissions, vault, move |vault| {
        doctor::shared_files(vault, &files, identity.as_deref().filter(|path| path.exists()))
    })?;
    runner.run_on(Check::Audit, vault, |vault| Ok(vec![doctor::audit(vault)?]))
}

/// Adds rows for a vault that can't be opened, whose `error` ends the command.
fn not_opened(runner: &mut CheckRunner<'_>, check: Check, error: CliError) -> VaultOverview {
    runner.add([Row::failure(check, error.clone())]);
    let skipped = [Check::Members, Check::Credentials, Check::Freshness, Check::Audit];
    let why = "not tried: the vault does not open";
    runner.add(skipped.map(|check| Row::new(check, Verdict::Unknown, why)));
    VaultOverview { missing: Some(error), ..VaultOverview::default() }
}
