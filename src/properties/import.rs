//! The property of an import from another tool.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::Write;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use data_encoding::BASE64URL;
use ring::pbkdf2;
use rusqlite::types::Value as Cell;
use rusqlite::{Connection, params_from_iter};
use serde_json::{Map, Value};

use super::credential::{assert_decidable, can_be_kept, can_be_sent};
use super::fernet;
use super::input::Setting;
use super::printed_text;
use super::sample_vault::{NOW, account};
use crate::config::Config;
use crate::importers::record::{Found, Held, Owner, Record, Unusable};
use crate::importers::{
    Error, agentllm, google, pauth, rclone, refresh_service, salla, state_tokens,
};
use crate::model::bundle::is_sound;
use crate::model::credential::{Credential, Grant};
use crate::model::summary::Summary;
use crate::ops::import::{self, Service};
use crate::providers::{self, AddressParameters, Provider};
use crate::secret::{ClientSecret, SecretText, StoreKey};
use crate::untrusted::printable;

/// The key of everything that is encrypted in a file.
const KEY: fernet::Key = [7; 32];

/// The secret from which `state-tokens` derives its key, slowly.
const SECRET: &str = "made-up";
static DERIVED: LazyLock<fernet::Key> = LazyLock::new(|| {
    let (mut key, times) = ([0; 32], NonZeroU32::new(100_000).expect("more than none"));
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, times, b"salt_", SECRET.as_bytes(), &mut key);
    key
});

/// A file of another tool, written again for each input.
pub struct Import {
    home: PathBuf,
    config: Config,
}

impl Import {
    /// Keeps the file in `home`, an empty directory.
    #[must_use]
    pub fn new(home: &Path) -> Self {
        Self { home: home.to_owned(), config: Config::default() }
    }

    /// Checks an import. The input is words and a file. The words are the source, as `tokctl
    /// import` names it, the provider if the source does not tell it, `client` if a client is
    /// configured, and the form of the file:
    ///
    /// - `plain`: the file is as given
    /// - `sealed`: the file is encrypted with Fernet
    /// - `tables`: a SQLite file with rows by their tables, in JSON; a text after `SEALED ` is in
    ///   Fernet, and a number among the words says which byte is then damaged
    ///
    /// # Panics
    ///
    /// If a credential is imported that no vault keeps, or that goes elsewhere than to its
    /// provider.
    pub fn hold(&self, data: &[u8]) {
        let Some((setting, rest)) = Setting::split(data) else { return };
        let derives = setting.has("state-tokens");
        let key = if derives { &*DERIVED } else { &KEY };
        let content = if setting.has("sealed") {
            fernet::encrypt(key, rest).into_bytes()
        } else if setting.has("tables") {
            let Some(mut content) = database(rest, key) else { return };
            if let Some(at) = setting.number::<usize>() {
                let at = at % content.len();
                content[at] = !content[at];
            }
            content
        } else {
            rest.to_vec()
        };
        let path = self.home.join(if setting.has("sealed") { "x.enc" } else { "x" });
        OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .open(&path)
            .and_then(|mut file| file.write_all(&content))
            .expect("the file can be written");
        let key = match derives {
            // A fuzzer would spend nearly all its time on deriving the key.
            true if cfg!(fuzzing) => None,
            true => Some(StoreKey::from_trusted(SECRET.into())),
            false => Some(StoreKey::from_trusted(BASE64URL.encode(&KEY))),
        };
        match read(&setting, &path, key.as_ref()) {
            None => {}
            Some(Err(error)) => printed_text::assert_harmless(&error.to_string()),
            Some(Ok(found)) => {
                assert_eq!(found.files, [path]);
                for ignored in &found.ignored {
                    printed_text::assert_harmless(&printable(ignored));
                }
                for Unusable { label, fault } in &found.unusable {
                    printed_text::assert_harmless(&label.origin);
                    printed_text::assert_harmless(&fault.to_string());
                }
                found.records.into_iter().for_each(|record| self.check_record(&setting, record));
            }
        }
    }

