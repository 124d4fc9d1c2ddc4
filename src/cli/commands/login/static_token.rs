//! A login with a token that the user made at the service.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::destination::{self, Destination, Done};
use super::stored::Stored;
use crate::cli::certificates;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::next_command;
use crate::cli::questions::given;
use crate::cli::typed::command;
use crate::cli::{stdin, time};
use crate::model::account::{Account, UserName};
use crate::model::credential::{Api, ApiAuth, Expiry};
use crate::ops::login::static_token;
use crate::ops::providers::{self, Provider};
use crate::secret::{AccessToken, SecretText};

#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// Read the token from stdin
    #[arg(long, help_heading = "With a token")]
    token_stdin: bool,

    /// The account's name at the service: the token is sent with it, as Jira Cloud wants its API
    /// tokens
    #[arg(long, value_name = "NAME", help_heading = "With a token")]
    pub(super) username: Option<String>,

    /// When the token ends: a date, a time in RFC 3339, in how long, such as 90d, or `never`
    #[arg(long, value_name = "DATE", value_parser = parse_end, help_heading = "With a token")]
    expires: Option<End>,

    /// The token, if the user typed it at a prompt.
    #[arg(skip)]
    pub(super) token: Option<AccessToken>,
}

/// The end of a token, as a user gives it.
#[derive(Debug, Clone, Copy)]
enum End {
    Never,
    At(Timestamp),
    In(Span),
}

impl Args {
    /// Returns whether the token comes on stdin.
    pub(super) fn reads_stdin(&self) -> bool {
        self.token_stdin
    }

    /// Returns whether a flag of this group was given.
    pub(super) fn is_given(&self) -> bool {
        self.reads_stdin() || self.username.is_some() || self.expires.is_some()
    }
}

pub(super) fn run(
    own: &Args,
    mut destination: Destination<'_>,
    stored: Option<&Stored>,
    context: &Context,
    provider: &Provider,
    user: Option<UserName>,
) -> Result<Done, CliError> {
    let user = user.ok_or_else(|| {
        CliError::new(Kind::Usage, "a token does not say whose it is: give `--user`")
            .hint(format!("tokctl providers {}", provider.name))
    })?;
    let now = time::now();
    let given_end = own.expires.map(|end| end.counted_from(now)).transpose()?;
    let account = Account { provider: provider.name.clone(), user };
    if let Some(username) = &own.username {
        check_name(username)?;
    }
    if let Some(stored) = stored {
        destination.server = destination.server.take().or_else(|| stored.server(context, provider));
    }
    let api = api(own, &destination, stored, provider)?;
    if let Some(stored) = stored {
        report_changes(context, &stored.0.api, &api);
    }
    let mut place = destination.place(&account.provider, Some(&account.user))?;
    let stored = token(own, context, &account).and_then(|token| {
        warn_of_blanks(context, &token, &api.auth, &account);
        let expiry = given_end.unwrap_or_else(|| static_token::stated_end(&token));
        let stored = static_token::store(&mut place, &account, token, expiry, api, now)?;
        Ok((stored, expiry))
    });
    let whose = (&account.provider, Some(&account.user));
    destination::note(context, &mut place, whose, stored.as_ref().err());
    let (credential, expiry) = stored?;
    let end = expiry.at().map(|end| end_in_words(end, given_end.is_some(), now));
    if expiry.is_past(now) {
        context.ui.warning(&format!(
            "the token of {account} says that it is over: make a new one, or give its end with `--expires`"
        ));
    }
    context.ui.status(&format!(
        "stored the token for {account}{}: {}",
        end.unwrap_or_default(),
        command("get", &account)
    ));
    Ok(Done::of(&account, &credential))
}

/// Says when a token ends, and that it says so itself, unless its user does.
fn end_in_words(end: Timestamp, is_given: bool, now: Timestamp) -> String {
    let says = match (is_given, end > now) {
        (true, _) => "which ends",
        (false, true) => "which says that it ends",
        (false, false) => "which says that it ended",
    };
    format!(", {says} {} ({})", time::relative(end, now), time::rfc3339(end))
}

/// Warns if a header can't carry `token` as `auth` says. A blank is part of no token there (RFC 6750
/// §2.1): it mostly comes of more than the token that was pasted.
fn warn_of_blanks(context: &Context, token: &AccessToken, auth: &ApiAuth, account: &Account) {
    let takes_blanks = match auth {
        ApiAuth::Bearer | ApiAuth::Header(_) => false,
        ApiAuth::Basic => true,
    };
    if !takes_blanks && token.expose().contains(char::is_whitespace) {
        context.ui.warning(&format!(
            "there is a blank in this token, which few services take: if it was not the token alone, {}",
            next_command::here(context, "login", account)
        ));
    }
}

/// Fails if `name` can't be part of Basic authentication (RFC 7617 §2).
pub(super) fn check_name(name: &str) -> Result<(), CliError> {
    if !name.contains(|sign: char| sign == ':' || sign.is_control()) {
        return Ok(());
    }
    Err(CliError::new(
        Kind::Usage,
        "a name for Basic authentication can't hold a colon or a control character",
    )
    .hint("mend `--username`"))
}

