//! Opening the vault that a command is about, wherever it is.

use std::path::{Path, PathBuf};

use super::context::{Context, of_files_alone};
use super::error::CliError;
use super::keys;
use super::slot_choice::SlotChoice;
use super::vault_place::{SharedName, VaultPlace};
use crate::ops::error::StoreError;
use crate::ops::{OpenVault, Vault};

/// The reason why the vault could not be opened.
#[derive(Debug)]
pub(crate) enum NotOpened {
    /// The vault itself is the reason; it may not exist.
    Store(StoreError),
    /// The reason is the name of the vault, or the secret that would open it.
    Other(CliError),
}

impl From<StoreError> for NotOpened {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<CliError> for NotOpened {
    fn from(error: CliError) -> Self {
        Self::Other(error)
    }
}

impl From<NotOpened> for CliError {
    fn from(error: NotOpened) -> Self {
        match error {
            NotOpened::Store(error) => error.into(),
            NotOpened::Other(error) => error,
        }
    }
}

/// Opens the vault for reading alone.
pub(crate) fn open_read_only(context: &Context) -> Result<Vault, NotOpened> {
    open_with(context, Vault::open_read_only)
}

/// Opens the vault for reading and writing.
pub(crate) fn open(context: &Context) -> Result<Vault, NotOpened> {
    open_with(context, Vault::open)
}

/// Returns the path of the vault's file, for what a shared vault does not have. Fails for one.
pub(crate) fn file(context: &Context) -> Result<&PathBuf, CliError> {
    let path = context.vault()?;
    if !path.exists() && joined_default(context)?.is_some() {
        return Err(of_files_alone());
    }
    Ok(path)
}

/// Opens the vault for writing; creates a file with its first slot where there is none, as
/// [`keys::open_or_create`] does. A shared vault has no key slot that `slot` could choose.
pub(crate) fn open_or_create(
    context: &Context,
    slot: Option<SlotChoice>,
) -> Result<OpenVault, CliError> {
    match shared_name(context)? {
        Some(name) => keys::unlock(context, shared::open(context, &name)?),
        None => keys::open_or_create(context, slot),
    }
}

fn open_with(
    context: &Context,
    open: impl FnOnce(&Path) -> Result<Vault, StoreError>,
) -> Result<Vault, NotOpened> {
    let missing = match context.place()? {
        VaultPlace::Shared(name) => return shared::open(context, name),
        VaultPlace::Memory | VaultPlace::File(_) => match open(context.vault()?) {
            Err(error @ StoreError::NoVault { .. }) => error,
            opened => return Ok(opened?),
        },
    };
    // Looked up only now: a vault in a file must not wait for it.
    match joined_default(context)? {
        Some(name) => shared::open(context, &name),
        None => Err(missing.into()),
    }
}

/// Returns the shared vault that is meant, if it is one.
pub(crate) fn shared_name(context: &Context) -> Result<Option<SharedName>, CliError> {
    match context.place()? {
        VaultPlace::Shared(name) => Ok(Some(name.clone())),
        VaultPlace::Memory => Ok(None),
        VaultPlace::File(path) => match Vault::open_read_only(path).and_then(Vault::finished) {
            Err(StoreError::NoVault { .. }) => joined_default(context),
            Ok(_) | Err(_) => Ok(None),
        },
    }
}

/// Returns the shared vault that is meant, as [`shared_name`] does, without a look into the file where
/// one is: opening it would bring it up to date, and take it from readers.
pub(crate) fn shared_name_unopened(context: &Context) -> Result<Option<SharedName>, CliError> {
    match context.place()? {
        VaultPlace::Shared(name) => Ok(Some(name.clone())),
        VaultPlace::File(path) if !path.exists() => joined_default(context),
        VaultPlace::Memory | VaultPlace::File(_) => Ok(None),
    }
}

/// Returns the hint at the flags that name these vaults; `None` without any.
#[cfg(feature = "postgres")]
pub(crate) fn try_with<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    let flags: Vec<String> = names.map(|name| format!("`--vault {name}`")).collect();
    (!flags.is_empty()).then(|| format!("try again with {}", flags.join(" or ")))
}

/// Returns the vault that was joined and counts where none is named and there is no file.
fn joined_default(context: &Context) -> Result<Option<SharedName>, CliError> {
    if !context.means_usual_vault() {
        return Ok(None);
    }
    let joined = context.joined_vaults()?;
    Ok(joined
        .usual()
        .map(|vault| SharedName { address: vault.address.clone(), pin: Some(vault.pin.clone()) }))
}

#[cfg(feature = "postgres")]
pub(crate) use self::shared::{place, place_for};

