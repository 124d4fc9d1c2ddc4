//! The authorization code grant in the browser (RFC 6749 §4.1, RFC 7636, RFC 8252).
//!
//! A login has two steps, so that the caller can talk to the person in between: [`start`] binds the
//! port and makes the address for the browser; [`Pending::wait`] waits for the code and redeems it.

use std::time::{Duration, Instant};

use url::Url;

use super::granted::Granted;
use super::id_token::{self, Person};
use super::plan::Plan;
use super::secret_place;
use crate::model::address::Address;
use crate::model::client::Client;
use crate::model::definition::Pkce;
use crate::oauth::authorization_response::{AuthorizationResponse, ExpectedResponse};
use crate::oauth::demands::{self, Demand};
use crate::oauth::listener::{self, Listener};
pub(crate) use crate::oauth::listener::{Stranger, Stray, Unwanted};
use crate::oauth::pasted::PasteInput;
pub(crate) use crate::oauth::pasted::{Lines, Unusable};
use crate::oauth::pkce;
use crate::oauth::pushed_request::{self, PushedRequest};
use crate::oauth::redirect_uri::{self, RedirectUri};
use crate::oauth::token;
use crate::oauth::unguessable::Unguessable;
use crate::ops::clock::Clock;
use crate::ops::error::{Error, TokenError};
use crate::ops::retry::{Patience, Told};
use crate::providers::{FirstEndpoint, check_authorization_endpoint};
use crate::secret::CodeVerifier;

/// A login that waits for the browser.
pub(crate) struct Pending {
    plan: Plan,
    client: Client,
    way_back: WayBack,
    expected: ExpectedResponse,
    verifier: Option<CodeVerifier>,
    nonce: Option<Unguessable>,
    address: Url,
    /// The time within which the address has to be opened, where the server names one.
    open_within: Option<Duration>,
}

/// The way in which the browser's answer arrives.
enum WayBack {
    /// The answer comes to a port of this machine, or is pasted.
    Listener(Listener),
    /// The answer is pasted, because the redirect URI is https and this machine has no certificate
    /// for it.
    Pasted { redirect_uri: String },
}

/// Finds the endpoints, binds the listener to `port` or the definition's port, and returns a login
/// whose [`Pending::address`] can be opened.
///
/// Fails with [`Error::Metadata`] or [`Error::Provider`] if an endpoint is not known, and with
/// [`Error::RedirectUri`] or [`Error::Listener`] if nothing can listen. A request that is pushed
/// before (RFC 9126) and refused fails with [`Error::NotRedeemed`]; one that is sent again, since
/// the server was too busy or broken, is told to `told`.
pub(crate) fn start(
    mut plan: Plan,
    port: Option<u16>,
    clock: Clock,
    told: Told<'_>,
) -> Result<Pending, Error> {
    let endpoints = plan.endpoints(FirstEndpoint::Authorization)?;
    let authorization =
        endpoints.authorization.as_ref().ok_or_else(|| plan.lacks("authorization_endpoint"))?;
    check_authorization_endpoint(&plan.provider, authorization)?;
    let pushes_to = plan.pushes_to(&endpoints)?;
    let way_back = way_back(&plan, port)?;
    plan.settle_client(Some(&way_back.redirect_uri()))?;
    let state = Unguessable::random()?;
    let verifier = match plan.pkce() {
        Pkce::Required | Pkce::Send => Some(pkce::code_verifier()?),
        Pkce::Off => None,
    };
    let nonce = if id_token::is_asked_for(&plan) { Some(Unguessable::random()?) } else { None };
    let redirect_uri = way_back.redirect_uri();
    let proofs = Proofs { state: &state, verifier: verifier.as_ref(), nonce: nonce.as_ref() };
    let params = authorization_params(&plan, &redirect_uri, proofs);
    let mut client = plan.client(&endpoints, Some(&redirect_uri))?;
    let (params, open_within) = match pushes_to {
        Some(endpoint) => {
            let pushed = push(&plan, &mut client, endpoint, &params, clock, told)
                .inspect_err(|_| plan.give_back_client())?;
            (pushed.params(&client.id), pushed.expires_in)
        }
        None => (params, None),
    };
    let mut address = authorization.url().clone();
    address.query_pairs_mut().extend_pairs(&params);
    let (server, secret) = (plan.server.as_ref(), plan.client_secret.as_ref());
    let check = plan.provider.answer_check(server, secret, clock)?;
    let expected = ExpectedResponse {
        state,
        issuer: endpoints.issuer,
        issuer_required: endpoints.names_itself,
        check,
    };
    Ok(Pending { plan, client, way_back, expected, verifier, nonce, address, open_within })
}

