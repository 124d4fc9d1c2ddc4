//! `tokctl login`: obtains a credential and stores it.

mod common;
mod static_token;
mod client;
mod consent;
mod granted;
mod choice;
mod browser;
mod device;
mod client_credentials;
mod service_account;

use self::choice::Way;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::model::account::{ProviderName, UserName};
use crate::model::definition::RefreshKind;
use crate::ops::login::Plan;
use crate::providers::{self, Provider};

/// Log in to a service and store the credential
///
/// In the browser, with a code that is entered on another device, with a token that was made at the
/// service, as a client or as a service account. A person's own token is stored without a request.
/// The vault is made on first use.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tokctl login jira --user alice@example.com --client-id ID --client-secret-file secret.txt
  tokctl login gdrive --client-secrets client_secret.json
  tokctl login gdrive --service-account key.json --subject alice@example.com
  tokctl login jira --user alice --server https://jira.example.com --token-stdin < pat.txt
  tokctl login jira --user alice --server https://example.atlassian.net \\
      --username alice@example.com --token-stdin < api-token.txt")]
pub(crate) struct Args {
    /// The service: gdrive, jira, jira-dc, or one that config.toml defines
    #[arg(value_name = "PROVIDER")]
    provider: Option<ProviderName>,

    /// The name to keep it under, usually an e-mail address [env: TOKCTL_USER]
    #[arg(long, short, value_name = "USER")]
    user: Option<UserName>,

    /// How to log in, where that is not clear by itself
    #[arg(long, value_name = "METHOD")]
    method: Option<Method>,

    #[command(flatten)]
    common: common::Args,

    #[command(flatten)]
    static_token: static_token::Args,

    #[command(flatten)]
    client: client::Args,

    #[command(flatten)]
    consent: consent::Args,

    #[command(flatten)]
    browser: browser::Args,

    #[command(flatten)]
    service_account: service_account::Args,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Method {
    /// In a browser on this machine
    Browser,
    /// With a code that is entered in a browser anywhere
    Device,
    /// With a token that was made at the service
    Token,
    /// As the OAuth client itself, with its id and secret
    ClientCredentials,
    /// As a Google service account, with its key file
    ServiceAccount,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let name = provider_name(args, context)?;
    let provider = providers::find(&name, context.config()?)?;
    let user = match &args.user {
        Some(user) => Some(user.clone()),
        None => context.default_user()?,
    };
    let method = method(args, &provider)?;
    match method {
        Method::Token => {
            static_token::run(&args.static_token, &args.common, context, &provider, user)
        }
        Method::Browser | Method::Device | Method::ClientCredentials => {
            let plan = client::plan(&args.client, &args.common, context, provider)?;
            with_client(args, method, context, plan, user)
        }
        Method::ServiceAccount => service_account::run(
            &args.service_account,
            &args.client,
            &args.common,
            context,
            provider,
            user,
        ),
    }
}

/// Logs in with an OAuth client, in the way that suits where nobody chose one.
fn with_client(
    args: &Args,
    method: Method,
    context: &Context,
    mut plan: Plan,
    user: Option<UserName>,
) -> Result<(), CliError> {
    let common = &args.common;
    if method == Method::ClientCredentials {
        return client_credentials::run(common, context, plan, user);
    }
    let has_port = args.browser.is_given();
    let way = match (args.method, method) {
        (Some(_), Method::Device) => Way::Device,
        (Some(_), _) => Way::Browser,
        (None, _) => choice::choose(context, &args.consent, &args.client, has_port, &mut plan)?,
    };
    match way {
        Way::Browser => browser::run(&args.browser, &args.consent, common, context, plan, user),
        Way::Device => device::run(&args.consent, common, context, plan, user),
    }
}

/// The method that was named, else the one whose flags were given.
fn method(args: &Args, provider: &Provider) -> Result<Method, CliError> {
    let chosen = if args.static_token.is_given() {
        Method::Token
    } else if args.service_account.is_given() {
        Method::ServiceAccount
    } else if provider.definition.refresh.kind == RefreshKind::ClientCredentials {
        Method::ClientCredentials
    } else {
        Method::Browser
    };
    let method = args.method.unwrap_or(chosen);
    args.check_flags(method)?;
    Ok(method)
}

impl Args {
    /// Flags that would count for nothing are an error.
    fn check_flags(&self, method: Method) -> Result<(), CliError> {
        use Method::{Browser, ClientCredentials, Device, ServiceAccount, Token};
        let stray = [
            (self.static_token.is_given(), &[Token][..], "a token"),
            (self.browser.is_given(), &[Browser], "the browser"),
            (self.consent.is_given(), &[Browser, Device], "the browser"),
            (self.client.is_googles(), &[Browser, Device], "a client of Google's"),
            (self.client.names_client(), &[Browser, Device, ClientCredentials], "an OAuth client"),
            (
                self.client.names_scopes(),
                &[Browser, Device, ClientCredentials, ServiceAccount],
                "scopes",
            ),
            (self.service_account.is_given(), &[ServiceAccount], "a service account"),
        ]
        .into_iter()
        .find(|(given, methods, _)| *given && !methods.contains(&method));
        match stray {
            None => Ok(()),
            Some((_, _, what)) => Err(CliError::new(
                Kind::Usage,
                format!("flags for {what} don't go with a login {}", method.described()),
            )
            .hint("tokctl login --help")),
        }
    }
}

impl Method {
    fn described(self) -> &'static str {
        match self {
            Self::Browser => "in the browser",
            Self::Device => "with a code",
            Self::Token => "with a token",
            Self::ClientCredentials => "as the client itself",
            Self::ServiceAccount => "as a service account",
        }
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
