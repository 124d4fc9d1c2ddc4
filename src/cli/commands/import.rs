//! `tokctl import`: takes in what other tools kept.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::PathBuf;

use comfy_table::{ContentArrangement, Table, presets};
use jiff::Timestamp;
use serde::Serialize;

use crate::cli::client_settings;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::explain::untrusted_file;
use crate::cli::typed::quoted;
use crate::cli::{audit_trail, bundle_secret, keys, stdin, time};
use crate::foreign::google;
use crate::foreign::record::{Found, Held, IssuedTo, Record};
use crate::model::account::{ProviderName, UserName};
use crate::model::address::{self, Address};
use crate::model::audit::Action;
use crate::ops::BundleError;
use crate::ops::import::{self, Incoming, LeftOut, Outcome, Placed, Service, Terms};
use crate::private_file;
use crate::providers;
use crate::store::credentials::kind_text;
use crate::store::{self, Store};
use crate::untrusted::printable;
use crate::vault::bundle::{Bundle, BundleId, LONGEST as LONGEST_BUNDLE};
use crate::vault::slot::SlotKind;

/// Take in credentials that another tool kept
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What the file is
    #[arg(value_name = "SOURCE")]
    source: Source,

    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Show what would come in, and store nothing
    #[arg(long)]
    dry_run: bool,

    /// Overwrite what is there already; the earlier grant is not revoked
    #[arg(long)]
    replace: bool,

    /// Take in refresh tokens that each use replaces, too: the other tool must not use them any
    /// more
    #[arg(long)]
    take_over: bool,

    /// Whose it is, where the file does not say [env: TOKCTL_USER]
    #[arg(long, short, value_name = "USER")]
    user: Option<UserName>,

    /// The service to keep it under, in place of the one that the file is for
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<ProviderName>,

    /// The service's own address, where the file does not say, such as https://jira.example.com
    #[arg(long, value_name = "URL", value_parser = parse_address)]
    server: Option<Address>,

    /// The kind of key slot that a new vault gets, or that opens this one: keychain, key,
    /// passphrase or recovery
    #[arg(long, value_name = "KIND", value_parser = parse_slot)]
    key_slot: Option<SlotKind>,
}

/// The stores that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Source {
    /// What `tokctl export` wrote; `-` for stdin
    Bundle,
    /// Google's `authorized_user` file, or what `Credentials.to_json` gives
    Google,
}

/// All that a source holds.
struct Batch {
    incoming: Vec<Incoming>,
    /// What else is in it and stays there: a phrase each.
    ignored: Vec<String>,
    /// The files that hold it in the clear.
    files: Vec<PathBuf>,
    /// The bundle that it is.
    bundle: Option<BundleId>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let now = time::now();
    let batch = batch(args, context, now)?;
    let terms = Terms { replace: args.replace, take_over: args.take_over, bundle: batch.bundle };
    let placed = if args.dry_run {
        foresee(context, batch.incoming, terms, now)?
    } else {
        place(args, context, batch.incoming, terms, now)?
    };
    report(args, context, &placed, now)?;
    remarks(args, context, &placed, &batch.ignored, &batch.files);
    Ok(())
}

/// All that the source holds, as it would be stored.
fn batch(args: &Args, context: &Context, now: Timestamp) -> Result<Batch, CliError> {
    let found = match args.source {
        Source::Bundle => return bundle(args, context),
        Source::Google => google::read(&args.file)?,
    };
    assembled(args, context, found, now)
}

/// What another tool kept, made into credentials of the providers that are known here.
fn assembled(
    args: &Args,
    context: &Context,
    found: Found,
    now: Timestamp,
) -> Result<Batch, CliError> {
    let names = provider_names(args, &found.records)?;
    let user = match &args.user {
        Some(user) => Some(user.clone()),
        None => context.default_user()?,
    };
    let mut services = BTreeMap::new();
    for (name, record) in names.iter().zip(&found.records) {
        let service = match services.remove(name) {
            Some(service) => service,
            None => service(context, name)?,
        };
        services.insert(name.clone(), with_client(context, service, record)?);
    }
    let alone = found.records.len() == 1;
    let mut incoming = Vec::with_capacity(found.records.len());
    for (name, record) in names.iter().zip(found.records) {
        let named = args.user.as_ref().filter(|_| alone).or(record.user.as_ref());
        let user = named.or(user.as_ref()).cloned().ok_or_else(|| {
            CliError::new(Kind::Usage, format!("{} does not say whose it is", record.origin))
                .hint("name the user with `--user`")
        })?;
        let service = &services[name];
        incoming.push(import::assemble(record, user, service, args.server.as_ref(), now)?);
    }
    Ok(Batch { incoming, ignored: found.ignored, files: found.files, bundle: None })
}

