//! Addresses of the form `postgres://user:password@host:port,host2/database?parameter=value`.

use percent_encoding::percent_decode_str;

use super::error::Error;
use super::parameters::{Parameter, Parameters};

/// Reads a URI, whose scheme was looked at already.
pub(super) fn parse(text: &str) -> Result<Parameters, Error> {
    let (_, rest) = text.split_once("://").ok_or(Error::Malformed("it has no `://`"))?;
    let (rest, query) = match rest.split_once('?') {
        Some((rest, query)) => (rest, Some(query)),
        None => (rest, None),
    };
    let (authority, database) = match rest.split_once('/') {
        Some((authority, database)) => (authority, Some(database)),
        None => (rest, None),
    };
    let mut found = Parameters::default();
    let hosts = match authority.rsplit_once('@') {
        Some((login, hosts)) => {
            let (user, password) = login.split_once(':').unwrap_or((login, ""));
            found.add(Parameter::User, decoded(user)?);
            found.add(Parameter::Password, decoded(password)?);
            hosts
        }
        None => authority,
    };
    let hosts = hosts.split(',').map(host).collect::<Result<Vec<_>, Error>>()?;
    let joined =
        |part: fn(&(String, String)) -> &str| hosts.iter().map(part).collect::<Vec<_>>().join(",");
    if hosts.iter().any(|(host, _)| !host.is_empty()) {
        found.add(Parameter::Host, joined(|(host, _)| host));
    }
    if hosts.iter().any(|(_, port)| !port.is_empty()) {
        found.add(Parameter::Port, joined(|(_, port)| port));
    }
    found.add(Parameter::Database, decoded(database.unwrap_or_default())?);
    for pair in query.into_iter().flat_map(|query| query.split('&')).filter(|pair| !pair.is_empty())
    {
        let (name, value) =
            pair.split_once('=').ok_or(Error::Malformed("a parameter has no `=`"))?;
        match (name, value) {
            // As other libraries write it.
            ("ssl", "true") => found.set("sslmode", "verify-full".to_owned())?,
            (name, value) => found.set(&decoded(name)?, decoded(value)?)?,
        }
    }
    Ok(found)
}

/// Reads `host:port`, of which each part may be missing.
fn host(text: &str) -> Result<(String, String), Error> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) =
            rest.split_once(']').ok_or(Error::Malformed("an IPv6 address has no `]`"))?;
        match rest.strip_prefix(':') {
            Some(port) => (host, port),
            None if rest.is_empty() => (host, ""),
            None => return Err(Error::Malformed("something stands behind an IPv6 address")),
        }
    } else {
        text.split_once(':').unwrap_or((text, ""))
    };
    Ok((decoded(host)?, decoded(port)?))
}

fn decoded(text: &str) -> Result<String, Error> {
    let bytes = text.as_bytes();
    let is_escape = |at: usize| {
        bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    };
    if bytes.iter().enumerate().any(|(at, byte)| *byte == b'%' && !is_escape(at)) {
        return Err(Error::Malformed("`%` has to be written as `%25`"));
    }
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded = decoded.map_err(|_| Error::Malformed("it is not UTF-8"))?;
    if decoded.contains('\0') {
        return Err(Error::Malformed("it holds a zero byte"));
    }
    Ok(decoded.into_owned())
}
