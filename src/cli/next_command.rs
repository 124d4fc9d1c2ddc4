//! Hints in the form in which they work where they are shown: a login with the flags that it needs,
//! and the command that failed, as it was typed.

use std::ffi::OsString;
use std::path::Path;

use super::browser::Browser;
use super::client_settings;
use super::context::Context;
use super::error::{CliError, Hint, KEY_OF_ONES_OWN, filled};
use super::explain::{COMPARE, RESTORE};
use super::moved;
use super::typed::{about_vault, command, command_line, login_command, may_be_secret, quoted};
use super::vault_place::without_password;
use super::vaults;
use crate::model::account::{Account, AccountFilter, ProviderName};
use crate::model::definition::RefreshKind;
use crate::model::reference::Reference;
use crate::model::summary::Kind;
use crate::ops::Vault;
use crate::ops::error::DiskFault;
use crate::ops::providers::{self, Provider};

/// Returns `error` with its hint as a text, for a command line `args`.
pub(crate) fn complete(context: &Context, args: &[OsString], error: CliError) -> CliError {
    match &error.hint {
        None => error,
        Some(Hint::Disk(fault)) => CliError::new(error.kind, unwritable(context, *fault))
            .hint(disk_command(context, *fault)),
        Some(Hint::Text(hint)) if hint == RESTORE && is_shared(context) => error.hint(COMPARE),
        Some(hint) => {
            let hint = text(context, args, hint);
            error.hint(hint)
        }
    }
}

/// Whether the command was about a shared vault.
fn is_shared(context: &Context) -> bool {
    vaults::shared_name(context).is_ok_and(|name| name.is_some())
}

/// The command that shows whom to ask where this user may only read.
pub(crate) const WHOM_TO_ASK: &str = "tokctl member list";

/// The commands that a member runs who may write.
const OF_WRITERS: [&str; 6] = [
    "tokctl login",
    "tokctl refresh",
    "tokctl delete",
    "tokctl export",
    "tokctl check",
    "tokctl rotate-key",
];

/// Whether a member has to do what `hint` says who may write.
fn is_of_writers(hint: &Hint) -> bool {
    match hint {
        Hint::Login(_) | Hint::LoginWith(..) | Hint::LoginTo(_) | Hint::FirstLogin => true,
        Hint::Text(text) | Hint::Confirmed(text) => {
            OF_WRITERS.iter().any(|command| text.starts_with(command))
        }
        Hint::Again(_)
        | Hint::Meant { .. }
        | Hint::OtherSlot
        | Hint::MovedTo { .. }
        | Hint::GoOn(_)
        | Hint::Disk(_)
        | Hint::Within(..) => false,
    }
}

/// Returns what `hint` says here, after a command line `args`.
pub(crate) fn text(context: &Context, args: &[OsString], hint: &Hint) -> String {
    let about_named = |text: String| about_named(context, text);
    if context.is_reader() && is_of_writers(hint) {
        return about_named(format!(
            "a member has to do it, since this identity may only read: `{WHOM_TO_ASK}`"
        ));
    }
    match hint {
        Hint::Text(text) => about_named(text.clone()),
        Hint::Login(account) => {
            about_named(undefined(context, account).unwrap_or_else(|| login(context, account)))
        }
        Hint::LoginWith(account, flags) => about_named(
            undefined(context, account)
                .unwrap_or_else(|| format!("{} {flags}", login(context, account))),
        ),
        Hint::LoginTo(provider) => about_named(login_to(context, provider)),
        Hint::FirstLogin => first_login(context),
        Hint::Confirmed(command) => confirmed(context, command.clone()),
        Hint::Again(flags) => again(args, flags),
        Hint::Meant { typed, meant } => corrected(args, typed, meant),
        Hint::Disk(fault) => disk_command(context, *fault),
        Hint::GoOn(to) => about_named(moved::go_on(context, to)),
        Hint::MovedTo { account, to, alone, elsewhere } => match moved::vault_here(context, to) {
            Some(vault) if *alone => {
                command("get", account).replacen(' ', &format!(" --vault {} ", quoted(&vault)), 1)
            }
            Some(vault) => again(args, &["--vault", &vault]),
            None => text(context, args, elsewhere),
        },
        Hint::OtherSlot if context.ui.can_ask() => again(args, &["--key-slot", "passphrase"]),
        Hint::OtherSlot => KEY_OF_ONES_OWN.into(),
        Hint::Within(sentence, hint) => filled(sentence, &text(context, args, hint)),
    }
}

