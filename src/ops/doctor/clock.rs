//! This machine's clock beside those of the servers: tokens end by theirs.

use std::collections::BTreeMap;

use super::facts::{ClockFact, Server};
use super::finding::{Fact, Finding, Remedy};
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
pub(crate) fn recorded_clock(store: &Vault) -> Result<Finding, Error> {
    let attempts = store.attempts()?;
    let last = attempts.iter().filter(|attempt| attempt.clock_skew.is_some());
    let last = last.max_by_key(|attempt| attempt.ended_at);
    Ok(match last.and_then(|attempt| Some((attempt.clock_skew?, attempt.ended_at))) {
        Some((ahead, at)) => judged(ahead.saturating_neg(), Server::AskedLast(at)),
        None => Finding::unknown_until(Fact::Clock(ClockFact::NeverTold), Remedy::AskServer),
    })
}

/// Asks the servers that tokens are refreshed at for the time, without any token or secret.
pub(crate) fn ask_server(vault: &OpenVault, clock: Clock) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    for (authority, (address, certificates)) in servers(vault)?.into_iter().take(MOST_ASKED) {
        let answer = http::fetch(&address, certificates.as_deref(), &Authentication::None);
        findings.push(match answer.map(|answer| answer.date) {
            Ok(Some(date)) => {
                let ahead = clock().duration_since(date).as_secs();
                judged(ahead, Server::AskedNow { authority })
            }
            Ok(None) => Finding::unknown(Fact::Clock(ClockFact::NotTold { authority })),
            Err(fault) => Finding::unknown(Fact::Clock(ClockFact::NoAnswer(fault))),
        });
    }
    if findings.is_empty() {
        findings.push(Finding::unknown(Fact::Clock(ClockFact::NobodyToAsk)));
    }
    Ok(findings)
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

/// Judges a clock that shows so many seconds more than the server's.
fn judged(ahead: i64, of: Server) -> Finding {
    if ahead.unsigned_abs() <= TOLERABLE_SKEW.as_secs().unsigned_abs() {
        return Finding::fine(Fact::Clock(ClockFact::InStep { ahead, of }));
    }
    Finding::to_mend(Fact::Clock(ClockFact::Off { ahead, of }), Remedy::SetClock)
}
