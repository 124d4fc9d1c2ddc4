//! Made-up credentials in a vault of their own, for unit tests of this folder's other files too.

use jiff::Timestamp;
use rusqlite::Transaction;

use super::{put, read};
use crate::model::account::Account;
use crate::model::credential::{ApiAuth, Credential, Expiry, Grant, StaticToken, Status};
use crate::secret::{AccessToken, SecretText};
use crate::store::error::Error;
use crate::store::sqlite::database::{Access, Database};
use crate::store::sqlite::evidence::Evidence;
use crate::store::sqlite::sealing::Sealing;
use crate::vault::seal::{DataKey, VaultId};

pub(super) const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

pub(in crate::store) fn account(user: &str) -> Account {
    Account { provider: "acme".parse().unwrap(), user: user.parse().unwrap() }
}

pub(in crate::store) fn credential(token: &str) -> Credential {
    let token = Some(AccessToken::from_trusted(token.into()));
    let grant = Grant::Static(StaticToken { token, expiry: Expiry::Known(NOW) });
    let mut credential = Credential::made_up(grant, Status::Active);
    credential.api.auth = ApiAuth::Basic;
    credential.api.server_url = Some("https://acme.example/jira".parse().unwrap());
    credential.api.username = Some("alice".into());
    credential
}

/// Makes a vault without credentials in a new directory, which goes with the first value.
pub(in crate::store) fn store() -> (tempfile::TempDir, Database, DataKey) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("v/tokens.db");
    let mut store = Database::open(&path, Access::Create).unwrap();
    let key = DataKey::generate(VaultId([5; 16]), 1).unwrap();
    let transaction = store.write().unwrap();
    Sealing::create(&transaction, &key, NOW).unwrap().finish().unwrap();
    transaction.commit().unwrap();
    (home, store, key)
}

/// Stores a credential without evidence.
pub(in crate::store) fn put_alone(
    transaction: &Transaction<'_>,
    key: &DataKey,
    user: &str,
    token: &str,
) -> Result<(), Error> {
    let sealing = Sealing::begin(transaction, key)?;
    put(&sealing, &account(user), &credential(token), &Evidence::default())?;
    sealing.finish().map(drop)
}

/// Stores a credential without evidence, commits it, and returns its revision.
pub(in crate::store) fn write(store: &mut Database, key: &DataKey, user: &str, token: &str) -> u64 {
    let transaction = store.write().unwrap();
    put_alone(&transaction, key, user, token).unwrap();
    transaction.commit().unwrap();
    read(&store.read().unwrap(), key, &account(user)).unwrap().unwrap().stored.revision
}

/// Edits of a row that was stored by [`put`], one of each column that its seal covers at least.
pub(in crate::store) const EDITS: [&str; 19] = [
    "server_url = 'https://evil.example'",
    "username = NULL",
    "username = ''",
    "kind = 'oauth'",
    "status = 'inactive'",
    "status = 'nonsense'",
    "expires_at = expires_at + 1",
    "expires_at = NULL",
    "created_at = created_at - 1",
    "updated_at = updated_at + 1",
    "last_refreshed_at = 1700000000",
    "login_by = login_by + 1",
    "scopes = 'admin'",
    "refreshable = 1",
    "revision = revision + 1",
    "sealed = zeroblob(100)",
    "sealed = CAST(x'01' || substr(sealed, 2) AS BLOB)",
    // Passed off as sealed otherwise than it is.
    "sealed = CAST(x'01' || substr(sealed, 2) AS BLOB), expires_at = expires_at + 1",
    "sealed = CAST(x'02' || substr(sealed, 2) AS BLOB), expires_at = expires_at + 1",
];
