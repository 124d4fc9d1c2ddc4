//! Carrying all credentials of a vault in a file into a shared one, and back: what `vault init --from`
//! and `backup` have in common.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::context::Context;
use super::error::{CliError, Hint, Kind};
use super::{audit_trail, key_material, keys, moved, next_command, time};
use crate::counted::counted;
use crate::model::account::{Account, AccountFilter};
use crate::model::audit::Action;
use crate::model::credential::Status;
use crate::model::destination::{Destination, DestinationPlace};
use crate::model::summary::Summary;
use crate::ops::carry::{self, Move};
use crate::ops::error::StoreError;
use crate::ops::key_text::Given;
use crate::ops::member_identity::Identity;
use crate::ops::providers::{self, RenewalRules};
use crate::ops::{self, OpenVault, SlotKind, Vault};
use crate::paths;

/// The audit's word for a credential that moves.
const HANDED_OVER: &str = "handed_over";

/// Prepares to move what can be carried out of `from` for the member with `identity`, or to go on with
/// a move of theirs that was interrupted. Fails, with nothing changed, if one credential can't be moved
/// now.
pub(crate) fn prepare<'a>(
    context: &Context,
    from: &'a OpenVault,
    identity: &Identity,
) -> Result<Move<'a>, CliError> {
    let prepared = context.ui.with_progress("sealing", |progress| {
        let rules = |account: &Account| rules(context, account);
        Move::prepare(from, carry::secret(identity), rules, time::now, progress)
    });
    prepared.map_err(not_sealed)
}

