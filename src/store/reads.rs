//! Reads of an unlocked vault.

use jiff::Timestamp;

use super::engine::Engine;
use super::error::Error;
use super::evidence::Found;
use super::open_vault::OpenVault;
use super::record::Row;
use super::sqlite::examine::{self, Damage};
use super::sqlite::{bundles, credentials, header};
use crate::model::account::{Account, AccountFilter};
use crate::model::attempt::Attempt;
use crate::model::credential::Credential;
use crate::vault::bundle::BundleId;

impl OpenVault {
    /// Reads the credential of `account` and opens its seal; returns it with the journal of its
    /// refresh.
    ///
    /// Fails with [`Error::Tampered`] if the seal does not open.
    pub(crate) fn read(&self, account: &Account) -> Result<Option<Row>, Error> {
        match self.engine() {
            Engine::Sqlite(file) => {
                self.under_key(|key| file.read(|view| credentials::read(view, key, account)))
            }
            #[cfg(feature = "postgres")]
            Engine::Server(server) => server.read(account),
        }
    }

    /// Reads the credential of `account` to send a request about it. Also opens what every commit
    /// of a credential needs, so that damage is found before a refresh token is spent.
    ///
    /// Fails with [`Error::Tampered`] also if the evidence of the credential is forged.
    pub(crate) fn read_to_send(&self, account: &Account) -> Result<Option<Row>, Error> {
        let file = match self.engine() {
            Engine::Sqlite(file) => file,
            #[cfg(feature = "postgres")]
            Engine::Server(server) => {
                return server.read(account)?.map(|row| row.trusted(account)).transpose();
            }
        };
        self.under_key(|key| {
            file.read(|view| {
                let Some(row) = credentials::read(view, key, account)? else { return Ok(None) };
                header::open(view, key)?;
                row.trusted(account).map(Some)
            })
        })
    }

    /// Returns the revision of the credential of `account`, without opening its seal, and the last
    /// attempt on it.
    ///
    /// Fails with [`Error::Tampered`] if the evidence of the credential is forged.
    pub(crate) fn revision(
        &self,
        account: &Account,
    ) -> Result<Option<(u64, Option<Attempt>)>, Error> {
        let Some((revision, found)) = self.evidence(account)? else { return Ok(None) };
        Ok(Some((revision, found.genuine(account)?.attempt)))
    }

    /// Returns the last attempt to refresh or check the credential of `account`.
    ///
    /// Fails with [`Error::Tampered`] if the evidence of the credential is forged.
    pub(crate) fn last_attempt(&self, account: &Account) -> Result<Option<Attempt>, Error> {
        Ok(self.revision(account)?.and_then(|(_, attempt)| attempt))
    }

    /// Returns the evidence of the credential of `account`, with the credential's revision.
    pub(super) fn evidence(&self, account: &Account) -> Result<Option<(u64, Found)>, Error> {
        let file = match self.engine() {
            Engine::Sqlite(file) => file,
            #[cfg(feature = "postgres")]
            Engine::Server(server) => return server.evidence(account),
        };
        self.under_key(|key| {
            file.read(|view| {
                let form = header::check(view, key)?;
                credentials::evidence_at(view, key, form, account)
            })
        })
    }

    /// Opens every credential and returns their number and the damaged ones. Calls `progress` with
    /// the number of credentials done.
    pub(crate) fn examine(
        &self,
        #[cfg_attr(not(feature = "postgres"), expect(unused_mut, reason = "of a shared vault"))]
        mut progress: impl FnMut(u64),
    ) -> Result<(u64, Damage), Error> {
        let file = match self.engine() {
            Engine::Sqlite(file) => file,
            #[cfg(feature = "postgres")]
            Engine::Server(server) => {
                let found = server.examine()?;
                progress(found.count);
                let (accounts, nameless) = (found.damaged, found.nameless);
                return Ok((found.count, Damage { accounts, nameless }));
            }
        };
        let key = self.key();
        file.read(|view| examine::examine(view, &key, progress))
    }

    /// Opens the credentials of `filter`, one after the other, and hands `take` what `look` makes of
    /// each, or why it does not open. `look` runs on several threads. Neither may use the vault.
    pub(crate) fn each_credential<T: Send>(
        &self,
        filter: AccountFilter<'_>,
        look: impl Fn(&Account, &Credential) -> T + Sync,
        mut take: impl FnMut(Account, Result<T, Error>),
    ) -> Result<(), Error> {
        if filter.user.is_none() {
            let file = match self.engine() {
                Engine::Sqlite(file) => file,
                #[cfg(feature = "postgres")]
                Engine::Server(server) => {
                    for (account, opened) in server.credentials()? {
                        if filter.provider.is_none_or(|provider| *provider == account.provider) {
                            let looked = opened.map(|credential| look(&account, &credential));
                            take(account, looked);
                        }
                    }
                    return Ok(());
                }
            };
            return self.under_key(|key| {
                file.read(|view| examine::each_opened(view, key, filter.provider, &look, &mut take))
            });
        }
        for account in self.first_accounts(filter, usize::MAX)? {
            match self.read(&account) {
                Ok(Some(row)) => {
                    let looked = look(&account, &row.stored.credential);
                    take(account, Ok(looked));
                }
                Ok(None) => {}
                Err(error @ Error::Tampered { .. }) => take(account, Err(error)),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Returns the handed over bundle that is unplaced: it is not known whether its file was written.
    pub(crate) fn unplaced_bundle(&self) -> Result<Option<(BundleId, String)>, Error> {
        let file = match self.engine() {
            Engine::Sqlite(file) => file,
            #[cfg(feature = "postgres")]
            Engine::Server(server) => return server.unplaced_bundle(),
        };
        self.under_key(|key| {
            file.read(|view| {
                header::open(view, key)?;
                bundles::unplaced(view)
            })
        })
    }

    /// Returns the time when `bundle` was imported; `None` if it was not.
    pub(crate) fn imported_at(&self, bundle: BundleId) -> Result<Option<Timestamp>, Error> {
        let file = match self.engine() {
            Engine::Sqlite(file) => file,
            #[cfg(feature = "postgres")]
            Engine::Server(server) => return server.taken_in_at(bundle),
        };
        let (_, contents) = self.under_key(|key| file.read(|view| header::open(view, key)))?;
        contents.imported_at(bundle)
    }
}
