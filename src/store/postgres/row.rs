//! One row: what is sealed in it, and who signed it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::membership::Membership;
use super::schema::{EVIDENCE, ROWS};
use crate::model::account::Account;
use crate::model::attempt::Attempt;
use crate::model::credential::Credential;
use crate::model::credential_health::CredentialHealth;
use crate::model::summary::Summary;
use crate::store::error::Error as StoreError;
use crate::store::evidence::{Evidence, Found};
use crate::store::record::{Journal, SharedLease};
use crate::store::shared_error::Error;
use crate::vault::plaintext;
use crate::vault::seal::SealContext;
use crate::vault::shared::member::MemberId;
use crate::vault::shared::row::SealedRow;
use crate::vault::shared::row_name::{RowName, row_name};

/// The length of a signature with its signer, which stands before the sealed record of requests.
const SIGNED: usize = 32 + 64;

/// A row as it was read.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) name: RowName,
    pub(super) revision: u64,
    pub(super) label: Vec<u8>,
    /// The hash of the sealed credential, which is signed.
    pub(super) digest: Vec<u8>,
    /// The sealed credential; `None` if only the label was asked for.
    pub(super) secret: Option<Vec<u8>>,
    pub(super) writer: Vec<u8>,
    pub(super) signature: Vec<u8>,
    pub(super) evidence: Vec<u8>,
    /// The random name of the last change of the credential.
    pub(super) change: Vec<u8>,
    pub(super) turn: Option<Turn>,
}

/// The journal and lease of a refresh.
#[derive(Debug, Clone)]
pub(super) struct Turn {
    pub(super) attempt: [u8; 16],
    pub(super) number: i64,
    pub(super) started_at: i64,
    pub(super) lease_until: i64,
    pub(super) holder: Option<Vec<u8>>,
}

/// The columns that a write of a credential replaces.
pub(super) struct Sealed {
    pub(super) secret: Vec<u8>,
    pub(super) label: Vec<u8>,
    pub(super) writer: MemberId,
    pub(super) signature: [u8; 64],
}

/// The record of requests, as JSON.
#[derive(Default, Serialize, Deserialize)]
struct Record {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attempt: Option<Attempt>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reported: Option<Reported>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refused_since: Option<u64>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reported {
    RefreshFailed,
    LoginRequired,
}

const UNWRITABLE: StoreError = StoreError::Inconsistent("a credential that can't be written down");

impl Membership {
    /// Returns the name of the row of `account`.
    pub(super) fn name(&self, account: &Account) -> RowName {
        row_name(&self.key, account.provider.as_str(), account.user.as_str())
    }

    /// Seals and signs `credential` for the row of `account` at `revision`.
    pub(super) fn seal(
        &self,
        account: &Account,
        credential: &Credential,
        revision: u64,
    ) -> Result<Sealed, StoreError> {
        let text = plaintext::to_json(credential).map_err(|_| UNWRITABLE)?;
        let label = Summary::of(account, credential);
        let label = serde_json::to_vec(&label).map_err(|_| UNWRITABLE)?;
        self.seal_texts(&self.name(account), revision, &text, &label)
    }

    /// Seals and signs the texts of a credential and its label for the row `row` at `revision`.
    pub(super) fn seal_texts(
        &self,
        row: &RowName,
        revision: u64,
        text: &[u8],
        label: &[u8],
    ) -> Result<Sealed, StoreError> {
        let secret = self.key.seal(SealContext::SharedSecret { row, revision }, text)?;
        let label = self.key.seal(SealContext::SharedLabel { row, revision }, label)?;
        let digest = Sha256::digest(&secret);
        let signature = self.signed(ROWS, row, revision, &[&digest, &label]).sign(&self.identity);
        Ok(Sealed { secret, label, writer: self.identity.id(), signature })
    }

    /// Seals and signs `evidence` for the row `row` at `revision`. The journal has columns of its own.
    pub(super) fn seal_evidence(
        &self,
        row: &RowName,
        revision: u64,
        evidence: &Evidence,
    ) -> Result<Vec<u8>, StoreError> {
        let reported = match evidence.reported {
            CredentialHealth::Good => None,
            CredentialHealth::RefreshFailed => Some(Reported::RefreshFailed),
            CredentialHealth::LoginRequired => Some(Reported::LoginRequired),
        };
        let Evidence { attempt, refused_since, .. } = evidence.clone();
        let record = Record { attempt, reported, refused_since };
        let text = serde_json::to_vec(&record).map_err(|_| UNWRITABLE)?;
        let sealed = self.key.seal(SealContext::SharedEvidence { row, revision }, &text)?;
        let signature = self.signed(EVIDENCE, row, revision, &[&sealed]).sign(&self.identity);
        Ok([&self.identity.id().0[..], &signature, &sealed].concat())
    }

    /// Seals the name of this member for its attempt on the row `row`.
    pub(super) fn seal_holder(
        &self,
        row: &RowName,
        attempt: &[u8; 16],
    ) -> Result<Vec<u8>, StoreError> {
        let context = SealContext::SharedHolder { row, attempt };
        Ok(self.key.seal(context, self.label().as_bytes())?)
    }

