//! `tokctl login`: obtains a credential and stores it.

mod common;
mod static_token;
mod pages;
mod browser;

use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::model::account::{ProviderName, UserName};
use crate::providers;

/// Log in to a service and store the credential
///
/// In the browser, or with a token that was made at the service. A person's own token is stored
/// without a request. The vault is made on first use.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tokctl login jira --user alice@example.com --client-id ID --client-secret-file secret.txt
  tokctl login gdrive --client-secrets client_secret.json
  tokctl login jira --user alice --server https://jira.example.com --token-stdin < pat.txt
  tokctl login jira --user alice --server https://example.atlassian.net \\
      --username alice@example.com --token-stdin < api-token.txt")]
pub(crate) struct Args {
    /// The service: one that `tokctl providers` lists
    #[arg(value_name = "PROVIDER")]
    provider: Option<ProviderName>,

    /// The name to keep it under, usually an e-mail address [env: TOKCTL_USER]
    #[arg(long, short, value_name = "USER")]
    user: Option<UserName>,

    /// How to log in: in the browser, or with a token that was made at the service
    #[arg(long, value_name = "METHOD")]
    method: Option<Method>,

    #[command(flatten)]
    common: common::Args,

    #[command(flatten)]
    static_token: static_token::Args,

    #[command(flatten)]
    browser: browser::Args,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Method {
    Browser,
    Token,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let name = provider_name(args, context)?;
    let provider = providers::find(&name, context.config()?)?;
    let user = match &args.user {
        Some(user) => Some(user.clone()),
        None => context.default_user()?,
    };
    match method(args)? {
        Method::Token => {
            static_token::run(&args.static_token, &args.common, context, &provider, user)
        }
        Method::Browser => browser::run(&args.browser, &args.common, context, provider, user),
    }
}

/// The method that was named, else the one whose flags were given. Flags that would count for
/// nothing are an error.
fn method(args: &Args) -> Result<Method, CliError> {
    let (token, browser) = (args.static_token.is_given(), args.browser.is_given());
    match (args.method, token, browser) {
        (_, true, true) | (Some(Method::Browser), true, _) | (Some(Method::Token), _, true) => Err(
            CliError::new(Kind::Usage, "flags for a token and for the browser don't go together")
                .hint("tokctl login --help"),
        ),
        (Some(method), _, _) => Ok(method),
        (None, true, false) => Ok(Method::Token),
        (None, false, _) => Ok(Method::Browser),
    }
}

fn provider_name(args: &Args, context: &Context) -> Result<ProviderName, CliError> {
    if let Some(name) = &args.provider {
        return Ok(name.clone());
    }
    let names: Vec<String> =
        providers::names(context.config()?).into_iter().map(str::to_owned).collect();
    if !context.ui.can_ask() {
        return Err(CliError::new(Kind::Usage, format!("which one of {}?", names.join(", ")))
            .hint("tokctl login PROVIDER"));
    }
    let chosen = context.ui.choose("log in to", &names, "tokctl login PROVIDER")?;
    names[chosen].parse().map_err(|error: crate::model::account::Error| {
        CliError::new(Kind::Usage, "that is no provider's name").caused_by(&error)
    })
}
