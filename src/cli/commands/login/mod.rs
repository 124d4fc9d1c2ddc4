//! `tokctl login`: obtains a credential and stores it.

mod method;
mod destination;
mod stored;
mod static_token;
mod client;
mod consent;
mod granted;
mod choice;
mod pages;
mod browser;
mod device;
mod client_credentials;
mod service_account;
mod guided;

use self::choice::Way;
use self::destination::Destination;
use self::guided::{Answers, Known};
use self::method::Method;
use self::stored::Stored;
use crate::cli::choice::Choice;
use crate::cli::context::Context;
use crate::cli::directory;
use crate::cli::error::{CliError, Kind};
use crate::model::account::{Account, ProviderName, UserName};
use crate::model::definition::{Definition, RefreshKind};
use crate::model::reference::Named;
use crate::ops::login::Plan;
use crate::ops::providers::{self, Provider};

/// Log in to a service and store the credential
///
/// In the browser, with a code that is entered on another device, with a token that was made at the
/// service, as a client or as a service account. A person's own token is stored without a request.
/// The vault is made on first use.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  tokctl login jira --user alice@example.com --client-id ID --client-secret-file secret.txt
  tokctl login gdrive --client-secrets client_secret.json
  tokctl login gdrive --service-account key.json --subject alice@example.com
  tokctl login jira --user alice --server https://jira.example.com --token-stdin < pat.txt
  tokctl login jira --user alice --server https://example.atlassian.net \\
      --username alice@example.com --token-stdin < api-token.txt")]
pub(crate) struct Args {
    /// The service: one that `tokctl providers` lists, with the name to keep it under if you like
    #[arg(value_name = "PROVIDER[/USER]")]
    named: Option<Named>,

    /// The name to keep it under, usually an e-mail address [env: TOKCTL_USER]
    #[arg(long, short, value_name = "USER")]
    user: Option<UserName>,

    /// How to log in, where that is not clear by itself
    #[arg(long, value_name = "METHOD")]
    method: Option<Method>,

    #[command(flatten)]
    destination: destination::Args,

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

/// Returns the names of the methods that `provider` supports, the most likely first.
pub(crate) fn methods(provider: &Provider) -> Vec<&'static str> {
    guided::methods(provider).into_iter().map(Method::name).collect()
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let Choice { provider: named, user } = Choice::of(args.named.clone(), args.user.clone())
        .map_err(|message| CliError::new(Kind::Usage, message).hint("tokctl login --help"))?;
    let name = match &named {
        Some(name) => name.clone(),
        None => guided::provider(context)?,
    };
    let user = match user {
        Some(user) => Some(user),
        None => usual_user(context, named.as_ref())?,
    };
    let mut destination = args.destination.of(context);
    let (provider, stored) = find(&mut destination, context, name, user.as_ref())?;
    if stored.is_some() || named.is_some() || args.says_how() {
        return log_in(args, destination, stored.as_ref(), context, provider, user);
    }
    let known = Known { server: args.destination.server.as_ref(), user: user.as_ref() };
    let answers = guided::ask(context, &provider, &known)?;
    let command = guided::command(&provider, &known, &answers);
    let user = user.or_else(|| answers.user.clone());
    destination.server = destination.server.or_else(|| answers.server.clone());
    log_in(&args.with_answers(answers), destination, None, context, provider, user)?;
    context.ui.status(&format!("the same without questions: {command}"));
    Ok(())
}

/// Returns the user of a login that names none: that of `TOKCTL_USER`, of the directory for a service
/// that was named, or `default_user`.
fn usual_user(
    context: &Context,
    named: Option<&ProviderName>,
) -> Result<Option<UserName>, CliError> {
    if let (None, Some(provider)) = (context.default_user()?, named)
        && let Some(one) = directory::user_of(context, provider)?
    {
        return Ok(Some(one.user));
    }
    context.usual_user()
}

