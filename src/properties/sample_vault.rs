//! A small vault on the disk that has one row or more in each table.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::model::account::Account;
use crate::model::audit::Settings;
use crate::model::credential::Credential;
use crate::model::credential_health::CredentialHealth;
use crate::secret::{Passphrase, SecretText};
use crate::store::inside::header::Header;
use crate::store::inside::{
    Access, Database, Journal, Spill, attempts, audit, bundles, credentials, header, intents,
    journal, slots, standings,
};
use crate::vault::Key;
use crate::vault::bundle::BundleId;
use crate::vault::seal::{DataKey, VaultId};
use crate::vault::slot::{KeyMaterial, KeySlot, SlotId, SlotKind};

pub(super) const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);
pub(super) const VAULT: VaultId = VaultId([5; 16]);
pub(super) const TABLES: [&str; 10] = [
    "vault",
    "key_slots",
    "intents",
    "credentials",
    "refresh_journal",
    "attempts",
    "standings",
    "audit",
    "unplaced_bundle",
    "opened_bundles",
];

/// The id of the attempt in the journal.
pub(super) const ATTEMPT: [u8; 16] = [7; 16];

/// The ids of a bundle that was exported, and of one that was imported.
pub(super) const UNPLACED: BundleId = BundleId([8; 16]);
pub(super) const OPENED: BundleId = BundleId([9; 16]);

const CREDENTIALS: [&str; 2] = [
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
            .zip(["x", "y"])
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
    header::insert(&change, Header { vault: VAULT, generation: 1 }, NOW).expect("a header");
    for slot in slots {
        slots::insert(&change, slot, NOW).expect("a slot");
    }
    for (account, credential) in stored {
        credentials::put(&change, key, account, credential).expect("a credential");
    }
    let (owner, _) = &stored[0];
    let journal =
        Journal { revision: 1, attempt: ATTEMPT, started_at: NOW, started: None, lease: None };
    journal::put(&change, owner, &journal).expect("a journal");
    intents::put(&change, key, "genuine", NOW).expect("an intent");
    let attempt = serde_json::from_str(ATTEMPT_ROW).expect("an attempt");
    attempts::put(&change, owner, &attempt).expect("an attempt");
    standings::put(&change, owner, CredentialHealth::RefreshFailed).expect("a standing");
    audit::seal(&change, key, None, Some(Settings::default())).expect("an audit");
    bundles::keep(&change, UNPLACED, "tokctl-bundle-1.made.up", NOW).expect("a bundle");
    bundles::remember(&change, OPENED, NOW).expect("another");
    // A person who can edit the file can put any value into its columns, so the tables lose their
    // rules.
    for table in TABLES {
        let sql: String = change
            .query_row("SELECT sql FROM sqlite_schema WHERE name = ?1", [table], |row| row.get(0))
            .expect("a table");
        let loose =
            sql.replace(") STRICT", ")").replace(" NOT NULL", "").replacen(table, "loose", 1);
        let swap = format!(
            "{loose}; INSERT INTO loose SELECT * FROM {table}; DROP TABLE {table};
             ALTER TABLE loose RENAME TO {table};"
        );
        change.execute_batch(&swap).expect("a table without rules");
    }
    change.commit().expect("a vault");
}
