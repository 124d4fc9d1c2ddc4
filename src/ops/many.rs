//! Many credentials at once: the threads that work, each with a handle of its own on the vault.

use std::collections::HashMap;
use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
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
                // A bug met with one credential must not leave others waiting for its outcome.
                match catch_unwind(AssertUnwindSafe(|| work(&mut vault, account))) {
                    Ok(result) => {
                        handle = Some((*round, vault));
                        result
                    }
                    Err(_) => Err(Error::Bug { account: account.clone() }.into()),
                }
            }
            Err(error) => Err(error.into()),
        };
        // Nobody listens any more only where everything is over.
        let _ = done.send((account.clone(), result));
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::credential::{Credential, Expiry};
    use crate::ops::create::open_or_create;
    use crate::ops::unlock::Unlocking;
    use crate::store::{Store, slots};
    use crate::vault::Key;
    use crate::vault::seal::DataKey;
    use crate::vault::slot::{KeySlot, SlotId, SlotKind, SlotSecret};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn account(user: &str) -> Account {
        Account { provider: "acme".parse().unwrap(), user: user.parse().unwrap() }
    }

    fn vault(home: &tempfile::TempDir, key: &Key) -> OpenVault {
        let path = home.path().join("vault/tokens.db");
        open_or_create(&path, Unlocking::Key(key.clone()), || NOW).unwrap()
    }

    #[test]
    fn after_a_rotation_one_handle_unlocks_for_all() {
        let (home, key) = (tempfile::tempdir().unwrap(), Key::generate().unwrap());
        let vault = vault(&home, &key);
        let opener = vault.opener();
        let (mut first, mut second) = (opener.open().unwrap(), opener.open().unwrap());

        let new = DataKey::generate(vault.key().vault, 2).unwrap();
        let secret = SlotSecret::Random(key);
        let slot =
            KeySlot::wrap(SlotId::generate().unwrap(), SlotKind::Key, &secret, &new).unwrap();
        let mut store = Store::open(vault.file().path()).unwrap();
        let transaction = store.write().unwrap();
        for statement in
            ["UPDATE vault SET generation = 2", "DELETE FROM key_slots", "DELETE FROM audit"]
        {
            transaction.execute(statement, []).unwrap();
        }
        slots::insert(&transaction, &slot, NOW).unwrap();
        credentials::put(
            &transaction,
            &new,
            &account("x"),
            &Credential::made_up_static(Expiry::None),
        )
        .unwrap();
        transaction.commit().unwrap();
        assert!(first.read(&account("x")).unwrap().is_some());
        // Now that no slot is left, nothing can be unlocked any more.
        let transaction = store.write().unwrap();
        transaction.execute("DELETE FROM key_slots", []).unwrap();
        transaction.commit().unwrap();
        assert!(second.read(&account("x")).unwrap().is_some());
        assert!(opener.open().unwrap().read(&account("x")).unwrap().is_some());
    }

    #[test]
    fn many_threads_write_and_none_finds_the_vault_busy() {
        let (home, key) = (tempfile::tempdir().unwrap(), Key::generate().unwrap());
        let vault = vault(&home, &key);
        let (opener, queue) = (vault.opener(), FairQueue::new());
        for number in 0..200 {
            queue.push("lane", Job { account: account(&number.to_string()), round: number % 2 });
        }
        queue.close();
        let work = |vault: &mut OpenVault, account: &Account| {
            vault.write(|transaction, key| {
                credentials::put(
                    transaction,
                    key,
                    account,
                    &Credential::made_up_static(Expiry::None),
                )
            })
        };
        let (done, outcomes) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let threads = NonZeroUsize::new(32).unwrap();
            start(scope, threads, &opener, &queue, &work, &done).unwrap();
            drop(done);
            assert!(outcomes.iter().all(|(_, outcome): (_, Result<(), Error>)| outcome.is_ok()));
        });
        let found = lanes(&vault, Some(&"acme".parse().unwrap()), None).unwrap();
        assert_eq!(found.len(), 200);
        assert_eq!(lanes(&vault, None, Some(&"7".parse().unwrap())).unwrap().len(), 1);
    }
}
