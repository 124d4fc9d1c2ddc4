//! Many credentials at once: the threads that work, each with a handle of its own on the vault.

use std::collections::HashMap;
use std::io;
use std::num::NonZeroUsize;
use std::sync::mpsc::Sender;
use std::thread::{Builder, Scope};

use super::error::Error;
use super::fair_queue::FairQueue;
use super::open_vault::{OpenVault, Opener};
use crate::model::account::{Account, ProviderName, UserName};
use crate::store::credentials;

/// Something to do about one credential.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) account: Account,
    /// The round that it is part of. With each a thread opens the vault anew: the file may have
    /// been replaced meanwhile, as by a backup.
    pub(crate) round: u64,
}

/// The accounts whose provider and user are these, each with the name of its lane; what is left
/// out matches all.
///
/// A lane is a provider's server: that one of them is slow or gone must not hold up others.
pub(crate) fn lanes(
    vault: &OpenVault,
    provider: Option<&ProviderName>,
    user: Option<&UserName>,
) -> Result<Vec<(String, Account)>, Error> {
    vault.look(|connection| {
        let (summaries, _) = credentials::summaries(connection)?;
        let servers: HashMap<Account, Option<String>> =
            summaries.into_iter().map(|summary| (summary.account, summary.server_url)).collect();
        let accounts = credentials::accounts(connection, provider, user)?;
        let lane = |account: Account| {
            let server = servers.get(&account).and_then(Option::as_deref).unwrap_or_default();
            (format!("{} {server}", account.provider.as_str()), account)
        };
        Ok(accounts.into_iter().map(lane).collect())
    })
}

/// Starts `threads` threads that do `work` about what is in `queue`, until it is closed and empty,
/// and send what came of it to `done`.
///
/// Fails only if not even one can be started.
pub(crate) fn start<'scope, 'env, T, E, W>(
    scope: &'scope Scope<'scope, 'env>,
    threads: NonZeroUsize,
    opener: &'env Opener,
    queue: &'env FairQueue<Job>,
    work: &'env W,
    done: &Sender<(Account, Result<T, E>)>,
) -> io::Result<()>
where
    T: Send + 'scope,
    E: From<Error> + Send + 'scope,
    W: Fn(&mut OpenVault, &Account) -> Result<T, E> + Sync,
{
    for started in 0..threads.get() {
        let done = done.clone();
        let spawned =
            Builder::new().spawn_scoped(scope, move || attend(opener, queue, work, &done));
        match spawned {
            Err(error) if started == 0 => return Err(error),
            // The others do it all.
            Err(_) => break,
            Ok(_) => {}
        }
    }
    Ok(())
}

fn attend<T, E: From<Error>>(
    opener: &Opener,
    queue: &FairQueue<Job>,
    work: impl Fn(&mut OpenVault, &Account) -> Result<T, E>,
    done: &Sender<(Account, Result<T, E>)>,
) {
    let mut handle: Option<(u64, OpenVault)> = None;
    while let Some(turn) = queue.next() {
        let Job { account, round } = &turn.item;
        let open = handle.take().filter(|(opened_in, _)| opened_in == round);
        let result = match open.map_or_else(|| opener.open(), |(_, vault)| Ok(vault)) {
            Ok(mut vault) => {
                let result = work(&mut vault, account);
                handle = Some((*round, vault));
                result
            }
            Err(error) => Err(error.into()),
        };
        // Nobody listens any more only where everything is over.
        let _ = done.send((account.clone(), result));
    }
}