#[cfg(feature = "postgres")]
mod shared {
    use super::{NotOpened, try_with};
    use crate::cli::context::Context;
    use crate::cli::error::{CliError, Kind};
    use crate::cli::vault_place::SharedName;
    use crate::cli::{kept_answers, member_identity, time};
    use crate::ops::Vault;
    use crate::ops::error::{SharedError, StoreError};
    use crate::ops::member_identity::Identity;
    use crate::ops::shared::{Address, Place, Surroundings};

    pub(super) fn open(context: &Context, name: &SharedName) -> Result<Vault, NotOpened> {
        let vault = Vault::open_shared(place(context, name)?)?;
        if vault.only_reads() {
            context.note_reader();
        }
        kept_answers::store_first(context, &vault);
        Ok(vault)
    }

    /// Returns the place of the shared vault that `name` means, with the identity of this user. Fails
    /// if neither the name nor what was joined has a pin: nothing is trusted because it came first.
    pub(crate) fn place(context: &Context, name: &SharedName) -> Result<Place, CliError> {
        let place = place_for(context, name, || member_identity::of_user(context))?;
        if place.pin.is_some() {
            return Ok(place);
        }
        let joined = joined_at(context, name, &place.address)?;
        let place = place.address.shown();
        let (what, hint) = match try_with(joined.iter().map(|(name, _)| name.as_str())) {
            Some(hint) => (format!("several vaults are joined at `{place}`"), hint),
            None => (
                format!("nothing says which list of members to trust at `{place}`"),
                "take all of the join line that an admin gave you: `tokctl help vault join`".into(),
            ),
        };
        Err(CliError::new(Kind::Usage, what).hint(hint))
    }

    /// Returns the pin that all of `joined` have.
    fn one_pin(joined: &[(String, String)]) -> Option<&String> {
        let (_, first) = joined.first()?;
        joined.iter().all(|(_, pin)| pin == first).then_some(first)
    }

    /// Returns the names and pins of the vaults that were joined at `address`, which `name` writes in its
    /// way.
    fn joined_at(
        context: &Context,
        name: &SharedName,
        address: &Address,
    ) -> Result<Vec<(String, String)>, CliError> {
        let typed = name.address_without_password();
        let variable = |name: &str| context.environment.get(name);
        let is_there = |known: &str| {
            known == typed
                || Address::parse(known, Surroundings { variable: &variable })
                    .is_ok_and(|known| known.shown() == address.shown())
        };
        let joined = context.joined_vaults()?;
        let found = joined.all().filter(|(_, vault)| is_there(&vault.address));
        Ok(found.map(|(name, vault)| (name.to_owned(), vault.pin.clone())).collect())
    }

    /// Returns the place of the shared vault that `name` means, for `identity`, with the pin if it is
    /// known. Asks for the identity last, since that may ask a person.
    pub(crate) fn place_for(
        context: &Context,
        name: &SharedName,
        identity: impl FnOnce() -> Result<Identity, CliError>,
    ) -> Result<Place, CliError> {
        let variable = |name: &str| context.environment.get(name);
        let address = Address::parse(&name.address, Surroundings { variable: &variable })
            .map_err(|error| CliError::from(StoreError::from(SharedError::from(error))))?;
        if address.shows_password() {
            context.ui.warning(
                "the password in the vault's address can be seen by others: put it into ~/.pgpass \
                 or PGPASSWORD",
            );
        }
        let pin = match &name.pin {
            Some(pin) => Some(pin.clone()),
            None => one_pin(&joined_at(context, name, &address)?).cloned(),
        };
        let pin = pin.map(|text| text.parse()).transpose();
        let pin = pin.map_err(|error| {
            CliError::new(Kind::Usage, "what stands behind `#` in the vault's address is no pin")
                .caused_by(&error)
                .hint("take all of the join line that an admin gave you")
        })?;
        let Some(state) = context.state_directory() else {
            let what = "neither HOME nor XDG_STATE_HOME says where answers are kept until the \
                        database has them";
            return Err(CliError::new(Kind::Usage, what).hint("set HOME"));
        };
        let watermarks = context.watermarks();
        let (clock, go_by) = (time::by_machine, time::go_by);
        Ok(Place { address, pin, identity: identity()?, state, watermarks, clock, go_by })
    }
}

#[cfg(not(feature = "postgres"))]
mod shared {
    use super::NotOpened;
    use crate::cli::context::Context;
    use crate::cli::error::{CliError, Kind};
    use crate::cli::vault_place::SharedName;
    use crate::ops::Vault;

    pub(super) fn open(_: &Context, _: &SharedName) -> Result<Vault, NotOpened> {
        let what = "this tokctl was built without shared vaults";
        Err(CliError::new(Kind::Usage, what).hint("name the file of a vault with `--vault`").into())
    }
}
