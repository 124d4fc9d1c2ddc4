//! What is older in a vault than this machine has seen, and how a person accepts it.

use super::engine::Engine;
use super::error::Error;
use super::open_vault::OpenVault;
use super::sqlite::Seen;
use crate::model::account::Account;

/// The parts of a vault that are older than this machine has seen.
#[derive(Debug)]
pub(crate) struct Older {
    /// Whether the file as a whole is.
    pub(crate) file: bool,
    /// The accounts whose credential is.
    pub(crate) accounts: Vec<Account>,
}

impl OpenVault {
    /// Returns what is older here than this machine has seen.
    pub(crate) fn older(&self) -> Result<Older, Error> {
        let file = match self.engine() {
            Engine::Sqlite(file) => file,
            #[cfg(feature = "postgres")]
            Engine::Server(server) => {
                return Ok(Older { file: false, accounts: server.all_older()? });
            }
        };
        let found = self.under_key(|key| {
            file.read(|view| {
                let seen = Seen::of(self.watermarks(), key.vault);
                let file = seen.is_older_file(view, key)?;
                Ok(Older { file, accounts: seen.all_older(view)? })
            })
        })?;
        if !found.file && found.accounts.is_empty() {
            return Ok(found);
        }
        // What another process wrote since this view of the vault was taken is no older.
        file.look_again()?;
        self.older_among(&found.accounts)
    }

    /// Fails with [`Error::Older`] if the file or the credential of `account` is older than this
    /// machine has seen.
    pub(crate) fn expect_newest(&self, account: &Account) -> Result<(), Error> {
        let accounts = std::slice::from_ref(account);
        let mut found = self.older_among(accounts)?;
        if found.file || !found.accounts.is_empty() {
            // What another process wrote since this view of the vault was taken is no older.
            self.look_again()?;
            found = self.older_among(accounts)?;
        }
        match (found.accounts.pop(), found.file) {
            (None, false) => Ok(()),
            (account, _) => Err(Error::Older { account }),
        }
    }

    fn older_among(&self, accounts: &[Account]) -> Result<Older, Error> {
        let file = match self.engine() {
            Engine::Sqlite(file) => file,
            #[cfg(feature = "postgres")]
            Engine::Server(server) => {
                return Ok(Older { file: false, accounts: server.older(accounts)? });
            }
        };
        self.under_key(|key| {
            file.read(|view| {
                let seen = Seen::of(self.watermarks(), key.vault);
                let file = seen.is_older_file(view, key)?;
                Ok(Older { file, accounts: seen.older(view, accounts)? })
            })
        })
    }

    /// Accepts the vault as it is, even where this machine has seen a newer one.
    pub(crate) fn accept_older(&self) -> Result<(), Error> {
        let file = match self.engine() {
            Engine::Sqlite(file) => file,
            #[cfg(feature = "postgres")]
            Engine::Server(server) => return server.accept_all(),
        };
        self.under_key(|key| {
            let seen = Seen::of(self.watermarks(), key.vault);
            file.read(|view| seen.accept_all(view, key, self.location()))?;
            seen.keep();
            Ok(())
        })
    }
}
