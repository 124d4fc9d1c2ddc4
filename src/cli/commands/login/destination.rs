//! The destination of a login: the server, and the place in the vault.

use crate::cli::audit_trail;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::slot_choice::SlotChoice;
use crate::cli::vaults::{self, NotOpened};
use crate::model::account::{Account, AccountFilter, ProviderName, UserName};
use crate::model::address::Address;
use crate::model::audit::Action;
use crate::model::credential::Credential;
use crate::model::summary::Summary;
use crate::ops::error::StoreError;
use crate::ops::login::{LoginTarget, Replaced};
use crate::ops::{OpenVault, Vault, addressed};

#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// The service's own address, such as https://jira.example.com
    #[arg(long, value_name = "URL", value_parser = Address::from_typed)]
    pub(super) server: Option<Address>,

    /// The kind of key slot that a new vault gets, or that opens this one: keychain, key,
    /// passphrase or recovery; or the id of the one slot to open it with
    #[arg(long, value_name = "KIND|ID")]
    key_slot: Option<SlotChoice>,
}

/// The server and the vault of one login.
pub(super) struct Destination<'a> {
    context: &'a Context,
    key_slot: Option<SlotChoice>,
    /// The service's own address, if the user named it or it is that of the stored credential.
    pub(super) server: Option<Address>,
    /// The vault, once something was read from it: nobody is asked for its passphrase twice.
    opened: Option<OpenVault>,
}

/// A login that was stored: for whom, and at which server.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) account: Account,
    pub(super) server: Option<Address>,
}

impl Done {
    pub(super) fn of(account: &Account, credential: &Credential) -> Self {
        Self { account: account.clone(), server: credential.api.server_url.clone() }
    }
}

impl Args {
    /// Returns the destination that the flags name. The vault is not opened yet.
    pub(super) fn of<'a>(&self, context: &'a Context) -> Destination<'a> {
        let server = self.server.clone();
        Destination { context, key_slot: self.key_slot, server, opened: None }
    }
}

