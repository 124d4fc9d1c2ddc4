//! Logging in to the first of the places that answers.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio_postgres::config::{ChannelBinding, SslMode};
use tokio_postgres::tls::{NoTls, TlsConnect};
use tokio_postgres::{Client, Config};

use super::clear::ScramOnly;
use super::fault::of_login;
use super::tls::Verified;
use crate::name_service;
use crate::secret::{DatabasePassword, SecretText};
use crate::store::address::{Address, Place, Security};
use crate::store::shared_error::Error;

/// The time for name resolution, the connection, TLS and the login at one place.
const LIMIT: Duration = Duration::from_secs(5);

/// Logs in to the first place of `address` that answers and lets this user in.
pub(super) async fn connect(address: &Address) -> Result<Client, Error> {
    let mut failure: Option<Error> = None;
    for (place, password) in &address.places {
        let tried = tokio::time::timeout(LIMIT, log_in(place, password.as_ref(), address)).await;
        let error = match tried {
            Ok(Ok(client)) => return Ok(client),
            Ok(Err(error)) => error,
            Err(_) => {
                let why = format!("no answer within {} seconds", LIMIT.as_secs());
                Error::Unreachable { place: place.to_string(), why }
            }
        };
        log::debug!("{error}");
        // Of several failures, one that a person can mend says more than one that passes, and a place
        // that is there more than one that is not.
        let is_nowhere = matches!(error, Error::NoPlace { .. });
        if failure.as_ref().is_none_or(|earlier| earlier.is_passing() && !is_nowhere) {
            failure = Some(error);
        }
    }
    Err(failure.unwrap_or(Error::Busy { why: "it has no place".to_owned() }))
}

async fn log_in(
    place: &Place,
    password: Option<&DatabasePassword>,
    address: &Address,
) -> Result<Client, Error> {
    let unreachable = |error: io::Error| failed(place, &error);
    let mut config = Config::new();
    config
        .user(&address.user)
        .dbname(&address.database)
        .application_name("tokctl")
        .ssl_mode(SslMode::Disable);
    if let Some(password) = password {
        config.password(password.expose());
    }
    match place {
        Place::Socket { directory, port } => {
            let path = directory.join(format!(".s.PGSQL.{port}"));
            let stream = UnixStream::connect(path).await.map_err(unreachable)?;
            run(&config, stream, NoTls, place, address).await
        }
        Place::Host { security: Security::Loopback, .. } => {
            let stream = reach(place).await.map_err(unreachable)?;
            run(&config, ScramOnly::over(stream), NoTls, place, address).await
        }
        Place::Host { name, security: Security::Verified, .. } => {
            let tls = Verified::to(name, address)?;
            let stream = reach(place).await.map_err(unreachable)?;
            config.ssl_mode(SslMode::Require).channel_binding(ChannelBinding::Prefer);
            run(&config, stream, tls, place, address).await
        }
    }
}

/// Opens a connection to a host.
async fn reach(place: &Place) -> io::Result<TcpStream> {
    let Place::Host { name, address, port, security } = place else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let found: Vec<SocketAddr> = if let Some(address) = address {
        vec![SocketAddr::new(*address, *port)]
    } else {
        name_service::use_built_in_services();
        lookup_host((name.as_str(), *port)).await?.collect()
    };
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "its name has no address");
    for address in found {
        // A name that only seems to be of this machine gets no connection without TLS.
        if *security == Security::Loopback && !address.ip().is_loopback() {
            continue;
        }
        match TcpStream::connect(address).await {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Logs in over `stream`, and has the connection run in the background.
async fn run<S, T>(
    config: &Config,
    stream: S,
    tls: T,
    place: &Place,
    address: &Address,
) -> Result<Client, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: TlsConnect<S>,
    T::Stream: Send + 'static,
{
    let connected = config.connect_raw(stream, tls).await;
    let (client, connection) = connected.map_err(|error| of_login(&error, place, address))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            log::debug!("the connection to the database ended: {error}");
        }
    });
    Ok(client)
}

/// Returns the error for a place to which no connection could be made.
fn failed(place: &Place, error: &io::Error) -> Error {
    let (why, shown) = (reason(error), place.to_string());
    let is_there = match place {
        Place::Socket { directory, .. } => directory.is_dir(),
        Place::Host { .. } => !is_unknown_name(&why),
    };
    if is_there {
        Error::Unreachable { place: shown, why }
    } else {
        Error::NoPlace { place: shown, why }
    }
}

/// Whether a lookup failed since there is no such name. The standard library tells that from a name
/// service that does not answer by the words of the system alone (gai_strerror(3)).
fn is_unknown_name(why: &str) -> bool {
    const UNKNOWN: [&str; 4] =
        ["not known", "does not resolve", "no address associated", "its name has no address"];
    let why = why.to_ascii_lowercase();
    UNKNOWN.iter().any(|words| why.contains(words))
}

fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}