/// Returns `hint` with the vault in its commands that `--vault` named: else they would be about
/// another one.
pub(crate) fn about_named(context: &Context, hint: String) -> String {
    match context.vault_flag() {
        Some(flag) => about_vault(&flag, &hint),
        None => hint,
    }
}

/// Returns the command `verb` for an account of the vault that this command is about.
pub(crate) fn here(context: &Context, verb: &str, account: &Account) -> String {
    about_named(context, command(verb, account))
}

/// Returns `error` on one line of a log, with a hint that names the vault where the command did.
pub(crate) fn in_log(context: &Context, error: &CliError) -> String {
    match &error.hint {
        Some(hint) => error.clone().hint(about_named(context, hint.to_string())).line(),
        None => error.line(),
    }
}

/// Returns the sentence for a vault beside which nothing can be written.
pub(crate) fn unwritable(context: &Context, fault: DiskFault) -> String {
    format!("nothing can be written to {}: {fault}", quoted(&folder(context).to_string_lossy()))
}

/// Returns the command that shows the disk that is full, or what may not be written.
fn disk_command(context: &Context, fault: DiskFault) -> String {
    match fault {
        DiskFault::Full => format!("df -h {}", quoted(&folder(context).to_string_lossy())),
        DiskFault::ReadOnly => "tokctl doctor".into(),
    }
}

