//! The parameters of a connection, by the names that libpq gives them.

use super::error::Error;
use super::service_file;
use super::surroundings::Surroundings;

/// A parameter that tokctl reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parameter {
    Host,
    HostAddress,
    Port,
    Database,
    User,
    Password,
    PasswordFile,
    Service,
    Mode,
    RootCertificate,
    ClientCertificate,
    ClientKey,
    Options,
}

/// The parameters that are read: their names, and the variables that stand in for them.
const READ: [(Parameter, &str, &str); 13] = [
    (Parameter::Host, "host", "PGHOST"),
    (Parameter::HostAddress, "hostaddr", "PGHOSTADDR"),
    (Parameter::Port, "port", "PGPORT"),
    (Parameter::Database, "dbname", "PGDATABASE"),
    (Parameter::User, "user", "PGUSER"),
    (Parameter::Password, "password", "PGPASSWORD"),
    (Parameter::PasswordFile, "passfile", "PGPASSFILE"),
    (Parameter::Service, "service", "PGSERVICE"),
    (Parameter::Mode, "sslmode", "PGSSLMODE"),
    (Parameter::RootCertificate, "sslrootcert", "PGSSLROOTCERT"),
    (Parameter::ClientCertificate, "sslcert", "PGSSLCERT"),
    (Parameter::ClientKey, "sslkey", "PGSSLKEY"),
    // The variable is for other programs of the session, and is left alone.
    (Parameter::Options, "options", ""),
];

/// The parameters that change nothing here: tokctl has its own time limits, names itself, always
/// wants a server that can be written to, and always binds a password to the channel if it can.
const IGNORED: [&str; 26] = [
    "application_name",
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "max_protocol_version",
    "min_protocol_version",
    "replication",
    "require_auth",
    "requirepeer",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcompression",
    "sslnegotiation",
    "sslsni",
    "target_session_attrs",
    "tcp_user_timeout",
];

impl Parameter {
    /// Returns the name of the parameter.
    pub(super) fn name(self) -> &'static str {
        READ.iter().find(|(parameter, ..)| *parameter == self).map_or("", |(_, name, _)| name)
    }
}

/// Values of parameters, the first of each counts. An empty value counts as none.
#[derive(Default)]
pub(super) struct Parameters(Vec<(Parameter, String)>);

impl Parameters {
    /// Sets the parameter called `name`. Fails if PostgreSQL has none of that name.
    pub(super) fn set(&mut self, name: &str, value: String) -> Result<(), Error> {
        match READ.iter().find(|(_, known, _)| *known == name) {
            Some((parameter, ..)) => self.add(*parameter, value),
            None if IGNORED.contains(&name) => {}
            None => return Err(Error::UnknownParameter(crate::untrusted::printable(name))),
        }
        Ok(())
    }

    /// Sets `parameter`, unless it has a value already.
    pub(super) fn add(&mut self, parameter: Parameter, value: String) {
        if !value.is_empty() && self.get(parameter).is_none() {
            self.0.push((parameter, value));
        }
    }

    /// Returns the value of `parameter`, if the address has one.
    pub(super) fn get(&self, parameter: Parameter) -> Option<&str> {
        self.0.iter().find(|(found, _)| *found == parameter).map(|(_, value)| value.as_str())
    }

    /// Adds what the definition of the service says, if one is named here or in the environment.
    pub(super) fn or_from_service(mut self, around: Surroundings<'_>) -> Result<Self, Error> {
        let named = self.get(Parameter::Service).map(ToOwned::to_owned);
        if let Some(name) = named.or_else(|| around.text("PGSERVICE")) {
            for (name, value) in service_file::definition(&name, around)? {
                self.set(&name, value)?;
            }
        }
        Ok(self)
    }

    /// Adds what the variables of the environment say.
    pub(super) fn or_from_environment(mut self, around: Surroundings<'_>) -> Self {
        for (parameter, _, variable) in READ.iter().filter(|(.., variable)| !variable.is_empty()) {
            if let Some(value) = around.text(variable) {
                self.add(*parameter, value);
            }
        }
        self
    }
}
