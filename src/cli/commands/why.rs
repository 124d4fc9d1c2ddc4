//! `tokctl why`: explains why a credential works or does not, and what to type.

use std::io::IsTerminal;

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::certificates;
use crate::cli::choice::Choice;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Hint};
use crate::cli::explain::RESUME;
use crate::cli::next_command::WHOM_TO_ASK;
use crate::cli::vaults;
use crate::cli::{keys, next_command, table, time, typed};
use crate::model::account::Account;
use crate::model::attempt::{Action, Attempt, Outcome};
use crate::model::certificate_life;
use crate::model::client_authentication::TokenEndpointAuthMethod;
use crate::model::credential::{Expiry, Grant, Status};
use crate::ops::check;
use crate::ops::diagnosis::{self, Diagnosis, Evidence, Remedy, diagnose};
use crate::ops::providers::{self, Provider};

/// Say why a credential works or does not, and what to type
///
/// Concludes from what is stored and sends nothing: the last success, the last attempt and its
/// answer, an interrupted refresh, the clock, the scopes, and the date of the next login.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    choice: Choice,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let vault = args.choice.in_vault(vaults::open_read_only(context))?;
    let account = args.choice.resolve(context, &vault, "why")?;
    let vault = keys::unlock(context, vault)?;
    // What no command may use is not explained as if it were good.
    vault.expect_newest(&account)?;
    let now = time::now();
    let evidence = diagnosis::evidence(&vault, &account, now)?;
    // Another place reports a mistake in the configuration.
    let provider = providers::today(&account.provider, context.config().ok());
    let renewal = provider.as_ref().map(Provider::renewal).unwrap_or_default();
    let finding = diagnose(&evidence, renewal, now);
    let certificate = certificate(context, &evidence, provider.as_ref());
    let times = Times { now, local: !context.ui.json && std::io::stdout().is_terminal() };
    let mut report =
        Explanation::new(context, &account, &evidence, provider.as_ref(), &finding, times);
    if let Some(ends) = certificate {
        report.tell_certificate(ends, times);
    }
    if context.ui.json { context.ui.json(&report) } else { print(context, &account, &report) }
}

/// Prints the explanation in the width of the terminal; the command stays on one line, so that it
/// can be copied.
fn print(context: &Context, account: &Account, report: &Explanation<'_>) -> Result<(), CliError> {
    // Behind the longest name of a fact.
    const FACT: usize = 18;
    context.ui.line(&table::wrap(&format!("{account}: {}", report.finding), 0, 2))?;
    for Fact { what, is } in &report.facts {
        context.ui.line(&if table::is_narrow() {
            format!("  {what}\n    {}", table::wrap(is, 4, 4))
        } else {
            format!("  {what:<15} {}", table::wrap(is, FACT, FACT))
        })?;
    }
    context.ui.line(&report.command)
}

/// The form in which times are told.
#[derive(Clone, Copy)]
struct Times {
    now: Timestamp,
    /// Whether they are those of this machine's time zone, and not UTC.
    local: bool,
}

impl Times {
    fn moment(self, at: Timestamp) -> String {
        time::moment(at, self.now, self.local)
    }
}

/// The output of `--json`, and the source of the text output.
#[derive(Serialize)]
struct Explanation<'a> {
    v: u8,
    provider: &'a str,
    user: &'a str,
    finding: String,
    facts: Vec<Fact>,
    /// The command to type next.
    command: String,
}

#[derive(Serialize)]
struct Fact {
    what: &'static str,
    is: String,
}

