//! This machine's clock beside those of the servers: tokens end by theirs.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::database::age;
use super::report::{Check, Remedy, Told};
use crate::model::address::Address;
use crate::model::attempt::TOLERABLE_SKEW;
use crate::model::credential::Grant;
use crate::oauth::http::{self, Authentication};
use crate::ops::clock::Clock;
use crate::ops::error::Error;
use crate::store::{OpenVault, Vault};

/// As many servers are asked at most.
const MOST_ASKED: usize = 3;

/// What the last answer that any refresh or check got said of the time. Sends nothing.
pub(crate) fn recorded_clock(store: &Vault, now: Timestamp) -> Result<Told, Error> {
    let attempts = store.attempts()?;
    let last = attempts.iter().filter(|attempt| attempt.clock_skew.is_some());
    let last = last.max_by_key(|attempt| attempt.ended_at);
    Ok(match last.and_then(|attempt| Some((attempt.clock_skew?, attempt.ended_at))) {
        Some((ahead, at)) => {
            judged(ahead.saturating_neg(), &format!("when one last answered, {}", age(at, now)))
        }
        None => {
            Told::unknown_until(Check::Clock, "no server has told the time yet", Remedy::AskServer)
        }
    })
}

/// Asks the servers that tokens are refreshed at for the time, without any token or secret.
pub(crate) fn ask_server(vault: &OpenVault, clock: Clock) -> Result<Vec<Told>, Error> {
    let mut told = Vec::new();
    for (authority, (address, certificates)) in servers(vault)?.into_iter().take(MOST_ASKED) {
        let answer = http::fetch(&address, certificates.as_deref(), &Authentication::None);
        told.push(match answer.map(|answer| answer.date) {
            Ok(Some(date)) => {
                let ahead = clock().duration_since(date).as_secs();
                judged(ahead, &format!("of `{authority}` just now"))
            }
            Ok(None) => Told::unknown(Check::Clock, format!("`{authority}` did not tell the time")),
            Err(fault) => Told::unknown(Check::Clock, fault.to_string()),
        });
    }
    if told.is_empty() {
        told.push(Told::unknown(Check::Clock, "no credential names a server to be asked"));
    }
    Ok(told)
}

/// The address of each server that the credentials are renewed at, with the certificates to trust.
type Servers = BTreeMap<String, (Address, Option<String>)>;

fn servers(vault: &OpenVault) -> Result<Servers, Error> {
    let accounts = vault.accounts(None, None)?;
    let mut servers = Servers::new();
    for account in accounts {
        // What does not open is told elsewhere.
        let Ok(Some(row)) = vault.read(&account) else { continue };
        if let Grant::OAuth(grant) = row.stored.credential.grant {
            let endpoint = &grant.client.token_endpoint;
            // Its front page: an endpoint might make something of a request.
            let front = endpoint.url().join("/").map(String::from).unwrap_or_default();
            if let Ok(front) = front.parse::<Address>() {
                let certificates = grant.client.trusted_certificates.clone();
                servers.entry(front.authority()).or_insert((front, certificates));
            }
        }
        if servers.len() == MOST_ASKED {
            break;
        }
    }
    Ok(servers)
}

/// `ahead` is how many seconds this clock shows more than the server's.
fn judged(ahead: i64, when: &str) -> Told {
    let off = ahead.unsigned_abs();
    if off <= TOLERABLE_SKEW.as_secs().unsigned_abs() {
        return Told::fine(Check::Clock, format!("{off} s off the server's, {when}"));
    }
    let direction = if ahead > 0 { "ahead of" } else { "behind" };
    let message = format!("this clock is {off} s {direction} the server's, {when}");
    Told::finding(Check::Clock, message, Remedy::SetClock)
}
