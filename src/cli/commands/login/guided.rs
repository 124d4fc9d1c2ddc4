//! The guided login: asks for what is missing, question by question, and can go back.

use std::cell::OnceCell;
use std::path::PathBuf;

use super::client::{self, Typed};
use super::destination::Destination;
use super::method::Method;
use super::provider_methods::{in_order, is_googles, needs_server, only_method};
use super::{service_account, static_token};
use crate::cli::certificates;
use crate::cli::client_settings;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::questions::{Answer, some_secret, some_text};
use crate::cli::stdin::parse_typed_token;
use crate::model::account::{ProviderName, UserName};
use crate::model::address::Address;
use crate::model::credential::ApiAuth;
use crate::ops::login::static_token::needs_name;
use crate::ops::providers::{self, Provider};
use crate::secret::AccessToken;

/// The answers; `None` for what needed no question.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub(super) method: Option<Method>,
    pub(super) server: Option<Address>,
    pub(super) client: Typed,
    pub(super) service_account: Option<PathBuf>,
    pub(super) username: Option<String>,
    pub(super) user: Option<UserName>,
    pub(super) token: Option<AccessToken>,
    asked: Vec<Subject>,
}

/// A thing to ask for, in the order of the questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Method,
    Server,
    ClientId,
    ClientKey,
    ClientSecret,
    KeyFile,
    Username,
    User,
    Token,
}

const SUBJECTS: [Subject; 9] = [
    Subject::Method,
    Subject::Server,
    Subject::ClientId,
    Subject::ClientKey,
    Subject::ClientSecret,
    Subject::KeyFile,
    Subject::Username,
    Subject::User,
    Subject::Token,
];

/// The values that a login has without a question.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) method: Option<Method>,
    /// The subjects that need no question.
    pub(super) subjects: Vec<Subject>,
    /// The service's own address, if it was named.
    pub(super) server: Option<Address>,
    /// Whether the user has an OAuth client at the service.
    pub(super) has_client: bool,
}

impl Answers {
    /// Returns whether anything was asked.
    pub(super) fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }

    /// Drops the last answer. Returns whether there was one.
    fn take_back(&mut self) -> bool {
        let Some(last) = self.asked.pop() else { return false };
        match last {
            Subject::Method => self.method = None,
            Subject::Server => self.server = None,
            Subject::ClientId => (self.client.id, self.client.google_file) = (None, None),
            Subject::ClientKey => self.client.key_file = None,
            Subject::ClientSecret => self.client.secret = None,
            Subject::KeyFile => self.service_account = None,
            Subject::Username => self.username = None,
            Subject::User => self.user = None,
            Subject::Token => self.token = None,
        }
        true
    }
}

/// Asks which service to log in to: those first for which the user has a client or a login.
pub(super) fn provider(
    context: &Context,
    destination: &Destination<'_>,
) -> Result<Answer<ProviderName>, CliError> {
    let config = context.config()?;
    let names = providers::names(config);
    if !context.ui.can_ask() {
        let names: Vec<&str> = names.into_iter().collect();
        return Err(CliError::new(Kind::Usage, format!("which one of {}?", names.join(", ")))
            .hint("tokctl providers"));
    }
    let stored = destination.providers()?;
    let mut known: Vec<(bool, &str, String)> = Vec::new();
    for name in names {
        let Ok(provider) = name.parse().map(|name| providers::today(&name, Some(config))) else {
            continue;
        };
        let has_client = provider.as_ref().is_some_and(|provider| {
            client_settings::client_id(context, provider).is_some()
                || stored.contains(&provider.name)
        });
        let title = provider.and_then(|provider| provider.definition.title).unwrap_or_default();
        known.push((!has_client, name, title));
    }
    // Stable: each half stays in its order.
    known.sort_by_key(|(last, _, _)| *last);
    let longest = known.iter().map(|(_, name, _)| name.len()).max().unwrap_or(0);
    let items: Vec<String> = known
        .iter()
        .map(|(_, name, title)| format!("{name:longest$}  {title}").trim_end().to_owned())
        .collect();
    Ok(match context.ui.choose_or_back("log in to", &items, "tokctl providers")? {
        Answer::Given(chosen) => Answer::Given(
            parse("provider", known[chosen].1)
                .map_err(|why| CliError::new(Kind::Usage, why).hint("tokctl providers"))?,
        ),
        Answer::Back => Answer::Back,
    })
}

