//! The vault itself: as much of it as can be opened.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::remedy::row_of;
use super::rounds::Rounds;
use super::row::{Row, Verdict};
use super::surroundings::Surroundings;
use super::words;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::typed::login_command;
use crate::cli::{keys, renewal, time};
use crate::model::account::ProviderName;
use crate::ops::doctor::{self, Check};
use crate::ops::error::StoreError;
use crate::ops::{self, OpenVault, SlotKind, SlotSecret, Vault};

/// What the vault told beside what is in the rows.
#[derive(Default)]
pub(super) struct Seen {
    /// That there is no vault.
    pub(super) missing: Option<CliError>,
    /// The services that it holds credentials of.
    pub(super) providers: BTreeSet<ProviderName>,
}

/// Looks at the vault at `path`, and opens it with what is at hand, else as every command does.
pub(super) fn look(
    rounds: &mut Rounds<'_>,
    path: &Path,
    around: &Surroundings,
    online: bool,
) -> Seen {
    let mut seen = Seen::default();
    let place = path.to_owned();
    let look = |path: &mut PathBuf| Ok(doctor::vault_files(path));
    let opened = rounds
        .look_at(Check::Permissions, place, look)
        .and_then(|place| rounds.look_at(Check::Disk, place, |path| Ok(doctor::disk(path))))
        // A disk that does not answer is not asked again.
        .and_then(|place| rounds.bounded(Check::Vault, move || Vault::open_as_it_is(&place)));
    let (kinds, store) = match opened {
        Some(Ok((store, current))) => examine(rounds, store, current, &mut seen),
        Some(Err(error @ StoreError::NoVault { .. })) => {
            rounds.add([none_yet()]);
            seen.missing = Some(error.into());
            (Vec::new(), None)
        }
        Some(Err(error)) => {
            rounds.add([Row::failure(Check::Vault, error.into())]);
            (Vec::new(), None)
        }
        None => (Vec::new(), None),
    };
    let by_keychain = around.at_hand.as_ref().is_some_and(Vec::is_empty);
    if let Some(store) = store {
        unlocked(rounds, store, around, &kinds, online);
    }
    keychain(rounds, path, by_keychain && (seen.missing.is_some() || has_keychain(&kinds)));
    seen
}

fn has_keychain(kinds: &[SlotKind]) -> bool {
    kinds.contains(&SlotKind::Keychain)
}

fn none_yet() -> Row {
    Row::new(Check::Vault, Verdict::Fine, "there is none yet: the first login makes one")
        .hint("tokctl login")
}

/// Looks at what needs no key. Returns the store unless a look at it was given up, or its tables
/// are an earlier version's.
fn examine(
    rounds: &mut Rounds<'_>,
    store: Vault,
    current: bool,
    seen: &mut Seen,
) -> (Vec<SlotKind>, Option<Vault>) {
    let header = match doctor::vault(&store, current) {
        Err(error @ StoreError::NoVault { .. }) => {
            rounds.add([none_yet()]);
            seen.missing = Some(error.into());
            return (Vec::new(), None);
        }
        Err(error) => Row::failure(Check::Vault, error.into()),
        Ok(finding) => row_of(finding),
    };
    rounds.add([header]);
    let looked =
        rounds.look_at(Check::Integrity, store, move |store| Ok(doctor::database(store, current)));
    let Some(store) = looked else { return (Vec::new(), None) };
    let listed = store.slots();
    let kinds: Vec<SlotKind> = match listed {
        Ok(listed) => listed.iter().map(|slot| slot.kind).collect(),
        Err(error) => {
            rounds.add([Row::failure(Check::Slots, error.into())]);
            return (Vec::new(), None);
        }
    };
    rounds.add([row_of(doctor::recovery(&kinds))]);
    if !current {
        sealed(rounds, "the tables are an earlier version's");
        return (kinds, None);
    }
    if let Ok(accounts) = store.accounts(None, None) {
        seen.providers = accounts.into_iter().map(|account| account.provider).collect();
    }
    (kinds, left_behind(rounds, store))
}

/// What interrupted commands left.
fn left_behind(rounds: &mut Rounds<'_>, store: Vault) -> Option<Vault> {
    let now = time::now();
    let path = store.location().to_owned();
    let store = rounds
        .look_at(Check::Refreshes, store, move |store| doctor::interrupted_refreshes(store, now))?;
    let store = rounds.look_at(Check::Leftovers, store, move |store| {
        let mut findings = doctor::keychain_leftovers(store)?;
        findings.extend(doctor::waiting_bundle(store)?);
        findings.extend(doctor::sidecar_files(&path, Some(store))?);
        Ok(findings)
    })?;
    rounds.look_at(Check::Clock, store, move |store| Ok(vec![doctor::recorded_clock(store)?]))
}

