//! The checks of what the vault keeps sealed: credentials, interrupted refreshes, and the audit.

use jiff::{SignedDuration, Timestamp};

use super::facts::{AuditFact, CredentialsFact, FreshnessFact, RefreshesFact};
use super::finding::{Fact, Finding, Remedy};
use crate::model::account::Account;
use crate::ops::audit::{self, Fault};
use crate::ops::error::Error;
use crate::store::{OpenVault, Vault};

/// The time in which a refresh may still be running. One that began earlier and has no answer was
/// interrupted, because no request takes so long.
const UNDER_WAY: SignedDuration = SignedDuration::from_mins(2);

/// Returns the accounts of all credentials.
pub(crate) fn accounts(vault: &OpenVault) -> Result<Vec<Account>, Error> {
    Ok(vault.accounts(None, None)?)
}

/// Opens every credential, and reports those that do not open.
pub(crate) fn credentials(vault: &OpenVault) -> Result<Vec<Finding>, Error> {
    let (count, damage) = vault.examine(|_| {})?;
    let fact = Fact::Credentials;
    let mut findings: Vec<Finding> = damage
        .accounts
        .into_iter()
        .map(|account| {
            let remedy = Remedy::Forget(account.clone());
            Finding::damaged(fact(CredentialsFact::Closed(account)), remedy)
        })
        .collect();
    if damage.nameless > 0 {
        let nameless = CredentialsFact::Nameless { count: damage.nameless };
        findings.push(Finding::damaged(fact(nameless), Remedy::RestoreBackup));
    }
    if findings.is_empty() {
        findings.push(Finding::fine(fact(CredentialsFact::AllOpen { count })));
    }
    Ok(findings)
}

/// Compares the vault with what this machine has seen of it.
pub(crate) fn freshness(vault: &OpenVault) -> Result<Vec<Finding>, Error> {
    let older = vault.older()?;
    let fact = Fact::Freshness;
    let file = older.file.then_some(FreshnessFact::OlderFile);
    let accounts = older.accounts.into_iter().map(FreshnessFact::OlderCredential);
    let mut findings: Vec<Finding> = file
        .into_iter()
        .chain(accounts)
        .map(|found| Finding::damaged(fact(found), Remedy::AcceptOlder))
        .collect();
    if findings.is_empty() {
        findings.push(Finding::fine(fact(FreshnessFact::Newest)));
    }
    Ok(findings)
}

/// Looks for refreshes whose answer was never stored. Needs no key.
pub(crate) fn interrupted_refreshes(vault: &Vault, now: Timestamp) -> Result<Vec<Finding>, Error> {
    let journals = vault.interrupted_refreshes()?;
    let mut findings: Vec<Finding> =
        journals.into_iter().map(|(account, since)| judge(account, since, now)).collect();
    if findings.is_empty() {
        findings.push(Finding::fine(Fact::Refreshes(RefreshesFact::NoneInterrupted)));
    }
    Ok(findings)
}

/// Judges a refresh of `account` that began at `since` and has no answer.
fn judge(account: Account, since: Timestamp, now: Timestamp) -> Finding {
    let running = now.duration_since(since);
    if !running.is_negative() && running < UNDER_WAY {
        return Finding::fine(Fact::Refreshes(RefreshesFact::UnderWay { account, since }));
    }
    let remedy = Remedy::Why(account.clone());
    Finding::to_mend(Fact::Refreshes(RefreshesFact::InDoubt { account, since }), remedy)
}

/// Verifies the chain of the audit's entries.
pub(crate) fn audit(vault: &mut OpenVault) -> Result<Finding, Error> {
    let examined = audit::verify(vault)?.examined;
    let fact = Fact::Audit;
    Ok(match examined.faults.first().copied() {
        None => Finding::fine(fact(AuditFact::Whole { entries: examined.entries })),
        Some(copy @ Fault::OtherCopy) => {
            Finding::to_mend(fact(AuditFact::NotVerifiable(copy)), Remedy::ShowAudit)
        }
        Some(older @ Fault::PutBack) => {
            Finding::damaged(fact(AuditFact::NotVerifiable(older)), Remedy::AcceptOlder)
        }
        Some(first) => {
            let more = examined.faults.len() - 1;
            Finding::damaged(fact(AuditFact::TamperedWith { first, more }), Remedy::ShowAudit)
        }
    })
}
