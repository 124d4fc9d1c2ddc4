//! The place in the vault that a login fills.

use std::time::Instant;

use jiff::Timestamp;

use crate::model::account::{Account, ProviderName, UserName};
use crate::model::credential::{Api, Credential, Grant, Status};
use crate::ops::error::Error;
use crate::ops::open_vault::OpenVault;
use crate::ops::refresh::WAIT;
use crate::store::spill::Spill;
use crate::store::{attempts, credentials, header, journal, locks, spill};

/// An account's place in an open vault, to be found good before a person is asked for consent.
pub(crate) struct Place {
    pub(crate) vault: OpenVault,
    /// Keeps other logins for the same account away while a person is at the browser. Refreshes go
    /// on meanwhile.
    turn: Option<locks::Guard>,
}

impl Place {
    pub(crate) fn new(vault: OpenVault) -> Self {
        Self { vault, turn: None }
    }

    /// Makes sure that no other login for it is under way, that the vault can be written, and that
    /// what it holds for the account opens: a damaged credential is not silently replaced.
    pub(crate) fn check(
        &mut self,
        provider: &ProviderName,
        user: Option<&UserName>,
    ) -> Result<(), Error> {
        self.turn = locks::login(self.vault.file(), provider, user)?;
        if self.turn.is_none() {
            return Err(Error::LoginUnderWay { provider: provider.to_string() });
        }
        if let Some(user) = user {
            let account = Account { provider: provider.clone(), user: user.clone() };
            drop(locks::credential(self.vault.file(), &account, Instant::now() + WAIT)?);
            self.vault.read(&account)?;
        }
        // A real write, which finds a full disk and a key that was rotated.
        self.vault.write(|transaction, key| header::next_revision(transaction, key).map(drop))
    }

    /// Stores a grant over what was there, which is given back. A refresh that is in flight is waited for, so that its
    /// answer does not meet a row that it knows nothing of.
    pub(super) fn fill(
        &mut self,
        account: &Account,
        grant: Grant,
        api: Api,
        now: Timestamp,
    ) -> Result<(Credential, Option<Credential>), Error> {
        let deadline = Instant::now() + WAIT;
        let _lock = locks::credential(self.vault.file(), account, deadline)?;
        // An import has no lock of one credential's, but keeps everybody out who uses the key.
        let _key_in_use = locks::key_in_use(self.vault.file(), deadline)?;
        let mut credential = Credential {
            grant,
            api,
            status: Status::Active,
            created_at: now,
            updated_at: now,
            last_refreshed_at: None,
        };
        let earlier = loop {
            let earlier = self.vault.read(account)?;
            credential.created_at =
                earlier.as_ref().map_or(now, |row| row.stored.credential.created_at);
            let expected = earlier.as_ref().map(|row| row.stored.revision);
            let stored = self.vault.write(|transaction, key| {
                // What is overwritten is what is given back, even if the locks' files were taken
                // away.
                if credentials::revision(transaction, account)? != expected {
                    return Ok(false);
                }
                journal::remove(transaction, account)?;
                attempts::remove(transaction, account)?;
                credentials::put(transaction, key, account, &credential)?;
                Ok(true)
            })?;
            if stored {
                break earlier;
            }
        };
        if credential.is_refreshable() {
            // What an answer may need one day; a refresh sees to it as well.
            let _ = Spill::open(self.vault.file(), account, &credential);
        }
        // It opens for nothing any more; that it is there does no harm.
        let _ = spill::discard(self.vault.file(), account);
        Ok((credential, earlier.map(|row| row.stored.credential)))
    }
}