/// Looks at what is under the seals, if they open.
fn unlocked(
    rounds: &mut Rounds<'_>,
    store: Vault,
    around: &Surroundings,
    kinds: &[SlotKind],
    online: bool,
) {
    let Some(at_hand) = &around.at_hand else {
        return sealed(rounds, "what the environment says of the key can't be used");
    };
    let context = rounds.context;
    let opened = match at_hand.first() {
        Some(with) => {
            let with = with.clone();
            let opened = rounds.bounded(Check::Unlock, move || store.unlock(with));
            let Some(opened) = opened else { return };
            opened.map_err(CliError::from)
        }
        // With a prompt where every other command has one.
        None => keys::unlock(context, store),
    };
    let vault = match opened {
        Ok(vault) => vault,
        Err(error) => {
            rounds.add([Row::failure(Check::Unlock, error)]);
            return sealed(rounds, "the vault does not open");
        }
    };
    let message = format!("it opens with a `{}` slot", vault.with().kind());
    rounds.add([Row::new(Check::Unlock, Verdict::Fine, message)]);
    under_seal(rounds, vault, around, kinds, online);
}

/// Says what can't be looked at without the key.
fn sealed(rounds: &mut Rounds<'_>, why: &str) {
    let unknown = [Check::Slots, Check::Credentials, Check::Audit];
    rounds.add(unknown.map(|check| Row::new(check, Verdict::Unknown, format!("not tried: {why}"))));
}

fn under_seal(
    rounds: &mut Rounds<'_>,
    vault: OpenVault,
    around: &Surroundings,
    kinds: &[SlotKind],
    online: bool,
) {
    let mut at_hand = around.at_hand.clone().unwrap_or_default();
    // Nobody is asked again.
    if at_hand.is_empty() {
        at_hand.push(vault.with().clone());
    }
    if has_keychain(kinds) && vault.with().kind() != SlotKind::Keychain {
        at_hand.push(SlotSecret::Keychain(keys::patience_without_prompt(rounds.context)));
    }
    let looked = rounds
        .look_at(Check::Slots, vault, move |vault| doctor::slots(vault, &at_hand))
        .and_then(|vault| {
            rounds.look_at(Check::Credentials, vault, |vault| doctor::credentials(vault))
        })
        .and_then(|vault| {
            rounds.look_at(Check::Audit, vault, |vault| Ok(vec![doctor::audit(vault)?]))
        });
    let Some(vault) = looked else { return };
    let context = rounds.context;
    let doing = words::doing(Check::Logins);
    let configured = around.configured.as_ref();
    rounds.add(context.ui.while_waiting(doing, || logins(configured, &vault)));
    if online {
        rounds.look_at(Check::Clock, vault, |vault| doctor::ask_server(vault, time::now));
    }
}

/// Tells of logins that today's configuration would send elsewhere.
fn logins(configured: Option<&Context>, vault: &OpenVault) -> Vec<Row> {
    let Some(context) = configured else {
        let message = "not compared, since the configuration can't be read";
        return vec![Row::new(Check::Logins, Verdict::Unknown, message)];
    };
    let accounts = match ops::doctor::accounts(vault) {
        Ok(accounts) => accounts,
        Err(error) => return vec![Row::failure(Check::Logins, error.into())],
    };
    let mut rows = Vec::new();
    for account in accounts {
        // What does not open is told elsewhere, and so is a definition that can't be used.
        let Ok(Some(row)) = vault.read(&account) else { continue };
        if let Some(what) = renewal::drift(context, &account, &row.stored.credential) {
            let message = format!(
                "the configuration names another {what} than the login of `{account}`, which goes on with its own"
            );
            let row = Row::new(Check::Logins, Verdict::Hint, message);
            rows.push(row.hint(login_command(&account)));
        }
    }
    if rows.is_empty() {
        rows.push(Row::new(Check::Logins, Verdict::Fine, "all agree with the configuration"));
    }
    rows
}

/// Tries the keychain, which was unlocked before if anybody is to be asked at all.
fn keychain(rounds: &mut Rounds<'_>, path: &Path, needed: bool) {
    let patience = keys::patience_without_prompt(rounds.context);
    let patient = patience.clone();
    let answers = rounds.look_at(Check::Keychain, false, move |answers| {
        let trip = doctor::round_trip(needed, &patient);
        *answers = trip.answers;
        Ok(trip.findings)
    });
    // One that does not answer is not waited for again.
    if answers == Some(true) {
        let place = path.to_owned();
        rounds.look_at(Check::KeychainEntries, (), move |()| {
            let open = || Vault::open_as_it_is(&place).ok().map(|(store, _)| store);
            doctor::entries(open, &patience)
        });
    } else {
        let message = "not searched, since the keychain can't be used";
        rounds.add([Row::new(Check::KeychainEntries, Verdict::Unknown, message)]);
    }
}
