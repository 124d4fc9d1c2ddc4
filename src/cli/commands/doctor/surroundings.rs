//! Checks that need no vault: the environment, the configuration, and the programs that they name.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::check_runner::CheckRunner;
use super::remedy::row_of;
use super::row::{Row, Verdict};
use crate::cli::browser::Browser;
use crate::cli::certificates;
use crate::cli::client_settings;
use crate::cli::commands::run;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::key_material;
use crate::cli::secret_file;
use crate::cli::typed::quoted;
use crate::config::Config;
use crate::executable;
use crate::model::account::ProviderName;
use crate::ops::SlotSecret;
use crate::ops::doctor::{self, Check, Finding, Remedy};
use crate::ops::key_text::Given;
use crate::ops::providers::{self, Provider};
use crate::private_file::Readers;
use crate::untrusted::printable;

/// The variables that name files with keys and passphrases, of the vault and of bundles.
const KEY_FILES: [&str; 5] = [
    "TOKCTL_KEY_FILE",
    "TOKCTL_PASSPHRASE_FILE",
    "TOKCTL_NEW_KEY_FILE",
    "TOKCTL_BUNDLE_KEY_FILE",
    "TOKCTL_BUNDLE_PASSPHRASE_FILE",
];

/// The secrets in the environment that may open the vault.
///
/// The list is empty if the environment holds none. `None` means that it holds something unusable.
pub(super) type AtHand = Option<Vec<SlotSecret>>;

/// The surroundings of the vault that later checks need.
pub(super) struct Surroundings {
    pub(super) at_hand: AtHand,
    /// A context with a configuration that was read; `None` if it can't be read.
    pub(super) configured: Option<Context>,
}

/// Runs all checks of this file except [`ports`].
///
/// With `for_shared`, the vault is a shared one, which an identity opens.
pub(super) fn look(runner: &mut CheckRunner<'_>, for_shared: bool) -> Surroundings {
    let context = runner.context;
    let at_hand = if for_shared { identity(runner) } else { environment(runner) };
    runner.add(key_files(context));
    let configured = configuration(runner);
    runner.add([browser(context)]);
    runner.add([row_of(doctor::memory()), row_of(doctor::sqlite())]);
    runner.add(token_directories(context));
    Surroundings { at_hand, configured }
}

/// Reads the secrets in the environment, with a time limit because a program may have to print one.
fn environment(runner: &mut CheckRunner<'_>) -> AtHand {
    let detached = runner.context.detach();
    let read = move || -> Result<Vec<SlotSecret>, CliError> {
        let (key, passphrase) =
            (key_material::key(&detached)?, key_material::passphrase(&detached)?);
        Ok(key.into_iter().chain(passphrase).collect())
    };
    let read = runner.run(Check::Environment, read)?;
    match read {
        Err(error) => {
            runner.add([Row::failure(Check::Environment, error)]);
            None
        }
        Ok(at_hand) => {
            runner.add(contradictions(runner.context, &at_hand));
            Some(at_hand)
        }
    }
}

/// Reads what the environment holds for a shared vault: an identity, or what opens the file that has
/// it.
fn identity(runner: &mut CheckRunner<'_>) -> AtHand {
    let detached = runner.context.detach();
    let read = runner.run(Check::Environment, move || key_material::given(&detached))?;
    let message = match read {
        Err(error) => {
            runner.add([Row::failure(Check::Environment, error)]);
            return None;
        }
        Ok(Some((source, Given::Identity(_)))) => format!("{source} holds an identity"),
        Ok(Some((source, Given::Slot(_)))) => {
            format!("{source} holds a key, for the file with your identity")
        }
        Ok(None) => "it holds no identity, which is in a file then".to_owned(),
    };
    runner.add([Row::new(Check::Environment, Verdict::Fine, message)]);
    Some(Vec::new())
}

fn contradictions(context: &Context, at_hand: &[SlotSecret]) -> Vec<Row> {
    let environment = &context.environment;
    let is_set = |name: &str| environment.get(name).is_some();
    let hint = |message: String, hint: String| {
        Row::new(Check::Environment, Verdict::Hint, message).hint(hint)
    };
    let mut rows = Vec::new();
    if let [first, second, ..] = at_hand {
        let (first, second) = (first.kind(), second.kind());
        let message =
            format!("both a {first} and a {second} are set, and the {second} is not used");
        rows.push(hint(message, "unset TOKCTL_PASSPHRASE TOKCTL_PASSPHRASE_FILE".into()));
    }
    if is_set("TOKCTL_PASSPHRASE") && is_set("TOKCTL_PASSPHRASE_FILE") {
        let message = "TOKCTL_PASSPHRASE is set, so TOKCTL_PASSPHRASE_FILE is not read";
        rows.push(hint(message.into(), "unset TOKCTL_PASSPHRASE_FILE".into()));
    }
    for name in ["XDG_DATA_HOME", "XDG_CONFIG_HOME"] {
        if environment.get(name).is_some_and(|path| Path::new(&path).is_relative()) {
            let message = format!("{name} is a relative path, and so without effect");
            rows.push(hint(message, format!("unset {name}")));
        }
    }
    if rows.is_empty() {
        let message = match at_hand.first() {
            Some(with) => format!("it opens the vault with a {}", with.kind()),
            None => "it holds no key, and contradicts itself nowhere".to_owned(),
        };
        rows.push(Row::new(Check::Environment, Verdict::Fine, message));
    }
    rows
}

