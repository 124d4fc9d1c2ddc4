//! What is under the vault's seals: whether all of it opens.

use jiff::{SignedDuration, Timestamp};

use super::database::age;
use super::report::{Check, Remedy, Told};
use crate::model::account::Account;
use crate::ops::audit;
use crate::ops::error::Error;
use crate::store::audit::Fault;
use crate::store::{OpenVault, Vault};

/// No request takes longer: what began earlier and has no answer was interrupted.
const UNDER_WAY: SignedDuration = SignedDuration::from_mins(2);

/// The accounts of all credentials.
pub(crate) fn accounts(vault: &OpenVault) -> Result<Vec<Account>, Error> {
    Ok(vault.accounts(None, None)?)
}

/// Opens every credential.
pub(crate) fn credentials(vault: &OpenVault) -> Result<Vec<Told>, Error> {
    let (count, damage) = vault.examine(|_| {})?;
    let mut told: Vec<Told> = damage
        .accounts
        .into_iter()
        .map(|account| {
            let message = format!("`{account}` does not open: it is damaged or was tampered with");
            Told::damaged(Check::Credentials, message, Remedy::Forget(account))
        })
        .collect();
    if damage.nameless > 0 {
        told.push(Told::damaged(
            Check::Credentials,
            format!("{} rows have names that no credential can have", damage.nameless),
            Remedy::RestoreBackup,
        ));
    }
    if told.is_empty() {
        let message = format!("all {count} open, and are as they are listed");
        told.push(Told::fine(Check::Credentials, message));
    }
    Ok(told)
}

/// Looks for refreshes whose answer was never stored. Needs no key.
pub(crate) fn interrupted(store: &Vault, now: Timestamp) -> Result<Vec<Told>, Error> {
    let standing = store.interrupted_refreshes()?;
    let mut told: Vec<Told> =
        standing.into_iter().map(|(account, since)| in_doubt(account, since, now)).collect();
    if told.is_empty() {
        told.push(Told::fine(Check::Refreshes, "none was interrupted"));
    }
    Ok(told)
}

fn in_doubt(account: Account, since: Timestamp, now: Timestamp) -> Told {
    let when = age(since, now);
    let running = now.duration_since(since);
    if !running.is_negative() && running < UNDER_WAY {
        return Told::fine(Check::Refreshes, format!("`{account}` may be under way, begun {when}"));
    }
    Told::finding(
        Check::Refreshes,
        format!("what became of a refresh of `{account}`, begun {when}, is not known"),
        Remedy::Why(account),
    )
}

/// Verifies the chain of the audit's entries.
pub(crate) fn audit(vault: &mut OpenVault) -> Result<Told, Error> {
    let examined = audit::verify(vault)?.examined;
    Ok(match examined.faults.first() {
        None => Told::fine(Check::Audit, format!("its {} entries are whole", examined.entries)),
        Some(copy @ Fault::OtherCopy) => {
            let message = format!("the audit can't be verified: {copy}");
            Told::finding(Check::Audit, message, Remedy::ShowAudit)
        }
        Some(first) => {
            let more = examined.faults.len() - 1;
            let rest = if more == 0 { String::new() } else { format!("; {more} more") };
            let message = format!("the audit was tampered with: {first}{rest}");
            Told::damaged(Check::Audit, message, Remedy::ShowAudit)
        }
    })
}