    fn signed<'a>(
        &self,
        table: &'a str,
        name: &'a RowName,
        revision: u64,
        parts: &'a [&'a [u8]],
    ) -> SealedRow<'a> {
        let (vault, generation) = (self.vault(), self.key.generation);
        SealedRow { vault, generation, table, name, revision, parts }
    }
}

impl Row {
    /// Verifies that a member wrote the row who may write, and opens its label. Fails with
    /// [`Error::Forged`] or [`Error::Roster`].
    pub(super) fn summary(&self, membership: &Membership) -> Result<Summary, Error> {
        self.check(membership)?;
        let context = SealContext::SharedLabel { row: &self.name, revision: self.revision };
        let text = membership.key.open(context, &self.label);
        let forged = Error::Forged { what: "a row with a broken seal" };
        let summary = text.ok().and_then(|text| serde_json::from_slice(&text).ok());
        let Some(summary): Option<Summary> = summary else { return Err(forged) };
        if membership.name(&summary.account) == self.name { Ok(summary) } else { Err(forged) }
    }

    /// Verifies that a member wrote the row of `account` who may write, and opens the credential.
    /// Fails with [`StoreError::Tampered`].
    pub(super) fn credential(
        &self,
        membership: &Membership,
        account: &Account,
    ) -> Result<Credential, StoreError> {
        let tampered = || StoreError::Tampered { account: account.clone() };
        let text = self.text(membership).map_err(|_| tampered())?;
        serde_json::from_slice(&text).map_err(|_| tampered())
    }

    /// Verifies that a member wrote the row who may write, and opens the text of the credential.
    pub(super) fn text(
        &self,
        membership: &Membership,
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, Error> {
        self.check(membership)?;
        let secret = self.secret.as_deref().unwrap_or_default();
        let forged = Error::Forged { what: "a row with a broken seal" };
        if Sha256::digest(secret)[..] != self.digest[..] {
            return Err(forged);
        }
        let context = SealContext::SharedSecret { row: &self.name, revision: self.revision };
        membership.key.open(context, secret).map_err(|_| forged)
    }

    fn check(&self, membership: &Membership) -> Result<(), Error> {
        let forged = || Error::Forged { what: "a row without a signature" };
        let writer = self.writer.as_slice().try_into().map_err(|_| forged())?;
        let signature = self.signature.as_slice().try_into().map_err(|_| forged())?;
        let parts = [self.digest.as_slice(), &self.label];
        let signed = membership.signed(ROWS, &self.name, self.revision, &parts);
        Ok(membership.roster.check_row(&signed, MemberId(writer), signature)?)
    }

    /// Returns what is known of the last request, with the journal, as the clock of the database
    /// judges it at `now`.
    pub(super) fn evidence(&self, membership: &Membership, now: i64) -> Found {
        let Some(record) = self.record(membership) else { return Found::Forged };
        let reported = match record.reported {
            None => CredentialHealth::Good,
            Some(Reported::RefreshFailed) => CredentialHealth::RefreshFailed,
            Some(Reported::LoginRequired) => CredentialHealth::LoginRequired,
        };
        let journal = self.journal(membership, now);
        let Record { attempt, refused_since, .. } = record;
        let evidence = Evidence { journal, attempt, reported, refused_since };
        Found::Genuine(Box::new(evidence), self.revision)
    }

    fn record(&self, membership: &Membership) -> Option<Record> {
        let (signed, sealed) = self.evidence.split_at_checked(SIGNED)?;
        let (writer, signature) = signed.split_first_chunk::<32>()?;
        let parts = [sealed];
        let row = membership.signed(EVIDENCE, &self.name, self.revision, &parts);
        let signature = signature.try_into().ok()?;
        membership.roster.check_row(&row, MemberId(*writer), signature).ok()?;
        let context = SealContext::SharedEvidence { row: &self.name, revision: self.revision };
        serde_json::from_slice(&membership.key.open(context, sealed).ok()?).ok()
    }

    /// Returns the journal, if there is one, as the clock of the database judges it at `now`.
    pub(super) fn journal(&self, membership: &Membership, now: i64) -> Option<Journal> {
        let turn = self.turn.as_ref()?;
        let context = SealContext::SharedHolder { row: &self.name, attempt: &turn.attempt };
        let holder = turn.holder.as_ref().and_then(|holder| {
            let opened = membership.key.open(context, holder).ok()?;
            String::from_utf8(opened.to_vec()).ok()
        });
        Some(Journal {
            revision: self.revision,
            attempt: turn.attempt,
            started_at: whole_second(turn.started_at),
            started: None,
            lease: None,
            shared: Some(SharedLease { is_running: turn.is_running(now), holder }),
        })
    }
}

/// Returns a time of the database, which counts microseconds, in whole seconds.
pub(super) fn whole_second(microseconds: i64) -> Timestamp {
    Timestamp::from_second(microseconds.div_euclid(1_000_000)).unwrap_or_default()
}

impl Turn {
    /// Whether the request may still be on its way at `now`.
    pub(super) fn is_running(&self, now: i64) -> bool {
        now < self.lease_until
    }
}