/// Binds the port to which the browser returns, unless its answer has to be pasted.
fn way_back(plan: &Plan, port: Option<u16>) -> Result<WayBack, Error> {
    let text = plan.provider.redirect_uri();
    if plan.is_pasted() {
        let unusable =
            |source| Error::RedirectUri { provider: plan.provider.name.to_string(), source };
        let url = Url::parse(&text).map_err(|_| unusable(redirect_uri::Invalid::Host))?;
        if url.fragment().is_some() {
            return Err(unusable(redirect_uri::Invalid::Fragment));
        }
        return Ok(WayBack::Pasted { redirect_uri: text });
    }
    let redirect_uri = text.parse::<RedirectUri>().map_err(|source| Error::RedirectUri {
        provider: plan.provider.name.to_string(),
        source,
    })?;
    let redirect_uri = match port {
        Some(port) => redirect_uri.with_port(port),
        None => redirect_uri,
    };
    Ok(WayBack::Listener(Listener::bind(&redirect_uri)?))
}

impl WayBack {
    fn redirect_uri(&self) -> String {
        match self {
            Self::Listener(listener) => listener.redirect_uri().to_string(),
            Self::Pasted { redirect_uri } => redirect_uri.clone(),
        }
    }
}

/// The parameters that tie an answer to the login that asked for it.
#[derive(Clone, Copy)]
struct Proofs<'a> {
    state: &'a Unguessable,
    verifier: Option<&'a CodeVerifier>,
    nonce: Option<&'a Unguessable>,
}

/// Returns the parameters of the authorization request (RFC 6749 §4.1.1).
fn authorization_params(
    plan: &Plan,
    redirect_uri: &str,
    Proofs { state, verifier, nonce }: Proofs<'_>,
) -> Vec<(String, String)> {
    let mut params = Vec::new();
    let mut add = |name: &str, value: &str| params.push((name.to_owned(), value.to_owned()));
    add("response_type", "code");
    add("client_id", &plan.client_id);
    add("redirect_uri", redirect_uri);
    add("state", state.expose());
    if !plan.scopes.is_empty() {
        let name = plan.provider.definition.scope_parameter.as_deref().unwrap_or("scope");
        add(name, &plan.provider.scope_parameter(&plan.scopes));
    }
    if let Some(verifier) = verifier {
        add("code_challenge", &pkce::code_challenge(verifier));
        add("code_challenge_method", "S256");
    }
    if let Some(nonce) = nonce {
        add("nonce", nonce.expose());
    }
    for (name, value) in plan.provider.authorization_params().pairs() {
        add(name, value);
    }
    params
}

/// Pushes the request with `params` to `endpoint`.
fn push(
    plan: &Plan,
    client: &mut Client,
    endpoint: &Address,
    params: &[(String, String)],
    clock: Clock,
    told: Told<'_>,
) -> Result<PushedRequest, Error> {
    let pushed = secret_place::ask(plan, client, |client| {
        // Nothing is spent by such a request.
        Patience::LOGIN.ask(TokenError::is_answer_of_trouble, &mut *told, || {
            pushed_request::push(client, endpoint, params, clock())
        })
    });
    pushed.map_err(|source| Error::NotRedeemed { source })
}

