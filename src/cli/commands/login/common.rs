//! What every way to log in has in common: the server, and the place in the vault.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::keys;
use crate::model::account::{ProviderName, UserName};
use crate::model::address::{self, Address};
use crate::ops::login::Place;
use crate::vault::slot::SlotKind;

#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// The service's own address, such as https://jira.example.com
    #[arg(long, value_name = "URL", value_parser = parse_address)]
    pub(super) server: Option<Address>,

    /// The kind of key slot that a new vault gets, or that opens this one: keychain, key or
    /// passphrase
    #[arg(long, value_name = "KIND", value_parser = parse_slot)]
    key_slot: Option<SlotKind>,
}

impl Args {
    /// Opens the vault, or makes one, and looks at the account's place in it: before a person is
    /// asked for anything.
    pub(super) fn place(
        &self,
        context: &Context,
        provider: &ProviderName,
        user: Option<&UserName>,
    ) -> Result<Place, CliError> {
        let vault = keys::open_or_create(context, self.key_slot)?;
        Ok(Place::check(vault, provider, user)?)
    }
}

fn parse_address(text: &str) -> Result<Address, address::Error> {
    text.parse()
}

fn parse_slot(text: &str) -> Result<SlotKind, &'static str> {
    text.parse().map_err(|()| "is one of keychain, key and passphrase")
}