/// Returns the directory of the vault.
fn folder(context: &Context) -> &Path {
    let parent = context.vault().ok().and_then(|vault| vault.parent());
    parent.filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Returns the command that begins a first login: where nobody can be asked, the one that names the
/// services and what each needs.
pub(crate) fn first_login(context: &Context) -> String {
    let command = if context.ui.can_ask() { "tokctl login" } else { "tokctl providers" };
    about_named(context, command.into())
}

/// Returns the command that logs in to `account`, with what it needs here.
///
/// Where nobody can be asked, a static token has to come on stdin. What is stored tells the rest.
pub(crate) fn login(context: &Context, account: &Account) -> String {
    about_named(context, login_to_usual(context, account))
}

/// Returns the command that logs in to `account`, as if the usual vault were meant.
fn login_to_usual(context: &Context, account: &Account) -> String {
    let command = login_command(account);
    if context.is_reader() {
        return WHOM_TO_ASK.into();
    }
    if context.config().is_err() {
        return "tokctl doctor".into();
    }
    if context.ui.can_ask() {
        return command;
    }
    let provider = providers::today(&account.provider, context.config().ok());
    let (own, others) = stored_kinds(context, account);
    match (own, provider) {
        (Some(Kind::Static), _) => format!("{command} --token-stdin"),
        (Some(Kind::OAuth), Some(provider)) => with_client(context, &provider, command),
        (Some(Kind::OAuth), None) => in_browser(context, command),
        // A client of the service's other logins serves this one too.
        (None, Some(provider)) if others == Some(Kind::OAuth) => {
            with_client(context, &provider, command)
        }
        (None, Some(provider)) => unattended(context, &provider, command),
        (None, None)
            if others == Some(Kind::OAuth) && is_by_address(context, &account.provider) =>
        {
            in_browser(context, command)
        }
        (None, None) => "tokctl providers".into(),
    }
}

/// Returns what a login needs first whose service config.toml no longer defines, or on this machine
/// never did.
fn undefined(context: &Context, account: &Account) -> Option<String> {
    let config = context.config().ok()?;
    let is_undefined = providers::today(&account.provider, Some(config)).is_none();
    let (own, _) = stored_kinds(context, account);
    (is_undefined && stored_server(context, account).is_none() && own == Some(Kind::OAuth))
        .then(|| format!("{}, then `{}`", bring_table(&account.provider), login_command(account)))
}

/// Returns the advice for a service whose definition did not come along with its credential.
pub(crate) fn bring_table(provider: &ProviderName) -> String {
    format!("copy its table `[providers.{provider}]` from the config.toml that defines it")
}

/// Returns `command` if it needs yes to a question, with the flag that says so where nobody can be
/// asked.
pub(crate) fn confirmed(context: &Context, command: String) -> String {
    let command = about_named(context, command);
    if context.ui.can_ask() { command } else { format!("{command} --yes") }
}

/// Returns the command that logs in to a service, or the one that says what such a login needs.
fn login_to(context: &Context, provider: &ProviderName) -> String {
    if context.ui.can_ask() {
        return format!("tokctl login {provider}");
    }
    format!("tokctl providers {provider}")
}

/// Returns the login `command` of somebody who has an OAuth client, where nobody can be asked.
fn with_client(context: &Context, provider: &Provider, command: String) -> String {
    let needs_consent = match provider.definition.refresh.kind {
        RefreshKind::ClientCredentials
        | RefreshKind::TokenExchange
        | RefreshKind::ClientAssertion
        | RefreshKind::JwtBearer => false,
        RefreshKind::RefreshToken | RefreshKind::Exchange | RefreshKind::None => true,
    };
    // A terminal has to take the address at which such a login ends.
    if needs_consent && provider.redirect_uri().starts_with("https://") {
        return format!("tokctl providers {}", provider.name);
    }
    if needs_consent { in_browser(context, command) } else { command }
}

/// Returns the login `command`, with the flag that it needs where no browser can be opened.
fn in_browser(context: &Context, command: String) -> String {
    if has_browser(context) { command } else { format!("{command} --no-browser") }
}

fn has_browser(context: &Context) -> bool {
    context.ui.may_ask && Browser::find(&context.environment).is_some()
}

/// Returns how a login that nobody did before is done where nobody can be asked.
fn unattended(context: &Context, provider: &Provider, command: String) -> String {
    if has_client(context, provider) {
        return with_client(context, provider, command);
    }
    let definition = &provider.definition;
    let token_needs_more = definition.server.is_none()
        && definition
            .api_base_url
            .as_ref()
            .is_some_and(|address| address.contains("{server}") || address.contains("{site_id}"));
    // Nobody said that tokens are made by hand at a service of the user's own.
    let is_for_clients = definition.setup.is_none()
        && (definition.issuer.is_some() || definition.token_endpoint.is_some());
    if token_needs_more || is_for_clients {
        return format!("tokctl providers {}", provider.name);
    }
    format!("{command} --token-stdin")
}

/// Returns whether a login in the browser has all it needs but a person.
fn has_client(context: &Context, provider: &Provider) -> bool {
    client_settings::client_id(context, provider).is_some()
        && provider.endpoints(None, None).is_ok()
        && (!provider.needs_secret()
            || client_settings::client_secret(context, provider)
                .is_ok_and(|secret| secret.is_some()))
        && (!provider.needs_key()
            || client_settings::client_key(context, provider).is_ok_and(|key| key.is_some()))
}

/// Returns the kind of the credential of `account`, and the kind of one of the service's others, if
/// they are stored. Reads the clear columns, and waits for nobody.
fn stored_kinds(context: &Context, account: &Account) -> (Option<Kind>, Option<Kind>) {
    let read = || {
        let vault = Vault::open_unlocked(context.vault().ok()?).ok()?;
        let filter = AccountFilter { provider: Some(&account.provider), user: None };
        let beginning = vault.first_accounts(filter, 2).ok()?;
        let other = beginning.iter().find(|one| *one != account);
        let kind = |of: &Account| Some(vault.summary(of).ok()??.kind);
        Some((kind(account), other.and_then(kind)))
    };
    read().unwrap_or_default()
}

/// Returns the address of the service of `account`, as it is stored. A service that is not defined and
/// has one was found by it, and is found again.
fn stored_server(context: &Context, account: &Account) -> Option<String> {
    let vault = Vault::open_unlocked(context.vault().ok()?).ok()?;
    vault.summary(account).ok()??.server_url
}

/// Whether a login of a service that is not defined found it by its address: so does another person's.
fn is_by_address(context: &Context, provider: &ProviderName) -> bool {
    let first = || {
        let vault = Vault::open_unlocked(context.vault().ok()?).ok()?;
        let filter = AccountFilter { provider: Some(provider), user: None };
        vault.first_accounts(filter, 1).ok()?.pop()
    };
    first().is_some_and(|account| stored_server(context, &account).is_some())
}

/// Returns the command that was typed, with `flags` besides. A flag with a value that was typed
/// already gets the new value.
fn again(args: &[OsString], flags: &[&str]) -> String {
    let end = args.iter().position(|arg| arg == "--").unwrap_or(args.len());
    let (before, behind) = args.split_at(end);
    let mut before = before.to_vec();
    if let [flag, _] = flags {
        let joined = format!("{flag}=");
        before.retain(|arg| !arg.to_string_lossy().starts_with(&joined));
        if let Some(at) = before.iter().position(|arg| arg == flag) {
            before.drain(at..before.len().min(at + 2));
        }
    }
    if let [flag] = flags {
        // Most flags can be given once.
        before.retain(|arg| arg != flag);
    }
    before.extend(flags.iter().map(OsString::from));
    let words: Vec<OsString> = before.iter().chain(behind).map(without_password).collect();
    command_line(&words)
}

/// Returns the command that was typed, with a reference to `meant` in place of each to `typed`. If
/// there is none in it, or no plain one to put there, returns the command that lists what is stored.
fn corrected(args: &[OsString], typed: &Account, meant: &Account) -> String {
    let end = args.iter().position(|arg| arg == "--").unwrap_or(args.len());
    let plain = |reference: &Reference| {
        let text = reference.to_string();
        (quoted(&text) == text && text.parse::<Reference>().as_ref() == Ok(reference))
            .then_some(text)
    };
    let replaced = |arg: &OsString| {
        let arg = arg.to_str()?;
        // A reference stands alone or behind a variable's name.
        let starts = std::iter::once(0).chain(arg.match_indices('=').map(|(at, _)| at + 1));
        let (start, field) = starts.into_iter().find_map(|start| {
            let Reference { account, field } = arg[start..].parse().ok()?;
            (account == *typed).then_some((start, field))
        })?;
        let reference = plain(&Reference { account: meant.clone(), field })?;
        Some(OsString::from(format!("{}{reference}", &arg[..start])))
    };
    let (before, behind) = args.split_at(end);
    let mut is_found = false;
    let mut line: Vec<OsString> = Vec::with_capacity(args.len());
    for arg in before {
        let replaced = replaced(arg);
        is_found |= replaced.is_some();
        line.push(replaced.unwrap_or_else(|| arg.clone()));
    }
    if !is_found || behind.iter().any(|arg| may_be_secret(&arg.to_string_lossy())) {
        return "tokctl list".into();
    }
    line.extend_from_slice(behind);
    command_line(&line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_come_before_what_is_no_flag() {
        let args = ["/usr/bin/tokctl", "run", "--env", "A=a/b c", "--", "x"].map(OsString::from);
        assert_eq!(again(&args, &["--yes"]), "tokctl run --env 'A=a/b c' --yes -- x");
        assert_eq!(again(&args[..2], &[]), "tokctl run");
        let twice = ["tokctl", "delete", "--yes", "a"].map(OsString::from);
        assert_eq!(again(&twice, &["--yes"]), "tokctl delete a --yes");
        for typed in [
            &["tokctl", "login", "--timeout", "1s", "a"][..],
            &["tokctl", "login", "--timeout=1s", "a"],
        ] {
            let args: Vec<OsString> = typed.iter().map(OsString::from).collect();
            assert_eq!(again(&args, &["--timeout", "15m"]), "tokctl login a --timeout 15m");
        }
    }

    #[test]
    fn a_mistyped_name_is_corrected_where_it_stands() {
        let account = |text: &str| text.parse::<Reference>().unwrap().account;
        let (typed, meant) = (account("svc/bto"), account("svc/bot"));
        let line = |words: &[&str]| {
            let args: Vec<OsString> = words.iter().map(OsString::from).collect();
            corrected(&args, &typed, &meant)
        };
        let run =
            line(&["tokctl", "run", "--env", "A=svc/bto", "--env=B=svc/bto/username", "--", "x"]);
        assert_eq!(run, "tokctl run --env A=svc/bot --env=B=svc/bot/username -- x");
        let long = line(&["tokctl", "env", "A=tokctl://svc/bto"]);
        assert_eq!(long, "tokctl env A=svc/bot");
        assert_eq!(line(&["tokctl", "run", "--env-file", "x", "--", "svc/bto"]), "tokctl list");
        let secret = ["tokctl", "run", "--env", "A=svc/bto", "--", "made-up-secret-1234567"];
        assert_eq!(line(&secret), "tokctl list");
    }
}
