//! `tokctl login`: obtains a credential and stores it.

mod method;
mod provider_methods;
mod destination;
mod stored;
mod static_token;
mod client;
mod consent;
mod whose;
mod granted;
mod choice;
mod pages;
mod unwanted;
mod link_end;
mod browser;
mod device;
mod client_credentials;
mod service_account;
mod workload;
mod guided;
mod next_time;
mod by_address;
mod args;

use std::ffi::OsString;

pub(crate) use self::args::Args;
use self::choice::Way;
use self::destination::{Destination, Done};
use self::guided::{Answers, Known, Subject};
use self::method::Method;
use self::next_time::Missing;
use self::stored::Stored;
use self::whose::Whose;
use crate::cli::choice::Choice;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::keys;
use crate::cli::next_command::{self, bring_table};
use crate::cli::questions::Answer;
use crate::model::account::{Account, ProviderName, UserName};
use crate::model::definition::{Definition, RefreshKind};
use crate::model::reference::Named;
use crate::ops::login::Plan;
use crate::ops::providers::{self, Provider};

/// Returns the names of the methods that `provider` supports, the most likely first.
pub(crate) fn methods(provider: &Provider) -> Vec<&'static str> {
    provider_methods::methods(provider).into_iter().map(Method::name).collect()
}

/// Logs in. `typed` is the command line, for the command that is printed at the end.
pub(crate) fn run(args: &Args, context: &Context, typed: &[OsString]) -> Result<(), CliError> {
    let Choice { provider: named, user: named_user, address } =
        Choice::of(args.named.clone(), args.user.clone())
            .map_err(|message| CliError::new(Kind::Usage, message).hint("tokctl login --help"))?;
    if context.is_in_memory() {
        let method = |provider: &Provider| method(args, None, provider);
        return workload::in_memory(
            &args.workload,
            &args.client,
            context,
            named,
            named_user,
            method,
        );
    }
    let subject = match address {
        Some(address) => {
            Some(by_address::Subject { address, name: None, user: named_user.clone() })
        }
        None => earlier_by_address(args, context, named.as_ref(), named_user.as_ref())?,
    };
    if let Some(subject) = subject {
        args.check_flags_by_address()?;
        let flags = by_address::Flags {
            own: &args.by_address,
            method: args.method,
            client: &args.client,
            consent: &args.consent,
            browser: &args.browser,
        };
        return by_address::run(&flags, args.destination.of(context), context, subject).map(drop);
    }
    if args.by_address.is_given() {
        let message = "`--as` and `--new-client` are for a login by address";
        return Err(CliError::new(Kind::Usage, message).hint("tokctl login --help"));
    }
    loop {
        let mut destination = args.destination.of(context);
        let name = match &named {
            Some(name) => name.clone(),
            None => match guided::provider(context, &destination)? {
                Answer::Given(name) => name,
                Answer::Back => return Err(given_up()),
            },
        };
        let whose = Whose::of(context, named_user.as_ref(), named.as_ref())?;
        let (provider, stored) = find(&mut destination, context, name, whose.user())?;
        if !context.ui.can_ask() {
            return log_in(args, destination, stored.as_ref(), context, provider, whose).map(drop);
        }
        let known =
            known(args, &mut destination, stored.as_ref(), context, &provider, whose.user())?;
        let answers = match guided::ask(context, &mut destination, &provider, &known)? {
            Answer::Given(answers) => answers,
            Answer::Back if named.is_some() => return Err(given_up()),
            Answer::Back => continue,
        };
        let whose = whose.or_answer(answers.user.as_ref());
        destination.server = destination.server.or_else(|| answers.server.clone());
        let args_answered = args.with_answers(&answers);
        let stored = stored.as_ref();
        let done = log_in(&args_answered, destination, stored, context, provider, whose)?;
        if stored.is_none() && (named.is_none() || !answers.is_empty()) {
            report_commands(args, context, typed, &answers, &done);
        }
        return Ok(());
    }
}

/// Returns the subject of a login that names what an earlier login by address stored.
fn earlier_by_address(
    args: &Args,
    context: &Context,
    named: Option<&ProviderName>,
    user: Option<&UserName>,
) -> Result<Option<by_address::Subject>, CliError> {
    let Some(named) = named.filter(|_| !args.static_token.is_given()) else { return Ok(None) };
    let whose = Whose::of(context, user, Some(named))?;
    let mut destination = args.destination.of(context);
    let earlier = by_address::earlier(&mut destination, context, named, whose.user())?;
    Ok(earlier.map(|subject| by_address::Subject { user: user.cloned(), ..subject }))
}

fn given_up() -> CliError {
    CliError::new(Kind::LoginFailed, "the login was given up, and nothing was stored")
        .hint("tokctl login --help")
}

