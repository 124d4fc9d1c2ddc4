//! What the vault knows of the last request about a credential, apart from the form in which an
//! engine keeps it.

use super::error::Error;
use super::record::Journal;
use crate::model::account::Account;
use crate::model::attempt::Attempt;
use crate::model::credential_health::CredentialHealth;

/// The knowledge of a credential's last request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// The journal of a refresh whose answer is not stored.
    pub(crate) journal: Option<Journal>,
    /// The last request about the credential.
    pub(crate) attempt: Option<Attempt>,
    /// The health that was last reported.
    pub(crate) reported: CredentialHealth,
    /// The revision at which the refused tokens were stored, in a shared vault whose row is a verdict that
    /// its grant has ended. A late answer to a request about that revision, or about one
    /// since, says that the verdict was about a token which that request had spent.
    pub(crate) refused_since: Option<u64>,
}

impl Evidence {
    /// Puts `left` in place of the journal `own`. Another journal belongs to another process, and is
    /// left. Returns whether it was the own one.
    pub(in crate::store) fn end(&mut self, own: &Journal, left: Option<&Journal>) -> bool {
        let is_own = self.journal.as_ref().is_some_and(|found| found.attempt == own.attempt);
        if is_own {
            self.journal = left.cloned();
        }
        is_own
    }
}

/// The evidence that stands in a row, after its code was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// The evidence is as tokctl wrote it, at this number.
    Genuine(Box<Evidence>, u64),
    /// The evidence was edited, or taken away.
    Forged,
}

impl Found {
    /// Returns the evidence; fails with [`Error::Tampered`] if it is forged.
    pub(crate) fn genuine(self, account: &Account) -> Result<Evidence, Error> {
        match self {
            Self::Genuine(evidence, _) => Ok(*evidence),
            Self::Forged => Err(Error::Tampered { account: account.clone() }),
        }
    }
}
