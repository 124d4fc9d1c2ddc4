//! What the token endpoint answers, as a test scripts it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value, json};

use super::checks::TokenRequest;
use super::error_body;
use super::families::{Families, Standing};
use crate::http::Response;

/// One scripted answer, and what the request before it must present.
#[derive(Debug)]
pub(crate) struct Answer {
    reply: Reply,
    changes: Vec<(String, Option<Value>)>,
    /// The changes to the claims of the ID token, if there is one.
    id_token: Option<Value>,
    rotates: bool,
    lost: bool,
    expects: Standing,
    delay: Duration,
}

#[derive(Debug)]
enum Reply {
    /// Tokens: `access-1` and `refresh-1`, then `access-2` …
    Tokens,
    /// Anything else; nothing is issued and nothing spent.
    Other(Response),
}

/// New tokens, good for an hour.
pub(crate) fn issue() -> Answer {
    Answer::new(Reply::Tokens)
}

/// An OAuth error with this status (RFC 6749 §5.2).
pub(crate) fn refuse(status: u16, error: &str) -> Answer {
    reply(Response::json(status, &error_body(error)))
}

/// An answer made by hand.
pub(crate) fn reply(response: Response) -> Answer {
    Answer::new(Reply::Other(response))
}

/// No answer: the connection is closed after the request was read, and nothing was issued.
pub(crate) fn lose() -> Answer {
    reply(Response::new(500, "text/plain", "")).lost()
}

impl Answer {
    fn new(reply: Reply) -> Self {
        Self {
            reply,
            changes: Vec::new(),
            id_token: None,
            rotates: true,
            lost: false,
            expects: Standing::Live,
            delay: Duration::ZERO,
        }
    }

    /// The token lives this long; 0: it is due at once.
    pub(crate) fn expires_in(self, seconds: i64) -> Self {
        self.with("expires_in", json!(seconds))
    }

    /// With this field, or with another value in it.
    pub(crate) fn with(mut self, field: &str, value: Value) -> Self {
        self.changes.push((field.to_owned(), Some(value)));
        self
    }

    /// With an ID token for the person `made-up-1`, whose claims are changed like this: `null` leaves
    /// one out (OpenID Connect Core 1.0 §2).
    pub(crate) fn with_id_token(mut self, changes: Value) -> Self {
        self.id_token = Some(changes);
        self
    }

    /// Without this field.
    pub(crate) fn without(mut self, field: &str) -> Self {
        self.changes.push((field.to_owned(), None));
        self
    }

    /// Without a refresh token: the one that was presented stays good.
    pub(crate) fn without_refresh_token(mut self) -> Self {
        self.rotates = false;
        self
    }

    /// The server does its part, then the connection breaks before a byte of the answer.
    pub(crate) fn lost(mut self) -> Self {
        self.lost = true;
        self
    }

    /// The request is expected to present a spent refresh token. Unless it is answered with
    /// tokens all the same, as a tolerant server does, its family ends with it.
    pub(crate) fn for_a_spent_token(mut self) -> Self {
        self.expects = Standing::Spent;
        self
    }

    /// The answer takes this long.
    pub(crate) fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    fn is_request_to_wait(&self) -> bool {
        matches!(&self.reply, Reply::Other(response) if response.status == 429)
    }

    pub(super) fn delay(&self) -> Duration {
        self.delay
    }

    /// Checks what is presented against what was issued, and answers. `None`: the connection is
    /// closed without a word.
    pub(super) fn give(
        &self,
        asked: &TokenRequest,
        families: &mut Families,
        issuer: &str,
    ) -> Result<Option<Response>, String> {
        let family = match asked {
            // Who is told to wait has spent nothing.
            TokenRequest::Code { code, .. } if self.is_request_to_wait() => code.clone(),
            TokenRequest::Code { .. } => asked.redeem(families)?,
            TokenRequest::ClientCredentials { .. } | TokenRequest::JwtBearer { .. } => {
                String::new()
            }
            TokenRequest::Device { device_code } => {
                let over = matches!(self.reply, Reply::Tokens);
                families.device_code(device_code, over)?;
                device_code.clone()
            }
            TokenRequest::Refresh { refresh_token, .. } => {
                self.check_standing(refresh_token, families)?;
                families.family(refresh_token).unwrap_or_default()
            }
            TokenRequest::Exchange { .. } => String::new(),
        };
        let response = match &self.reply {
            Reply::Other(response) => response.clone(),
            Reply::Tokens => Response::json(200, &self.tokens(asked, &family, families, issuer)),
        };
        Ok((!self.lost).then_some(response))
    }

    fn check_standing(&self, refresh_token: &str, families: &mut Families) -> Result<(), String> {
        let standing = families.standing(refresh_token);
        if standing == Standing::Spent && !matches!(self.reply, Reply::Tokens) {
            families.revoke(refresh_token);
        }
        if standing == self.expects {
            Ok(())
        } else {
            Err(format!("{refresh_token} is {standing:?}, where {:?} was expected", self.expects))
        }
    }

    fn tokens(
        &self,
        asked: &TokenRequest,
        family: &str,
        families: &mut Families,
        issuer: &str,
    ) -> Value {
        let (access_token, refresh_token) = families.mint_tokens(family, self.rotates);
        let mut body = Map::new();
        body.insert("access_token".to_owned(), json!(access_token));
        body.insert("token_type".to_owned(), json!("Bearer"));
        body.insert("expires_in".to_owned(), json!(3600));
        if self.rotates {
            body.insert("refresh_token".to_owned(), json!(refresh_token));
            if let TokenRequest::Refresh { refresh_token, .. } = asked {
                families.spend(refresh_token);
            }
        }
        if let Some(changes) = &self.id_token {
            let is_login = matches!(asked, TokenRequest::Code { .. });
            let nonce = families.nonce(family).filter(|_| is_login);
            body.insert("id_token".to_owned(), json!(id_token(issuer, nonce, changes)));
        }
        for (field, value) in &self.changes {
            match value {
                Some(value) => body.insert(field.clone(), value.clone()),
                None => body.remove(field),
            };
        }
        Value::Object(body)
    }
}

/// An ID token of `issuer`, good for five minutes. Its signature is none: nobody who has the token
/// from here looks at it.
fn id_token(issuer: &str, nonce: Option<&str>, changes: &Value) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock that runs").as_secs();
    let mut claims = json!({
        "iss": issuer,
        "sub": "made-up-1",
        "aud": "tokctl-made-up",
        "iat": now,
        "exp": now + 300,
        "nonce": nonce,
    });
    for (name, value) in changes.as_object().into_iter().flatten() {
        claims[name] = value.clone();
    }
    let claims: Map<String, Value> = claims
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let encode = |part: &Value| BASE64URL_NOPAD.encode(part.to_string().as_bytes());
    let header = encode(&json!({ "alg": "RS256", "kid": "made-up" }));
    format!("{header}.{}.bWFkZS11cA", encode(&Value::Object(claims)))
}
