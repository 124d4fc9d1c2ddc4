//! The user's configuration, `config.toml`: defaults, hooks, the audit and own providers.

mod own_file;
pub(crate) mod directories;
pub(crate) mod vaults;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Table;

use crate::model::account::{ProviderName, UserName};
use crate::model::audit::Settings;
use crate::model::definition::{Definition, document_address};
use crate::model::nearest::of_one_field;
use crate::private_file;

/// The greatest size of a configuration in bytes: people write it by hand, so a larger file is
/// something else.
const LARGEST: u64 = 1024 * 1024;

/// The reason why the configuration can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A line has a mistake, which the user has to correct. Lines count from 1.
    #[error("`{}`, line {line}: {message}", path.display())]
    Line { path: PathBuf, line: usize, message: String },
    /// Another user can change the file, and with it the programs that run and the addresses that
    /// get secrets.
    #[error(transparent)]
    Untrusted(#[from] private_file::Error),
}

/// The content of `config.toml`; empty where there is no file.
#[derive(Debug, Default)]
pub(crate) struct Config {
    pub(crate) default_user: Option<UserName>,
    /// The program, with its arguments, that runs when a credential needs a new login.
    pub(crate) on_login_required: Option<Vec<String>>,
    /// The program, with its arguments, that runs when a refresh failed and a later one may
    /// succeed.
    pub(crate) on_refresh_failed: Option<Vec<String>>,
    pub(crate) audit: Settings,
    /// The address of the user's Client ID Metadata Document, which is the client's id at every server
    /// that takes such.
    pub(crate) client_id_metadata_url: Option<String>,
    /// The vaults by name, each with its path or address.
    pub(crate) vaults: BTreeMap<String, String>,
    /// The providers by name, each as it was written: a definition that extends another is merged
    /// with it key by key.
    pub(crate) providers: BTreeMap<String, Table>,
}

impl Config {
    /// Returns the names of the variables that hold the secret or the key of a client, or an identity
    /// token, as the providers' tables have them.
    pub(crate) fn secret_variables(&self) -> impl Iterator<Item = &str> {
        self.providers.values().flat_map(|table| {
            let assertion = table.get("assertion").and_then(|value| value.get("gitlab"));
            let own = ["client_secret_env", "client_key_env"].map(|field| table.get(field));
            own.into_iter().flatten().chain(assertion).filter_map(toml::Value::as_str)
        })
    }
}

/// The form of the file, with spans, so that a mistake is reported with its line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    default_user: Option<toml::Spanned<String>>,
    on_login_required: Option<toml::Spanned<Vec<String>>>,
    on_refresh_failed: Option<toml::Spanned<Vec<String>>>,
    #[serde(default)]
    audit: Settings,
    client_id_metadata_url: Option<toml::Spanned<String>>,
    #[serde(default)]
    vaults: BTreeMap<toml::Spanned<String>, String>,
    #[serde(default)]
    providers: BTreeMap<toml::Spanned<String>, Definition>,
}

/// The providers' tables as they are written, for merging.
#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    providers: BTreeMap<String, Table>,
}

/// Reads the configuration at the default `path`; a missing file is an empty configuration.
pub(crate) fn load_if_present(path: &Path) -> Result<Config, Error> {
    match load(path) {
        Err(Error::Untrusted(private_file::Error::Io { source, .. }))
            if source.kind() == io::ErrorKind::NotFound =>
        {
            Ok(Config::default())
        }
        other => other,
    }
}

/// Reads the configuration at `path`; a missing file is an error.
pub(crate) fn load(path: &Path) -> Result<Config, Error> {
    let bytes = private_file::read_trusted_plain(path, LARGEST)?;
    std::str::from_utf8(&bytes)
        .map_err(|error| {
            let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            (1 + before.matches('\n').count(), "that is not UTF-8".to_owned())
        })
        .and_then(parse)
        .map_err(|(line, message)| Error::Line { path: path.to_owned(), line, message })
}

/// Parses the text of a configuration; an error is the line, counted from 1, and a message.
pub(crate) fn parse(text: &str) -> Result<Config, (usize, String)> {
    let line_at = |offset: usize| 1 + text[..offset.min(text.len())].matches('\n').count();
    let syntax = |error: toml::de::Error| {
        let line = error.span().map_or(1, |span| line_at(span.start));
        (line, of_one_field(error.message()).replace('\n', "; "))
    };
    let file: File = toml::from_str(text).map_err(syntax)?;
    for name in file.providers.keys() {
        name.get_ref()
            .parse::<ProviderName>()
            .map_err(|error| (line_at(name.span().start), error.to_string()))?;
    }
    if let Some(name) = file.vaults.keys().find(|name| !vaults::is_name(name.get_ref())) {
        let message = "a vault's name has lower-case letters, digits, `-` and `_`".to_owned();
        return Err((line_at(name.span().start), message));
    }
    let default_user = file
        .default_user
        .map(|user| {
            user.get_ref().parse().map_err(|error: crate::model::account::Error| {
                (line_at(user.span().start), error.to_string())
            })
        })
        .transpose()?;
    let program = |words: Option<toml::Spanned<Vec<String>>>| match words {
        Some(words) if words.get_ref().first().is_none_or(String::is_empty) => {
            Err((line_at(words.span().start), "it names no program".to_owned()))
        }
        words => Ok(words.map(toml::Spanned::into_inner)),
    };
    let on_login_required = program(file.on_login_required)?;
    let on_refresh_failed = program(file.on_refresh_failed)?;
    let document = file.client_id_metadata_url.map(|url| match document_address(url.get_ref()) {
        Ok(()) => Ok(url.into_inner()),
        Err(message) => Err((line_at(url.span().start), message)),
    });
    let client_id_metadata_url = document.transpose()?;
    let raw: Raw = toml::from_str(text).map_err(syntax)?;
    let providers = raw.providers;
    Ok(Config {
        default_user,
        on_login_required,
        on_refresh_failed,
        audit: file.audit,
        client_id_metadata_url,
        vaults: file.vaults.into_iter().map(|(name, at)| (name.into_inner(), at)).collect(),
        providers,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_are_kept_as_written() {
        let config = parse("default_user = 'x'\n[providers.acme]\nextends = 'jira'\n").unwrap();
        assert_eq!(config.default_user.unwrap().as_str(), "x");
        assert_eq!(config.providers["acme"]["extends"].as_str(), Some("jira"));
        assert!(parse("").unwrap().providers.is_empty());
    }

    #[test]
    fn a_slip_is_told_with_its_line() {
        for (text, line, word) in [
            ("defualt_user = 'x'", 1, "defualt_user"),
            ("\n[providers.acme]\n\nclient_secret = 'x'", 4, "client_secret"),
            ("[providers.acme]\nrefresh = { reuse = 'often' }", 2, "strict"),
            ("[providers.acme]\nrefresh = { marign = '5m' }", 2, "marign"),
            ("[providers.Acme]\n", 1, "a-z"),
            ("default_user = ''", 1, "255"),
            ("\non_refresh_failed = []", 2, "no program"),
            ("on_login_required = 'notify-send x'", 1, "sequence"),
            ("\naudit = 'requierd'", 2, "best-effort"),
            ("[audit]\nkeep = 0", 2, "nonzero"),
            ("client_id_metadata_url = 'https://a.example'", 1, "path"),
            ("[vaults]\n'Team' = 'postgres://a'", 2, "lower-case"),
            ("x = [", 1, ""),
        ] {
            let (found, message) = parse(text).unwrap_err();
            assert_eq!(found, line, "{text}: {message}");
            assert!(message.contains(word), "{text}: {message}");
        }
    }
}
