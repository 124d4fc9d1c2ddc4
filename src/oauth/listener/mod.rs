//! The loopback listener (RFC 8252 §7.3), which waits for the browser to come back from the
//! authorization server.
//!
//! Any program on this machine, and any page that is open in a browser, can send requests here. So
//! exactly one request counts, the one with the login's own state; no other can end the login,
//! delay it or learn anything. Redeeming the code and printing are the caller's business.

pub(crate) mod answer;
mod stray;
pub(crate) mod request;
mod neighbour;
mod connection;
mod sockets;
mod port_owner;
mod server;
mod tab;
#[cfg(test)]
mod tests;

use std::io;
use std::net::TcpListener;
use std::time::Instant;

use crate::oauth::authorization_response::{AuthorizationResponse, ExpectedResponse, Rejection};
use crate::oauth::pasted::PasteInput;
use crate::oauth::redirect_uri::RedirectUri;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use answer::Answer;
pub(crate) use neighbour::Stranger;
use port_owner::PortOwner;
use server::Server;
pub(crate) use server::Unwanted;
pub(crate) use stray::Stray;
use tab::Tab;

/// The reason why no authorization response came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The redirect URI's fixed port is taken. Another port would not be the registered URI, so the
    /// person has to free it or to register another.
    #[error("port {port} is taken by {}", owner_of(owner.as_ref()))]
    PortTaken {
        /// The port.
        port: u16,
        /// The process that listens on it, if the system tells.
        owner: Option<PortOwner>,
    },
    /// The system doesn't let this program listen on the redirect URI.
    #[error("could not listen on `{redirect_uri}`")]
    Bind {
        /// The redirect URI.
        redirect_uri: RedirectUri,
        /// The error of the system.
        source: io::Error,
    },
    /// No answer came in time: the person has to start again.
    #[error("the browser did not come back in time")]
    TimedOut,
    /// No answer came in time, though something came that looks like one: what it was is told.
    #[error("the browser came back, and not with the answer to this login")]
    Unanswered,
    /// An answer with the right state came from the wrong server. Its code must not be used.
    #[error(transparent)]
    Rejected(Rejection),
    /// A system call failed while waiting.
    #[error("could not go on listening for the browser")]
    Io(#[from] io::Error),
}

fn owner_of(owner: Option<&PortOwner>) -> String {
    owner.map_or_else(|| "another program".to_owned(), PortOwner::to_string)
}

/// A listener with an open port: the browser can be sent to the authorization server.
#[derive(Debug)]
pub(crate) struct Listener {
    redirect_uri: RedirectUri,
    sockets: Vec<TcpListener>,
}

impl Listener {
    /// Opens the port of `redirect_uri`, or a free one if that is 0.
    pub(crate) fn bind(redirect_uri: &RedirectUri) -> Result<Self, Error> {
        let wanted = redirect_uri.port();
        let (sockets, port) = sockets::listen(redirect_uri.host(), wanted).map_err(|source| {
            if wanted != 0 && source.kind() == io::ErrorKind::AddrInUse {
                Error::PortTaken { port: wanted, owner: port_owner::find(wanted) }
            } else {
                Error::Bind { redirect_uri: redirect_uri.clone(), source }
            }
        })?;
        Ok(Self { redirect_uri: redirect_uri.clone().with_port(port), sockets })
    }

    /// Returns the redirect URI with its real port, for the authorization and the token request.
    pub(crate) fn redirect_uri(&self) -> &RedirectUri {
        &self.redirect_uri
    }

    /// Waits until the `expected` response arrives through the port or is pasted into `paste`, at
    /// the latest until `deadline`. A browser that brought it then waits for
    /// [`Arrival::show_logged_in`]. Each kind of what came instead is told once to `tell`.
    pub(crate) fn wait(
        self,
        expected: &ExpectedResponse,
        deadline: Instant,
        mut paste: Option<PasteInput<'_>>,
        tell: &mut dyn FnMut(Unwanted),
    ) -> Result<Arrival, Error> {
        let mut server = Server::new(self.redirect_uri, self.sockets, expected.clone());
        let finish = loop {
            if Instant::now() >= deadline {
                let came = server.has_seen_stray();
                return Err(if came { Error::Unanswered } else { Error::TimedOut });
            }
            let descriptor = paste.as_ref().and_then(PasteInput::descriptor);
            if server.sleep(Some(deadline), descriptor)?
                && let Some(paste) = &mut paste
                && let Some(outcome) = paste.read_answer(expected)?
            {
                let response = outcome.map_err(Error::Rejected)?;
                return Ok(Arrival { response, tab: None });
            }
            if let Some(finish) = server.serve()? {
                break finish;
            }
            while let Some(unwanted) = server.next_untold() {
                tell(unwanted);
            }
        };
        match finish.outcome {
            Ok(response) => {
                Ok(Arrival { response, tab: Some(Tab::new(server, finish.connection)?) })
            }
            Err(rejected) => {
                drop(server);
                finish.connection.answer_last(&Answer::NotLoggedIn.to_bytes(), Instant::now());
                Err(Error::Rejected(rejected))
            }
        }
    }
}

/// Waits for a response that can only be pasted, at the latest until `deadline`.
pub(crate) fn wait_for_paste(
    expected: &ExpectedResponse,
    deadline: Instant,
    mut paste: PasteInput<'_>,
) -> Result<Arrival, Error> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Error::TimedOut);
        }
        let descriptor =
            paste.descriptor().ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        match poll(
            &mut [PollFd::new(&descriptor, PollFlags::IN)],
            Timespec::try_from(left).ok().as_ref(),
        ) {
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => {
                if let Some(outcome) = paste.read_answer(expected)? {
                    let response = outcome.map_err(Error::Rejected)?;
                    return Ok(Arrival { response, tab: None });
                }
            }
            Err(error) => return Err(io::Error::from(error).into()),
        }
    }
}

/// The authorization response, and the browser that waits to learn how the login finish. When it is
/// dropped, the browser shows that the login failed.
pub(crate) struct Arrival {
    /// The answer of the authorization server.
    pub response: AuthorizationResponse,
    tab: Option<Tab>,
}

impl Arrival {
    /// Shows in the browser that the credential is stored, with `who` logged in, such as "acme as
    /// alice". Returns when the page is sent and the port closed.
    pub(crate) fn show_logged_in(self, who: &str) {
        if let Some(tab) = self.tab {
            tab.show_logged_in(who);
        }
    }
}
