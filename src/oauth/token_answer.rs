//! The successful answer of a token endpoint (RFC 6749 §5.1), in the forms in which servers write
//! it.
//!
//! An answer that holds an error is read by [`super::error_answer`].

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use serde_json::value::RawValue;

use super::answer_fields::{self, AnswerText, Fields};
use super::error_answer;
use super::http::Answer;
use super::token_error::{Error, Request};
use crate::model::address::Address;
use crate::model::client::Client;
use crate::model::credential::Expiry;
use crate::model::dialect::{Dialect, ExpiryShape};
use crate::model::jwt;
use crate::model::scope::Scopes;
use crate::model::token_type::TokenType;
use crate::secret::{AccessToken, IdToken, RefreshToken, SecretText};

/// The field of [`TokenAnswer::api_base_url`].
const API_BASE_URL: &str = "api_base_url";

/// The tokens that a token endpoint issued.
#[derive(Debug)]
pub(crate) struct TokenAnswer {
    pub(crate) access_token: AccessToken,
    pub(crate) token_type: TokenType,
    pub(crate) expiry: Expiry,
    /// A new refresh token; without one, the old one stays valid.
    pub(crate) refresh_token: Option<RefreshToken>,
    /// The ID token, which nobody has checked yet.
    pub(crate) id_token: Option<IdToken>,
    /// The end of the refresh token, where the server said so.
    pub(crate) refresh_expires_at: Option<Timestamp>,
    /// The scopes that were granted, where the server said so.
    pub(crate) scopes: Option<Scopes>,
    /// The address of the API, where the dialect says which field names it.
    pub(crate) api_base_url: Option<Address>,
}

impl TokenAnswer {
    /// Returns the error for an access token whose type can't be used, which `client` was issued.
    pub(crate) fn unusable(&self, client: &Client) -> Error {
        let token_type = self.token_type.word().to_owned();
        Error::UnusableToken { authority: client.token_endpoint.authority(), token_type }
    }
}

/// Reads the answer to a token request: the tokens in it, else its error. An answer of success
/// that holds a token counts as one, whatever stands beside the token.
pub(crate) fn read(
    answer: &Answer,
    request: Request,
    dialect: &Dialect,
    now: Timestamp,
) -> Result<TokenAnswer, Error> {
    parse(answer, dialect, now)
        .map_err(|no_token| error_answer::read(answer, request, dialect).unwrap_or(no_token))
}

/// Reads the tokens in a successful answer; fails with [`Error::NoVerdict`] if it holds none.
pub(crate) fn parse(
    answer: &Answer,
    dialect: &Dialect,
    now: Timestamp,
) -> Result<TokenAnswer, Error> {
    if !(200..=299).contains(&answer.status) {
        return Err(error_answer::no_verdict(answer));
    }
    let text = AnswerText::of(answer);
    let fields = text
        .fields()
        .map(|fields| fields.with_named(&dialect.answer_fields))
        .and_then(|fields| fields.holding("access_token"))
        .ok_or_else(|| error_answer::no_verdict(answer))?;
    // A number is no token, however it is written (RFC 6749 §5.1).
    if fields.value("access_token").is_some_and(|sent| !sent.get().starts_with('"')) {
        return Err(error_answer::no_verdict(answer));
    }
    let token = fields.text("access_token").map(answer_fields::trimmed).unwrap_or_default();
    let access_token = AccessToken::parse_issued(token).map_err(|_| Error::NoVerdict {
        authority: answer.authority.clone(),
        status: answer.status,
        error: None,
        retry_after: None,
        what: "a token that holds characters which no token can have".into(),
    })?;
    // Keycloak's name for it is the second one, and it sends 0 for a refresh token that does not
    // end.
    let refresh_life =
        fields.seconds("refresh_token_expires_in").or_else(|| fields.seconds("refresh_expires_in"));
    let named = dialect.answer_fields.contains_key(API_BASE_URL);
    let api_base_url = fields.text(API_BASE_URL).filter(|_| named);
    let api_base_url = api_base_url.and_then(|text| answer_fields::trimmed(text).parse().ok());
    Ok(TokenAnswer {
        expiry: parse_expiry(&fields, dialect, &access_token, now),
        access_token,
        token_type: token_type(answer, &fields, dialect),
        // One that can't be read counts as none: it must not cost the access token.
        refresh_token: fields
            .text("refresh_token")
            .and_then(|text| RefreshToken::parse_issued(answer_fields::trimmed(text)).ok()),
        id_token: fields
            .text("id_token")
            .and_then(|text| IdToken::parse_issued(answer_fields::trimmed(text)).ok()),
        refresh_expires_at: expiry_after(refresh_life, now).at().filter(|at| *at > now),
        scopes: fields.value("scope").or_else(|| fields.value("scopes")).and_then(scopes),
        api_base_url,
    })
}

