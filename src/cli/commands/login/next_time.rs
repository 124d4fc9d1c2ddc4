//! The commands that a guided login prints at its end: for next time, and for another machine.

use std::ffi::OsString;

use super::guided::Answers;
use super::method::Method;
use crate::cli::typed::{quoted, user_flag};
use crate::model::account::ProviderName;
use crate::model::address::Address;

/// The settings that the next command has to name, since they were asked for and not typed.
pub(super) struct Missing<'a> {
    /// The provider, if it was asked for.
    pub(super) provider: Option<&'a ProviderName>,
    pub(super) answers: &'a Answers,
    /// The server, if the user chose it.
    pub(super) server: Option<&'a Address>,
    /// The user, if the command line does not name one.
    pub(super) user: Option<&'a str>,
    /// Whether the token was asked for, and is to come on stdin.
    pub(super) token: bool,
    /// Whether the vault's passphrase was asked for.
    pub(super) passphrase: bool,
}

/// Returns the command that was `typed`, with what is missing: it needs no question. A secret is
/// named by a file, since no secret is taken from a command line.
pub(super) fn without_questions(typed: &[OsString], missing: &Missing<'_>) -> String {
    let mut words = vec!["tokctl".to_owned()];
    if missing.passphrase {
        words.insert(0, "TOKCTL_PASSPHRASE_FILE=FILE".to_owned());
    }
    for word in typed.iter().skip(1) {
        let word = word.to_string_lossy();
        words.push(quoted(&word));
        if let Some(provider) = missing.provider
            && word == "login"
            && !words.contains(&provider.to_string())
        {
            words.push(provider.to_string());
        }
    }
    let answers = missing.answers;
    let mut add = |flag: &str, value: Option<&str>| {
        if let Some(value) = value {
            words.push(format!("{flag} {}", quoted(value)));
        }
    };
    let method = answers.method.filter(|method| *method != Method::Token);
    add("--method", method.map(Method::name));
    add("--server", missing.server.map(Address::as_str));
    let client = &answers.client;
    add("--client-id", client.id.as_deref());
    add("--client-secret-file", client.secret.as_ref().map(|_| "FILE"));
    let file = client.key_file.as_ref().map(|path| path.to_string_lossy());
    add("--client-key-file", file.as_deref());
    let file = client.google_file.as_ref().map(|path| path.to_string_lossy());
    add("--client-secrets", file.as_deref());
    let file = answers.service_account.as_ref().map(|path| path.to_string_lossy());
    add("--service-account", file.as_deref());
    add("--username", answers.username.as_deref());
    words.extend(missing.user.map(user_flag));
    if missing.token {
        words.push("--token-stdin".to_owned());
    }
    words.join(" ")
}
