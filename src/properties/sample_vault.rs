//! A small vault on the disk that has one row or more in each table.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::model::account::Account;
use crate::model::credential::Credential;
use crate::model::credential_health::CredentialHealth;
use crate::secret::{Passphrase, SecretText};
use crate::store::inside::evidence::Evidence;
use crate::store::inside::{
    Access, Database, Journal, Sealing, Spill, Writing, bundles, credentials, evidence, intents,
    slots,
};
use crate::vault::Key;
use crate::vault::bundle::BundleId;
use crate::vault::seal::{DataKey, VaultId};
use crate::vault::slot::{KeyMaterial, KeySlot, SlotId, SlotKind};

pub(super) const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);
pub(super) const VAULT: VaultId = VaultId([5; 16]);
pub(super) const TABLES: [&str; 4] = ["vault_2", "key_slots_2", "intents_2", "credentials_2"];

/// The id of the attempt in the journal.
pub(super) const ATTEMPT: [u8; 16] = [7; 16];

/// The ids of a bundle that was exported, and of one that was imported.
pub(super) const UNPLACED: BundleId = BundleId([8; 16]);
pub(super) const OPENED: BundleId = BundleId([9; 16]);

/// The users whose credentials the vault has, in this order.
const USERS: [&str; 3] = ["x", "y", "z"];

const CREDENTIALS: [&str; 3] = [
    r#"{"grant":{"kind":"oauth","access_token":"made-up-1","token_type":"Bearer",
        "issued_at":"2023-11-14T22:13:20Z","expiry":{"expiry":"known","at":"2023-11-14T23:13:20Z"},
        "due_at":"2023-11-14T23:08:20Z","refresh_token":"made-up-2","scopes":["read","write"],
        "client":{"id":"made-up","secret":"made-up-3","auth_method":"client_secret_basic",
          "token_endpoint":"https://as.example/token","dialect":{"expiry":"created_at"}},
        "granted_at":"2023-11-14T22:13:20Z","life":{"idle":"PT2160H"}},
       "api":{"auth":"bearer","server_url":"https://acme.example","username":"alice"},
       "status":"active","created_at":"2023-11-14T22:13:20Z","updated_at":"2023-11-14T22:13:20Z"}"#,
    r#"{"grant":{"kind":"static","token":"made-up-4","expiry":{"expiry":"none"}},
       "api":{"auth":"header:X-Made-Up"},
       "status":"active","created_at":"2023-11-14T22:13:20Z","updated_at":"2023-11-14T22:13:20Z"}"#,
    r#"{"grant":{"kind":"static","token":"made-up-8","expiry":{"expiry":"none"}},
       "api":{"auth":"bearer"},
       "status":"active","created_at":"2023-11-14T22:13:20Z","updated_at":"2023-11-14T22:13:20Z"}"#,
];

const ATTEMPT_ROW: &str = r#"{"action":"refresh","began_at":"2023-11-14T22:13:20Z",
    "ended_at":"2023-11-14T22:13:20Z","outcome":"passing","status":503,"message":"made up"}"#;

pub(super) struct SampleVault {
    pub(super) store: Database,
    pub(super) key: DataKey,
    /// The material that opens the slot of kind `key`.
    pub(super) secret: KeyMaterial,
    pub(super) slots: Vec<KeySlot>,
    pub(super) stored: Vec<(Account, Credential)>,
    pub(super) spill: Spill,
    spill_path: PathBuf,
}

impl SampleVault {
    /// Makes the vault in `home`, an empty directory. Its tables have no rules, so that any value can
    /// be put into any column within a transaction.
    pub(super) fn with_loose_tables(home: &Path) -> Self {
        let mut vault = Self::new(home);
        let change = vault.store.write().expect("a transaction");
        loosen(&change);
        change.commit().expect("a vault");
        vault.store.trust_schema().expect("a schema");
        vault
    }

