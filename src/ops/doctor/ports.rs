//! The check of the ports to which a browser returns at the end of a login.

use super::facts::PortsFact;
use super::finding::{Fact, Finding, Remedy};
use crate::oauth::listener::Listener;
pub(crate) use crate::oauth::redirect_uri::Invalid as InvalidRedirectUri;
use crate::oauth::redirect_uri::RedirectUri;
use crate::ops::providers::Provider;

/// Tries to listen where most logins do: on any free port of the loopback addresses.
pub(crate) fn any_port() -> Vec<Finding> {
    let try_address = |on: &'static str, uri: &str| {
        let bound = uri.parse().ok().map(|uri: RedirectUri| Listener::bind(&uri));
        match bound {
            Some(Ok(_)) => Finding::fine(Fact::Ports(PortsFact::Listens { on })),
            Some(Err(error)) => {
                let fact = Fact::Ports(PortsFact::Refused { on, error });
                Finding::to_mend(fact, Remedy::LookAtLoopback)
            }
            None => Finding::unknown(Fact::Ports(PortsFact::NotAnAddress { on })),
        }
    };
    let mut findings = vec![try_address("127.0.0.1", "http://127.0.0.1:0/")];
    // A machine without IPv6 is fine: its `localhost` is the IPv4 address.
    match "http://[::1]:0/".parse().map(|uri: RedirectUri| Listener::bind(&uri)) {
        Ok(Err(_)) | Err(_) => findings.push(Finding::fine(Fact::Ports(PortsFact::NoIpv6))),
        Ok(Ok(_)) => findings.push(try_address("[::1]", "http://[::1]:0/")),
    }
    findings
}

/// Tries to listen on the port of `provider`'s redirect URI. Returns `None` if it names no port.
pub(crate) fn fixed_port(provider: &Provider) -> Option<Finding> {
    let uri: RedirectUri = provider.redirect_uri().parse().ok()?;
    let port = uri.port();
    if port == 0 {
        return None;
    }
    let provider = provider.name.clone();
    Some(match Listener::bind(&uri) {
        Ok(_) => Finding::fine(Fact::Ports(PortsFact::Free { provider, port })),
        Err(error) => {
            let fact = Fact::Ports(PortsFact::Taken { provider, error });
            Finding::to_mend(fact, Remedy::FreePort)
        }
    })
}

/// Returns why no login at `provider` can listen on its redirect URI. Returns `None` if one can, or
/// if the URI is not `http`, so that no login tries to listen.
pub(crate) fn unusable_redirect_uri(provider: &Provider) -> Option<InvalidRedirectUri> {
    let uri = provider.redirect_uri();
    if uri.starts_with("http:") { uri.parse::<RedirectUri>().err() } else { None }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;
    use crate::ops::doctor::finding::Verdict;

    fn provider(redirect_uri: &str) -> Provider {
        let definition = toml::from_str(&format!("redirect_uri = '{redirect_uri}'")).unwrap();
        Provider { name: "acme".parse().unwrap(), definition }
    }

    fn verdict(redirect_uri: &str) -> Option<Verdict> {
        match fixed_port(&provider(redirect_uri))? {
            Finding::Assessed { verdict, .. } => Some(verdict),
            Finding::Failure { error, .. } => panic!("{error}"),
        }
    }

    #[test]
    fn a_port_that_is_taken_is_found_and_a_free_one_too() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let uri = format!("http://127.0.0.1:{}/callback", taken.local_addr().unwrap().port());
        assert_eq!(verdict(&uri), Some(Verdict::ToMend));
        drop(taken);
        assert_eq!(verdict(&uri), Some(Verdict::Fine));
        assert_eq!(verdict("http://127.0.0.1:0/callback"), None);
    }
}
