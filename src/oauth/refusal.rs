//! The words with which authorization servers refuse, and what each of them means.
//!
//! One table says it. Where in an answer a word stands is found by [`super::error_answer`].

/// The kind of the request that was refused, which decides what some errors mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// A request that redeems a code (RFC 6749 §4.1.3) or asks for one.
    Exchange,
    /// A request that renews a token (RFC 6749 §6).
    Refresh,
    /// A request with the client's own proof, in which no person has a part (RFC 6749 §4.4, RFC
    /// 7523 §2.1).
    Unattended,
}

/// The meaning of an error's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The grant is over.
    Grant,
    /// The client's settings are wrong.
    Client,
    /// The answer says nothing of the grant or the client.
    Passing,
}

/// Returns the meaning of `code`, which is in lower case with `_` between words; `None` for a code
/// that nobody knows.
pub(super) fn verdict(code: &str, request: Request, status: u16) -> Option<Verdict> {
    // A server in trouble may say anything of a token; only RFC 6749's own word counts then.
    let is_refusal = request == Request::Refresh && status != 429 && status < 500;
    match code {
        "invalid_grant"
        | "bad_refresh_token"
        | "bad_verification_code"
        | "incorrect_device_code" => Some(Verdict::Grant),
        // Salesforce and Atlassian (RFC 6749 §5.2 means the client, and so does Keycloak with 401,
        // where a secret is wrong).
        "unauthorized_client" if request == Request::Refresh && status != 401 => {
            Some(Verdict::Grant)
        }
        // RFC 6750 §3.1, and OpenID Connect Core §3.1.2.6 as Microsoft answers a refresh.
        "invalid_token" | "interaction_required" | "login_required" | "consent_required"
            if is_refusal =>
        {
            Some(Verdict::Grant)
        }
        // `access_denied` is Atlassian's word for a wrong secret.
        "invalid_client"
        | "incorrect_client_credentials"
        | "access_denied"
        | "device_flow_disabled"
        | "invalid_scope"
        // RFC 8693 §2.2.2, RFC 8707 §2.
        | "invalid_target"
        | "redirect_uri_mismatch"
        | "unauthorized_client"
        | "unsupported_grant_type"
        | "invalid_request" => Some(Verdict::Client),
        "server_error"
        | "temporarily_unavailable"
        | "slow_down"
        | "authorization_pending"
        | "authorization_declined"
        | "expired_token" => Some(Verdict::Passing),
        other if is_refusal && says_refresh_token_is_over(other) => Some(Verdict::Grant),
        _ => None,
    }
}

/// Whether `code` names the refresh token, or a token and no other kind of it, and says that it is
/// over.
fn says_refresh_token_is_over(code: &str) -> bool {
    // Tokens of another kind.
    const OTHERS: [&str; 13] = [
        "access",
        "id",
        "assertion",
        "registration",
        "client",
        "device",
        "csrf",
        "xsrf",
        "subject",
        "actor",
        "initial",
        "bearer",
        "session",
    ];
    // Things about a token that are not the token: one that is invalid is no token that is.
    const ABOUT: [&str; 9] =
        ["request", "response", "type", "format", "endpoint", "method", "header", "hint", "uri"];
    const OVER: [&str; 6] = ["expired", "reused", "reuse", "revoked", "invalid", "notfound"];
    let words: Vec<&str> = code.split('_').collect();
    let has_pair = |first, second| words.windows(2).any(|pair| pair == [first, second]);
    let has_any = |list: &[&str]| words.iter().any(|word| list.contains(word));
    let names_refresh_token = has_pair("refresh", "token") || words.contains(&"refreshtoken");
    let names_token = words.contains(&"token") && !has_any(&OTHERS);
    let is_over = has_any(&OVER) || has_pair("not", "found") || has_pair("already", "used");
    (names_refresh_token || names_token) && !has_any(&ABOUT) && is_over
}

/// Returns `code` in lower case with `_` between words, however it was written.
pub(super) fn normalised(code: &str) -> String {
    let mut text = String::with_capacity(code.len() + 4);
    let mut before = '_';
    for letter in code.trim().chars().take(200) {
        let starts_word = letter.is_ascii_uppercase() && before.is_ascii_lowercase();
        let separates = !letter.is_ascii_alphanumeric();
        if (starts_word || separates) && !text.is_empty() && !text.ends_with('_') {
            text.push('_');
        }
        if !separates {
            text.push(letter.to_ascii_lowercase());
        }
        before = letter;
    }
    text.truncate(text.trim_end_matches('_').len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_compared_however_they_are_written() {
        for (sent, plain) in [
            ("invalid_grant", "invalid_grant"),
            ("INVALID_GRANT", "invalid_grant"),
            ("InvalidGrant", "invalid_grant"),
            ("refresh-token expired.", "refresh_token_expired"),
        ] {
            assert_eq!(normalised(sent), plain);
        }
    }

    #[test]
    fn a_word_for_a_refresh_token_that_is_over_counts_in_answer_to_a_refresh_alone() {
        let code = "refresh_token_not_found";
        assert_eq!(verdict(code, Request::Refresh, 400), Some(Verdict::Grant));
        assert_eq!(verdict(code, Request::Refresh, 503), None);
        assert_eq!(verdict(code, Request::Exchange, 400), None);
        assert_eq!(verdict("access_token_expired", Request::Refresh, 400), None);
        let code = "unauthorized_client";
        assert_eq!(verdict(code, Request::Refresh, 403), Some(Verdict::Grant));
        assert_eq!(verdict(code, Request::Refresh, 401), Some(Verdict::Client));
    }
}
