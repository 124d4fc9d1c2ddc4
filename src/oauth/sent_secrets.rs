//! The secrets that a request carried, which are masked where its answer repeats them.

use data_encoding::BASE64;
use zeroize::Zeroizing;

use super::authentication::Authentication;
use crate::secret::SecretText;
use crate::untrusted::printable;

/// Fields whose values are no secrets (RFC 6749, RFC 7009, RFC 7523, RFC 8693).
const PUBLIC: [&str; 10] = [
    "grant_type",
    "client_id",
    "redirect_uri",
    "scope",
    "token_type_hint",
    "requested_token_type",
    "subject_token_type",
    "client_assertion_type",
    "audience",
    "resource",
];

/// The shortest secret that is masked, in bytes: a shorter text occurs in harmless words.
const MIN_LENGTH: usize = 6;

/// The text that replaces a secret.
const REDACTED: &str = "***";

/// The secrets of one request, in each form in which it carried them.
#[derive(Default)]
pub(crate) struct SentSecrets(Vec<Zeroizing<String>>);

impl SentSecrets {
    /// Returns the secrets of a request with this `authentication` and these form `fields`.
    pub(crate) fn of(authentication: &Authentication<'_>, fields: &[(&str, &str)]) -> Self {
        let mut all = Self::default();
        match authentication {
            Authentication::None => {}
            Authentication::Client { id, secret } => all.add_basic(id, secret.expose()),
            Authentication::Basic { username, token } => all.add_basic(username, token.expose()),
            Authentication::Bearer(token) | Authentication::Header { token, .. } => {
                all.add(token.expose());
            }
        }
        for (name, value) in fields {
            if !PUBLIC.contains(name) {
                all.add(value);
            }
        }
        // Longer secrets come first: a shorter one may be the beginning of a longer one.
        all.0.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        all
    }

    /// Returns what a server said with the secrets masked, safe to print and to store.
    pub(crate) fn redact(&self, text: &str) -> String {
        let mut text = Zeroizing::new(text.to_owned());
        for secret in &self.0 {
            text = Zeroizing::new(text.replace(secret.as_str(), REDACTED));
        }
        printable(&text)
    }

    fn add(&mut self, secret: &str) {
        if secret.len() < MIN_LENGTH {
            return;
        }
        let encoded = url::form_urlencoded::byte_serialize(secret.as_bytes());
        let encoded: Zeroizing<String> = Zeroizing::new(encoded.collect());
        self.0.push(Zeroizing::new(secret.to_owned()));
        if *encoded != secret {
            self.0.push(encoded);
        }
    }

    fn add_basic(&mut self, name: &str, secret: &str) {
        self.add(secret);
        let pair = Zeroizing::new(format!("{name}:{secret}"));
        self.add(&Zeroizing::new(BASE64.encode(pair.as_bytes())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::{AccessToken, ClientSecret};

    #[test]
    fn what_was_sent_is_not_shown_in_any_form_in_which_it_was_sent() {
        let secret = ClientSecret::from_trusted("made-up/secret".into());
        let authentication = Authentication::Client { id: "app", secret: &secret };
        let fields = [("grant_type", "refresh_token"), ("refresh_token", "made-up-token")];
        let sent = SentSecrets::of(&authentication, &fields);
        let said = "refresh_token made-up-token of app, made-up/secret, made-up%2Fsecret, \
                    Basic YXBwOm1hZGUtdXAvc2VjcmV0";
        assert_eq!(sent.redact(said), "refresh_token *** of app, ***, ***, Basic ***");
    }

    #[test]
    fn one_secret_may_begin_another() {
        let token = AccessToken::from_trusted("made-up".into());
        let sent = SentSecrets::of(&Authentication::Bearer(&token), &[("token", "made-up-longer")]);
        assert_eq!(sent.redact("made-up-longer and made-up"), "*** and ***");
    }
}
