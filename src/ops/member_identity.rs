//! The identity of a person in shared vaults, kept in a small vault of its own.
//!
//! That vault is a file like any other and opens with the same key slots: the keychain, a passphrase,
//! a recovery code. The identity is its one credential, so rotation, backup and recovery hold for it
//! too.

use std::time::Instant;

use jiff::Timestamp;

use super::error::Error;
use super::key_text::{self, Given};
use super::refresh::WAIT;
use crate::model::account::Account;
use crate::model::credential::{Api, ApiAuth, Credential, Expiry, Grant, StaticToken, Status};
use crate::secret::{AccessToken, SecretText};
use crate::store::OpenVault;
pub(crate) use crate::vault::shared::identity::Identity;

/// Generates an identity that is kept nowhere.
pub(crate) fn generate() -> Result<Identity, Error> {
    Ok(Identity::generate()?)
}

/// Returns the identity that `vault` keeps, if there is one.
pub(crate) fn read(vault: &OpenVault) -> Result<Option<Identity>, Error> {
    let Some(row) = vault.read(&account())? else { return Ok(None) };
    let token = row.stored.credential.token().map(SecretText::expose);
    Ok(match token.map(key_text::given) {
        Some(Ok(Given::Identity(key))) => Some(Identity::from_key(key)),
        Some(Ok(Given::Slot(_)) | Err(_)) | None => None,
    })
}

/// Returns the identity that `vault` keeps, or a new one, which it keeps from now on. Two processes
/// that begin together get the one that was stored first.
pub(crate) fn read_or_make(vault: &OpenVault, now: Timestamp) -> Result<Identity, Error> {
    if let Some(identity) = read(vault)? {
        return Ok(identity);
    }
    let _turn = vault.credential_turn(&account(), Instant::now() + WAIT)?;
    if let Some(identity) = read(vault)? {
        return Ok(identity);
    }
    let identity = Identity::generate()?;
    let over = vault.read(&account())?.map(|row| row.stored.revision);
    vault.put(&account(), &credential(&identity, now), over)?;
    Ok(identity)
}

/// Returns the account under which the identity is kept.
fn account() -> Account {
    let names = ("tokctl".parse(), "identity".parse());
    let (Ok(provider), Ok(user)) = names else { unreachable!("both are names") };
    Account { provider, user }
}

fn credential(identity: &Identity, now: Timestamp) -> Credential {
    let token = AccessToken::from_trusted(identity.text().to_string());
    Credential {
        grant: Grant::Static(StaticToken { token: Some(token), expiry: Expiry::None }),
        api: Api {
            auth: ApiAuth::Bearer,
            headers: Vec::new(),
            server_url: None,
            base_url: None,
            username: None,
            check: None,
        },
        status: Status::Active,
        created_at: now,
        updated_at: now,
        last_refreshed_at: None,
        moved_out: None,
    }
}