/// Moves everything out of `from` into `to`, which is at `place`. Returns the number of credentials that
/// `to` has now. The audit of `from` has it, for `command`.
pub(crate) fn deliver(
    context: &Context,
    (from, cargo): (&OpenVault, Move<'_>),
    (to, place): (&OpenVault, DestinationPlace),
    command: &'static str,
) -> Result<usize, CliError> {
    audit_trail::keep_as_configured(context, from);
    let accounts: Vec<Account> = cargo.accounts().cloned().collect();
    for account in &accounts {
        audit_trail::record(context, from, command, Action::Export, account, HANDED_OVER)?;
    }
    let moving = || cargo.deliver(to, place, time::now);
    context.ui.while_waiting("moving the credentials", moving).map_err(|error| {
        let error = CliError::from(error);
        for Account { provider, user } in &accounts {
            let (whose, word) = ((provider, Some(user)), error.kind.word());
            audit_trail::note(context, from, command, Action::Export, whose, word);
        }
        error
    })
}

/// Returns the rules by which `account` is renewed today.
pub(crate) fn rules(context: &Context, account: &Account) -> RenewalRules {
    providers::renewal(&account.provider, context.config().ok())
}

/// Returns the error for a credential that can't be moved now. `why` says what it waits for.
fn not_sealed(error: ops::Error) -> CliError {
    let ops::Error::Interrupted { account, .. } = &error else { return error.into() };
    let hint = super::typed::command("why", account);
    CliError::from(error).hint(hint)
}

/// Says where the credentials are that were handed over before.
pub(crate) fn whereabouts(gone: &[(Account, Option<Destination>)]) -> String {
    let mut counts: BTreeMap<Option<String>, usize> = BTreeMap::new();
    for (_, to) in gone {
        *counts.entry(to.as_ref().map(|to| to.place.to_string())).or_default() += 1;
    }
    let part = |(to, count): (&Option<String>, &usize)| {
        let were = if *count == 1 { "was" } else { "were" };
        match to {
            Some(to) => format!("{} {were} moved into {to} before", counted(*count, "credential")),
            None => format!("{} {were} handed over in a bundle", counted(*count, "credential")),
        }
    };
    counts.iter().map(part).collect::<Vec<_>>().join(", and ")
}

/// Returns the error for a move out of `shown`, which has nothing left but the names of those that are
/// `gone`.
pub(crate) fn nothing_left(
    context: &Context,
    shown: &str,
    gone: &[(Account, Option<Destination>)],
) -> CliError {
    let what = format!("{shown} has nothing left to move: {}", whereabouts(gone));
    let mut here = gone.iter().filter_map(|(_, to)| moved::vault_here(context, to.as_ref()?));
    let hint = match here.next() {
        Some(vault) => format!("tokctl --vault {} list", super::typed::quoted(&vault)),
        None => "tokctl list".to_owned(),
    };
    CliError::new(Kind::NotFound, what).hint(hint)
}

/// A vault in a file beside a shared one.
pub(crate) struct File {
    /// The context of commands about it.
    pub(crate) context: Context,
    path: PathBuf,
}

impl File {
    /// Returns the file at `path`. What the environment gives may be for the identity alone: see
    /// [`Context::for_file_beside_identity`].
    pub(crate) fn at(context: &Context, path: &Path) -> Result<Self, CliError> {
        let path = path.to_owned();
        if context.identity_path().is_some_and(|own| place(&own) == place(&path)) {
            return Err(CliError::new(
                Kind::Usage,
                "the file holds your identity, and nothing else",
            )
            .hint("name the file of a vault"));
        }
        let is_identity = matches!(key_material::given(context)?, Some((_, Given::Identity(_))));
        Ok(Self { context: context.for_file_beside_identity(path.clone(), is_identity), path })
    }

    /// Opens the vault, which has to exist.
    pub(crate) fn open(&self) -> Result<OpenVault, CliError> {
        match Vault::open(&self.path).and_then(Vault::finished) {
            Ok(vault) => {
                let kinds: Vec<SlotKind> = vault.slots()?.iter().map(|slot| slot.kind).collect();
                keys::unlock(&self.context, vault)
                    .map_err(|error| self.explained(self.does_not_open(error, &kinds)))
            }
            Err(error @ StoreError::NoVault { .. }) => {
                Err(CliError::of(Kind::NotFound, &error).hint("name the file of a vault"))
            }
            Err(error) => Err(self.explained(error.into())),
        }
    }

    /// Returns `error`, with which the vault was not unlocked, with a hint that names what opens this
    /// one of two. `kinds` are those of its key slots.
    fn does_not_open(&self, error: CliError, kinds: &[SlotKind]) -> CliError {
        if error.kind != Kind::KeyUnavailable || key_material::is_of_variable(&error) {
            return error;
        }
        let mut ways: Vec<&str> = kinds
            .iter()
            .map(|kind| match kind {
                SlotKind::Keychain => "unlock the keychain",
                SlotKind::Key | SlotKind::Recovery => {
                    "set TOKCTL_NEW_KEY_FILE to a file with what opens it"
                }
                SlotKind::Passphrase => "set TOKCTL_NEW_PASSPHRASE to its passphrase",
            })
            .collect();
        ways.sort_unstable();
        ways.dedup();
        let message = if error.message.starts_with("nothing here opens") {
            error.message
        } else {
            format!("what is given does not open {}", self.shown())
        };
        CliError { message, ..error }.hint(ways.join(", or "))
    }

    /// Returns `error` of an operation on this vault, whose hint names it.
    pub(crate) fn explained(&self, error: CliError) -> CliError {
        match &error.hint {
            Some(hint) if !hint.repeats() => {
                let hint = next_command::text(&self.context, &[], hint);
                error.hint(hint)
            }
            Some(_) | None => error,
        }
    }

    /// Returns `error` of making the file with its first key slot. Its hint names the variable that
    /// takes a key here, where TOKCTL_KEY may hold what opens the identity.
    pub(crate) fn explained_slot(&self, error: CliError) -> CliError {
        const OTHER_SLOT: &str = "make a key with `tokctl key generate > FILE` and set \
            TOKCTL_NEW_KEY_FILE to that file, or set TOKCTL_NEW_PASSPHRASE";
        match error.hint.clone() {
            Some(Hint::Text(text)) if text.contains("TOKCTL_KEY_FILE") => error.hint(OTHER_SLOT),
            Some(Hint::Text(text)) if text.contains("TOKCTL_PASSPHRASE_FILE") => {
                error.hint("set TOKCTL_NEW_PASSPHRASE to a passphrase for it")
            }
            Some(hint) if !self.context.ui.can_ask() => error.hint(hint.with_slot(OTHER_SLOT)),
            Some(_) | None => error,
        }
    }

    /// Returns where the file is, for a vault that credentials are moved out of.
    pub(crate) fn place(&self) -> DestinationPlace {
        DestinationPlace::File(place(&self.path).to_string_lossy().into_owned())
    }

    pub(crate) fn shown(&self) -> String {
        format!("`{}`", self.path.display())
    }
}

/// Returns the absolute path of the file at `path`, which may not be there yet.
fn place(path: &Path) -> PathBuf {
    if let Ok(found) = paths::resolve(path) {
        return found;
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match (paths::resolve(folder.unwrap_or(Path::new("."))), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        (Ok(_) | Err(_), _) => path.to_owned(),
    }
}

/// Whether nothing is in `vault` but names of what was handed over.
pub(crate) fn holds_nothing(vault: &Vault) -> bool {
    let mut holds = false;
    let look = |summary: Summary, _, _| {
        holds |= summary.status != Status::HandedOver;
        Ok::<_, StoreError>(())
    };
    vault.each_summary(AccountFilter::default(), look).is_ok_and(|odd| odd == 0) && !holds
}