    /// Asserts that a record is refused, or becomes a credential that a vault keeps and a bundle
    /// carries.
    fn check_record(&self, setting: &Setting<'_>, record: Record) {
        printed_text::assert_harmless(&record.label.origin);
        let own = ["github", "gitlab", "jira", "facebook", "slack"];
        let named = own.into_iter().find(|name| setting.has(name)).unwrap_or("gdrive");
        let name = record.label.provider.unwrap_or(named).parse().expect("a provider's name");
        let Ok(provider) = providers::find(&name, &self.config) else { return };
        let secret = || ClientSecret::from_trusted("made-up-secret".into());
        let client = setting.has("client").then(|| ("made-up".to_owned(), Some(secret())));
        let service =
            Service { provider, client, key: None, trusted_certificates: None, certificate: None };
        let is_granted = matches!(record.held, Held::Grant(_));
        assert!(!is_granted || record.server.is_none(), "a file says where a grant is renewed");
        let user = match &record.label.user {
            Owner::Named(user) => user.clone(),
            Owner::Unsaid | Owner::Unnameable => account("x").user,
        };
        let server = record.server.clone();
        let incoming = match import::assemble(record, user, &service, None, NOW) {
            Ok(incoming) => incoming,
            Err(error) => return printed_text::assert_harmless(&error.to_string()),
        };
        let credential = &incoming.credential;
        assert_decidable(credential);
        assert!(can_be_kept(&Summary::of(&incoming.account, credential)));
        assert!(can_be_sent(credential) && is_sound(credential), "no bundle carries it");
        let server = service.provider.server(server.as_ref()).expect("it was taken before");
        let places = AddressParameters { server: server.as_ref(), ..AddressParameters::default() };
        assert_own_addresses(credential, &service.provider, places);
    }
}

/// Reads a file as the named source does.
fn read(
    setting: &Setting<'_>,
    path: &Path,
    key: Option<&StoreKey>,
) -> Option<Result<Found, Error>> {
    Some(if setting.has("agentllm") {
        agentllm::read(path, key)
    } else if setting.has("salla") {
        salla::read(path)
    } else if setting.has("state-tokens") {
        state_tokens::read(path, key)
    } else if setting.has("pauth") {
        pauth::read(path, key)
    } else if setting.has("refresh-service") {
        refresh_service::read(path)
    } else if setting.has("google") {
        google::read(path)
    } else if setting.has("rclone") {
        rclone::read(path)
    } else {
        return None;
    })
}

/// Asserts that every address is the provider's, with nothing of the file filled in but the
/// service's own address.
fn assert_own_addresses(
    credential: &Credential,
    provider: &Provider,
    places: AddressParameters<'_>,
) {
    let api = &credential.api;
    assert_eq!(api.server_url.as_ref(), places.server);
    let base_url = provider.api_base_url(places).unwrap_or_default();
    assert_eq!(api.base_url, base_url);
    let places = AddressParameters { api_base_url: base_url.as_ref().or(places.server), ..places };
    let checks = [provider.check(places), provider.static_check(&api.auth, places)];
    let asked = api.check.as_ref().map(|check| &check.url);
    let own = checks.iter().flatten().flatten().any(|check| Some(&check.url) == asked);
    assert!(asked.is_none() || own, "{asked:?} is asked whether the token works");
    if let Grant::OAuth(grant) = &credential.grant {
        let own = provider.endpoints(places.server, None).expect("a grant has endpoints");
        assert_eq!(grant.client.token_endpoint, own.token);
        assert_eq!(grant.client.revocation_endpoint, own.revocation);
    }
}

/// Returns a SQLite file with `tables`; `None` if there can be none.
fn database(tables: &[u8], key: &fernet::Key) -> Option<Vec<u8>> {
    let tables: BTreeMap<String, Vec<Map<String, Value>>> = serde_json::from_slice(tables).ok()?;
    let mut connection = Connection::open_in_memory().ok()?;
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    for (table, rows) in &tables {
        let columns: BTreeSet<&str> = rows.iter().flat_map(Map::keys).map(String::as_str).collect();
        let names: Vec<String> = columns.iter().map(|name| quoted(name)).collect();
        let table = quoted(table);
        connection.execute_batch(&format!("CREATE TABLE {table} ({})", names.join(", "))).ok()?;
        let places = vec!["?"; names.len()].join(", ");
        let mut insert =
            connection.prepare(&format!("INSERT INTO {table} VALUES ({places})")).ok()?;
        for row in rows {
            let cells = columns.iter().map(|name| cell(row.get(*name), key));
            insert.execute(params_from_iter(cells)).ok()?;
        }
    }
    Some(connection.serialize("main").ok()?.to_vec())
}

fn cell(value: Option<&Value>, key: &fernet::Key) -> Cell {
    match value {
        None | Some(Value::Null) => Cell::Null,
        Some(Value::Bool(truth)) => Cell::Integer((*truth).into()),
        Some(Value::Number(number)) => number
            .as_i64()
            .map_or_else(|| number.as_f64().map_or(Cell::Null, Cell::Real), Cell::Integer),
        Some(Value::String(text)) => Cell::Text(match text.strip_prefix("SEALED ") {
            Some(rest) => fernet::encrypt(key, rest.as_bytes()),
            None => text.clone(),
        }),
        Some(other @ (Value::Array(_) | Value::Object(_))) => Cell::Text(other.to_string()),
    }
}
