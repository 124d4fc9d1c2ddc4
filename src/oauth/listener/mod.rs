//! The loopback listener (RFC 8252 §7.3): waits for the browser to come back from the
//! authorization server.
//!
//! Anything on this machine, and any page that the person has open, can send requests here. So
//! exactly one request counts, the one that brings the login's own state; no other can end the
//! login, hold it up, or learn anything. Redeeming the code is the caller's business, and so is
//! everything that is printed.

mod answer;
mod request;
mod connection;
mod sockets;
mod reception;
mod tab;
#[cfg(test)]
mod tests;

use std::io;
use std::net::TcpListener;
use std::time::Instant;

use crate::oauth::authorization_response::{AuthorizationResponse, Expected, Rejected};
use crate::oauth::redirect_uri::RedirectUri;
use answer::Answer;
use reception::Reception;
use tab::Tab;

/// Why no authorization response came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The redirect URI's fixed port is taken. Another one would not be the registered URI, so
    /// the person has to free it or to register another.
    #[error("port {port} is taken by another program")]
    PortTaken {
        /// The port.
        port: u16,
    },
    /// The system doesn't let this program listen there.
    #[error("could not listen on `{redirect_uri}`")]
    Bind {
        /// Where to.
        redirect_uri: RedirectUri,
        /// What the system said.
        source: io::Error,
    },
    /// Nothing came in time: the person has to start again.
    #[error("the browser did not come back in time")]
    TimedOut,
    /// An answer with the right state came from the wrong server. Its code is not to be used.
    #[error(transparent)]
    Rejected(Rejected),
    /// The system failed while waiting.
    #[error("could not go on listening for the browser")]
    Io(#[from] io::Error),
}

/// A listener whose port is open, so that the browser can be sent on its way.
#[derive(Debug)]
pub(crate) struct Listener {
    redirect_uri: RedirectUri,
    sockets: Vec<TcpListener>,
}

impl Listener {
    /// Listens where `redirect_uri` leads to; its port 0 becomes a free one.
    pub(crate) fn bind(redirect_uri: &RedirectUri) -> Result<Self, Error> {
        let wanted = redirect_uri.port();
        let (sockets, port) = sockets::listen(redirect_uri.host(), wanted).map_err(|source| {
            if wanted != 0 && source.kind() == io::ErrorKind::AddrInUse {
                Error::PortTaken { port: wanted }
            } else {
                Error::Bind { redirect_uri: redirect_uri.clone(), source }
            }
        })?;
        Ok(Self { redirect_uri: redirect_uri.clone().with_port(port), sockets })
    }

    /// The redirect URI with its real port, for the authorization and the token request.
    pub(crate) fn redirect_uri(&self) -> &RedirectUri {
        &self.redirect_uri
    }

    /// Waits until the `expected` response arrives, `deadline` at the latest. The browser that
    /// brought it then waits in turn, for [`Arrived::finish`].
    pub(crate) fn wait(self, expected: Expected, deadline: Instant) -> Result<Arrived, Error> {
        let mut reception = Reception::new(self.redirect_uri, self.sockets, expected);
        let ended = loop {
            if Instant::now() >= deadline {
                return Err(Error::TimedOut);
            }
            reception.sleep(Some(deadline), None)?;
            if let Some(ended) = reception.serve()? {
                break ended;
            }
        };
        match ended.outcome {
            Ok(response) => Ok(Arrived { response, tab: Tab::new(reception, ended.connection)? }),
            Err(rejected) => {
                drop(reception);
                ended.connection.answer_last(Answer::NotLoggedIn, Instant::now());
                Err(Error::Rejected(rejected))
            }
        }
    }
}

/// The authorization response, and the browser that waits to hear how the login went. Dropped
/// without more, it shows the browser that the login has failed.
pub(crate) struct Arrived {
    /// What the authorization server answered.
    pub response: AuthorizationResponse,
    tab: Tab,
}

impl Arrived {
    /// Shows the browser that the credential is stored, closes the port once the page is out, and
    /// returns.
    pub(crate) fn show_logged_in(self) {
        self.tab.show_logged_in();
    }
}
