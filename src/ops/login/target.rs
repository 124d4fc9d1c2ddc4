//! The vault to which a login writes its credential.

use std::time::Instant;

use jiff::Timestamp;

use super::replaced;
use crate::model::account::{Account, ProviderName, UserName};
use crate::model::credential::{Api, Credential, Grant, Status};
use crate::model::definition::RevocationScope;
use crate::ops::error::Error;
use crate::ops::refresh::WAIT;
use crate::store::{OpenVault, Turn};

/// An open vault to which a login writes its credential. [`Self::check`] finds problems before a
/// person is asked for consent.
pub(crate) struct LoginTarget {
    pub(crate) vault: OpenVault,
    /// Keeps other logins for the same account away while a person is at the browser. Refreshes go
    /// on meanwhile.
    turn: Option<Turn>,
}

impl LoginTarget {
    /// Returns `vault` as the target of a login that was not checked yet.
    pub(crate) fn new(vault: OpenVault) -> Self {
        Self { vault, turn: None }
    }

    /// Makes sure that no other login for the same account is under way, and that the vault can be
    /// written. If the account already has a credential, makes sure that it opens, because a
    /// damaged one is not replaced silently.
    ///
    /// Fails with [`Error::LoginUnderWay`] if another process is logging in.
    pub(crate) fn check(
        &mut self,
        provider: &ProviderName,
        user: Option<&UserName>,
    ) -> Result<(), Error> {
        self.turn = self.vault.login_turn(provider, user)?;
        if self.turn.is_none() {
            let (provider, names_user) = (provider.to_string(), user.is_some());
            return Err(Error::LoginUnderWay { provider, names_user });
        }
        if let Some(user) = user {
            let account = Account { provider: provider.clone(), user: user.clone() };
            drop(self.vault.status_turn(&account, Instant::now() + WAIT)?);
            self.vault.read(&account)?;
        }
        // Only a real write finds a full disk and a key that was rotated.
        Ok(self.vault.check_writable()?)
    }

    /// Returns the name that the service gave the person who logged in as `user` before, if it did.
    pub(crate) fn username(
        &self,
        provider: &ProviderName,
        user: &UserName,
    ) -> Result<Option<String>, Error> {
        let account = Account { provider: provider.clone(), user: user.clone() };
        let stored = self.vault.read(&account)?.map(|row| row.stored.credential);
        Ok(stored.and_then(|stored| match stored.grant {
            Grant::OAuth(_) => stored.api.username,
            // A person typed it, and may have called themselves something else.
            Grant::Static(_) => None,
        }))
    }

    /// Stores a grant for `account`, and with it what revokes the grant that it replaces, if a
    /// revocation at this provider has a `scope` that allows it. Returns the new credential, and the
    /// one that it replaced.
    ///
    /// Waits for a refresh in flight, so that its answer does not overwrite the new credential.
    pub(super) fn store(
        &mut self,
        account: &Account,
        grant: Grant,
        api: Api,
        scope: RevocationScope,
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
            moved_to: None,
            moved_out: None,
        };
        loop {
            let earlier = self.vault.read(account)?;
            credential.created_at =
                earlier.as_ref().map_or(now, |row| row.stored.credential.created_at);
            if let Grant::OAuth(grant) = &mut credential.grant {
                let earlier = earlier.as_ref().map(|row| &row.stored.credential);
                grant.superseded = replaced::superseded(earlier, grant, scope);
            }
            let expected = earlier.as_ref().map(|row| row.stored.revision);
            // The row is replaced only at the revision that was read. So the credential that is
            // returned is the one that was replaced, even if somebody deleted the lock files.
            if self.vault.put(account, &credential, expected)? {
                if let Grant::OAuth(grant) = &credential.grant {
                    // Its server has just answered this client.
                    self.vault.end_client_pause(&grant.client);
                }
                return Ok((credential, earlier.map(|row| row.stored.credential)));
            }
        }
    }
}
