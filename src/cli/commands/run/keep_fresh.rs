//! A thread that keeps the tokens in files fresh while the command runs.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::resolve::{self, Resolved};
use super::secrets::Secrets;
use super::token_files::TokenFiles;
use super::variable::Variable;
use super::wishes::Wish;
use crate::cli::ci_mask::{self, CiMask};
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::renewal::{self, RenewalCaller};
use crate::cli::{audit_trail, memory_vault, time};
use crate::model::account::Account;
use crate::model::audit::Action;
use crate::model::credential::Credential;
use crate::model::readiness::{Need, Readiness, readiness};
use crate::model::reference::Reference;
use crate::ops::token::{self, LiveToken, TokenState};
use crate::ops::{OpenVault, Opener, credential};

/// The interval between two looks for due or renewed tokens. It is short, because some providers
/// end the old token at once.
const LOOK: Duration = Duration::from_secs(2);

/// The pause after a token that could not be renewed.
const RETRY: Duration = Duration::from_secs(30);

/// The pause after a token that was due again at once.
const AT_ONCE: Duration = Duration::from_secs(3 * 60);

/// The keeper, which renews tokens and writes them to files.
pub(super) struct Keeper<'a> {
    pub(super) context: &'a Context,
    pub(super) source: &'a TokenSource,
    pub(super) wishes: &'a BTreeMap<Variable, Wish>,
    pub(super) files: &'a Mutex<TokenFiles>,
    pub(super) secrets: &'a Secrets,
    pub(super) ci_mask: Option<CiMask>,
}

/// The source of a new token.
pub(super) enum TokenSource {
    /// A vault on the disk, which other processes write too.
    Vault(Opener),
    /// Logins, whose credentials nothing else keeps.
    Logins(BTreeMap<Account, Credential>),
}

impl TokenSource {
    pub(super) fn of(resolved: &Resolved) -> Self {
        match &resolved.vault {
            Some(vault) => Self::Vault(vault.opener()),
            None => Self::Logins(resolved.credentials.clone()),
        }
    }
}

/// The keeper's state between two looks.
#[derive(Default)]
struct Memory {
    vault: Option<(Option<FileId>, OpenVault)>,
    /// The time before which an account is not renewed.
    left_alone: BTreeMap<Account, Instant>,
    /// The last message about each account, so that it is not repeated.
    last_messages: BTreeMap<Option<Account>, String>,
}

/// The device and inode of a file, which tell whether the vault was replaced.
type FileId = (u64, u64);

