//! The login methods of a provider, and what its definition lacks for one of them.

use super::method::Method;
use crate::cli::error::{CliError, Kind};
use crate::model::definition::RefreshKind;
use crate::model::workload::Assertion;
use crate::ops::login::service_account::GOOGLE;
use crate::ops::providers::Provider;

/// Returns the methods that can work with the provider, the most likely first.
pub(super) fn methods(provider: &Provider) -> Vec<Method> {
    let definition = &provider.definition;
    let has = |endpoint: &Option<String>| endpoint.is_some() || definition.issuer.is_some();
    let for_itself = definition.refresh.kind == RefreshKind::ClientCredentials;
    let has_identity = definition.assertion.as_ref().is_some_and(Assertion::names_source);
    [
        (Method::ClientCredentials, for_itself),
        (Method::WorkloadIdentity, has_identity),
        (Method::Browser, has(&definition.authorization_endpoint)),
        (Method::Device, has(&definition.device_authorization_endpoint)),
        (Method::Token, true),
        (Method::ServiceAccount, is_googles(provider)),
        (Method::WorkloadIdentity, is_googles(provider) && !has_identity),
    ]
    .into_iter()
    .filter_map(|(method, works)| works.then_some(method))
    .collect()
}

/// Returns the method of a provider that has just one.
pub(super) fn only_method(provider: &Provider) -> Option<Method> {
    match methods(provider)[..] {
        [only] => Some(only),
        _ => None,
    }
}

/// Returns [`methods`], with a token first for a user without a client: it needs no registration.
pub(super) fn in_order(provider: &Provider, has_client: bool) -> Vec<Method> {
    let mut methods = methods(provider);
    if !has_client && !methods.contains(&Method::ClientCredentials) {
        methods.sort_by_key(|method| *method != Method::Token);
    }
    methods
}

/// Returns whether the provider's tokens come from Google.
pub(super) fn is_googles(provider: &Provider) -> bool {
    provider.definition.token_endpoint.as_deref() == Some(GOOGLE)
}

/// Returns whether the method needs addresses that depend on a server which is not defined.
pub(super) fn needs_server(provider: &Provider, method: Method) -> bool {
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
        Method::Browser
        | Method::Device
        | Method::ClientCredentials
        | Method::ServiceAccount
        | Method::WorkloadIdentity => holds(&of_grant, "{server}"),
    };
    definition.server.is_none() && needed
}

/// Fails if the service is not known to have the endpoint with which a login by `method` begins.
pub(super) fn expect_endpoint(method: Method, provider: &Provider) -> Result<(), CliError> {
    let endpoint = match method {
        Method::Browser => "authorization_endpoint",
        Method::Device => "device_authorization_endpoint",
        Method::Token
        | Method::ClientCredentials
        | Method::ServiceAccount
        | Method::WorkloadIdentity => return Ok(()),
    };
    let able = methods(provider);
    if able.contains(&method) {
        return Ok(());
    }
    let name = &provider.name;
    let others: Vec<String> =
        able.iter().map(|other| format!("`--method {}`", other.name())).collect();
    Err(CliError::new(
        Kind::Usage,
        format!(
            "there is no login {} at `{name}`, which has no `{endpoint}`, but {}",
            method.described(),
            others.join(" or ")
        ),
    )
    .hint(format!("tokctl providers {name}")))
}
