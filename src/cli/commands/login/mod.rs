//! `tokctl login`: obtains a credential and stores it.

mod method;
mod destination;
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
use self::guided::{Answers, Known};
use self::method::Method;
use crate::cli::choice::Choice;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::model::account::UserName;
use crate::model::definition::RefreshKind;
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
    let provider = providers::find(&name, context.config()?)?;
    let user = match user {
        Some(user) => Some(user),
        None => context.default_user()?,
    };
    if named.is_some() || args.says_how() {
        return log_in(args, context, provider, user);
    }
    let known = Known { server: args.destination.server.as_ref(), user: user.as_ref() };
    let answers = guided::ask(context, &provider, &known)?;
    let command = guided::command(&provider, &known, &answers);
    let user = user.or_else(|| answers.user.clone());
    log_in(&args.with_answers(answers), context, provider, user)?;
    context.ui.status(&format!("the same without questions: {command}"));
    Ok(())
}

fn log_in(
    args: &Args,
    context: &Context,
    provider: Provider,
    user: Option<UserName>,
) -> Result<(), CliError> {
    let method = method(args, &provider)?;
    match method {
        Method::Token => {
            static_token::run(&args.static_token, &args.destination, context, &provider, user)
        }
        Method::Browser | Method::Device | Method::ClientCredentials => {
            let plan = client::plan(&args.client, &args.destination, context, provider)?;
            with_client(args, method, context, plan, user)
        }
        Method::ServiceAccount => service_account::run(
            &args.service_account,
            &args.client,
            &args.destination,
            context,
            provider,
            user,
        ),
    }
}

/// Logs in with an OAuth client, in the chosen way or in the one that fits.
fn with_client(
    args: &Args,
    method: Method,
    context: &Context,
    mut plan: Plan,
    user: Option<UserName>,
) -> Result<(), CliError> {
    let destination = &args.destination;
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

/// Returns the method that was named, or else the one whose flags were given.
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
