//! The guided login: asks for what is missing, and prints the command that needs no questions.

use std::path::PathBuf;

use super::method::Method;
use crate::cli::client_settings;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::typed::{quoted, user_flag};
use crate::model::account::{ProviderName, UserName};
use crate::model::address::Address;
use crate::model::credential::ApiAuth;
use crate::model::definition::RefreshKind;
use crate::ops::login::service_account::GOOGLE;
use crate::ops::providers::{self, Provider};
use crate::secret::ClientSecret;

/// The answers; `None` for what needed no question.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub(super) method: Option<Method>,
    pub(super) server: Option<Address>,
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<ClientSecret>,
    pub(super) service_account: Option<PathBuf>,
    pub(super) username: Option<String>,
    pub(super) user: Option<UserName>,
}

/// The values that the command line gives.
pub(super) struct Known<'a> {
    pub(super) server: Option<&'a Address>,
    pub(super) user: Option<&'a UserName>,
}

/// Asks which service to log in to.
pub(super) fn provider(context: &Context) -> Result<ProviderName, CliError> {
    let names: Vec<String> =
        providers::names(context.config()?).into_iter().map(str::to_owned).collect();
    if !context.ui.can_ask() {
        return Err(CliError::new(Kind::Usage, format!("which one of {}?", names.join(", ")))
            .hint("tokctl login PROVIDER"));
    }
    let chosen = context.ui.choose("log in to", &names, "tokctl login PROVIDER")?;
    parse("provider", &names[chosen])
}

/// Asks for everything else that is needed and not known.
pub(super) fn ask(
    context: &Context,
    provider: &Provider,
    known: &Known<'_>,
) -> Result<Answers, CliError> {
    let methods = methods(provider);
    let shown: Vec<String> = methods.iter().map(|method| method.described().to_owned()).collect();
    let chosen = match shown.len() {
        1 => 0,
        _ => context.ui.choose("how", &shown, "name it with `--method`")?,
    };
    let method = methods[chosen];
    let mut answers = Answers { method: Some(method), ..Answers::default() };
    if known.server.is_none() && needs_server(provider, method) {
        let typed = context.ui.ask("the service's own address", "name it with `--server`")?;
        answers.server = Some(parse("address", typed.trim())?);
    }
    match method {
        Method::Browser | Method::Device | Method::ClientCredentials => {
            ask_for_client(context, provider, method, &mut answers)?;
        }
        Method::ServiceAccount => {
            let flag = "name it with `--service-account`";
            answers.service_account = Some(context.ui.ask("the account's key file", flag)?.into());
        }
        Method::Token => ask_for_username(context, provider, &mut answers)?,
    }
    let names_user = match method {
        Method::Browser | Method::Device => provider.definition.identity.is_some(),
        Method::Token => false,
        Method::ClientCredentials | Method::ServiceAccount => true,
    };
    if known.user.is_none() && !names_user {
        let asked = context.ui.ask("a name to keep this login under", "give `--user`")?;
        answers.user = Some(parse("user", asked.trim())?);
    }
    Ok(answers)
}

/// Returns the command that would log in without questions, except for secrets.
pub(super) fn command(provider: &Provider, known: &Known<'_>, answers: &Answers) -> String {
    let mut command = format!("tokctl login {}", provider.name);
    let mut add = |flag: &str, value: Option<&str>| {
        if let Some(value) = value {
            command += &["", flag, &quoted(value)].join(" ");
        }
    };
    add("--method", answers.method.map(Method::name));
    add("--server", known.server.or(answers.server.as_ref()).map(Address::as_str));
    add("--client-id", answers.client_id.as_deref());
    add("--client-secret-file", answers.client_secret.as_ref().map(|_| "FILE"));
    let key_file = answers.service_account.as_ref().map(|path| path.to_string_lossy());
    add("--service-account", key_file.as_deref());
    add("--username", answers.username.as_deref());
    if let Some(user) = known.user.or(answers.user.as_ref()) {
        command += &["", &user_flag(user.as_str())].join(" ");
    }
    command
}

/// Returns the methods that can work with the provider, the most likely first.
pub(super) fn methods(provider: &Provider) -> Vec<Method> {
    let definition = &provider.definition;
    let has = |endpoint: &Option<String>| endpoint.is_some() || definition.issuer.is_some();
    let for_itself = definition.refresh.kind == RefreshKind::ClientCredentials;
    let is_googles = definition.token_endpoint.as_deref() == Some(GOOGLE);
    [
        (Method::ClientCredentials, for_itself),
        (Method::Browser, has(&definition.authorization_endpoint)),
        (Method::Device, has(&definition.device_authorization_endpoint)),
        (Method::Token, true),
        (Method::ServiceAccount, is_googles),
    ]
    .into_iter()
    .filter_map(|(method, works)| works.then_some(method))
    .collect()
}

fn ask_for_client(
    context: &Context,
    provider: &Provider,
    method: Method,
    answers: &mut Answers,
) -> Result<(), CliError> {
    if client_settings::client_id(context, provider).is_none() {
        let typed = context.ui.ask("the client id", "give `--client-id`")?;
        answers.client_id = Some(typed.trim().to_owned());
    }
    let needed = match method {
        Method::Browser => provider.needs_secret(),
        Method::ClientCredentials => true,
        Method::Device | Method::Token | Method::ServiceAccount => false,
    };
    if needed && client_settings::client_secret(context, provider)?.is_none() {
        let flag = "give `--client-secret-file`";
        answers.client_secret = Some(context.ui.ask_secret("the client's secret", flag)?);
    }
    Ok(())
}

/// Returns whether the method needs addresses that depend on a server which is not defined.
fn needs_server(provider: &Provider, method: Method) -> bool {
    let definition = &provider.definition;
    let of_api = [definition.api_base_url.as_ref()];
    let of_grant = [
        definition.authorization_endpoint.as_ref(),
        definition.token_endpoint.as_ref(),
        definition.device_authorization_endpoint.as_ref(),
    ];
    let holds = |addresses: &[Option<&String>], mark| {
        addresses.iter().flatten().any(|address| address.contains(mark))
    };
    let needed = match method {
        // A personal token works at one site, and not at a gateway for many.
        Method::Token => holds(&of_api, "{server}") || holds(&of_api, "{site_id}"),
        Method::Browser | Method::Device | Method::ClientCredentials | Method::ServiceAccount => {
            holds(&of_grant, "{server}")
        }
    };
    definition.server.is_none() && needed
}

/// Asks for the name that is sent with a personal token, if the service needs one.
///
/// That is where the definition says so, and at Atlassian's sites except for tokens that stand
/// alone.
fn ask_for_username(
    context: &Context,
    provider: &Provider,
    answers: &mut Answers,
) -> Result<(), CliError> {
    let (prompt, flag) = ("the account that the token is sent with", "give `--username`");
    if provider.api_auth() == ApiAuth::Basic {
        answers.username = Some(context.ui.ask(prompt, flag)?);
    } else if provider.definition.accessible_resources_endpoint.is_some() {
        let prompt = format!("{prompt} (none for a personal access token)");
        answers.username = context.ui.ask_optional(&prompt, flag)?;
    }
    Ok(())
}

fn parse<T>(what: &str, text: &str) -> Result<T, CliError>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + 'static,
{
    text.parse().map_err(|error: T::Err| {
        CliError::new(Kind::Usage, format!("that is no {what}"))
            .caused_by(&error)
            .hint("tokctl login")
    })
}
