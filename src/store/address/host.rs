//! The hosts of an address, and whether each has to prove by TLS who it is.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::parameters::{Parameter, Parameters};

/// The port at which PostgreSQL listens if nothing says otherwise.
const PORT: u16 = 5432;

/// The directories in which a server's socket lies if nothing says otherwise: as Debian builds
/// PostgreSQL, and as it is built by itself.
const SOCKETS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// The address at which one server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) enum Place {
    /// A socket in a directory of this machine.
    Socket { directory: PathBuf, port: u16 },
    /// A host, reached at `address` if that is given.
    Host { name: String, address: Option<IpAddr>, port: u16, security: Security },
}

/// The protection of a connection to a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Security {
    /// TLS, with a certificate for the host's name from an authority that is trusted.
    Verified,
    /// None: the connection ends on this machine.
    Loopback,
}

impl Place {
    pub(in crate::store) fn port(&self) -> u16 {
        match self {
            Self::Socket { port, .. } | Self::Host { port, .. } => *port,
        }
    }

    /// Returns the name that stands for the place in a file of passwords.
    pub(super) fn name_in_password_file(&self) -> &str {
        match self {
            Self::Socket { directory, .. }
                if SOCKETS.iter().any(|usual| Path::new(usual) == directory) =>
            {
                "localhost"
            }
            Self::Socket { directory, .. } => directory.to_str().unwrap_or_default(),
            Self::Host { name, .. } => name,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.port();
        match self {
            Self::Socket { directory, .. } => write!(f, "{}", directory.display())?,
            Self::Host { name, .. } if name.contains(':') => write!(f, "[{name}]")?,
            Self::Host { name, .. } => f.write_str(name)?,
        }
        if port == PORT { Ok(()) } else { write!(f, ":{port}") }
    }
}

/// Returns the places that the parameters name.
pub(super) fn places(given: &Parameters) -> Result<Vec<Place>, Error> {
    let list = |parameter| {
        let text = given.get(parameter)?;
        Some(text.split(',').map(str::trim).collect::<Vec<_>>())
    };
    let (hosts, addresses) = (list(Parameter::Host), list(Parameter::HostAddress));
    let ports = list(Parameter::Port).unwrap_or_default();
    let count = hosts.as_ref().or(addresses.as_ref()).map_or(1, Vec::len);
    let fits = |list: &Option<Vec<_>>| list.as_ref().is_none_or(|list| list.len() == count);
    if !fits(&hosts) || !fits(&addresses) || !(ports.len() <= 1 || ports.len() == count) {
        return Err(Error::Malformed("it has as many ports or addresses as hosts, or one"));
    }
    (0..count)
        .map(|at| {
            let port = match ports.get(at).or(ports.first()).filter(|port| !port.is_empty()) {
                None => PORT,
                Some(text) => text.parse().ok().filter(|port| *port != 0).ok_or_else(|| {
                    Error::Value { parameter: Parameter::Port.name(), value: shown(text) }
                })?,
            };
            place(
                one(hosts.as_deref(), at),
                one(addresses.as_deref(), at),
                port,
                given.get(Parameter::Mode),
            )
        })
        .collect()
}

/// Returns what stands at the place `at` of a list; `None` where that is empty.
fn one<'a>(list: Option<&[&'a str]>, at: usize) -> Option<&'a str> {
    list?.get(at).copied().filter(|one| !one.is_empty())
}

fn place(
    host: Option<&str>,
    address: Option<&str>,
    port: u16,
    mode: Option<&str>,
) -> Result<Place, Error> {
    let address = address
        .map(|text| {
            text.parse::<IpAddr>().map_err(|_| Error::Value {
                parameter: Parameter::HostAddress.name(),
                value: shown(text),
            })
        })
        .transpose()?;
    let name = match (host, address) {
        (Some(host), _) if host.starts_with('/') => {
            return Ok(Place::Socket { directory: PathBuf::from(host), port });
        }
        (Some(host), _) if host.starts_with('@') => {
            return Err(Error::Value { parameter: Parameter::Host.name(), value: shown(host) });
        }
        (Some(host), _) => host.to_owned(),
        (None, Some(address)) => address.to_string(),
        (None, None) => {
            let usual = SOCKETS
                .iter()
                .map(PathBuf::from)
                .find(|path| path.join(format!(".s.PGSQL.{port}")).exists());
            let directory = usual.unwrap_or_else(|| PathBuf::from(SOCKETS[0]));
            return Ok(Place::Socket { directory, port });
        }
    };
    let is_loopback = match (address, name.parse::<IpAddr>()) {
        (Some(address), _) | (None, Ok(address)) => address.is_loopback(),
        (None, Err(_)) => name.eq_ignore_ascii_case("localhost"),
    };
    let security = security(&name, is_loopback, mode)?;
    Ok(Place::Host { name, address, port, security })
}

/// Returns how a connection to the host `name` is protected. A mode that would let a stranger
/// answer in its place is refused.
fn security(name: &str, is_loopback: bool, mode: Option<&str>) -> Result<Security, Error> {
    match (mode, is_loopback) {
        (Some("verify-full"), _) | (None, false) | (Some("require" | "verify-ca"), true) => {
            Ok(Security::Verified)
        }
        (None | Some("disable" | "allow" | "prefer"), true) => Ok(Security::Loopback),
        (Some(mode @ ("disable" | "allow" | "prefer" | "require" | "verify-ca")), false) => {
            Err(Error::WeakMode { mode: mode.to_owned(), host: shown(name) })
        }
        (Some(mode), _) => {
            Err(Error::Value { parameter: Parameter::Mode.name(), value: shown(mode) })
        }
    }
}

fn shown(text: &str) -> String {
    crate::untrusted::printable(text)
}