/// Reads the granted scopes: one text (RFC 6749 §3.3), or a list as some servers send it.
fn scopes(sent: &RawValue) -> Option<Scopes> {
    if let Some(text) = answer_fields::text(sent) {
        return Some(Scopes::parse(&text));
    }
    let list: Vec<Value> = serde_json::from_str(sent.get()).ok()?;
    let words: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
    Some(Scopes::parse(&words.join(" ")))
}

/// Returns the type of the token. A value that is no text says nothing.
fn token_type(answer: &Answer, fields: &Fields<'_>, dialect: &Dialect) -> TokenType {
    let is_text = |raw: &&RawValue| raw.get().starts_with('"');
    let sent = fields.value("token_type").filter(is_text).and_then(answer_fields::text);
    let sent = sent.map(|text| answer.sent.redact(&text));
    TokenType::parse(sent.as_deref(), &dialect.bearer_token_types)
}

/// Returns the end of the token: from the field that this server uses, from those that other servers
/// use, or from the token itself.
fn parse_expiry(
    fields: &Fields<'_>,
    dialect: &Dialect,
    token: &AccessToken,
    now: Timestamp,
) -> Expiry {
    let expires_in_from = |from: Timestamp| expiry_after(fields.seconds("expires_in"), from);
    let stated = match dialect.expiry {
        ExpiryShape::ExpiresIn => expires_in_from(now),
        ExpiryShape::Expires => {
            fields.time("expires").map_or_else(|| expires_in_from(now), Expiry::Known)
        }
        ExpiryShape::CreatedAt => expires_in_from(fields.time("created_at").unwrap_or(now)),
    };
    if stated != Expiry::Unknown {
        return stated;
    }
    let moments = ["expires_at", "expires_on"];
    if let Some(at) = moments.into_iter().find_map(|name| fields.time(name)) {
        return Expiry::Known(at);
    }
    // A field that is there but can't be read says nothing, not even that there is no end.
    let is_silent = fields.value("expires_in").is_none() && fields.value("expires").is_none();
    match (jwt::expiry(token.expose()), dialect.endless && is_silent) {
        (Some(at), _) => Expiry::Known(at),
        (None, true) => Expiry::None,
        (None, false) => Expiry::Unknown,
    }
}