    /// Makes the vault in `home`, an empty directory.
    pub(super) fn new(home: &Path) -> Self {
        let path = home.join("v/tokens.db");
        let mut store = Database::open(&path, Access::Create).expect("a new vault");
        let key = DataKey::generate(VAULT, 1).expect("random bytes");
        let secret = KeyMaterial::Random(Key::generate().expect("random bytes"));
        let passphrase = KeyMaterial::Passphrase(Passphrase::from_trusted("made up".into()));
        let slots: Vec<KeySlot> = [(SlotKind::Key, &secret), (SlotKind::Passphrase, &passphrase)]
            .into_iter()
            .zip(1..)
            .map(|((kind, secret), id)| KeySlot::wrap(SlotId([id; 8]), kind, secret, &key))
            .collect::<Result<_, _>>()
            .expect("random bytes");
        let stored: Vec<(Account, Credential)> = CREDENTIALS
            .iter()
            .zip(USERS)
            .map(|(text, user)| (account(user), serde_json::from_str(text).expect("a credential")))
            .collect();
        fill(&mut store, &key, &slots, &stored);
        let (owner, credential) = &stored[0];
        let spill = Spill::open(store.file(), owner, credential).expect("room for a spill");
        let spill_path = std::fs::read_dir(home.join("v/tokens.db.d"))
            .expect("the directory beside the vault")
            .map(|entry| entry.expect("an entry").path())
            .find(|path| path.extension().is_some_and(|extension| extension == "spill"))
            .expect("the spill file");
        Self { store, key, secret, slots, stored, spill, spill_path }
    }

    /// Replaces the content of the spill file with `bytes`.
    pub(super) fn write_spill(path: &Path, bytes: &[u8]) {
        OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(path)
            .and_then(|mut file| file.write_all(bytes))
            .expect("the spill file can be written");
    }

    pub(super) fn spill_path(&self) -> &Path {
        &self.spill_path
    }
}

pub(super) fn account(user: &str) -> Account {
    Account { provider: "acme".parse().expect("a name"), user: user.parse().expect("a name") }
}

fn fill(store: &mut Database, key: &DataKey, slots: &[KeySlot], stored: &[(Account, Credential)]) {
    let change = store.write().expect("a transaction");
    let sealing = Sealing::create(&change, key, NOW).expect("a header");
    for slot in slots {
        slots::insert(&change, VAULT, slot, NOW).expect("a slot");
    }
    for (account, credential) in stored {
        let none = Evidence::default();
        credentials::put(&sealing, account, credential, &none).expect("a credential");
    }
    let (owner, _) = &stored[0];
    let evidence = Evidence {
        journal: Some(Journal {
            revision: 1,
            attempt: ATTEMPT,
            started_at: NOW,
            started: None,
            lease: None,
            shared: None,
        }),
        attempt: Some(serde_json::from_str(ATTEMPT_ROW).expect("an attempt")),
        reported: CredentialHealth::RefreshFailed,
        refused_since: None,
    };
    assert!(evidence::put(&sealing, owner, 1, &evidence).expect("evidence"));
    intents::put(&change, key, "genuine", NOW).expect("an intent");
    bundles::keep(&sealing, UNPLACED, "tokctl-bundle-1.made.up", NOW).expect("a bundle");
    sealing.remember_import(OPENED, NOW);
    sealing.finish().expect("a sealed header");
    change.commit().expect("a vault");
}

/// Takes the rules from the tables: a person who can edit the file can put any value into its
/// columns.
fn loosen(change: &Writing<'_>) {
    for table in TABLES {
        let sql: String = change
            .query_row("SELECT sql FROM sqlite_schema WHERE name = ?1", [table], |row| row.get(0))
            .expect("a table");
        let loose =
            sql.replace(")STRICT", ")").replace(" NOT NULL", "").replacen(table, "loose", 1);
        let swap = format!(
            "{loose}; INSERT INTO loose SELECT * FROM {table}; DROP TABLE {table};
             ALTER TABLE loose RENAME TO {table};"
        );
        change.execute_batch(&swap).expect("a table without rules");
    }
}
