//! `tokctl doctor --accept-older`: takes a vault that was restored or put back as it is.

use crate::cli::context::Context;
use crate::cli::error::{CliError, Hint, Kind};
use crate::cli::keys;
#[cfg(feature = "postgres")]
use crate::cli::vault_place::SharedName;
use crate::cli::vaults;
#[cfg(feature = "postgres")]
use crate::ops::Watermarks;
#[cfg(feature = "postgres")]
use crate::ops::shared::{self, Place};

/// Accepts what is older than this machine has seen, after the user was told what that means.
pub(super) fn run(yes: bool, context: &Context) -> Result<(), CliError> {
    #[cfg(feature = "postgres")]
    if let Some(name) = vaults::shared_name(context)? {
        accept_roster(yes, context, &name)?;
    }
    let vault = keys::unlock(context, vaults::open_read_only(context)?)?;
    let older = vault.older()?;
    if !older.file && older.accounts.is_empty() {
        context.ui.status("nothing in this vault is older than this machine has seen");
        return Ok(());
    }
    if older.file {
        context.ui.warning("the vault's file is older than this machine has seen");
    }
    for account in &older.accounts {
        context.ui.warning(&format!("`{account}` is older than this machine has seen"));
    }
    context.ui.always(
        "A service that gives a new refresh token with each refresh takes an old one for stolen: \
         it ends that login at the next refresh, and only a new login helps then. Access \
         tokens and static tokens work to their end.",
    );
    if !yes && !context.ui.confirm("accept the vault as it is", Hint::Again(&["--yes"]))? {
        return Err(CliError::new(Kind::Failed, "nothing was accepted")
            .hint("tokctl doctor --accept-older --yes"));
    }
    vault.accept_older()?;
    context.ui.status("the vault is accepted as it is");
    Ok(())
}

/// Accepts the list of members of a shared vault, if it lacks what this machine saw of it.
#[cfg(feature = "postgres")]
fn accept_roster(yes: bool, context: &Context, name: &SharedName) -> Result<(), CliError> {
    let place = vaults::place(context, name)?;
    let memory = place.watermarks.clone();
    // Without a memory, the list is verified from the join line on alone.
    let vault = shared::open(Place { watermarks: Watermarks::default(), ..place })?;
    let roster = shared::roster(&vault)?;
    if memory.check_roster(&roster).is_ok() {
        return Ok(());
    }
    context.ui.warning("the list of members lacks changes that this machine has seen");
    context.ui.always(
        "Whoever was removed meanwhile is a member again, and so is whoever an admin added in another \
         branch of the list: ask an admin for the head of `tokctl vault status` first.",
    );
    if !yes && !context.ui.confirm("accept the list of members", Hint::Again(&["--yes"]))? {
        return Err(CliError::new(Kind::Failed, "nothing was accepted")
            .hint("tokctl doctor --accept-older --yes"));
    }
    memory.accept_roster(&roster);
    context.ui.status(&format!("the list of members is accepted up to {}", roster.head()));
    Ok(())
}
