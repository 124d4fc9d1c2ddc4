//! Where the credentials are that were moved from vault to vault: in words, and as the commands that
//! work with them there.

use std::path::Path;

use super::context::Context;
use super::typed::quoted;
#[cfg(feature = "postgres")]
use super::vault_place::SharedName;
use crate::model::destination::{Destination, DestinationPlace};
use crate::ops::Vault;

/// Returns what names the vault `to` in `--vault`, if it is one that this machine has: a shared one that
/// was joined under that name, or a file that is still the same vault.
pub(crate) fn vault_here(context: &Context, to: &Destination) -> Option<String> {
    match &to.place {
        DestinationPlace::Shared { name, address } => {
            let joined = context.joined_vaults().ok()?;
            let is_same = joined.named(name).is_some_and(|vault| vault.address == *address);
            is_same.then(|| name.clone())
        }
        DestinationPlace::File(path) => {
            let claimed =
                Vault::open_unlocked(Path::new(path)).and_then(|vault| vault.claimed_name());
            claimed.is_ok_and(|name| name.as_deref() == Some(&to.vault)).then(|| path.clone())
        }
    }
}

/// Returns the place of the shared vault `named`, as the vaults remember it that get something from it.
#[cfg(feature = "postgres")]
pub(crate) fn place_of(context: &Context, named: &SharedName) -> DestinationPlace {
    let address = named.address_without_password();
    let joined = context.joined_vaults().unwrap_or_default();
    let is_same = |pin: &str| named.pin.as_deref().is_none_or(|own| own == pin);
    let known = joined.all_at(&address).find(|(_, vault)| is_same(&vault.pin));
    let known = known.or_else(|| joined.at(&address)).map(|(name, _)| name.to_owned());
    let name = known.unwrap_or_else(|| named.usual_name());
    DestinationPlace::Shared { name, address }
}

/// Returns the command that goes on with a move into `to` that was interrupted.
pub(crate) fn go_on(context: &Context, to: &Destination) -> String {
    match &to.place {
        DestinationPlace::Shared { name, address } => {
            let file = context.vault().map(|path| path.to_string_lossy().into_owned());
            format!(
                "tokctl vault init {} --name {} --from {}",
                quoted(address),
                quoted(name),
                quoted(&file.unwrap_or_default())
            )
        }
        DestinationPlace::File(path) => format!("tokctl backup {} --move --yes", quoted(path)),
    }
}
