//! `tokctl doctor --accept-older`: takes a vault that was restored or put back as it is.

use crate::cli::context::Context;
use crate::cli::error::{CliError, Hint, Kind};
use crate::cli::keys;
use crate::cli::vaults;

/// Accepts what is older than this machine has seen, after the user was told what that means.
pub(super) fn run(yes: bool, context: &Context) -> Result<(), CliError> {
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
