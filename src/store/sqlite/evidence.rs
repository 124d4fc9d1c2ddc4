//! The columns of `credentials_2` that say what happened to a credential: the journal of its
//! refresh, the last attempt, and the health that was reported.
//!
//! They are in the clear, for `list` and `doctor`, and decide nothing until the code over them was
//! checked. The code is always there, over no evidence too, and is bound to the revision of the
//! credential. Each write has a number of its own from the header's counter.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params_from_iter};

use super::header::Form;
use super::sealing::Sealing;
use super::values::{Covered, stored};
use crate::model::account::Account;
use crate::model::attempt::Attempt;
use crate::model::credential_health::CredentialHealth;
use crate::store::error::Error;
pub(crate) use crate::store::evidence::{Evidence, Found};
use crate::store::record::Journal;
use crate::untrusted::printable;
use crate::vault::evidence_key::{Code, EvidenceContext, EvidenceKey};
use crate::vault::seal::DataKey;

/// The columns of the evidence, in the order in which this file reads them.
pub(super) const EVIDENCE: &str = "evidence, evidence_revision, journal, last_attempt, reported";
const NUMBER: usize = 1;
const JOURNAL: usize = 2;
pub(super) const WIDTH: usize = 5;

/// Checks the code over the evidence of `account` at `revision`, which stands in `row` from column
/// `first` on, and reads it.
pub(super) fn found(
    row: &Row<'_>,
    first: usize,
    key: &DataKey,
    form: Form,
    (account, revision): (&Account, u64),
) -> Found {
    let key = EvidenceKey::of(key);
    let proof =
        Proof::of(row, first, form, revision).filter(|it| it.holds(&key, (account, revision)));
    let Some(proof) = proof else { return Found::Forged };
    let (evidence, number) = match proof {
        Proof::Code { number, .. } => (read(row, first, revision, parse).map(Box::new), number),
        Proof::Earlier { evidence, number } => (Some(evidence), number),
    };
    evidence.map_or(Found::Forged, |evidence| Found::Genuine(evidence, number))
}

/// Reads the texts of the evidence by `parse`. A journal of another revision is none of this
/// credential's.
fn read(
    row: &Row<'_>,
    first: usize,
    revision: u64,
    parse: fn([Option<&str>; 3]) -> Option<Evidence>,
) -> Option<Evidence> {
    let text = |at: usize| row.get_ref(first + JOURNAL + at).ok()?.as_str_or_null().ok();
    let evidence = parse([text(0)?, text(1)?, text(2)?])?;
    evidence.journal.as_ref().is_none_or(|it| it.revision == revision).then_some(evidence)
}

/// The proof that the evidence of a row is genuine, apart from the row.
pub(super) enum Proof {
    /// The code, the number at which it was made, and the columns that it covers.
    Code { code: Code, number: u64, clear: Vec<u8> },
    /// The evidence of an early vault, which has no code.
    Earlier { evidence: Box<Evidence>, number: u64 },
}

impl Proof {
    /// Takes the proof out of `row`, where the evidence stands from column `first` on; returns
    /// `None` if there is none.
    pub(super) fn of(row: &Row<'_>, first: usize, form: Form, revision: u64) -> Option<Self> {
        let number = row.get_ref(first + NUMBER).ok()?.as_i64().ok()?.try_into().ok()?;
        match form {
            Form::Sealed => {
                let code = row.get_ref(first).ok()?.as_blob().ok()?.try_into().ok()?;
                Some(Self::Code { code, number, clear: covered(row, first).ok()? })
            }
            Form::Earlier => {
                let evidence = Box::new(read(row, first, revision, parse_earlier)?);
                Some(Self::Earlier { evidence, number })
            }
        }
    }

    /// Whether the code is the one over the evidence.
    pub(super) fn holds(&self, key: &EvidenceKey, (account, revision): (&Account, u64)) -> bool {
        match self {
            Self::Code { code, number, clear } => {
                key.holds(context(account, revision, *number, clear), code)
            }
            Self::Earlier { .. } => true,
        }
    }