impl Destination<'_> {
    /// Returns the stored credential of `account`. Opens the vault only if there is one.
    pub(super) fn stored(&mut self, account: &Account) -> Result<Option<Credential>, CliError> {
        if self.first_accounts(account.filter(), 1)?.is_empty() {
            return Ok(None);
        }
        let context = self.context;
        let vault = self.open()?;
        let read = vault.read(account).map_err(CliError::from);
        if let Err(error) = &read {
            audit_trail::keep_as_configured(context, vault);
            let whose = (&account.provider, Some(&account.user));
            audit_trail::note(context, vault, "login", Action::Login, whose, error.kind.word());
        }
        Ok(read?.map(|row| row.stored.credential))
    }

    /// Returns the stored credentials of the first `most` users of `provider`. Opens the vault only
    /// if there are any.
    pub(super) fn first_stored(
        &mut self,
        provider: &ProviderName,
        most: usize,
    ) -> Result<Vec<Credential>, CliError> {
        let filter = AccountFilter { provider: Some(provider), user: None };
        let accounts = self.first_accounts(filter, most)?;
        if accounts.is_empty() {
            return Ok(Vec::new());
        }
        let vault = self.open()?;
        // A damaged row is no reason against a login to another account.
        let read = |account| vault.read(account).ok().flatten();
        Ok(accounts.iter().filter_map(read).map(|row| row.stored.credential).collect())
    }

    /// Returns the first `most` accounts of `filter` in the vault, which needs no key.
    pub(super) fn first_accounts(
        &self,
        filter: AccountFilter<'_>,
        most: usize,
    ) -> Result<Vec<Account>, CliError> {
        let Some(vault) = self.vault_there()? else { return Ok(Vec::new()) };
        Ok(vault.first_accounts(filter, most)?)
    }

    /// Returns the providers of the vault's credentials, which needs no key.
    pub(super) fn providers(&self) -> Result<Vec<ProviderName>, CliError> {
        let Some(vault) = self.vault_there()? else { return Ok(Vec::new()) };
        Ok(vault.providers()?)
    }

    /// Opens the vault for a look without a key, if there is one.
    fn vault_there(&self) -> Result<Option<Vault>, CliError> {
        match vaults::open_read_only(self.context) {
            Ok(vault) => Ok(vault.is_finished()?.then_some(vault)),
            Err(NotOpened::Store(StoreError::NoVault { .. })) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the clear parts of the credentials whose service is at the host of `address`, and
    /// perhaps of some others.
    pub(super) fn at_host(&self, address: &Address) -> Result<Vec<Summary>, CliError> {
        let Some(vault) = self.vault_there()? else { return Ok(Vec::new()) };
        Ok(addressed::at_host(&vault, address)?)
    }

    /// Whether `provider` has a credential for which `is_meant` is true.
    pub(super) fn has(
        &self,
        provider: &ProviderName,
        is_meant: impl FnMut(&Summary) -> bool,
    ) -> Result<bool, CliError> {
        let Some(vault) = self.vault_there()? else { return Ok(false) };
        let filter = AccountFilter { provider: Some(provider), user: None };
        Ok(vault.first_summary(filter, is_meant)?.is_some())
    }

    /// Returns whether the last request for the stored credential of `account` ended with the word
    /// that its server does not know the client.
    pub(super) fn was_client_refused(&mut self, account: &Account) -> Result<bool, CliError> {
        let last = self.open()?.last_attempt(account)?;
        Ok(last.is_some_and(|last| last.was_about_the_client()))
    }

    /// Opens the vault, or creates it, and keeps it open for what follows.
    pub(super) fn open(&mut self) -> Result<&OpenVault, CliError> {
        let vault = self.take()?;
        Ok(self.opened.insert(vault))
    }

    fn take(&mut self) -> Result<OpenVault, CliError> {
        match self.opened.take() {
            Some(vault) => Ok(vault),
            None => vaults::open_or_create(self.context, self.key_slot),
        }
    }

    /// Opens or creates the vault and checks the account's place in it, before a person is asked
    /// for consent.
    pub(super) fn place(
        mut self,
        provider: &ProviderName,
        user: Option<&UserName>,
    ) -> Result<LoginTarget, CliError> {
        let context = self.context;
        let vault = self.take()?;
        audit_trail::keep_as_configured(context, &vault);
        let mut place = LoginTarget::new(vault);
        let checked = place.check(provider, user).map_err(CliError::from);
        if let (Err(error), Some(user)) = (&checked, user) {
            note(context, &mut place, (provider, Some(user)), Some(error));
        }
        checked.map(|()| place)
    }
}

/// Writes an audit entry about how a login ended, once the vault was open.
pub(super) fn note(
    context: &Context,
    place: &mut LoginTarget,
    whose: (&ProviderName, Option<&UserName>),
    failure: Option<&CliError>,
) {
    let outcome = failure.map_or(audit_trail::OK, |error| error.kind.word());
    audit_trail::note(context, &place.vault, "login", Action::Login, whose, outcome);
}

/// Prints what happened to the grant that was stored before.
pub(super) fn report_replaced(context: &Context, replaced: &Replaced) {
    match replaced {
        Replaced::Nothing => {}
        Replaced::Revoked => context.ui.status("the earlier login was revoked"),
        Replaced::Shared => context.ui.status(
            "the earlier login was not revoked, since the provider would end this one with it",
        ),
        Replaced::NeverRevocable => context.ui.warning(
            "the earlier login can't be revoked, since its client has no secret and the provider wants one: it works until its end",
        ),
        Replaced::Postponed(error) => context.ui.warning(&format!(
            "the earlier login could not be revoked yet, which the next refresh tries again: {error}"
        )),
        Replaced::NotRevoked(error) => context.ui.warning(&format!(
            "the earlier login could not be revoked and works until its end: {error}"
        )),
    }
}
