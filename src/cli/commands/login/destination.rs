//! The destination of a login: the server, and the place in the vault.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::{audit_trail, keys};
use crate::model::account::{ProviderName, UserName};
use crate::model::address::Address;
use crate::model::audit::Action;
use crate::ops::SlotKind;
use crate::ops::login::{LoginTarget, Replaced};

#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// The service's own address, such as https://jira.example.com
    #[arg(long, value_name = "URL")]
    pub(super) server: Option<Address>,

    /// The kind of key slot that a new vault gets, or that opens this one: keychain, key,
    /// passphrase or recovery
    #[arg(long, value_name = "KIND")]
    key_slot: Option<SlotKind>,
}

impl Args {
    /// Opens or creates the vault and checks the account's place in it, before any question is
    /// asked.
    pub(super) fn place(
        &self,
        context: &Context,
        provider: &ProviderName,
        user: Option<&UserName>,
    ) -> Result<LoginTarget, CliError> {
        let vault = keys::open_or_create(context, self.key_slot)?;
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
        Replaced::NotRevoked(error) => context.ui.warning(&format!(
            "the earlier login could not be revoked and works until its end: {error}"
        )),
    }
}