/// Asks for everything else that is needed and not known. Goes back where Esc says so, in the end
/// to before the first question.
///
/// The vault is opened before a token is asked for, so that nobody types one in vain.
pub(super) fn ask(
    context: &Context,
    destination: &mut Destination<'_>,
    provider: &Provider,
    known: &Known,
) -> Result<Answer<Answers>, CliError> {
    let answers = Answers::default();
    let mut dialogue = Dialogue { context, provider, known, answers, demands_key: OnceCell::new() };
    while let Some(subject) = dialogue.next() {
        if subject == Subject::Token {
            destination.open()?;
        }
        match dialogue.put(subject)? {
            Answer::Given(()) => dialogue.answers.asked.push(subject),
            Answer::Back => {
                if !dialogue.answers.take_back() {
                    return Ok(Answer::Back);
                }
            }
        }
    }
    Ok(Answer::Given(dialogue.answers))
}

/// Questions about one login.
struct Dialogue<'a> {
    context: &'a Context,
    provider: &'a Provider,
    known: &'a Known,
    answers: Answers,
    /// Whether the server demands a key, once it was asked.
    demands_key: OnceCell<bool>,
}

impl Dialogue<'_> {
    fn method(&self) -> Option<Method> {
        self.known.method.or(self.answers.method).or_else(|| only_method(self.provider))
    }

    /// Returns whether a client that logs in by `method` has to have a key. Asks the server once.
    fn demands_key(&self, method: Method) -> bool {
        *self.demands_key.get_or_init(|| {
            let certificates = certificates::trusted_certificates(self.provider).ok().flatten();
            let for_itself = method == Method::ClientCredentials;
            self.context.ui.while_waiting("asking what the server demands", || {
                providers::demands_key(self.provider, certificates.as_deref(), for_itself)
            })
        })
    }

    /// Returns the next subject that is needed, not known, and not asked for yet.
    fn next(&self) -> Option<Subject> {
        SUBJECTS.into_iter().find(|subject| {
            !self.answers.asked.contains(subject)
                && !self.known.subjects.contains(subject)
                && self.needs(*subject)
        })
    }

    fn needs(&self, subject: Subject) -> bool {
        let (provider, definition) = (self.provider, &self.provider.definition);
        let Some(method) = self.method() else { return subject == Subject::Method };
        let with_client = match method {
            Method::Browser | Method::Device | Method::ClientCredentials => true,
            Method::Token | Method::ServiceAccount | Method::WorkloadIdentity => false,
        };
        match subject {
            Subject::Method => false,
            Subject::Server => needs_server(provider, method),
            Subject::ClientId => with_client,
            Subject::ClientKey => {
                with_client && self.answers.client.google_file.is_none() && self.demands_key(method)
            }
            Subject::ClientSecret => {
                let needed = match method {
                    Method::Browser => provider.needs_secret(),
                    Method::ClientCredentials => true,
                    Method::Device
                    | Method::Token
                    | Method::ServiceAccount
                    | Method::WorkloadIdentity => false,
                };
                let client = &self.answers.client;
                needed && client.google_file.is_none() && client.key_file.is_none()
            }
            Subject::KeyFile => method == Method::ServiceAccount,
            // At Atlassian's sites a token is sent with a name, except one that stands alone.
            Subject::Username => {
                method == Method::Token
                    && (provider.api_auth() == ApiAuth::Basic
                        || definition.accessible_resources_endpoint.is_some())
            }
            Subject::User => match method {
                Method::Browser | Method::Device => {
                    let own = definition.scopes.as_deref().unwrap_or_default();
                    let asks =
                        own.iter().chain(&definition.required_scopes).any(|one| one == "openid");
                    definition.identity.is_none() && !(definition.issuer.is_some() && asks)
                }
                Method::Token => true,
                Method::ClientCredentials | Method::ServiceAccount | Method::WorkloadIdentity => {
                    false
                }
            },
            Subject::Token => method == Method::Token,
        }
    }

    /// Asks for `subject`, and keeps the answer.
    fn put(&mut self, subject: Subject) -> Result<Answer<()>, CliError> {
        let (ui, provider) = (&self.context.ui, self.provider);
        let answers = &mut self.answers;
        Ok(match subject {
            Subject::Method => {
                let methods = in_order(provider, self.known.has_client);
                let shown: Vec<String> =
                    methods.iter().map(|method| method.described().to_owned()).collect();
                let chosen = ui.choose_or_back("how", &shown, "name it with `--method`")?;
                keep(&mut answers.method, chosen.map(|position| methods[position]))
            }
            Subject::Server => keep(
                &mut answers.server,
                ui.ask("the service's own address", "name it with `--server`", |typed| {
                    server(provider, typed)
                })?,
            ),
            Subject::ClientId => return self.client(),
            Subject::ClientKey => {
                let prompt = "the file with the client's private key";
                keep(
                    &mut answers.client.key_file,
                    ui.ask(prompt, "name it with `--client-key-file`", |typed| {
                        let path = path(self.context, &some_text(typed)?);
                        client::check_key(self.context, &path, provider)
                            .map_err(|error| error.as_reason())?;
                        Ok(path)
                    })?,
                )
            }
            Subject::ClientSecret => keep(
                &mut answers.client.secret,
                ui.ask_secret("the client's secret", "give `--client-secret-file`", some_secret)?,
            ),
            Subject::KeyFile => {
                let prompt = "the account's key file";
                keep(
                    &mut answers.service_account,
                    ui.ask(prompt, "name it with `--service-account`", |typed| {
                        let path = path(self.context, &some_text(typed)?);
                        service_account::check(&path, provider)
                            .map_err(|error| error.as_reason())?;
                        Ok(path)
                    })?,
                )
            }
            Subject::Username => {
                let server = answers.server.as_ref().or(self.known.server.as_ref());
                let needed = needs_name(provider, server);
                let prompt = if needed {
                    "the account that the token is sent with"
                } else {
                    "the account that the token is sent with (none for a personal access token)"
                };
                let typed = ui.ask(prompt, "give `--username`", |typed| match typed {
                    "" if !needed => Ok(None),
                    typed => {
                        let name = some_text(typed)?;
                        static_token::check_name(&name).map_err(|error| error.as_reason())?;
                        Ok(Some(name))
                    }
                })?;
                typed.map(|name| answers.username = name)
            }
            Subject::User => {
                let usual = answers.username.clone();
                let prompt = match &usual {
                    Some(name) => format!("a name to keep this login under (Enter: {name})"),
                    None => "a name to keep this login under".to_owned(),
                };
                keep(
                    &mut answers.user,
                    ui.ask(&prompt, "give `--user`", |typed| match (typed, &usual) {
                        ("", Some(usual)) => parse("user's name", usual),
                        (typed, _) => parse("user's name", &some_text(typed)?),
                    })?,
                )
            }
            Subject::Token => keep(
                &mut answers.token,
                ui.ask_secret("token", "pipe it in with `--token-stdin`", parse_typed_token)?,
            ),
        })
    }

    /// Asks for the client's id, or the file that Google's console has for it.
    fn client(&mut self) -> Result<Answer<()>, CliError> {
        let (context, provider) = (self.context, self.provider);
        if let Some(setup) = provider.setup()
            && self.answers.client.google_file.is_none()
        {
            let lines: Vec<&str> = setup.lines().collect();
            context.ui.always_with("this needs a client of your own:", &lines);
        }
        let is_googles = is_googles(provider);
        let prompt =
            if is_googles { "the client id, or the client's JSON file" } else { "the client id" };
        let asked = context.ui.ask(prompt, "give `--client-id`", |typed| {
            let typed = some_text(typed)?;
            if !(is_googles && typed.to_lowercase().ends_with(".json")) {
                return Ok((Some(typed), None));
            }
            let path = path(context, &typed);
            client_settings::read_text(&path)
                .map(zeroize::Zeroizing::new)
                .and_then(|text| client_settings::google_client(&text, &path))
                .map_err(|error| error.as_reason())?;
            Ok((None, Some(path)))
        })?;
        Ok(asked.map(|(id, file)| {
            (self.answers.client.id, self.answers.client.google_file) = (id, file);
        }))
    }
}

/// Keeps an answer in its place.
fn keep<T>(place: &mut Option<T>, answer: Answer<T>) -> Answer<()> {
    answer.map(|answer| *place = Some(answer))
}

/// Parses the address of a server that `provider` takes.
fn server(provider: &Provider, typed: &str) -> Result<Address, String> {
    let address = Address::from_typed(&some_text(typed)?).map_err(|error| error.to_string())?;
    provider.server(Some(&address)).map_err(|error| error.to_string())?;
    Ok(address)
}

/// Returns a path as a shell would read it: `~` is the home directory.
fn path(context: &Context, typed: &str) -> PathBuf {
    match (typed.strip_prefix("~/"), context.environment.get("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        (_, _) => typed.into(),
    }
}

fn parse<T>(what: &str, text: &str) -> Result<T, String>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| format!("that is no {what}: {error}"))
}