/// Returns the end that lies `expires_in` seconds after `now`. An impossible life is unknown rather
/// than guessed.
fn expiry_after(expires_in: Option<i64>, now: Timestamp) -> Expiry {
    expires_in
        .and_then(|seconds| now.checked_add(SignedDuration::from_secs(seconds.max(0))).ok())
        .map_or(Expiry::Unknown, Expiry::Known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

    #[test]
    fn a_life_is_read_as_servers_write_it_and_never_guessed() {
        let after =
            |seconds: i64| Expiry::Known(Timestamp::from_second(1_700_000_000 + seconds).unwrap());
        for (sent, expected) in [
            (json!(3600), after(3600)),
            (json!("3600"), after(3600)),
            (json!(3600.5), after(3600)),
            (json!("3600.0"), after(3600)),
            (json!(0), after(0)),
            (json!(-5), after(0)),
            (json!(u64::MAX), Expiry::Unknown),
            (json!(1e300), Expiry::Unknown),
            (json!("soon"), Expiry::Unknown),
            (json!(null), Expiry::Unknown),
            (json!([1]), Expiry::Unknown),
        ] {
            let body = format!(r#"{{"access_token":"made-up-1","expires_in":{sent}}}"#);
            let read = parse(&Answer::made_up(200, &body), &Dialect::default(), NOW).unwrap();
            assert_eq!(read.expiry, expected, "{sent}");
        }
    }

    #[test]
    fn each_server_says_in_its_own_way_when_a_token_ends() {
        let at = |second: i64| Expiry::Known(Timestamp::from_second(second).unwrap());
        let read = |dialect: &str, body: &str| {
            let dialect: Dialect = toml::from_str(dialect).unwrap();
            let body = format!(r#"{{"access_token":"made-up-1"{body}}}"#);
            parse(&Answer::made_up(200, &body), &dialect, NOW).unwrap().expiry
        };
        let absolute = "expiry = 'expires'";
        assert_eq!(read(absolute, r#","expires":1700000900"#), at(1_700_000_900));
        assert_eq!(read(absolute, r#","expires":"1700000900","expires_in":5"#), at(1_700_000_900));
        assert_eq!(read(absolute, r#","expires_in":60"#), at(1_700_000_060));
        assert_eq!(read("", r#","expires":1700000900"#), Expiry::Unknown);
        let made = "expiry = 'created_at'";
        assert_eq!(read(made, r#","created_at":1699999000,"expires_in":7200"#), at(1_700_006_200));
        assert_eq!(read(made, r#","expires_in":60"#), at(1_700_000_060));
        assert_eq!(read("endless = true", ""), Expiry::None);
        assert_eq!(read("endless = true", r#","expires_in":60"#), at(1_700_000_060));
        assert_eq!(read("endless = true", r#","expires_in":"soon""#), Expiry::Unknown);
    }

    #[test]
    fn an_answer_without_a_usable_token_is_no_verdict() {
        for (status, body) in [
            (200, "{}"),
            (200, "<html>"),
            (200, r#"{"access_token":""}"#),
            (200, r#"{"access_token":"made up"}"#),
            (500, r#"{"access_token":"made-up"}"#),
            (302, ""),
        ] {
            assert!(
                matches!(
                    parse(&Answer::made_up(status, body), &Dialect::default(), NOW),
                    Err(Error::NoVerdict { .. })
                ),
                "{body}"
            );
        }
    }

    #[test]
    fn the_end_of_a_refresh_token_is_read_where_a_server_tells_it() {
        let after = |seconds: i64| Some(Timestamp::from_second(1_700_000_000 + seconds).unwrap());
        for (field, expected) in [
            (r#","refresh_token_expires_in":604799"#, after(604_799)),
            (r#","refresh_expires_in":"1800""#, after(1800)),
            (r#","refresh_expires_in":0"#, None),
            ("", None),
        ] {
            let body = format!(r#"{{"access_token":"made-up-1"{field}}}"#);
            let read = parse(&Answer::made_up(200, &body), &Dialect::default(), NOW).unwrap();
            assert_eq!(read.refresh_expires_at, expected, "{body}");
        }
    }

    #[test]
    fn a_plain_answer_is_read() {
        let body = r#"{"access_token":"made-up-1","token_type":"bearer","scope":"a,b c","new":1}"#;
        let read = parse(&Answer::made_up(200, body), &Dialect::default(), NOW).unwrap();
        assert_eq!(read.access_token.expose(), "made-up-1");
        assert_eq!(read.token_type, TokenType::Bearer);
        assert!(read.refresh_token.is_none());
        assert_eq!(read.scopes.unwrap().to_string(), "a b c");
        let odd = r#"{"access_token":"made-up-1","token_type":7,"scope":["a","b"],"error":""}"#;
        let read = parse(&Answer::made_up(200, odd), &Dialect::default(), NOW).unwrap();
        assert_eq!(
            (read.token_type, read.scopes.unwrap().to_string()),
            (TokenType::Bearer, "a b".into())
        );
    }

    #[test]
    fn a_token_is_read_however_the_answer_is_written() {
        for body in [
            "\u{feff}{\"access_token\":\"made-up-1\"}",
            "access_token=made-up-1&scope=a+b&token_type=bearer",
            r#"{"data":{"access_token":"made-up-1"},"ok":true}"#,
            r#"{"ok":true,"authed_user":{"id":"U1","access_token":"made-up-1"}}"#,
            r#"{"accessToken":"made-up-1","refreshToken":false,"expiresIn":"3600.0"}"#,
            r#"{"access_token":"made-up-1\n","refresh_token":false}"#,
            r#"{"access_token":"made-up-1","refresh_token":"a b","scope":1e999}"#,
            r#"{"access_token":"made-up-1","error":"none","refresh_token":{}}"#,
        ] {
            let read =
                read(&Answer::made_up(200, body), Request::Exchange, &Dialect::default(), NOW);
            let read = read.unwrap_or_else(|error| panic!("{body}: {error}"));
            assert_eq!(read.access_token.expose(), "made-up-1", "{body}");
            assert!(read.refresh_token.is_none(), "{body}");
        }
        let number = r#"{"access_token":"made-up-1","refresh_token":12345}"#;
        let read = parse(&Answer::made_up(200, number), &Dialect::default(), NOW).unwrap();
        assert_eq!(read.refresh_token.unwrap().expose(), "12345");
    }

    #[test]
    fn a_definition_names_where_things_stand() {
        let dialect: Dialect =
            toml::from_str("answer_fields = { access_token = '/result/jwt', expires_in = '/ttl' }")
                .unwrap();
        let body = r#"{"result":{"jwt":"made-up-1"},"access_token":"made-up-2","ttl":60}"#;
        let read = parse(&Answer::made_up(200, body), &dialect, NOW).unwrap();
        assert_eq!(read.access_token.expose(), "made-up-1");
        assert_eq!(read.expiry.at().unwrap().as_second(), 1_700_000_060);
    }

    #[test]
    fn a_moment_counts_where_no_life_is_named() {
        for field in [
            r#""expires_at":1700000900"#,
            r#""expires_at":"2023-11-14T22:28:20Z""#,
            r#""expires_on":"1700000900""#,
            r#""expires_in":null,"expiresAt":1700000900.0"#,
        ] {
            let body = format!(r#"{{"access_token":"made-up-1",{field}}}"#);
            let read = parse(&Answer::made_up(200, &body), &Dialect::default(), NOW).unwrap();
            assert_eq!(read.expiry.at().map(Timestamp::as_second), Some(1_700_000_900), "{field}");
        }
    }

    #[test]
    fn an_answer_that_can_not_be_read_is_named_by_its_fields() {
        let mut page = Answer::made_up(200, r#"{"ticket":"made-up-1","ok":true}"#);
        page.content_type = Some("application/json".into());
        let shown = parse(&page, &Dialect::default(), NOW).unwrap_err().to_string();
        assert!(shown.contains("`application/json`, fields `ok`, `ticket`"), "{shown}");
        assert!(!shown.contains("made-up"), "{shown}");
    }

    #[test]
    fn bytes_that_are_no_text_cost_no_token_where_nobody_reads_them() {
        let mut odd = Answer::made_up(200, r#"{"access_token":"made-up-1","motto":"?"}"#);
        let at = odd.body.iter().position(|byte| *byte == b'?').unwrap();
        odd.body[at] = 0xFF;
        let read = parse(&odd, &Dialect::default(), NOW).unwrap();
        assert_eq!(read.access_token.expose(), "made-up-1");
    }
}