impl<'a> Explanation<'a> {
    fn new(
        context: &Context,
        account: &'a Account,
        evidence: &Evidence,
        provider: Option<&Provider>,
        finding: &Diagnosis,
        times: Times,
    ) -> Self {
        let mut facts = vec![Fact { what: "token", is: token(evidence, times) }];
        let mut add = |what, is: Option<String>| facts.extend(is.map(|is| Fact { what, is }));
        add("last success", evidence.last_success().map(|at| times.moment(at)));
        add("last attempt", evidence.last_attempt.as_ref().map(|last| attempt(last, times)));
        add("paused until", evidence.paused_until.map(|until| times.moment(until)));
        add("interrupted", evidence.in_doubt_since.map(|since| times.moment(since)));
        add("under way since", evidence.under_way_since.map(|since| times.moment(since)));
        add("clock", evidence.clock_ahead().map(clock));
        add("scopes", scopes(evidence, provider));
        if let Grant::OAuth(grant) = &evidence.credential.grant {
            add("granted", Some(times.moment(grant.granted_at)));
        }
        let is_here = evidence.credential.status != Status::HandedOver;
        let refreshes =
            is_here && evidence.credential.is_refreshable() && !finding.is_end_of_login();
        let refreshed_by = evidence.refreshed_by.as_deref().filter(|_| refreshes);
        add("refreshed by", refreshed_by.map(some_of));
        add("login by", evidence.credential.login_by().map(|by| times.moment(by)));
        let can_be_checked = check::request(account, &evidence.credential, provider).is_ok();
        Self {
            v: 1,
            provider: account.provider.as_str(),
            user: account.user.as_str(),
            finding: sentence(finding, evidence, times),
            facts,
            command: next_command::about_named(
                context,
                command(context, account, finding, evidence, can_be_checked, times.now),
            ),
        }
    }
}

/// Returns the end of the certificate that the client of the login shows, unless the definition names
/// another by now, which the next refresh shows.
fn certificate(
    context: &Context,
    evidence: &Evidence,
    provider: Option<&Provider>,
) -> Option<Timestamp> {
    let Grant::OAuth(grant) = &evidence.credential.grant else { return None };
    let own = grant.client.certificate.as_ref()?;
    let named = provider.map(|provider| certificates::client_certificate(context, provider));
    let is_replaced = matches!(named, Some(Ok(Some(named))) if named != *own);
    let looks_at_end =
        grant.client.authentication.method() != TokenEndpointAuthMethod::SelfSignedTlsClientAuth;
    let life = certificate_life::of_first(&own.certificate)?;
    (looks_at_end && !is_replaced).then_some(life.ends)
}

impl Explanation<'_> {
    /// Tells when the certificate of the client ends, and that nothing renews the token if it has.
    fn tell_certificate(&mut self, ends: Timestamp, times: Times) {
        let is_over = ends < times.now;
        let when = times.moment(ends);
        let is = if is_over { format!("ended {when}") } else { format!("good until {when}") };
        self.facts.push(Fact { what: "certificate", is });
        if is_over {
            self.finding = format!(
                "{}; the certificate of its client ended {when}: name a new one as \
                 `client_certificate_file`, since nothing is renewed until then",
                self.finding
            );
        }
    }
}

fn command(
    context: &Context,
    account: &Account,
    finding: &Diagnosis,
    evidence: &Evidence,
    can_be_checked: bool,
    now: Timestamp,
) -> String {
    if let (Diagnosis::HandedOver { arrived }, Some(to)) = (finding, &evidence.credential.moved_to)
    {
        let hint = if *arrived {
            Hint::MovedTo {
                account: account.clone(),
                to: to.clone(),
                alone: true,
                elsewhere: Box::new(Hint::Login(account.clone())),
            }
        } else {
            Hint::GoOn(to.clone())
        };
        return next_command::text(context, &[], &hint);
    }
    let verb = match finding.remedy() {
        Remedy::Login | Remedy::Refresh | Remedy::Resume if evidence.refreshed_by.is_some() => {
            return WHOM_TO_ASK.into();
        }
        Remedy::Get | Remedy::Wait if evidence.is_over_for_reader(now) => {
            return WHOM_TO_ASK.into();
        }
        // The answer can't be kept in the vault.
        Remedy::Check if evidence.refreshed_by.is_some() => "get",
        Remedy::Login if *finding == Diagnosis::ScopeMissing => {
            let scopes = evidence.wanted_scopes().map(ToString::to_string).unwrap_or_default();
            let login = next_command::login(context, account);
            return format!("{login} --scope {}", typed::quoted(&scopes));
        }
        Remedy::Login => return next_command::login(context, account),
        Remedy::Resume => return RESUME.into(),
        // Where nothing says how to ask the service, only a use of the token tells more.
        Remedy::Check if !can_be_checked => "get",
        Remedy::Check => "check",
        Remedy::Wait => "status",
        Remedy::Get => "get",
        Remedy::Refresh => "refresh",
    };
    typed::command(verb, account)
}