/// Returns the provider, and the credential that this login replaces.
///
/// A service that is no longer defined can still get another token of the kind that needs nothing
/// but the vault.
fn find(
    destination: &mut Destination<'_>,
    context: &Context,
    name: ProviderName,
    user: Option<&UserName>,
) -> Result<(Provider, Option<Stored>), CliError> {
    let defined = providers::if_defined(&name, context.config()?)?;
    let stored = match user {
        Some(user) => {
            let account = Account { provider: name.clone(), user: user.clone() };
            destination.stored(&account)?.map(Stored)
        }
        None => None,
    };
    let mut provider = match (defined, &stored) {
        (Some(provider), _) => provider,
        (None, Some(stored)) if stored.method() != Method::Browser => {
            context.ui.status(&format!(
                "`{name}` is defined nowhere any more, so all is taken from the stored credential"
            ));
            Provider { name, definition: Definition::default() }
        }
        (None, _) => providers::find(&name, context.config()?)?,
    };
    if let Some(stored) = &stored {
        stored.complete(&mut provider.definition);
    }
    Ok((provider, stored))
}

fn log_in(
    args: &Args,
    mut destination: Destination<'_>,
    stored: Option<&Stored>,
    context: &Context,
    provider: Provider,
    user: Option<UserName>,
) -> Result<(), CliError> {
    let method = method(args, stored, &provider)?;
    match method {
        Method::Token => {
            static_token::run(&args.static_token, destination, stored, context, &provider, user)
        }
        Method::Browser | Method::Device | Method::ClientCredentials => {
            take_server(&mut destination, stored, context, &provider);
            let plan = client::plan(&args.client, &mut destination, stored, context, provider)?;
            with_client(args, method, destination, context, plan, user)
        }
        Method::ServiceAccount => {
            take_server(&mut destination, stored, context, &provider);
            service_account::run(
                &args.service_account,
                &args.client,
                destination,
                stored,
                context,
                provider,
                user,
            )
        }
    }
}

/// Takes the server from the stored credential if nothing else names it.
fn take_server(
    destination: &mut Destination<'_>,
    stored: Option<&Stored>,
    context: &Context,
    provider: &Provider,
) {
    let named = destination.server.take();
    destination.server = named.or_else(|| stored?.server(context, provider));
}

/// Logs in with an OAuth client, in the chosen way or in the one that fits.
fn with_client(
    args: &Args,
    method: Method,
    destination: Destination<'_>,
    context: &Context,
    mut plan: Plan,
    user: Option<UserName>,
) -> Result<(), CliError> {
    if method == Method::ClientCredentials {
        return client_credentials::run(destination, context, plan, user);
    }
    let has_port = args.browser.is_given();
    let way = match (args.method, method) {
        (Some(_), Method::Device) => Way::Device,
        (Some(_), _) => Way::Browser,
        (None, _) => choice::choose(context, &args.consent, &args.client, has_port, &mut plan)?,
    };
    match way {
        Way::Browser => {
            browser::run(&args.browser, &args.consent, destination, context, plan, user)
        }
        Way::Device => device::run(&args.consent, destination, context, plan, user),
    }
}

/// Returns the method that was named, or else the one whose flags were given, or else the one that
/// made the stored credential.
fn method(args: &Args, stored: Option<&Stored>, provider: &Provider) -> Result<Method, CliError> {
    let names_consent = args.consent.is_given() || args.browser.is_given();
    let chosen = if args.static_token.is_given() {
        Method::Token
    } else if args.service_account.is_given() {
        Method::ServiceAccount
    } else if let Some(stored) =
        stored.filter(|stored| !(names_consent || stored.is_static() && args.client.is_given()))
    {
        stored.method()
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
    /// Returns whether a flag says how to log in.
    fn says_how(&self) -> bool {
        self.method.is_some()
            || self.static_token.is_given()
            || self.client.names_client()
            || self.client.names_scopes()
            || self.consent.is_given()
            || self.browser.is_given()
            || self.service_account.is_given()
    }

    /// Returns these arguments completed with the answers of the guided login.
    fn with_answers(&self, answers: Answers) -> Self {
        let mut args = self.clone();
        args.method = answers.method;
        args.destination.server = args.destination.server.or(answers.server);
        args.client.client_id = answers.client_id;
        args.client.secret = answers.client_secret;
        args.static_token.username = answers.username;
        args.service_account.service_account = answers.service_account;
        args
    }

    /// Fails if a flag was given that the method would ignore.
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
