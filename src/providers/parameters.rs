//! The additional parameters of a provider's requests: which request carries which, and which a
//! definition must not have.
//!
//! The nearer setting replaces the farther one by name: `audience` and `resource` are for all
//! requests, `token_params` for those of a token, the others for one request each.

use std::borrow::Cow;

use super::error::Error;
use super::provider::Provider;
use crate::model::address::Address;
use crate::model::definition::{Definition, RefreshKind};
use crate::model::request_params::RequestParams;

/// The parameters that every authorization request sets by itself.
const OF_AUTHORIZATION: [&str; 11] = [
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
];

/// The parameters that token requests set by themselves, whatever the grant, and those that hold
/// a secret.
const OF_TOKEN: [&str; 16] = [
    "assertion",
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "code",
    "code_verifier",
    "device_code",
    "fb_exchange_token",
    "grant_type",
    "redirect_uri",
    "refresh_token",
    "requested_token_type",
    "scope",
    "subject_token",
    "subject_token_type",
];

/// The parameters of [`OF_TOKEN`] that the request for a code's token does not set: `code_params` may.
const FREE_IN_CODE: [&str; 1] = ["scope"];

/// The parameters of [`OF_TOKEN`] that no refresh sets: `refresh_params` may.
const FREE_IN_REFRESH: [&str; 2] = ["redirect_uri", "scope"];

impl Provider {
    /// Returns the additional parameters of the authorization request.
    pub(crate) fn authorization_params(&self) -> RequestParams {
        self.target_params().overlaid(&self.definition.authorization_params)
    }

    /// Returns the additional parameters of the device authorization request.
    pub(crate) fn device_params(&self) -> RequestParams {
        self.token_params(None).overlaid(&self.definition.device_params)
    }

    /// Returns the additional parameters of every token request, as they are sealed with the client
    /// after a login at `redirect_uri`.
    pub(crate) fn token_params(&self, redirect_uri: Option<&str>) -> RequestParams {
        self.target_params().overlaid(&self.definition.token_params).filled(redirect_uri)
    }

    fn target_params(&self) -> RequestParams {
        let definition = &self.definition;
        RequestParams::of_target(definition.audience.as_ref(), definition.resource.as_ref())
    }

    /// Checks that the definition sets no parameter that a login sets, and none that no request of
    /// this provider would carry.
    pub(super) fn check_params(&self) -> Result<(), Error> {
        let message = reserved(&self.definition)
            .map(|(setting, name)| format!("`{name}` in `{setting}` is not for it to set"))
            .or_else(|| unsent(&self.definition));
        match message {
            None => Ok(()),
            Some(message) => Err(Error::Malformed { name: self.name.to_string(), message }),
        }
    }
}

/// Returns a setting with a parameter that is not for it, and that parameter's name.
fn reserved(definition: &Definition) -> Option<(&'static str, &'static str)> {
    let free = |name: &str, free: &[&str]| free.contains(&name);
    let named = |setting, params: &RequestParams, reserved: &[&'static str], allowed: &[&str]| {
        let name = reserved.iter().find(|name| params.has(name) && !free(name, allowed))?;
        Some((setting, *name))
    };
    let refresh_params = &definition.dialect.refresh_params;
    named("authorization_params", &definition.authorization_params, &OF_AUTHORIZATION, &[])
        .or_else(|| named("token_params", &definition.token_params, &OF_TOKEN, &[]))
        .or_else(|| named("device_params", &definition.device_params, &OF_TOKEN, &[]))
        .or_else(|| named("code_params", &definition.code_params, &OF_TOKEN, &FREE_IN_CODE))
        .or_else(|| named("dialect.refresh_params", refresh_params, &OF_TOKEN, &FREE_IN_REFRESH))
}