fn sentence(finding: &Diagnosis, evidence: &Evidence, times: Times) -> String {
    let said = evidence
        .last_failure()
        .and_then(|last| last.message.as_deref())
        .map(|message| format!(": {message}"))
        .unwrap_or_default();
    if let (Diagnosis::HandedOver { arrived }, Some(to)) = (finding, &evidence.credential.moved_to)
    {
        return if *arrived {
            let place = to.place.seen_from_here(evidence.moved_by.as_deref());
            format!("it may be used only in {place}: a login takes another grant")
        } else {
            format!("its move into {} was interrupted, and it waits to go on", to.place)
        };
    }
    match finding {
        Diagnosis::HandedOver { arrived: true } if evidence.moved_by.is_some() => format!(
            "`{}` moved it out of this vault, to where it is used and renewed now: a login takes another \
             grant",
            evidence.moved_by.as_deref().unwrap_or_default()
        ),
        Diagnosis::HandedOver { arrived: true } => {
            "it was handed over to another machine, which alone may use it: a login takes another \
             grant"
                .into()
        }
        Diagnosis::HandedOver { arrived: false } => {
            "it was handed over, and the bundle may not be in place: it is kept in the vault".into()
        }
        Diagnosis::Refused => format!("the provider no longer renews the grant{said}"),
        Diagnosis::Ended => "its token has ended, and nothing renews it".into(),
        Diagnosis::Inactive { .. } => "the service refused the token when it was last asked".into(),
        Diagnosis::InDoubt { works: true, may_try: false, .. } => {
            format!(
                "{}, and this provider takes a second use for theft: the token in hand works until \
                 its end, then one more try is made",
                in_doubt(evidence)
            )
        }
        Diagnosis::InDoubt { .. } if evidence.refreshed_by.is_some() => {
            format!("{}: the next call of a member tries again", in_doubt(evidence))
        }
        Diagnosis::InDoubt { .. } => format!("{}: the next call tries again", in_doubt(evidence)),
        Diagnosis::Configuration
            if evidence.last_failure().is_some_and(Attempt::brought_unusable_token) =>
        {
            format!("the last refresh brought a token that can't be used{said}")
        }
        Diagnosis::Configuration if refuses_registered(evidence) => format!(
            "the provider refused the client that an earlier login registered: the next refresh asks \
             again, and a login registers another{said}"
        ),
        Diagnosis::Configuration => format!(
            "the provider does not accept the client's settings, which a login with the right ones \
             mends{said}"
        ),
        Diagnosis::Passing { works, not_before } => {
            let until = |at| format!(", to be left alone until {}", times.moment(at));
            let when = not_before.map(until).unwrap_or_default();
            let works = if *works { ", and the token in hand works still" } else { "" };
            format!("the last refresh failed in passing{when}{works}{said}")
        }
        Diagnosis::Paused { works, until } => {
            let works = if *works { ", and the token in hand works still" } else { "" };
            format!(
                "its token is due, and its provider asks to be left alone until {}{works}",
                times.moment(*until)
            )
        }
        Diagnosis::Due if evidence.is_over_for_reader(times.now) => {
            "its token has ended, and no member has refreshed it yet: this identity may only read".into()
        }
        Diagnosis::Due if evidence.refreshed_by.is_some() => {
            "its token is due, and works until its end: a member refreshes it, since this identity may \
             only read"
                .into()
        }
        Diagnosis::Due => "its token is due: the next `get` renews it".into(),
        Diagnosis::Clock { ahead } => format!(
            "it is in order, but this machine's clock is {}: set it, or tokens end at the wrong time",
            clock(*ahead)
        ),
        Diagnosis::ScopeMissing => {
            let granted = evidence.credential.scopes().cloned().unwrap_or_default();
            let missing = evidence.wanted_scopes().map(|wanted| wanted.without(&granted));
            let missing = missing.map(|missing| missing.to_string()).unwrap_or_default();
            format!("its token works, but the service asks for a scope that it lacks: {missing}")
        }
        Diagnosis::CheckFailed => {
            let last = evidence.last_check().and_then(|last| last.message.as_deref());
            let why = last.map(|message| format!(": {message}")).unwrap_or_default();
            format!(
                "its token is in order, but the last check did not find out whether it works{why}"
            )
        }
        Diagnosis::Unchecked => {
            "its token is in order, but not checked yet: nobody asked the service about it".into()
        }
        Diagnosis::Works => "it works".into(),
    }
}

