//! `tokctl providers`: shows the services that tokctl knows, and how to register a client there.

use std::io::IsTerminal;

use serde::Serialize;

use super::login;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::table::{self, Fit, Table};
use crate::cli::vaults;
use crate::config::Config;
use crate::model::account::{AccountFilter, ProviderName};
use crate::model::definition::document_address;
use crate::ops::login::by_address::client_document;
use crate::ops::providers::{self, Provider};
use crate::untrusted::printable;

/// Show the services that tokctl knows, or all that it knows of one
///
/// With a name: its endpoints, scopes and rules, in the words of config.toml, and what to register
/// there before the first login. A service that a login found by its address is shown with that. Needs
/// no key and no vault.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    /// The service to show in full
    #[arg(value_name = "NAME")]
    name: Option<ProviderName>,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print the Client ID Metadata Document that makes tokctl known to servers
    ///
    /// Publish it at the address that it names, and set `client_id_metadata_url` to that in
    /// config.toml. A login by address then needs no registration at a server that takes such
    /// documents.
    ClientMetadata {
        /// The address at which the document will be [default: client_id_metadata_url]
        #[arg(long, value_name = "URL")]
        url: Option<String>,
    },
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let config = context.config()?;
    match (&args.command, &args.name) {
        (Some(Command::ClientMetadata { url }), _) => {
            let url = url.as_ref().or(config.client_id_metadata_url.as_ref());
            client_metadata(context, url.map(String::as_str))
        }
        (None, Some(name)) => show(context, config, name),
        (None, None) => list(context, config),
    }
}

/// Prints the Client ID Metadata Document of a client on a person's machine, which will be at `url`.
fn client_metadata(context: &Context, url: Option<&str>) -> Result<(), CliError> {
    let hint = "tokctl providers client-metadata --url https://me.example.com/tokctl.json";
    let usage = |message: String| CliError::new(Kind::Usage, message).hint(hint);
    let url = url.ok_or_else(|| usage("nothing says where the document will be".into()))?;
    document_address(url).map_err(usage)?;
    let document = client_document(url);
    let text = serde_json::to_string_pretty(&document).map_err(|error| {
        CliError::new(Kind::Failed, "no document could be made").caused_by(&error)
    })?;
    context.ui.line(&text)
}

fn list(context: &Context, config: &Config) -> Result<(), CliError> {
    let mut known = Vec::new();
    for name in providers::names(config) {
        // A definition that can't be used must not hide the others.
        match name.parse().map(|name| providers::find(&name, config)) {
            Ok(Ok(provider)) => known.push(provider),
            Ok(Err(error)) => context.ui.warning(&error.to_string()),
            Err(error) => context.ui.warning(&error.to_string()),
        }
    }
    if context.ui.json {
        let providers = known.iter().map(|provider| Summary::of(provider, config)).collect();
        return context.ui.json(&List { v: 1, providers });
    }
    let mut table = Table::new([
        ("NAME", Fit::Whole),
        ("SERVICE", Fit::Cut),
        ("LOG IN WITH", Fit::Cut),
        ("KIND", Fit::Spare),
    ]);
    for provider in &known {
        let summary = Summary::of(provider, config);
        table.add(vec![
            summary.name.into(),
            printable(summary.title.unwrap_or("-")).into(),
            summary.methods.join(", ").into(),
            summary.kind.replace('_', " ").into(),
        ]);
    }
    context.ui.line(&table.render())?;
    if std::io::stdout().is_terminal() {
        context.ui.status("more of one, and how to register there: tokctl providers NAME");
    }
    Ok(())
}

fn show(context: &Context, config: &Config, name: &ProviderName) -> Result<(), CliError> {
    if !providers::is_built_in(name)
        && !providers::has_endpoints(name, config)
        && let Some(address) = stored_address(context, name)
    {
        return show_addressed(context, config, name, &address);
    }
    let provider = providers::find(name, config)?;
    let mut definition = providers::merged_definition(name, config)?;
    for shown_apart in ["title", "setup"] {
        definition.remove(shown_apart);
    }
    definition.entry("redirect_uri").or_insert_with(|| provider.redirect_uri().into());
    let summary = Summary::of(&provider, config);
    let setup = provider.setup();
    let setup = setup.as_deref();
    if context.ui.json {
        let server_url = None;
        let definition = &definition;
        return context.ui.json(&Full { v: 1, summary, server_url, setup, definition });
    }
    let title = summary.title.map(|title| format!(": {}", printable(title))).unwrap_or_default();
    context.ui.line(&format!("{name}{title} ({})", summary.kind.replace('_', " ")))?;
    let methods = format!("log in with: {}", summary.methods.join(", "));
    context.ui.line(&format!("{}\n", table::wrap(&methods, 0, 2)))?;
    if let Some(setup) = setup {
        context.ui.line("Before the first login:")?;
        for paragraph in paragraphs(setup) {
            context.ui.line(&paragraph)?;
        }
        context.ui.line("")?;
    }
    context.ui.line("The definition, in the words of config.toml:")?;
    for (key, value) in &definition {
        context.ui.line(&format!("{key} = {value}"))?;
    }
    Ok(())
}