/// Checks who can read and change the files with keys and passphrases.
fn key_files(context: &Context) -> Vec<Row> {
    let files: BTreeSet<PathBuf> = KEY_FILES
        .into_iter()
        .filter_map(|name| context.environment.get(name).map(PathBuf::from))
        .collect();
    files.iter().filter_map(|path| check_secret_file(context, path)).collect()
}

/// Checks who can change a file with a secret, and who can read it: that is no finding where no other
/// command warns of it.
fn check_secret_file(context: &Context, path: &Path) -> Option<Row> {
    let is_open = secret_file::is_open_on_purpose(context, path);
    let allowed = if is_open { Readers::Others } else { Readers::OwnerOnly };
    let finding = doctor::private_file(path, allowed)?;
    let is_readable =
        matches!(finding, Finding::Assessed { remedy: Some(Remedy::KeepReadersOut(_)), .. });
    let row = row_of(finding);
    // Nobody changes a mode there.
    let is_in_pod = is_readable && secret_file::is_of_kubernetes(path);
    Some(if is_in_pod { row.hint(secret_file::POD_REMEDY) } else { row })
}

/// Returns a row for each directory that a killed `tokctl run --file` left behind.
///
/// The next such run removes only those in its own base directory.
fn token_directories(context: &Context) -> impl Iterator<Item = Row> {
    run::left_token_directories(&context.environment).into_iter().map(|directory| {
        let name = directory.to_string_lossy();
        let message = format!("`{}` holds tokens of a command that has ended", printable(&name));
        Row::new(Check::Leftovers, Verdict::ToMend, message)
            .hint(format!("rm -r {}", quoted(&name)))
    })
}

/// Reads the configuration once, with a time limit: it may be a pipe.
fn configuration(runner: &mut CheckRunner<'_>) -> Option<Context> {
    let detached = runner.context.detach();
    let read = runner.run(Check::Configuration, move || {
        let read = detached.config().map(drop);
        (detached, read)
    });
    let (detached, read) = read?;
    if let Err(error) = read {
        runner.add([Row::failure(Check::Configuration, error)]);
        return None;
    }
    let config = detached.config().ok()?;
    let shown = match detached.config_path().filter(|path| path.exists()) {
        Some(path) => format!("`{}` is as it should be", path.display()),
        None => "there is none, and none is needed".to_owned(),
    };
    runner.add([Row::new(Check::Configuration, Verdict::Fine, shown)]);
    runner.add(check_providers(runner.context, config));
    runner.add(hooks(runner.context, config));
    Some(detached)
}

/// Checks the providers that the configuration defines, and what a login at them needs.
fn check_providers(context: &Context, config: &Config) -> Vec<Row> {
    let mut rows = Vec::new();
    for name in config.providers.keys().filter_map(|name| name.parse::<ProviderName>().ok()) {
        match providers::find(&name, config) {
            Err(error) => rows.push(Row::failure(Check::Providers, error.into())),
            Ok(provider) => rows.extend(settings(context, &provider)),
        }
    }
    if !rows.iter().any(|row| row.check == Check::Providers) {
        let count = config.providers.len();
        let message = format!("{count} configured, and all can be used");
        rows.push(Row::new(Check::Providers, Verdict::Fine, message));
    }
    rows
}