/// What is in a bundle, opened with a secret of its own.
fn bundle(args: &Args, context: &Context) -> Result<Batch, CliError> {
    if args.user.is_some() || args.provider.is_some() || args.server.is_some() {
        return Err(CliError::new(Kind::Usage, "a bundle says itself what is in it")
            .hint("leave out `--user`, `--provider` and `--server`"));
    }
    let text = if args.file.as_os_str() == "-" {
        stdin::text(LONGEST_BUNDLE)?
    } else {
        let bytes = private_file::read(&args.file, LONGEST_BUNDLE)
            .map_err(|error| untrusted_file(Kind::Failed, &error))?;
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let read = Bundle::parse(&text).map_err(|error| CliError::from(BundleError::from(error)))?;
    let incoming = import::open(&read, &bundle_secret::opening(context, read.kind())?)?;
    Ok(Batch { incoming, ignored: Vec::new(), files: Vec::new(), bundle: Some(read.id()) })
}

/// The provider of each record: the one that was named, else the one that the store is for.
fn provider_names(args: &Args, records: &[Record]) -> Result<Vec<ProviderName>, CliError> {
    let mut names = Vec::with_capacity(records.len());
    for record in records {
        let own = record.provider.map(|name| name.parse().expect("a built-in provider's name"));
        let name = args.provider.clone().or(own).ok_or_else(|| {
            CliError::new(Kind::Usage, format!("{} does not say of which service", record.origin))
                .hint("name it with `--provider`")
        })?;
        names.push(name);
    }
    Ok(names)
}

fn service(context: &Context, name: &ProviderName) -> Result<Service, CliError> {
    let provider = providers::find(name, context.config()?)?;
    let trusted_certificates = client_settings::trusted_certificates(&provider)?;
    Ok(Service { provider, client: None, trusted_certificates })
}

/// The same with the client that is configured for it, once a record needs that.
fn with_client(context: &Context, service: Service, record: &Record) -> Result<Service, CliError> {
    let needed = match &record.held {
        Held::Static(_) => false,
        Held::Grant(grant) => match &grant.issued_to {
            IssuedTo::Configured => true,
            IssuedTo::Named { secret, .. } => secret.is_none(),
            IssuedTo::Tool => false,
        },
    };
    if !needed || service.client.is_some() {
        return Ok(service);
    }
    let Some(id) = client_settings::client_id(context, &service.provider) else {
        return Ok(service);
    };
    let secret = client_settings::client_secret(context, &service.provider)?;
    Ok(Service { client: Some((id, secret)), ..service })
}

/// What would become of it, without a trace.
fn foresee(
    context: &Context,
    incoming: Vec<Incoming>,
    terms: Terms,
    now: Timestamp,
) -> Result<Vec<Placed>, CliError> {
    let mut vault = match Store::open_read_only(context.vault()?) {
        Ok(store) => Some(keys::unlock(context, store)?),
        Err(store::Error::NoVault { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    Ok(import::foresee(vault.as_mut(), incoming, terms, now)?)
}

/// Stores it, and writes down that it did.
fn place(
    args: &Args,
    context: &Context,
    incoming: Vec<Incoming>,
    terms: Terms,
    now: Timestamp,
) -> Result<Vec<Placed>, CliError> {
    let mut vault = keys::open_or_create(context, args.key_slot)?;
    audit_trail::keep_as_configured(context, &mut vault);
    let placed = import::place(&mut vault, incoming, terms, now)?;
    audit_trail::note_all(context, &mut vault, "import", Action::Import, import::written(&placed));
    Ok(placed)
}

/// The word for what became of one, in the table and in JSON.
fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::New => "new",
        Outcome::Replaced => "replaced",
        Outcome::Same => "same",
        Outcome::Present => "present",
        Outcome::LeftOut => "left_out",
    }
}

/// Why something was left out, in JSON.
fn reason(left_out: LeftOut) -> &'static str {
    match left_out {
        LeftOut::NotTakenOver => "not_taken_over",
        LeftOut::NoClient => "no_client",
        LeftOut::NoEndpoint => "no_endpoint",
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    v: u8,
    dry_run: bool,
    stored: usize,
    results: Vec<One<'a>>,
}

#[derive(Serialize)]
struct One<'a> {
    provider: &'a str,
    user: &'a str,
    outcome: &'static str,
    kind: &'static str,
    server_url: Option<&'a str>,
    username: Option<&'a str>,
    scopes: Vec<&'a str>,
    expires_at: Option<String>,
    refreshable: bool,
    /// Why its refresh token was left out, if it was.
    without_refresh_token: Option<&'static str>,
    origin: &'a str,
}

fn report(
    args: &Args,
    context: &Context,
    placed: &[Placed],
    now: Timestamp,
) -> Result<(), CliError> {
    if context.ui.json {
        let results = placed.iter().map(One::new).collect();
        let stored = import::written(placed).count();
        return context.ui.json(&Report { v: 1, dry_run: args.dry_run, stored, results });
    }
    if placed.is_empty() {
        return Ok(());
    }
    context.ui.line(&table(placed, now).trim_fmt())
}

impl<'a> One<'a> {
    fn new(placed: &'a Placed) -> Self {
        let summary = &placed.summary;
        Self {
            provider: summary.account.provider.as_str(),
            user: summary.account.user.as_str(),
            outcome: word(placed.outcome),
            kind: kind_text(summary.kind),
            server_url: summary.server_url.as_deref(),
            username: summary.username.as_deref(),
            scopes: summary.scopes.iter().collect(),
            expires_at: summary.expires_at.map(time::rfc3339),
            refreshable: summary.refreshable,
            without_refresh_token: placed.left_out.map(reason),
            origin: &placed.origin,
        }
    }
}

/// A table that fits the terminal; piped, one line a credential with absolute times.
fn table(placed: &[Placed], now: Timestamp) -> Table {
    let terminal = std::io::stdout().is_terminal();
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if terminal {
        let (_, width) = console::Term::stdout().size();
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    table.set_header(["PROVIDER", "USER", "KIND", "EXPIRES", "REFRESHABLE", "OUTCOME"]);
    for Placed { summary, outcome, .. } in placed {
        let expires = match summary.expires_at {
            Some(at) if terminal => time::relative(at, now),
            Some(at) => time::rfc3339(at),
            None => "-".into(),
        };
        table.add_row([
            summary.account.provider.to_string(),
            summary.account.user.to_string(),
            kind_text(summary.kind).to_owned(),
            expires,
            if summary.refreshable { "yes" } else { "no" }.to_owned(),
            word(*outcome).to_owned(),
        ]);
    }
    table
}

/// Says what was left where it was and why, and what can go.
fn remarks(
    args: &Args,
    context: &Context,
    placed: &[Placed],
    ignored: &[String],
    files: &[PathBuf],
) {
    let ui = &context.ui;
    let count = |wanted: fn(&Placed) -> bool| placed.iter().filter(|one| wanted(one)).count();
    let reasons = [
        (
            count(|one| one.left_out == Some(LeftOut::NotTakenOver)),
            "its refresh token, since two holders of one end each other's login: stop the other tool, then `--take-over`",
        ),
        (
            count(|one| one.left_out == Some(LeftOut::NoClient)),
            "its refresh token, since the client that it was issued to is not known: set TOKCTL_<PROVIDER>_CLIENT_ID and TOKCTL_<PROVIDER>_CLIENT_SECRET",
        ),
        (
            count(|one| one.left_out == Some(LeftOut::NoEndpoint)),
            "its refresh token, since the provider's definition names no `token_endpoint`",
        ),
    ];
    for (count, reason) in reasons.into_iter().filter(|(count, _)| *count > 0) {
        ui.warning(&format!("{count} of {} came without {reason}", placed.len()));
    }
    let present = count(|one| one.outcome == Outcome::Present);
    if present > 0 {
        ui.warning(&format!(
            "{present} are there already and stay as they are: `--replace` overwrites them"
        ));
    }
    for what in ignored {
        ui.warning(&format!("not taken in: {}", printable(what)));
    }
    if args.dry_run {
        ui.status("nothing was stored");
        return;
    }
    ui.status(&format!("stored {} of {}", import::written(placed).count(), placed.len()));
    let complete = placed.iter().all(|one| {
        one.left_out.is_none()
            && matches!(one.outcome, Outcome::New | Outcome::Replaced | Outcome::Same)
    });
    if complete && ignored.is_empty() && !placed.is_empty() {
        ui.status(&format!(
            "the file is not needed any more, and opens what it holds to whoever reads it: {}",
            removal(files)
        ));
    }
}

/// What takes the files away.
fn removal(files: &[PathBuf]) -> String {
    let command = if cfg!(target_os = "linux") { "shred -u" } else { "rm -P" };
    let names: Vec<String> = files.iter().map(|file| quoted(&file.to_string_lossy())).collect();
    format!("{command} {}", names.join(" "))
}

fn parse_address(text: &str) -> Result<Address, address::Error> {
    text.parse()
}

fn parse_slot(text: &str) -> Result<SlotKind, &'static str> {
    text.parse().map_err(|()| "is one of keychain, key, passphrase and recovery")
}