impl Keeper<'_> {
    /// Works until the other end of `until` is dropped, and finishes a renewal that it has begun.
    pub(super) fn run(&self, until: &Receiver<Infallible>) {
        let accounts = self.accounts();
        if accounts.is_empty() {
            return;
        }
        let mut memory = Memory::default();
        let opener = match self.source {
            TokenSource::Vault(opener) => opener,
            TokenSource::Logins(credentials) => {
                return self.log_in_when_due(&accounts, credentials.clone(), until);
            }
        };
        while let Err(RecvTimeoutError::Timeout) = until.recv_timeout(LOOK) {
            let outcome = self.open(opener, &mut memory);
            self.warn_once(&mut memory, None, outcome.err());
            for account in &accounts {
                let Some((_, vault)) = &memory.vault else { break };
                let outcome = self.renew_if_due(vault, account, &mut memory.left_alone);
                self.warn_once(&mut memory, Some(account), outcome.err());
            }
        }
    }

    /// Works as [`Self::run`] does, with a new login for each token that is due.
    fn log_in_when_due(
        &self,
        accounts: &BTreeSet<Account>,
        mut credentials: BTreeMap<Account, Credential>,
        until: &Receiver<Infallible>,
    ) {
        let mut memory = Memory::default();
        while let Err(RecvTimeoutError::Timeout) = until.recv_timeout(LOOK) {
            for account in accounts {
                let is_due = credentials.get(account).is_some_and(|credential| {
                    let readiness = readiness(credential, Need::Usual, time::now());
                    matches!(readiness, Readiness::Due { .. })
                });
                let rests = memory.left_alone.get(account);
                if !is_due || rests.is_some_and(|until| Instant::now() < *until) {
                    continue;
                }
                let live = memory_vault::live(self.context, account, renewal::USUAL);
                if let Some(pause) = pause(&live) {
                    memory.left_alone.insert(account.clone(), Instant::now() + pause);
                }
                let published = live.and_then(|token| {
                    self.publish(None, account, &token)?;
                    Ok(token.credential)
                });
                let outcome = published.map(|new| drop(credentials.insert(account.clone(), new)));
                self.warn_once(&mut memory, Some(account), outcome.err());
            }
        }
    }

    /// Returns the accounts whose tokens or expiries are in files.
    fn accounts(&self) -> BTreeSet<Account> {
        let changing =
            self.in_files().filter(|(_, reference)| reference.field.changes_with_token());
        changing.map(|(_, reference)| reference.account.clone()).collect()
    }

    fn in_files(&self) -> impl Iterator<Item = (&Variable, &Reference)> {
        self.wishes.iter().filter_map(|(variable, wish)| match wish {
            Wish::File(_) => Some((variable, wish.reference()?)),
            Wish::Text(_) | Wish::Value(_) => None,
        })
    }

    /// Opens the vault, unless it is open and its file was not replaced.
    fn open(&self, opener: &Opener, memory: &mut Memory) -> Result<(), CliError> {
        let id = self.file_id();
        if memory.vault.as_ref().is_none_or(|(opened, _)| id.is_none() || *opened != id) {
            memory.vault = None;
            memory.vault = Some((id, opener.open()?));
        }
        Ok(())
    }

    fn file_id(&self) -> Option<FileId> {
        let found = fs::metadata(self.context.vault().ok()?).ok()?;
        Some((found.dev(), found.ino()))
    }

    /// Renews the token of `account` if it is due, and writes what the vault holds to its files.
    fn renew_if_due(
        &self,
        vault: &OpenVault,
        account: &Account,
        left_alone: &mut BTreeMap<Account, Instant>,
    ) -> Result<(), CliError> {
        if let TokenState::Good(token) = token::find(vault, account, renewal::USUAL)? {
            return self.publish(Some(vault), account, &token);
        }
        if left_alone.get(account).is_some_and(|until| Instant::now() < *until) {
            // Read again, because another process may have renewed it.
            let credential = credential::expect(vault, account)?.stored.credential;
            let token = LiveToken { credential, refreshed: false, warning: None };
            return self.publish(Some(vault), account, &token);
        }
        let asking = RenewalCaller::one_of_many(self.context);
        let live = token::live(vault, account, renewal::USUAL, &asking).map_err(CliError::from);
        if let Some(warning) = asking.into_warning() {
            self.context.ui.warning(&warning);
        }
        match pause(&live) {
            Some(pause) => left_alone.insert(account.clone(), Instant::now() + pause),
            None => left_alone.remove(account),
        };
        match live {
            Ok(token) => self.publish(Some(vault), account, &token),
            Err(error) => {
                let whose = (&account.provider, Some(&account.user));
                let word = error.kind.word();
                audit_trail::note(self.context, vault, "run", Action::Get, whose, word);
                Err(error)
            }
        }
    }

    /// Writes the token to the files of `account`, after an entry in the audit of `vault` if it is
    /// new.
    fn publish(
        &self,
        vault: Option<&OpenVault>,
        account: &Account,
        token: &LiveToken,
    ) -> Result<(), CliError> {
        let credential: &Credential = &token.credential;
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let mut is_written_down = false;
        for (variable, reference) in
            self.in_files().filter(|(_, reference)| reference.account == *account)
        {
            let value = resolve::value(reference, credential)?;
            if files.holds(variable, &value) {
                continue;
            }
            if reference.field.is_secret() {
                if !is_written_down && let Some(vault) = vault {
                    let word = if token.refreshed { "refreshed" } else { audit_trail::OK };
                    audit_trail::record(self.context, vault, "run", Action::Get, account, word)?;
                }
                is_written_down = true;
                // The masker has to know the value before the command can print it.
                self.secrets.add(&value);
                if let Some(platform) = self.ci_mask {
                    ci_mask::mask(&self.context.ui, platform, [value.as_str()])?;
                }
            }
            files.put(variable, value).map_err(|error| {
                CliError::new(
                    Kind::Failed,
                    format!("the file of `{variable}` could not be replaced"),
                )
                .caused_by(&error)
            })?;
        }
        if is_written_down {
            self.context.ui.detail(&format!("the file with the token of `{account}` was replaced"));
        }
        Ok(())
    }

    /// Prints an error unless it was the last message about this account.
    fn warn_once(&self, memory: &mut Memory, about: Option<&Account>, error: Option<CliError>) {
        let about = about.cloned();
        match error.map(|error| error.line()) {
            None => drop(memory.last_messages.remove(&about)),
            Some(line) => {
                if memory.last_messages.get(&about) != Some(&line) {
                    self.context.ui.warning(&line);
                    memory.last_messages.insert(about, line);
                }
            }
        }
    }
}

/// Returns how long to leave a token alone after this renewal, even if it is due.
fn pause(renewed: &Result<LiveToken, CliError>) -> Option<Duration> {
    match renewed {
        Ok(LiveToken { refreshed: true, credential, .. }) => {
            match readiness(credential, Need::Usual, time::now()) {
                Readiness::Due { .. } => Some(AT_ONCE),
                Readiness::Good
                | Readiness::Fading
                | Readiness::LoginRequired
                | Readiness::HandedOver
                | Readiness::NeverLongEnough { .. } => None,
            }
        }
        Ok(LiveToken { refreshed: false, .. }) | Err(_) => Some(RETRY),
    }
}
