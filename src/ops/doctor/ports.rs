//! Whether a browser could come back from a login.

use super::report::{Check, Remedy, Told};
use crate::oauth::listener::{Error, Listener};
use crate::oauth::redirect_uri::RedirectUri;
use crate::untrusted::printable;

/// Tries to listen where most logins do: on a free port of this machine's own addresses.
pub(crate) fn any_port() -> Vec<Told> {
    let told = |name: &str, uri: &str| {
        let bound = uri.parse().ok().map(|uri: RedirectUri| Listener::bind(&uri));
        match bound {
            Some(Ok(_)) => Told::fine(Check::Ports, format!("a login can listen on {name}")),
            Some(Err(error)) => Told::finding(
                Check::Ports,
                format!("no login can listen on {name}: {}", reason(&error)),
                Remedy::LookAtLoopback,
            ),
            None => Told::unknown(Check::Ports, format!("{name} is no address to listen on")),
        }
    };
    let mut all = vec![told("127.0.0.1", "http://127.0.0.1:0/")];
    // A machine without IPv6 lacks nothing: `localhost` is IPv4 alone there.
    match "http://[::1]:0/".parse().map(|uri: RedirectUri| Listener::bind(&uri)) {
        Ok(Err(_)) | Err(_) => {
            all.push(Told::fine(Check::Ports, "there is no IPv6 on this machine's own address"));
        }
        Ok(Ok(_)) => all.push(told("[::1]", "http://[::1]:0/")),
    }
    all
}

/// Tries the redirect URI of `provider`, if it has a port of its own.
pub(crate) fn fixed_port(provider: &str, redirect_uri: &str) -> Option<Told> {
    let uri: RedirectUri = redirect_uri.parse().ok()?;
    let port = uri.port();
    if port == 0 {
        return None;
    }
    Some(match Listener::bind(&uri) {
        Ok(_) => Told::fine(Check::Ports, format!("port {port}, for `{provider}`, is free")),
        Err(error) => Told::finding(
            Check::Ports,
            format!("`{provider}` can't be logged in to: {}", reason(&error)),
            Remedy::FreePort,
        ),
    })
}

fn reason(error: &Error) -> String {
    match error {
        Error::Bind { source, .. } => printable(&source.to_string()),
        Error::PortTaken { .. } | Error::TimedOut | Error::Rejected(_) | Error::Io(_) => {
            error.to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;
    use crate::ops::doctor::report::{Seen, Verdict};

    fn verdict(told: &Told) -> Verdict {
        match told.seen {
            Seen::Fact { verdict, .. } => verdict,
            Seen::Failure(_) => panic!("{told:?}"),
        }
    }

    #[test]
    fn a_port_that_is_taken_is_found_and_a_free_one_too() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let uri = format!("http://127.0.0.1:{}/callback", taken.local_addr().unwrap().port());
        assert_eq!(verdict(&fixed_port("acme", &uri).unwrap()), Verdict::Finding);
        drop(taken);
        assert_eq!(verdict(&fixed_port("acme", &uri).unwrap()), Verdict::Fine);
        assert!(fixed_port("acme", "http://127.0.0.1:0/callback").is_none());
    }
}