/// Returns what a login at a terminal knows without a question.
fn known(
    args: &Args,
    destination: &mut Destination<'_>,
    stored: Option<&Stored>,
    context: &Context,
    provider: &Provider,
    user: Option<&UserName>,
) -> Result<Known, CliError> {
    let named = args.says_how() || stored.is_some();
    let method = if named { Some(method(args, stored, provider)?) } else { None };
    let with_client = match method.or_else(|| provider_methods::only_method(provider)) {
        None | Some(Method::Browser | Method::Device | Method::ClientCredentials) => true,
        Some(Method::Token | Method::ServiceAccount | Method::WorkloadIdentity) => false,
    };
    let (has_id, has_secret) = if with_client {
        client::known(&args.client, destination, stored, context, provider)?
    } else {
        (false, false)
    };
    let is_ready = has_id && (has_secret || !provider.needs_secret());
    let method = match method {
        // Who named a service for which there is a client wants no menu.
        None if args.named.is_some() && is_ready => Some(self::method(args, stored, provider)?),
        method => method,
    };
    let kept = stored.filter(|stored| stored.is_static());
    let is_signing = stored.and_then(Stored::service_account).is_some();
    let has_server = destination.server.is_some()
        || stored.is_some_and(|stored| stored.0.api.server_url.is_some());
    let subjects = [
        (Subject::Method, method.is_some()),
        (Subject::Server, has_server),
        (Subject::ClientId, has_id),
        (Subject::ClientKey, has_secret),
        (Subject::ClientSecret, has_secret),
        (Subject::KeyFile, args.service_account.service_account.is_some() || is_signing),
        (Subject::Username, args.static_token.username.is_some() || kept.is_some()),
        (Subject::User, user.is_some()),
        (Subject::Token, args.static_token.reads_stdin()),
    ];
    let subjects = subjects.into_iter().filter_map(|(subject, known)| known.then_some(subject));
    let subjects = subjects.collect();
    Ok(Known { method, subjects, server: destination.server.clone(), has_client: is_ready })
}

/// Prints the commands for next time: what is stored, and the login without questions.
fn report_commands(
    args: &Args,
    context: &Context,
    typed: &[OsString],
    answers: &Answers,
    done: &Done,
) {
    let missing = Missing {
        provider: args.named.is_none().then_some(&done.account.provider),
        answers,
        server: done.server.as_ref().filter(|_| args.destination.server.is_none()),
        user: (args.user.is_none() && !matches!(args.named, Some(Named::Credential(_))))
            .then_some(done.account.user.as_str()),
        token: answers.token.is_some(),
        passphrase: keys::asks_for_passphrase(context),
    };
    let command = next_time::without_questions(typed, &missing);
    context.ui.status(&format!("the same without questions: {command}"));
    context
        .ui
        .status(&format!("next time: {}", next_command::here(context, "login", &done.account)));
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
    if let Some(provider) = &defined {
        by_address::keep(destination, provider, user)?;
    }
    let stored = match user {
        Some(user) => {
            let account = Account { provider: name.clone(), user: user.clone() };
            destination.stored(&account)?.map(Stored)
        }
        None => None,
    };
    let mut provider = match (defined, &stored) {
        (Some(provider), _) => provider,
        (None, Some(stored)) if !stored.method().begins_at_an_endpoint() => {
            context.ui.status(&format!(
                "`{name}` is defined nowhere any more, so all is taken from the stored credential"
            ));
            Provider { name, definition: Definition::default() }
        }
        (None, Some(_)) => {
            let message = format!(
                "a login to `{name}` begins at an address of its definition, which is not here"
            );
            return Err(CliError::new(Kind::NotFound, message).hint(bring_table(&name)));
        }
        (None, None) => providers::find(&name, context.config()?)?,
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
    whose: Whose,
) -> Result<Done, CliError> {
    let method = method(args, stored, &provider)?;
    match method {
        Method::Token => {
            let user = whose.into_user();
            static_token::run(&args.static_token, destination, stored, context, &provider, user)
        }
        Method::Browser | Method::Device | Method::ClientCredentials => {
            take_server(&mut destination, stored, context, &provider);
            let plan = client::plan(&args.client, &mut destination, stored, context, provider)?;
            with_client(args, method, destination, context, plan, whose)
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
                whose.into_user(),
            )
        }
        Method::WorkloadIdentity => {
            take_server(&mut destination, stored, context, &provider);
            let user = whose.into_user();
            let own = &args.workload;
            workload::run(own, &args.client, destination, stored, context, provider, user)
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
    whose: Whose,
) -> Result<Done, CliError> {
    if method == Method::ClientCredentials {
        return client_credentials::run(destination, context, plan, whose.into_user());
    }
    let has_port = args.browser.is_given();
    // A service that no longer has such logins gets one in the way that fits.
    let as_before = args.method.is_none()
        && method == Method::Device
        && !args.client.is_googles()
        && plan.offers_device()?;
    let way = match (args.method, method) {
        (Some(_), Method::Device) => Way::Device,
        (Some(_), _) => Way::Browser,
        (None, _) if as_before => Way::Device,
        (None, _) => choice::choose(context, &args.consent, || {
            Ok(!has_port && !args.client.is_googles() && plan.offers_device()?)
        })?,
    };
    match way {
        Way::Browser => {
            browser::run(&args.browser, &args.consent, destination, context, plan, whose)
        }
        Way::Device => device::run(&args.consent, destination, context, plan, whose),
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
    } else if args.workload.is_given() {
        Method::WorkloadIdentity
    } else if let Some(stored) = stored.filter(|stored| match stored.method() {
        // The flags that name no port are for a code, too.
        Method::Device => !args.browser.is_given(),
        Method::Token => !(names_consent || args.client.is_given()),
        Method::Browser => !names_consent,
        // How a person is waited for does not turn a login without one into one with one.
        Method::ClientCredentials | Method::ServiceAccount | Method::WorkloadIdentity => {
            !args.browser.is_given()
        }
    }) {
        stored.method()
    } else if provider.definition.refresh.kind == RefreshKind::ClientCredentials {
        Method::ClientCredentials
    } else if provider.definition.refresh.kind.identity_use().is_some() {
        Method::WorkloadIdentity
    } else if let Some(only) = provider_methods::only_method(provider) {
        only
    } else {
        Method::Browser
    };
    let method = args.method.unwrap_or(chosen);
    args.check_flags(method)?;
    if args.method.is_some() {
        provider_methods::expect_endpoint(method, provider)?;
    }
    Ok(method)
}