    /// Returns the code under `next`, and the texts, where they are to be written anew. It was
    /// checked before.
    pub(super) fn anew(
        &self,
        next: &EvidenceKey,
        (account, revision): (&Account, u64),
    ) -> Result<(Code, Option<Columns>), Error> {
        let code = |number, clear: &[u8]| next.code(context(account, revision, number, clear));
        match self {
            Self::Code { number, clear, .. } => Ok((code(*number, clear), None)),
            Self::Earlier { evidence, number } => {
                let columns = Columns::of(evidence)?;
                Ok((code(*number, &columns.covered()), Some(columns)))
            }
        }
    }
}

/// The bytes of the columns that the code covers. The evidence stands in `row` from column `first`
/// on.
fn covered(row: &Row<'_>, first: usize) -> Result<Vec<u8>, Error> {
    let mut covered = Covered::new();
    for column in first + JOURNAL..first + WIDTH {
        covered.push(row.get_ref(column)?);
    }
    Ok(covered.into_bytes())
}

/// The evidence, as its code covers it.
pub(super) fn context<'a>(
    account: &'a Account,
    revision: u64,
    number: u64,
    clear: &'a [u8],
) -> EvidenceContext<'a> {
    let Account { provider, user } = account;
    let (provider, user) = (provider.as_str(), user.as_str());
    EvidenceContext { provider, user, revision, number, clear }
}

/// Reads the three texts; returns `None` if one of them is none that tokctl writes. The texts in
/// them are made fit to be shown.
fn parse([journal, attempt, reported]: [Option<&str>; 3]) -> Option<Evidence> {
    Some(Evidence {
        journal: journal.map(serde_json::from_str).transpose().ok()?,
        attempt: match attempt {
            Some(text) => Some(parse_attempt(text)?),
            None => None,
        },
        reported: match reported {
            Some(word) => from_word(word)?,
            None => CredentialHealth::Good,
        },
        refused_since: None,
    })
}

/// Reads the three texts as an earlier program did: an attempt or a word that can't be read counts
/// as none.
fn parse_earlier([journal, attempt, reported]: [Option<&str>; 3]) -> Option<Evidence> {
    Some(Evidence {
        journal: journal.map(serde_json::from_str).transpose().ok()?,
        attempt: attempt.and_then(parse_attempt),
        reported: reported.and_then(from_word).unwrap_or_default(),
        refused_since: None,
    })
}

/// Reads the text of an attempt, of which nothing is verified.
pub(crate) fn parse_attempt(text: &str) -> Option<Attempt> {
    let attempt: Attempt = serde_json::from_str(text).ok()?;
    let shown = |text: Option<String>| text.as_deref().map(printable);
    Some(Attempt { error: shown(attempt.error), message: shown(attempt.message), ..attempt })
}

/// Reads the text of a journal, of which nothing is verified.
fn parse_journal(text: &str) -> Option<Journal> {
    serde_json::from_str(text).ok()
}

/// The evidence in the values that a row holds.
pub(super) struct Columns {
    journal: Option<String>,
    attempt: Option<String>,
    reported: Option<&'static str>,
}

impl Columns {
    /// Returns the columns of `evidence`. Fails with [`Error::Inconsistent`] if it can't be written down.
    pub(super) fn of(evidence: &Evidence) -> Result<Self, Error> {
        const UNWRITABLE: Error = Error::Inconsistent("evidence that can't be written down");
        let Evidence { journal, attempt, reported, refused_since: _ } = evidence;
        let journal = journal.as_ref().map(serde_json::to_string).transpose();
        let attempt = attempt.as_ref().map(serde_json::to_string).transpose();
        Ok(Self {
            journal: journal.map_err(|_| UNWRITABLE)?,
            attempt: attempt.map_err(|_| UNWRITABLE)?,
            reported: word(*reported),
        })
    }

