//! The place in the vault that a login fills.

use std::time::Instant;

use jiff::Timestamp;

use crate::model::account::{Account, ProviderName, UserName};
use crate::model::credential::{Api, Credential, Grant, Status};
use crate::ops::error::Error;
use crate::ops::refresh::WAIT;
use crate::store::{LoginTurn, OpenVault};

/// An account's place in an open vault, to be found good before a person is asked for consent.
pub(crate) struct Place {
    pub(crate) vault: OpenVault,
    /// Keeps other logins for the same account away while a person is at the browser. Refreshes go
    /// on meanwhile.
    turn: Option<LoginTurn>,
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
        self.turn = self.vault.login_turn(provider, user)?;
        if self.turn.is_none() {
            return Err(Error::LoginUnderWay { provider: provider.to_string() });
        }
        if let Some(user) = user {
            let account = Account { provider: provider.clone(), user: user.clone() };
            drop(self.vault.status_turn(&account, Instant::now() + WAIT)?);
            self.vault.read(&account)?;
        }
        // A real write, which finds a full disk and a key that was rotated.
        Ok(self.vault.check_writable()?)
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
        let _turn = self.vault.credential_turn(account, Instant::now() + WAIT)?;
        let mut credential = Credential {
            grant,
            api,
            status: Status::Active,
            created_at: now,
            updated_at: now,
            last_refreshed_at: None,
        };
        loop {
            let earlier = self.vault.read(account)?;
            credential.created_at =
                earlier.as_ref().map_or(now, |row| row.stored.credential.created_at);
            let expected = earlier.as_ref().map(|row| row.stored.revision);
            // What is overwritten is what is given back, even if the locks' files were taken away.
            if self.vault.put(account, &credential, expected)? {
                return Ok((credential, earlier.map(|row| row.stored.credential)));
            }
        }
    }
}