/// Returns the address that the vault's clear columns have for the logins of `name`. A vault that can't
/// be read has none.
fn stored_address(context: &Context, name: &ProviderName) -> Option<String> {
    let vault = vaults::open_read_only(context).ok()?;
    let filter = AccountFilter { provider: Some(name), user: None };
    let account = vault.first_accounts(filter, 1).ok()?.into_iter().next()?;
    vault.summary(&account).ok()??.server_url
}

/// Shows a service that has no definition: its address says where its logins go.
fn show_addressed(
    context: &Context,
    config: &Config,
    name: &ProviderName,
    address: &str,
) -> Result<(), CliError> {
    let definition = match config.providers.get(name.as_str()) {
        Some(_) => providers::merged_definition(name, config)?,
        None => toml::Table::new(),
    };
    let methods = vec!["browser", "device"];
    let summary = Summary { name: name.as_str(), kind: "by_address", title: None, methods };
    if context.ui.json {
        let (server_url, definition) = (Some(address), &definition);
        let full = Full { v: 1, summary, server_url, setup: None, definition };
        return context.ui.json(&full);
    }
    context.ui.line(&format!("{name}: {} (by address)", printable(address)))?;
    context.ui.line(&format!("log in with: {}\n", summary.methods.join(", ")))?;
    let text = format!(
        "It has no definition: what protects that address says where its logins go. Settings for the \
         next one go into `[providers.{name}]` of config.toml."
    );
    context.ui.line(&table::wrap(&text, 0, 0))?;
    context.ui.line(&format!("tokctl login {name}"))?;
    if !definition.is_empty() {
        context.ui.line("\nIts settings, in the words of config.toml:")?;
    }
    for (key, value) in &definition {
        context.ui.line(&format!("{key} = {value}"))?;
    }
    Ok(())
}

/// Returns the steps of `setup` in the width of the terminal; elsewhere, the lines as they are.
///
/// An indented line is a command, or continues the line above; one that is not begins a step or a
/// paragraph, unless the line above ends in mid-sentence.
fn paragraphs(setup: &str) -> Vec<String> {
    let is_command = |line: &str| line.starts_with("tokctl ");
    let reflows = std::io::stdout().is_terminal();
    let mut texts: Vec<(usize, String)> = Vec::new();
    for line in setup.lines() {
        let text = printable(line.trim_start());
        let indent = line.chars().count() - line.trim_start().chars().count();
        let above = texts.last_mut().filter(|(_, above)| {
            let ends_there = above.ends_with(['.', ':']);
            reflows
                && !is_command(above)
                && !is_command(&text)
                && !above.ends_with('\\')
                && (indent > 0 || !ends_there)
        });
        match above {
            Some((_, above)) => {
                above.push(' ');
                above.push_str(&text);
            }
            None => texts.push((indent, text)),
        }
    }
    let shown = |(indent, text): (usize, String)| {
        let is_step = text.starts_with(|first: char| first.is_ascii_digit());
        let text = match (indent, is_step) {
            _ if is_command(&text) => text,
            (0, true) => table::wrap(&text, 0, 3),
            (indent, _) => table::wrap(&text, indent, indent),
        };
        format!("{:indent$}{text}", "")
    };
    texts.into_iter().map(shown).collect()
}

/// The output of `--json` for all services.
#[derive(Serialize)]
struct List<'a> {
    v: u8,
    providers: Vec<Summary<'a>>,
}

/// The output of `--json` for one service.
#[derive(Serialize)]
struct Full<'a> {
    v: u8,
    #[serde(flatten)]
    summary: Summary<'a>,
    /// The address of a service that is defined nowhere, and found by its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    server_url: Option<&'a str>,
    setup: Option<&'a str>,
    /// The definition in the form of config.toml, with what it inherits.
    definition: &'a toml::Table,
}

#[derive(Serialize)]
struct Summary<'a> {
    name: &'a str,
    kind: &'static str,
    title: Option<&'a str>,
    methods: Vec<&'static str>,
}

impl<'a> Summary<'a> {
    fn of(provider: &'a Provider, config: &Config) -> Self {
        let name = provider.name.as_str();
        let configured = config.providers.contains_key(name);
        Self {
            name,
            kind: if configured { "configured" } else { "built_in" },
            title: provider.definition.title.as_deref(),
            methods: login::methods(provider),
        }
    }
}
