//! The loopback listener (RFC 8252 §7.3): waits for the browser to come back from the
//! authorization server.
//!
//! Anything on this machine, and any page that the person has open, can send requests here. So
//! exactly one request counts, the one that brings the login's own state; no other can end the
//! login, hold it up, or learn anything. Redeeming the code is the caller's business, and so is
//! everything that is printed.

pub(crate) mod answer;
pub(crate) mod request;
mod connection;
mod sockets;
mod owner;
mod reception;
mod tab;
#[cfg(test)]
mod tests;

use std::io;
use std::net::TcpListener;
use std::time::Instant;

use crate::oauth::authorization_response::{AuthorizationResponse, Expected, Rejected};
use crate::oauth::pasted::PasteInput;
use crate::oauth::redirect_uri::RedirectUri;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use answer::Answer;
use owner::Owner;
use reception::Reception;
use tab::Tab;

/// Why no authorization response came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The redirect URI's fixed port is taken. Another one would not be the registered URI, so
    /// the person has to free it or to register another.
    #[error("port {port} is taken by {}", owner_of(owner.as_ref()))]
    PortTaken {
        /// The port.
        port: u16,
        /// Who has it, if the system says so.
        owner: Option<Owner>,
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

fn owner_of(owner: Option<&Owner>) -> String {
    owner.map_or_else(|| "another program".to_owned(), Owner::to_string)
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
                Error::PortTaken { port: wanted, owner: owner::find(wanted) }
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

    /// Waits until the `expected` response arrives, `deadline` at the latest: through the port, or
    /// through the `paste_input`, whichever comes first. A browser that brought it then waits in turn, for
    /// [`Arrived::show_logged_in`].
    pub(crate) fn wait(
        self,
        expected: &Expected,
        deadline: Instant,
        mut paste_input: Option<PasteInput<'_>>,
    ) -> Result<Arrived, Error> {
        let mut reception = Reception::new(self.redirect_uri, self.sockets, expected.clone());
        let ended = loop {
            if Instant::now() >= deadline {
                return Err(Error::TimedOut);
            }
            let watched = paste_input.as_ref().and_then(PasteInput::watched);
            if reception.sleep(Some(deadline), watched)?
                && let Some(paste_input) = &mut paste_input
                && let Some(outcome) = paste_input.read_answer(expected)?
            {
                let response = outcome.map_err(Error::Rejected)?;
                return Ok(Arrived { response, tab: None });
            }
            if let Some(ended) = reception.serve()? {
                break ended;
            }
        };
        match ended.outcome {
            Ok(response) => {
                Ok(Arrived { response, tab: Some(Tab::new(reception, ended.connection)?) })
            }
            Err(rejected) => {
                drop(reception);
                ended.connection.answer_last(Answer::NotLoggedIn, Instant::now());
                Err(Error::Rejected(rejected))
            }
        }
    }
}

/// Waits for an answer that can come through the `paste_input` alone, `deadline` at the latest.
pub(crate) fn wait_for_paste(
    expected: &Expected,
    deadline: Instant,
    mut paste_input: PasteInput<'_>,
) -> Result<Arrived, Error> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Error::TimedOut);
        }
        let watched =
            paste_input.watched().ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        match poll(
            &mut [PollFd::new(&watched, PollFlags::IN)],
            Timespec::try_from(left).ok().as_ref(),
        ) {
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => {
                if let Some(outcome) = paste_input.read_answer(expected)? {
                    let response = outcome.map_err(Error::Rejected)?;
                    return Ok(Arrived { response, tab: None });
                }
            }
            Err(error) => return Err(io::Error::from(error).into()),
        }
    }
}

/// The authorization response, and the browser that waits to hear how the login went. Dropped
/// without more, it shows the browser that the login has failed.
pub(crate) struct Arrived {
    /// What the authorization server answered.
    pub response: AuthorizationResponse,
    tab: Option<Tab>,
}

impl Arrived {
    /// Shows the browser that the credential is stored, closes the port once the page is out, and
    /// returns.
    pub(crate) fn show_logged_in(self) {
        if let Some(tab) = self.tab {
            tab.show_logged_in();
        }
    }
}