impl Pending {
    /// Returns the address to open in the browser.
    pub(crate) fn address(&self) -> &Url {
        &self.address
    }

    /// Returns the time within which the address has to be opened, where the server names one.
    pub(crate) fn open_within(&self) -> Option<Duration> {
        self.open_within
    }

    /// Waits until `deadline` for the browser's answer and redeems its code. The answer may also be
    /// pasted as one of `lines`: the address at which the browser ended. What comes and is not the
    /// answer is told to `tell`, and the wait goes on. Where the server takes the code only after a
    /// pause, that is told to `told`.
    ///
    /// Fails with [`Error::Listener`] if no answer comes or it fails a check, with
    /// [`Error::LoginRefused`], [`Error::ForeignIdToken`], or with [`Error::NotRedeemed`]. A client
    /// that was registered for this login is then unregistered, where that is possible.
    pub(crate) fn wait(
        self,
        deadline: Instant,
        lines: Option<&mut dyn Lines>,
        tell: &mut dyn FnMut(Unwanted),
        told: Told<'_>,
        clock: Clock,
    ) -> Result<Granted, Error> {
        let client = self.plan.given_back();
        let granted = self.answered(deadline, lines, tell, told, clock);
        if granted.is_err() {
            client();
        }
        granted
    }

    fn answered(
        self,
        deadline: Instant,
        lines: Option<&mut dyn Lines>,
        tell: &mut dyn FnMut(Unwanted),
        told: Told<'_>,
        clock: Clock,
    ) -> Result<Granted, Error> {
        let redirect_uri = self.way_back.redirect_uri();
        let bare_code = self.plan.provider.definition.pkce == Some(Pkce::Required);
        let paste = lines.map(|lines| PasteInput::new(lines, redirect_uri.clone(), bare_code));
        let arrived = match (self.way_back, paste) {
            (WayBack::Listener(listener), paste) => {
                listener.wait(&self.expected, deadline, paste, tell)?
            }
            (WayBack::Pasted { .. }, Some(paste)) => {
                listener::wait_for_paste(&self.expected, deadline, paste)?
            }
            (WayBack::Pasted { .. }, None) => return Err(listener::Error::TimedOut.into()),
        };
        let code = match &arrived.response {
            AuthorizationResponse::Code(code) => code,
            AuthorizationResponse::Refused { error, description } => {
                if let Some(demand) = Demand::of_error(error, description.as_deref()) {
                    let provider = self.plan.provider.name.to_string();
                    return Err(Error::Unmet { provider, demand: demand.words().into() });
                }
                let reason = match description {
                    Some(description) => format!("{error}, {description}"),
                    None => error.clone(),
                };
                return Err(match error.as_str() {
                    "server_error" | "temporarily_unavailable" => Error::LoginUnanswered { reason },
                    _ => Error::LoginRefused { reason },
                });
            }
            AuthorizationResponse::Jwt => {
                let provider = self.plan.provider.name.to_string();
                return Err(Error::Unmet { provider, demand: demands::ANSWERS_IN_JWTS.into() });
            }
        };
        let mut now = clock();
        let params = &self.plan.provider.definition.code_params;
        let verifier = self.verifier.as_ref();
        // The code is good for one request that the server looks at.
        let mut client = self.client;
        let answer = secret_place::ask(&self.plan, &mut client, |client| {
            Patience::LOGIN.ask(TokenError::is_worth_retrying, &mut *told, || {
                now = clock();
                token::redeem(client, code, &redirect_uri, verifier, params, now)
            })
        });
        let answer = answer.map_err(|source| self.plan.not_redeemed(source))?;
        let person = Person::Consented { nonce: self.nonce.as_ref() };
        let granted = Granted::new(self.plan, client, person, answer, now, clock)?;
        Ok(granted.with_browser(arrived))
    }
}