/// Returns a sentence about a setting that no request would carry, with the reason; `None` if there is
/// none.
fn unsent(definition: &Definition) -> Option<String> {
    let discovers = definition.issuer.is_some();
    let has_browser = definition.authorization_endpoint.is_some() || discovers;
    let has_device = definition.device_authorization_endpoint.is_some() || discovers;
    let has_token = definition.token_endpoint.is_some() || discovers;
    let has_refresh = match definition.refresh.kind {
        RefreshKind::RefreshToken | RefreshKind::Exchange => has_token,
        RefreshKind::ClientCredentials
        | RefreshKind::TokenExchange
        | RefreshKind::ClientAssertion
        | RefreshKind::JwtBearer => has_browser || has_device,
        RefreshKind::None => false,
    };
    let no_refresh = "no login of this provider has a refresh token";
    let no_browser = "there is neither `authorization_endpoint` nor `issuer`";
    let no_device = "there is neither `device_authorization_endpoint` nor `issuer`";
    let no_token = "there is neither `token_endpoint` nor `issuer`";
    let settings = [
        ("audience", definition.audience.is_some(), has_token, no_token),
        ("resource", definition.resource.is_some(), has_token, no_token),
        ("token_params", !definition.token_params.is_empty(), has_token, no_token),
        ("code_params", !definition.code_params.is_empty(), has_browser, no_browser),
        (
            "authorization_params",
            !definition.authorization_params.is_empty(),
            has_browser,
            no_browser,
        ),
        ("device_params", !definition.device_params.is_empty(), has_device, no_device),
        (
            "dialect.refresh_params",
            !definition.dialect.refresh_params.is_empty(),
            has_refresh,
            no_refresh,
        ),
    ];
    let (setting, _, _, why) =
        settings.into_iter().find(|(_, is_set, is_sent, _)| *is_set && !is_sent)?;
    Some(format!("no request would carry its `{setting}`: {why}"))
}

/// Checks that the authorization endpoint can carry a request: it has no fragment (RFC 6749 §3.1),
/// and sets no parameter that a login sets.
pub(crate) fn check_authorization_endpoint(
    provider: &Provider,
    endpoint: &Address,
) -> Result<(), Error> {
    let reserved =
        |(name, _): (Cow<'_, str>, _)| OF_AUTHORIZATION.iter().find(|other| **other == name);
    let message = if endpoint.url().fragment().is_some() {
        "its `authorization_endpoint` has a fragment".to_owned()
    } else if let Some(reserved) = endpoint.url().query_pairs().find_map(reserved) {
        format!("`{reserved}` in `authorization_endpoint` is not for it to set")
    } else {
        return Ok(());
    };
    Err(Error::Malformed { name: provider.name.to_string(), message })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDPOINT: &str = "token_endpoint = 'https://id.example/token'\n";

    fn complaint(text: &str) -> Option<String> {
        let definition = toml::from_str(text).unwrap();
        let provider = Provider { name: "acme".parse().unwrap(), definition };
        provider.check_params().err().map(|error| error.to_string())
    }

    #[test]
    fn a_parameter_of_the_login_itself_is_not_for_a_definition_to_set() {
        for (setting, name) in [
            ("token_params", "scope"),
            ("token_params", "refresh_token"),
            ("code_params", "code_verifier"),
            ("device_params", "client_id"),
            ("dialect.refresh_params", "grant_type"),
            ("authorization_params", "state"),
        ] {
            let text = format!("issuer = 'https://id.example'\n{setting}.{name} = 'x'");
            let said = complaint(&text).unwrap();
            assert!(said.contains(name) && said.contains(setting), "{said}");
        }
        for allowed in ["code_params.scope", "dialect.refresh_params.redirect_uri"] {
            let text = format!("issuer = 'https://id.example'\n{allowed} = 'x'");
            assert_eq!(complaint(&text), None);
        }
    }

    #[test]
    fn a_setting_that_nothing_would_carry_is_told() {
        for setting in
            ["authorization_params.a = 'x'", "code_params.a = 'x'", "device_params.a = 'x'"]
        {
            let said = complaint(&format!("{ENDPOINT}{setting}")).unwrap();
            assert!(said.contains("no request would carry"), "{said}");
            assert_eq!(complaint(&format!("issuer = 'https://id.example'\n{setting}")), None);
        }
        for setting in ["audience = 'x'", "resource = ['x', 'y']", "token_params.a = 'x'"] {
            assert!(complaint(setting).unwrap().contains("no request would carry"), "{setting}");
            assert_eq!(complaint(&format!("{ENDPOINT}{setting}")), None);
        }
        let refresh = format!("{ENDPOINT}dialect.refresh_params.a = 'x'\n");
        assert_eq!(complaint(&refresh), None);
        for kind in ["none", "client_credentials"] {
            assert!(complaint(&format!("{refresh}refresh.kind = '{kind}'")).is_some(), "{kind}");
        }
    }
}