/// Returns how the service takes the token: as flags and definition say, and else as it took the
/// stored one.
fn api(
    own: &Args,
    destination: &Destination<'_>,
    stored: Option<&Stored>,
    provider: &Provider,
) -> Result<Api, CliError> {
    let kept = stored.filter(|stored| stored.is_static());
    let basic_name = kept.and_then(Stored::basic_name).map(str::to_owned);
    let username = own.username.clone().or(basic_name);
    if username.is_none() && static_token::needs_name(provider, destination.server.as_ref()) {
        return Err(CliError::new(
            Kind::Usage,
            format!("`{}` takes a token with a name: give `--username`", provider.name),
        )
        .hint(format!("tokctl providers {}", provider.name)));
    }
    let server = destination.server.as_ref();
    let certificates = certificates::trusted_certificates(provider)?;
    let certificates = certificates.or_else(|| stored?.trusted_certificates());
    let mut api = static_token::api(provider, server, username, certificates).map_err(|error| {
        let needs_server = matches!(error, providers::Error::NoServer { .. });
        let error = CliError::from(error);
        if !needs_server {
            return error;
        }
        let message = format!("{}: give `--server`", error.message);
        CliError { message, ..error }.hint(format!("tokctl providers {}", provider.name))
    })?;
    if let Some(kept) = kept.map(|kept| &kept.0.api) {
        if api.server_url == kept.server_url {
            api.base_url = api.base_url.or_else(|| kept.base_url.clone());
            api.check = api.check.or_else(|| kept.check.clone());
        }
        if own.username.is_none() && provider.definition.api_auth.is_none() {
            api.auth = kept.auth.clone();
            api.username.clone_from(&kept.username);
        }
    }
    Ok(api)
}

/// Says where the token is sent from now on, if that is elsewhere than before.
fn report_changes(context: &Context, before: &Api, after: &Api) {
    let address = |api: &Api| api.base_url.clone().or_else(|| api.server_url.clone());
    if let (Some(before), Some(after)) = (address(before), address(after))
        && before != after
    {
        context.ui.status(&format!("the token is for {after}; the stored one was for {before}"));
    }
}

fn token(args: &Args, context: &Context, account: &Account) -> Result<AccessToken, CliError> {
    if let Some(typed) = &args.token {
        return Ok(typed.clone());
    }
    if args.token_stdin {
        return stdin::token(&context.ui);
    }
    let again = format!("{} --token-stdin", next_command::here(context, "login", account));
    given(context.ui.ask_secret("token", &again, stdin::parse_typed_token)?)
}

impl End {
    /// Returns the end of a token that is stored at `now`. Fails if it is over then.
    fn counted_from(self, now: Timestamp) -> Result<Expiry, CliError> {
        let end = match self {
            Self::Never => return Ok(Expiry::None),
            Self::At(end) => Some(end),
            Self::In(span) => {
                let end = now.to_zoned(TimeZone::UTC).checked_add(span);
                end.ok().map(|end| end.timestamp())
            }
        };
        let end = end.and_then(|end| Timestamp::from_second(end.as_second()).ok());
        match end {
            Some(end) if end > now => Ok(Expiry::Known(end)),
            Some(end) => Err(CliError::new(
                Kind::Usage,
                format!("`--expires` is in the past: {}", time::relative(end, now)),
            )
            .hint("tokctl login --help")),
            None => Err(CliError::new(Kind::Usage, "`--expires` is further away than dates go")
                .hint("tokctl login --help")),
        }
    }
}

/// Parses `--expires`. A date means its last second in UTC, so that the token is used until its
/// end.
fn parse_end(text: &str) -> Result<End, &'static str> {
    if text == "never" {
        return Ok(End::Never);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(End::At(time));
    }
    let last_second = text.parse::<Date>().ok().and_then(|date| {
        date.at(23, 59, 59, 0).to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    });
    let span = || text.parse::<Span>().ok().filter(|span| !span.is_negative()).map(End::In);
    last_second.map(End::At).or_else(span).ok_or(
        "it is neither a date such as 2027-03-31, nor a time in RFC 3339, nor a length such as 90d, nor `never`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_day_a_time_a_length_or_never() {
        let now: Timestamp = "2027-01-01T00:00:00Z".parse().unwrap();
        let shown = |text| {
            let end = parse_end(text).map_err(str::to_owned)?.counted_from(now);
            end.map(|expiry| expiry.at().map(time::rfc3339)).map_err(|error| error.message)
        };
        assert_eq!(shown("2027-03-31"), Ok(Some("2027-03-31T23:59:59Z".into())));
        assert_eq!(shown("2027-03-31T10:00:00.5+02:00"), Ok(Some("2027-03-31T08:00:00Z".into())));
        assert_eq!(shown("90d"), Ok(Some("2027-04-01T00:00:00Z".into())));
        assert_eq!(shown("1y"), Ok(Some("2028-01-01T00:00:00Z".into())));
        assert_eq!(shown("12h"), Ok(Some("2027-01-01T12:00:00Z".into())));
        assert_eq!(shown("never"), Ok(None));
        for text in ["soon", "2027-02-30", "-5d", "2020-01-01", "0d", "99999999y"] {
            assert!(shown(text).is_err(), "{text}");
        }
    }
}