fn settings(context: &Context, provider: &Provider) -> Vec<Row> {
    let (name, definition) = (&provider.name, &provider.definition);
    let mut rows = Vec::new();
    let finding = |message: String| Row::new(Check::Providers, Verdict::ToMend, message);
    if let Some(error) = doctor::unusable_redirect_uri(provider) {
        let message = format!("the redirect URI of `{name}` can't be listened on: {error}");
        rows.push(finding(message).hint("mend `redirect_uri` in config.toml"));
    }
    // Missing endpoints may come from metadata or with the login, so they are no error here.
    if let Err(error @ providers::Error::Address { .. }) = provider.endpoints(None, None) {
        rows.push(Row::failure(Check::Providers, error.into()));
    }
    if let Err(error) = certificates::trusted_certificates(provider) {
        rows.push(Row::failure(Check::Providers, error));
    }
    if let Some(variable) = &definition.client_secret_env
        && context.environment.get(variable).is_none()
    {
        let message = format!("{variable}, the client secret of `{name}`, is not set");
        rows.push(
            Row::new(Check::Providers, Verdict::Hint, message)
                .hint(format!("set {variable} for logins; what is stored does not need it")),
        );
    }
    if let Some(path) = &definition.client_secret_file {
        // Who can read it is told by a row.
        match client_settings::read_text(path).map(zeroize::Zeroizing::new) {
            Ok(_) => rows.extend(check_secret_file(context, path)),
            Err(error) => rows.push(Row::failure(Check::Providers, error)),
        }
    }
    rows.extend(key(context, provider));
    if let Err(error) = certificates::client_certificate(context, provider) {
        rows.push(Row::failure(Check::Providers, error));
    }
    let with_key = definition
        .client_certificate_key_file
        .as_ref()
        .or(definition.client_certificate_file.as_ref());
    rows.extend(with_key.and_then(|path| check_secret_file(context, path)));
    let commands = [
        ("the client secret", &definition.client_secret_command),
        ("the client's key", &definition.client_key_command),
    ];
    for (secret, command) in commands {
        let program = command.as_deref().and_then(<[String]>::first);
        rows.extend(program.map(|program| {
            let what = format!("which prints {secret} of `{name}`");
            check_program(context, Check::Programs, &what, program)
        }));
    }
    rows
}

/// Checks that the client's key can be read from where the definition has it, and that it signs.
fn key(context: &Context, provider: &Provider) -> Vec<Row> {
    let (name, definition) = (&provider.name, &provider.definition);
    let mut rows = Vec::new();
    if let Some(variable) = &definition.client_key_env
        && context.environment.get(variable).is_none()
    {
        let message = format!("{variable}, the client's key of `{name}`, is not set");
        rows.push(
            Row::new(Check::Providers, Verdict::Hint, message)
                .hint(format!("set {variable} for logins; what is stored does not need it")),
        );
    }
    if let Some(path) = &definition.client_key_file {
        let read = client_settings::read_text(path);
        let read = read.map(|text| client_settings::described(text, provider));
        let read = read.and_then(|key| Ok(provider.client_key(&key, None)?));
        match read {
            Ok(_) => rows.extend(check_secret_file(context, path)),
            Err(error) => rows.push(Row::failure(Check::Providers, error)),
        }
    }
    rows
}

fn hooks(context: &Context, config: &Config) -> Vec<Row> {
    [
        ("on_login_required", &config.on_login_required),
        ("on_refresh_failed", &config.on_refresh_failed),
    ]
    .into_iter()
    .filter_map(|(hook, command)| {
        let program = command.as_deref()?.first()?;
        Some(check_program(context, Check::Programs, &format!("the hook `{hook}`"), program))
    })
    .collect()
}

fn browser(context: &Context) -> Row {
    let named = context.environment.get("BROWSER").is_some();
    match Browser::find(&context.environment) {
        Some(browser) => {
            let what = if named { "which BROWSER names" } else { "the desktop's own" };
            check_program(context, Check::Browser, what, browser.program())
        }
        None if named => {
            Row::new(Check::Browser, Verdict::ToMend, "BROWSER can't be read as a command")
                .hint("set BROWSER to a program that opens addresses")
        }
        None => Row::new(
            Check::Browser,
            Verdict::Fine,
            "none is to be seen here: logins print the address, to be opened anywhere",
        ),
    }
}

/// Checks whether a program exists that is started as `what`.
fn check_program(context: &Context, check: Check, what: &str, program: &str) -> Row {
    let shown = printable(program);
    let path = context.environment.get("PATH");
    if executable::find(OsStr::new(program), path.as_deref()).is_some() {
        return Row::new(check, Verdict::Fine, format!("`{shown}`, {what}, is there"));
    }
    let hint = if check == Check::Browser {
        "set BROWSER to a program that opens addresses, or log in with `--no-browser`"
    } else {
        "install it, or name another in config.toml"
    };
    let message = format!("`{shown}`, {what}, is no program that can be started");
    Row::new(check, Verdict::ToMend, message).hint(hint)
}

/// Checks whether the ports are free that logins need, at configured providers and at `used` ones.
pub(super) fn ports(
    runner: &mut CheckRunner<'_>,
    configured: Option<&Context>,
    used: &BTreeSet<ProviderName>,
) {
    let Some(config) = configured.and_then(|context| context.config().ok()) else { return };
    let configured = config.providers.keys().filter_map(|name| name.parse().ok());
    let names: BTreeSet<ProviderName> = configured.chain(used.iter().cloned()).collect();
    let ports = names.iter().filter_map(|name| {
        let provider = providers::today(name, Some(config))?;
        doctor::fixed_port(&provider)
    });
    runner.add(ports.map(row_of));
}
