//! The check of this machine's clock against those of the servers, which decide when a token ends.

use std::collections::BTreeMap;

use super::facts::{ClockFact, Server};
use super::finding::{Fact, Finding, Remedy};
use crate::model::account::AccountFilter;
use crate::model::address::Address;
use crate::model::attempt::TOLERABLE_SKEW;
use crate::model::credential::Grant;
use crate::oauth::http::{self, Authentication};
use crate::ops::clock::Clock;
use crate::ops::error::Error;
use crate::store::{OpenVault, Vault};

/// The largest number of servers that are asked.
const MOST_SERVERS: usize = 3;

/// The largest number of a provider's credentials that are opened to find its servers.
const MOST_OPENED: usize = 20;

/// Compares the clock with the server's time in the latest recorded answer to a refresh or check.
/// Sends no request.
pub(crate) fn recorded_clock(vault: &Vault) -> Result<Finding, Error> {
    let mut last = None;
    vault.each_attempt(|_, attempt| {
        let told = attempt.clock_skew.map(|skew| (attempt.ended_at, skew));
        if told > last {
            last = told;
        }
    })?;
    Ok(match last.map(|(ended_at, skew)| (skew, ended_at)) {
        Some((ahead, at)) => judge(ahead.saturating_neg(), Server::AskedLast(at)),
        None => Finding::unknown_until(Fact::Clock(ClockFact::NeverTold), Remedy::AskServer),
    })
}

/// Asks the servers at which tokens are refreshed for the time, with requests that carry no secret.
pub(crate) fn ask_server(vault: &OpenVault, clock: Clock) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    for (authority, (address, certificates)) in servers(vault)?.into_iter().take(MOST_SERVERS) {
        let answer = http::fetch(&address, certificates.as_deref(), &Authentication::None);
        findings.push(match answer.map(|answer| answer.date) {
            Ok(Some(date)) => {
                let ahead = clock().duration_since(date).as_secs();
                judge(ahead, Server::AskedNow { authority })
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

/// The servers at which credentials are renewed, by authority: the address of each, and the
/// certificates to trust.
type Servers = BTreeMap<String, (Address, Option<String>)>;

/// Collects servers from the vault's credentials, up to [`MOST_SERVERS`].
fn servers(vault: &OpenVault) -> Result<Servers, Error> {
    let mut servers = Servers::new();
    let mut accounts = Vec::new();
    for provider in vault.providers()? {
        let filter = AccountFilter { provider: Some(&provider), user: None };
        accounts.extend(vault.first_accounts(filter, MOST_OPENED)?);
    }
    for account in accounts {
        // The check of credentials reports those that do not open.
        let Ok(Some(row)) = vault.read(&account) else { continue };
        if let Grant::OAuth(grant) = row.stored.credential.grant {
            let endpoint = &grant.client.token_endpoint;
            // The server's front page is asked, because a token endpoint might act on a request.
            let front = endpoint.url().join("/").map(String::from).unwrap_or_default();
            if let Ok(front) = front.parse::<Address>() {
                let certificates = grant.client.trusted_certificates.clone();
                servers.entry(front.authority()).or_insert((front, certificates));
            }
        }
        if servers.len() == MOST_SERVERS {
            break;
        }
    }
    Ok(servers)
}

/// Judges a clock that is `ahead` seconds ahead of the server's.
pub(super) fn judge(ahead: i64, of: Server) -> Finding {
    if ahead.unsigned_abs() <= TOLERABLE_SKEW.as_secs().unsigned_abs() {
        return Finding::fine(Fact::Clock(ClockFact::InStep { ahead, of }));
    }
    Finding::to_mend(Fact::Clock(ClockFact::Off { ahead, of }), Remedy::SetClock)
}