    /// The texts, in the order of the columns.
    pub(super) fn texts(&self) -> [ValueRef<'_>; 3] {
        [self.journal.as_deref(), self.attempt.as_deref(), self.reported].map(|text| match text {
            Some(text) => ValueRef::Text(text.as_bytes()),
            None => ValueRef::Null,
        })
    }

    /// The texts, as the code covers them.
    pub(super) fn covered(&self) -> Vec<u8> {
        let mut covered = Covered::new();
        for text in self.texts() {
            covered.push(text);
        }
        covered.into_bytes()
    }
}

fn word(health: CredentialHealth) -> Option<&'static str> {
    match health {
        CredentialHealth::Good => None,
        CredentialHealth::RefreshFailed => Some("refresh_failed"),
        CredentialHealth::LoginRequired => Some("login_required"),
    }
}

fn from_word(found: &str) -> Option<CredentialHealth> {
    [CredentialHealth::RefreshFailed, CredentialHealth::LoginRequired]
        .into_iter()
        .find(|health| word(*health) == Some(found))
}

/// Writes `evidence` into the row of `account` at `revision`. Returns whether that row is there.
pub(crate) fn put(
    sealing: &Sealing<'_, '_>,
    account: &Account,
    revision: u64,
    evidence: &Evidence,
) -> Result<bool, Error> {
    let number = sealing.next_revision()?;
    let columns = Columns::of(evidence)?;
    let code =
        EvidenceKey::of(sealing.key).code(context(account, revision, number, &columns.covered()));
    let names = [account.provider.as_str(), account.user.as_str()];
    let [provider, user] = names.map(|name| ValueRef::Text(name.as_bytes()));
    let place = [provider, user, ValueRef::Integer(stored(revision)?)];
    let number = ValueRef::Integer(stored(number)?);
    let values = place
        .into_iter()
        .chain([ValueRef::Blob(&code), number])
        .chain(columns.texts())
        .map(rusqlite::types::ToSqlOutput::Borrowed);
    let written = sealing
        .prepare_cached(
            "UPDATE credentials_2 SET evidence = ?4, evidence_revision = ?5, journal = ?6,
              last_attempt = ?7, reported = ?8
             WHERE provider = ?1 AND user = ?2 AND revision = ?3",
        )?
        .execute(params_from_iter(values))?;
    Ok(written == 1)
}

/// Calls `each` with the last attempt for each credential, not verified; those that can't be read are
/// left out. The names stand beside it: those of the provider and of the server.
pub(crate) fn each_attempt(
    connection: &Connection,
    mut each: impl FnMut((&str, Option<&str>), Attempt),
) -> Result<(), Error> {
    let mut statement = connection.prepare(
        "SELECT last_attempt, provider, server_url FROM credentials_2
         WHERE last_attempt IS NOT NULL",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let text = |column: usize| row.get_ref(column).ok()?.as_str_or_null().ok();
        let (Some(Some(last)), Some(Some(provider)), Some(server)) = (text(0), text(1), text(2))
        else {
            continue;
        };
        if let Some(attempt) = parse_attempt(last) {
            each((provider, server), attempt);
        }
    }
    Ok(())
}

/// The accounts that have a journal, in order, each with it: not verified, and `None` if it can't be
/// read.
pub(crate) fn journals(connection: &Connection) -> Result<Vec<(Account, Option<Journal>)>, Error> {
    // In the order of the file: by name, SQLite would jump about in it, and a rotation asks this of
    // all rows.
    let mut statement = connection
        .prepare("SELECT provider, user, journal FROM credentials_2 WHERE journal IS NOT NULL")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (provider, user): (String, String) = (row.get(0)?, row.get(1)?);
        // Such names are no account's, and told with all that does not open.
        let (Ok(provider), Ok(user)) = (provider.parse(), user.parse()) else { continue };
        let journal = row.get::<_, String>(2).ok().as_deref().and_then(parse_journal);
        found.push((Account { provider, user }, journal));
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(found)
}
