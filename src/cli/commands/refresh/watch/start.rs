//! The start of the service, which waits for the database of a shared vault.

use std::thread;
use std::time::{Duration, Instant};

use super::away::Away;
use super::log::Log;
use super::supervisor::Supervisor;
use crate::cli::commands::refresh::args::Args;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::vaults::{self, NotOpened};
use crate::cli::{keys, time};
use crate::ops::Opener;
#[cfg(feature = "postgres")]
use crate::ops::error::{SharedError, StoreError};

/// The pause before the database is tried again.
const PAUSE: Duration = Duration::from_secs(5);

/// Opens the vault. Where its database does not answer, says so once and waits: a machine starts its
/// services in any order. `waits` is called before the first pause.
///
/// Fails at once where waiting mends nothing: the address names no host or database, the user or the
/// identity is refused, or the vault is another one.
pub(super) fn open(
    args: &Args,
    context: &Context,
    log: &Log,
    supervisor: &mut Supervisor,
    waits: &mut impl FnMut() -> Result<(), CliError>,
) -> Result<(Opener, Away), CliError> {
    let mut away = Away::default();
    loop {
        let error = match open_once(args, context)? {
            Opened::Vault(opener) => return Ok((*opener, away)),
            Opened::Away(error) => error,
        };
        waits()?;
        away.tell(log, &error, time::now());
        let began = Instant::now();
        while let Some(left) = PAUSE.checked_sub(began.elapsed()) {
            supervisor.alive(false);
            thread::sleep(left.min(supervisor.beat()));
        }
    }
}

enum Opened {
    Vault(Box<Opener>),
    /// The database does not answer, and may do so later.
    Away(CliError),
}

fn open_once(args: &Args, context: &Context) -> Result<Opened, CliError> {
    let opened = vaults::open(context);
    let is_nowhere = opened.as_ref().is_err_and(names_no_place);
    let work = || -> Result<Opener, CliError> {
        let vault = args.choice.in_vault(opened)?;
        vault.check_may_write()?;
        // A service without names waits for the first login. A name that nobody has is a mistake.
        args.choice.located(&vault)?.expect_some(context, &vault, "refresh")?;
        Ok(keys::unlock(context, vault)?.opener())
    };
    match work() {
        Ok(threads) => Ok(Opened::Vault(Box::new(threads))),
        Err(error) if Away::is_meant(&error) && !is_nowhere => Ok(Opened::Away(error)),
        Err(error) => Err(error),
    }
}

/// Whether the address names a place that is not there, which no waiting mends.
#[cfg(feature = "postgres")]
fn names_no_place(error: &NotOpened) -> bool {
    matches!(error, NotOpened::Store(StoreError::Shared(SharedError::NoPlace { .. })))
}

#[cfg(not(feature = "postgres"))]
fn names_no_place(_: &NotOpened) -> bool {
    false
}
