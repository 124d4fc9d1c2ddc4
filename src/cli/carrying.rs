//! Carrying all credentials of a vault in a file into a shared one, and back: what `vault init --from`
//! and `backup` have in common.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::context::Context;
use super::error::{CliError, Hint, Kind};
use super::key_material;
use super::typed::quoted;
use super::{audit_trail, keys, time};
use crate::model::account::Account;
use crate::model::audit::Action;
use crate::ops::carry::{self, Inventory};
use crate::ops::error::StoreError;
use crate::ops::export::{BundleSecret, Sealed};
use crate::ops::key_text::Given;
use crate::ops::member_identity::Identity;
use crate::ops::providers::{self, RenewalRules};
use crate::ops::{self, OpenVault, Vault};

/// The audit's word for a credential that moves.
const HANDED_OVER: &str = "handed_over";

/// A move out of one vault, which is ready to begin or was interrupted.
pub(crate) struct Cargo<'a> {
    from: &'a OpenVault,
    secret: BundleSecret,
    /// The bundle of a new move, which nothing renews a credential of while it lives; `None` where a
    /// move was interrupted, and where there is nothing to move.
    sealed: Option<Sealed>,
    pub(crate) stays: Vec<Account>,
    pub(crate) is_interrupted: bool,
}

impl<'a> Cargo<'a> {
    /// Seals what can be carried out of `from` for the member with `identity`, unless a move of theirs
    /// was interrupted. Fails, with nothing changed, if one credential can't be moved now.
    pub(crate) fn load(
        context: &Context,
        from: &'a OpenVault,
        identity: &Identity,
    ) -> Result<Self, CliError> {
        let secret = carry::secret(identity);
        let is_interrupted = carry::is_interrupted(from, &secret)?;
        let mut cargo = Self { from, secret, sealed: None, stays: Vec::new(), is_interrupted };
        if is_interrupted {
            return Ok(cargo);
        }
        let Inventory { leaves, stays, .. } = carry::inventory(from)?;
        cargo.stays = stays;
        if !leaves.is_empty() {
            let rules: BTreeMap<Account, RenewalRules> =
                leaves.into_iter().map(|account| with_rules(context, account)).collect();
            let sealed = context.ui.with_progress("sealing", |progress| {
                carry::load(from, rules, &cargo.secret, time::now, progress)
            });
            cargo.sealed = Some(sealed.map_err(not_sealed)?);
        }
        Ok(cargo)
    }

    /// Returns the number of credentials that are about to be moved.
    pub(crate) fn len(&self) -> usize {
        self.sealed.as_ref().map_or(0, |sealed| sealed.travellers.len())
    }

    /// Whether nothing is to be moved, and no move goes on.
    pub(crate) fn is_empty(&self) -> bool {
        self.sealed.is_none() && !self.is_interrupted
    }

    /// Moves it into `to`, or goes on with the move that was interrupted. Returns the number of
    /// credentials that `to` has now. The audit of `from` has it, for `command`.
    pub(crate) fn deliver(
        self,
        context: &Context,
        to: &OpenVault,
        command: &'static str,
    ) -> Result<usize, CliError> {
        audit_trail::keep_as_configured(context, self.from);
        let Some(sealed) = &self.sealed else {
            let arrived = carry::resume(self.from, to, &self.secret, time::now)?;
            return Ok(arrived.unwrap_or_default().len());
        };
        let accounts = || sealed.travellers.iter().map(|traveller| &traveller.account);
        for account in accounts() {
            audit_trail::record(context, self.from, command, Action::Export, account, HANDED_OVER)?;
        }
        let moving = || carry::deliver(self.from, to, sealed, &self.secret, time::now);
        let moved = context.ui.while_waiting("moving the credentials", moving);
        if let Err(error) = moved {
            let error = CliError::from(error);
            for Account { provider, user } in accounts() {
                let (whose, word) = ((provider, Some(user)), error.kind.word());
                audit_trail::note(context, self.from, command, Action::Export, whose, word);
            }
            return Err(error);
        }
        Ok(sealed.travellers.len())
    }
}

/// Returns `account` with the rules by which it is renewed today.
fn with_rules(context: &Context, account: Account) -> (Account, RenewalRules) {
    let rules = rules(context, &account);
    (account, rules)
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

/// A vault in a file beside a shared one.
pub(crate) struct File {
    /// The context of commands about it.
    pub(crate) context: Context,
    path: PathBuf,
    /// Whether the key that the environment gives is an identity, which does not open the file.
    is_beside_identity: bool,
}

impl File {
    /// Returns the file at `path`. An identity in the environment does not open it: see
    /// [`Context::for_file_beside_identity`].
    pub(crate) fn at(context: &Context, path: &Path) -> Result<Self, CliError> {
        let path = path.to_owned();
        if context.identity_path().is_some_and(|own| is_same_file(&own, &path)) {
            return Err(CliError::new(
                Kind::Usage,
                "the file holds your identity, and nothing else",
            )
            .hint("name the file of a vault"));
        }
        let is_beside_identity =
            matches!(key_material::given(context)?, Some((_, Given::Identity(_))));
        let context = if is_beside_identity {
            context.for_file_beside_identity(path.clone())
        } else {
            context.for_file(path.clone())
        };
        Ok(Self { context, path, is_beside_identity })
    }

    /// Opens the vault, which has to exist.
    pub(crate) fn open(&self) -> Result<OpenVault, CliError> {
        match Vault::open(&self.path).and_then(Vault::finished) {
            Ok(vault) => keys::unlock(&self.context, vault),
            Err(error @ StoreError::NoVault { .. }) => {
                Err(CliError::of(Kind::NotFound, &error).hint("name the file of a vault"))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Returns `error` of an operation on this vault, whose hint names it.
    pub(crate) fn explained(&self, error: CliError) -> CliError {
        let of_vault = match &error.hint {
            Some(Hint::Text(text)) if text.starts_with("tokctl ") => Some(self.command(text)),
            Some(_) | None => None,
        };
        match of_vault {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }

    /// Returns `command` for this vault.
    pub(crate) fn command(&self, command: &str) -> String {
        let command = command.strip_prefix("tokctl ").unwrap_or(command);
        format!("tokctl --vault {} {command}", quoted(&self.path.to_string_lossy()))
    }

    /// Returns `error` of making the file with its first key slot. Its hint names the variable that
    /// takes a key here.
    pub(crate) fn explained_slot(&self, error: CliError) -> CliError {
        let is_of_slot = match &error.hint {
            Some(Hint::OtherSlot) => true,
            Some(Hint::Text(text)) => text.contains("TOKCTL_KEY_FILE"),
            Some(_) | None => false,
        };
        if !(self.is_beside_identity && is_of_slot) {
            return error;
        }
        error.hint(
            "set TOKCTL_PASSPHRASE, or make a key with `tokctl key generate > FILE` and set \
             TOKCTL_NEW_KEY_FILE to that file",
        )
    }

    pub(crate) fn shown(&self) -> String {
        format!("`{}`", self.path.display())
    }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        (Err(_), _) | (_, Err(_)) => one == other,
    }
}

/// Returns how many credentials `count` is, in words.
pub(crate) fn counted(count: usize) -> String {
    crate::counted::counted(count, "credential")
}
