//! The checks of what the vault keeps sealed: credentials, interrupted refreshes, and the audit.

use super::facts::{AuditFact, CredentialsFact, FreshnessFact, RefreshesFact};
use super::finding::{Fact, Finding, Remedy};
use crate::ops::audit::{self, Fault};
use crate::ops::error::Error;
use crate::store::{OpenVault, UnansweredRefresh, Vault};

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
        let remedy =
            if vault.is_shared() { Remedy::RestoreDatabase } else { Remedy::RestoreBackup };
        findings.push(Finding::damaged(fact(nameless), remedy));
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
pub(crate) fn interrupted_refreshes(vault: &Vault) -> Result<Vec<Finding>, Error> {
    let unanswered = vault.unanswered_refreshes()?;
    let mut findings: Vec<Finding> = unanswered.into_iter().map(judge).collect();
    if findings.is_empty() {
        findings.push(Finding::fine(Fact::Refreshes(RefreshesFact::NoneInterrupted)));
    }
    Ok(findings)
}

/// Judges a refresh that has no answer.
fn judge(refresh: UnansweredRefresh) -> Finding {
    let UnansweredRefresh { account, since, is_under_way } = refresh;
    if is_under_way {
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
        Some(other @ Fault::OtherVault) => {
            Finding::damaged(fact(AuditFact::NotVerifiable(other)), Remedy::Repair)
        }
        Some(first) => {
            let more = examined.faults.len() - 1;
            Finding::damaged(fact(AuditFact::TamperedWith { first, more }), Remedy::ShowAudit)
        }
    })
}