/// Whether the last refresh failed since the provider does not know the client that a login registered.
fn refuses_registered(evidence: &Evidence) -> bool {
    evidence.credential.has_registered_client()
        && evidence.last_failure().is_some_and(Attempt::was_about_the_client)
}

/// Says what is known of a refresh after which the refresh token may be spent.
fn in_doubt(evidence: &Evidence) -> String {
    let since = evidence.in_doubt_since;
    let answered = evidence.last_failure().filter(|last| Some(last.ended_at) >= since);
    match answered.map(|last| last.status) {
        Some(Some(status)) => format!(
            "the last refresh was answered with HTTP {status}, which does not say whether its refresh \
             token is used up"
        ),
        Some(None) => "the last refresh was sent and got no answer".into(),
        None => "a refresh was sent and its answer never stored".into(),
    }
}

fn token(evidence: &Evidence, times: Times) -> String {
    if evidence.credential.status == Status::HandedOver {
        return "no longer here".into();
    }
    match evidence.credential.expiry() {
        Expiry::Known(at) if at <= times.now => format!("ended {}", times.moment(at)),
        Expiry::Known(at) => format!("good until {}", times.moment(at)),
        Expiry::None => "has no end of its own".into(),
        Expiry::Unknown => "nobody said when it ends".into(),
    }
}

fn attempt(last: &Attempt, times: Times) -> String {
    let action = match last.action {
        Action::Refresh => "refresh",
        Action::Check => "check",
    };
    let outcome = match (last.outcome, last.action) {
        _ if last.brought_unusable_token() => "its token can't be used",
        (Outcome::Done, _) => "it succeeded",
        (Outcome::Refused, _) => "it was refused",
        (Outcome::Configuration, Action::Refresh) => "the client's settings were refused",
        (Outcome::Configuration, Action::Check) => "the service forbade it",
        (Outcome::Transient, _) => "it failed in passing",
    };
    let mut text = format!("{action} at {}: {outcome}", times.moment(last.ended_at));
    let status = last.status.map(|status| format!("HTTP {status}"));
    for more in [status, last.error.clone()].into_iter().flatten() {
        text = format!("{text}, {more}");
    }
    text
}

/// Names the first of `labels`, and says how many there are besides.
fn some_of(labels: &[String]) -> String {
    const MOST: usize = 5;
    match labels.get(MOST..).unwrap_or_default() {
        [] => labels.join(", "),
        more => format!("{} and {} more", labels[..MOST].join(", "), more.len()),
    }
}

/// Describes a clock that is `ahead` seconds ahead of the server's.
fn clock(ahead: i64) -> String {
    match ahead {
        0 => "the same as the server's".into(),
        1.. => format!("{ahead} s ahead of the server's"),
        _ => format!("{} s behind the server's", ahead.unsigned_abs()),
    }
}

/// Describes the granted scopes, and the missing ones that a login would ask for.
fn scopes(evidence: &Evidence, provider: Option<&Provider>) -> Option<String> {
    let granted = evidence.credential.scopes()?;
    let missing =
        provider.map(|provider| provider.scopes(&[]).unwrap_or_default().without(granted));
    Some(match missing.filter(|missing| !missing.is_empty()) {
        Some(missing) if granted.is_empty() => format!("none of {missing}"),
        Some(missing) => format!("{granted}, but not {missing}"),
        None => granted.to_string(),
    })
}
