//! The property of a configuration.

use super::printed_text;
use crate::config;
use crate::model::account::ProviderName;
use crate::model::address::Address;
use crate::providers::{self, AddressParameters, Endpoints};

/// Checks where a configuration sends secrets. The input is the text of a `config.toml`.
///
/// # Panics
///
/// If a secret could be sent in the clear.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let config = match config::parse(text) {
        Ok(config) => config,
        Err((line, message)) => {
            assert!((1..=1 + text.matches('\n').count()).contains(&line), "line {line}");
            return assert!(!message.contains('\n'), "{message:?}");
        }
    };
    let server: Address = "https://made-up.example/jira".parse().expect("an address");
    for name in providers::names(&config) {
        let name: ProviderName = name.parse().expect("names are looked at when they are read");
        let Ok(provider) = providers::find(&name, &config) else { continue };
        let places = AddressParameters {
            server: Some(&server),
            site_id: Some("a/b"),
            api_base_url: Some(&server),
        };
        let _ = (provider.server(None), provider.redirect_uri(), provider.scopes(&[]));
        if let Ok(Endpoints { authorization, device_authorization, token, revocation, .. }) =
            provider.endpoints(Some(&server), None)
        {
            let others = [authorization, device_authorization, revocation];
            others.iter().flatten().chain([&token]).for_each(assert_safe);
        }
        if let Ok(Some(check)) = provider.check(places) {
            assert_safe(&check.url);
        }
        if let Ok(Some(base)) = provider.api_base_url(places) {
            assert_safe(&base);
        }
    }
}

/// Asserts that a secret may be sent to `address`: it is encrypted, or stays on this machine.
fn assert_safe(address: &Address) {
    assert!(address.url().scheme() == "https" || address.is_loopback(), "{address}");
    assert!(address.url().username().is_empty() && address.url().password().is_none());
    assert!(!address.as_str().contains(char::is_whitespace));
    printed_text::assert_harmless(&crate::untrusted::printable(address.as_str()));
}
