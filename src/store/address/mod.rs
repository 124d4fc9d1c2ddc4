//! The address of a PostgreSQL server and database, read as libpq reads it.
//!
//! A text names a database as a URI, as a list of `keyword=value`, or as a service. What it leaves
//! out comes from the service's file, then from the `PG*` variables, then from what is usual. The
//! password may come from `.pgpass`. See "Database Connection Control Functions" in PostgreSQL's
//! manual.

mod error;
mod surroundings;
mod service_file;
mod parameters;
mod uri;
mod keywords;
mod user;
mod host;
mod password_file;

use std::path::PathBuf;

pub(crate) use self::error::Error;
use self::host::places;
pub(in crate::store) use self::host::{Place, Security};
use self::parameters::{Parameter, Parameters};
pub(crate) use self::surroundings::Surroundings;
use crate::secret::{DatabasePassword, SecretText};

/// The schemes of PostgreSQL's URIs.
const SCHEMES: [&str; 2] = ["postgres", "postgresql"];

/// The engines that people try, with the reason why a vault can't be shared through them.
const REFUSED: [(&str, &str); 6] = [
    ("mysql", "MySQL is not among the engines that keep a vault"),
    ("mariadb", "MariaDB is not among the engines that keep a vault"),
    ("redis", REDIS),
    ("rediss", REDIS),
    ("valkey", REDIS),
    ("mongodb", "MongoDB is not among the engines that keep a vault"),
];
const REDIS: &str = "Redis confirms a write before it is durable, and would lose a refresh token";

/// The server and database of a shared vault, and what is needed to log in there.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    /// The hosts that are tried, in this order, each with the password for it.
    pub(super) places: Vec<(Place, Option<DatabasePassword>)>,
    pub(super) database: String,
    pub(super) user: String,
    /// The file with the certificates of the authorities that are trusted; `None` for the system's.
    pub(super) authorities: Option<PathBuf>,
    /// The files with the client's certificate and its key, if the server wants one.
    pub(super) client_certificate: Option<(PathBuf, PathBuf)>,
    /// Whether the text itself holds the password, where others may see it.
    shows_password: bool,
}

impl Address {
    /// Reads the address `text`, with all that it leaves out.
    pub(crate) fn parse(text: &str, around: Surroundings<'_>) -> Result<Self, Error> {
        let explicit = match scheme(text) {
            Some(scheme) if SCHEMES.contains(&scheme) => uri::parse(text)?,
            Some(scheme) => {
                let refused = REFUSED.iter().find(|(name, _)| *name == scheme);
                return Err(match refused {
                    Some((_, why)) => Error::AnotherEngine { why },
                    None => Error::UnknownScheme { scheme: scheme.to_owned() },
                });
            }
            None => keywords::parse(text)?,
        };
        let shows_password = explicit.get(Parameter::Password).is_some();
        let filled = explicit.or_from_service(around)?.or_from_environment(around);
        Self::of(&filled, around, shows_password)
    }

    fn of(
        given: &Parameters,
        around: Surroundings<'_>,
        shows_password: bool,
    ) -> Result<Self, Error> {
        if given.get(Parameter::Options).is_some() {
            return Err(Error::Options);
        }
        let user = match given.get(Parameter::User) {
            Some(user) => user.to_owned(),
            None => user::of_this_process(around).ok_or(Error::NoUser)?,
        };
        let database = given.get(Parameter::Database).unwrap_or(&user).to_owned();
        let places = places(given)?;
        let path = given.get(Parameter::PasswordFile).map(PathBuf::from);
        let path = path.or_else(|| Some(around.home()?.join(".pgpass")));
        let password = |place: &Place| {
            if let Some(password) = given.get(Parameter::Password) {
                return Some(DatabasePassword::from_trusted(password.to_owned()));
            }
            password_file::password(path.as_deref()?, place, &database, &user)
        };
        let with_password = |place: Place| {
            let password = password(&place);
            (place, password)
        };
        let places = places.into_iter().map(with_password).collect();
        let authorities = match given.get(Parameter::RootCertificate) {
            Some("system") => None,
            Some(path) => Some(PathBuf::from(path)),
            None => around
                .home()
                .map(|home| home.join(".postgresql/root.crt"))
                .filter(|path| path.exists()),
        };
        let file = |parameter| given.get(parameter).map(PathBuf::from);
        let client_certificate = file(Parameter::ClientCertificate).zip(file(Parameter::ClientKey));
        Ok(Self { places, database, user, authorities, client_certificate, shows_password })
    }

    /// Whether the password stands in the address itself, where the list of processes shows it.
    pub(crate) fn shows_password(&self) -> bool {
        self.shows_password
    }

    /// Whether TLS has to prove who the server is, whichever host is reached; if not, one of them is
    /// this machine.
    pub(super) fn is_verified(&self) -> bool {
        let is_verified = |(place, _): &(Place, _)| match place {
            Place::Socket { .. } => false,
            Place::Host { security, .. } => *security == Security::Verified,
        };
        self.places.iter().all(is_verified)
    }

    /// Returns the address without its password, for people.
    pub(crate) fn shown(&self) -> String {
        let hosts: Vec<String> = self.places.iter().map(|(place, _)| place.to_string()).collect();
        let all = format!("postgres://{}@{}/{}", self.user, hosts.join(","), self.database);
        crate::untrusted::printable(&all)
    }
}

/// Returns the scheme of `text`, if it begins with one and `://`.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once("://")?;
    let is_one = !scheme.is_empty()
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_one.then_some(scheme)
}

#[cfg(test)]
mod tests;
