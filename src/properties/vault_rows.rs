//! The property of the vault's file, and of the spill file next to it.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use super::credential::{assert_decidable, can_be_kept, serialized};
use super::price::{Price, price};
use super::printed_text;
use super::row_edits::{flip, set};
use super::sample_vault::{ATTEMPT, NOW, OPENED, SampleVault, UNPLACED, VAULT};
use super::seal;
use crate::model::account::{Account, AccountFilter};
use crate::model::audit::Settings;
use crate::model::credential::Credential;
use crate::model::summary::Summary;
use crate::store::Error;
use crate::store::inside::evidence::Evidence;
use crate::store::inside::{
    Sealing, Writing, bundles, credentials, evidence, examine, header, intents, listing, lookup,
    reseal, slots,
};
use crate::vault::seal::{DataKey, SealContext};
use crate::vault::slot::{self, KeyMaterial, KeySlot};

/// A vault whose rows are edited, read, and put back as they were.
pub struct VaultRows(SampleVault);

impl VaultRows {
    /// Makes the vault in `home`, an empty directory.
    #[must_use]
    pub fn new(home: &Path) -> Self {
        Self(SampleVault::with_loose_tables(home))
    }

    /// Checks a vault after its file was edited. The input is lines; those of [`VaultFile`] mean
    /// nothing here:
    ///
    /// - the edits of one row in [`row_edits`](super::row_edits)
    /// - `seal credential JSON`, `seal header BYTES`: under the right seal, so that what reads the
    ///   opened bytes is reached
    /// - `spill BYTES`, `spill sealed JSON`: into the spill file
    ///
    /// [`VaultFile`]: super::VaultFile
    ///
    /// # Panics
    ///
    /// If something is read from the vault that nobody stored there.
    pub fn hold(&mut self, data: &[u8]) {
        seal::assert_opens_only_unchanged(
            &data[..data.len().min(64)],
            (data.len(), data.last().copied().unwrap_or_default()),
        );
        let spill_path = self.0.spill_path().to_owned();
        let SampleVault { store, key, secret, slots, stored, spill, .. } = &mut self.0;
        let change = store.write().expect("a transaction");
        let mut own: Vec<Credential> = stored.iter().map(|(_, own)| own.clone()).collect();
        let mut audit_is_ours = true;
        for line in data.split(|byte| *byte == b'\n').take(16) {
            let mut words = line.splitn(3, |byte| *byte == b' ');
            let verb = words.next().unwrap_or_default();
            let place = words.next().and_then(|word| std::str::from_utf8(word).ok());
            let (Some(place), rest) = (place, words.next().unwrap_or_default()) else { continue };
            match (verb, place) {
                (b"set", _) => set(&change, place, rest),
                (b"flip", _) => flip(&change, place, rest),
                (b"seal", "credential") => {
                    let (account, _) = &stored[0];
                    own.extend(seal_credential(&change, key, account, rest));
                }
                (b"seal", "header") => {
                    audit_is_ours = false;
                    let _ = header::put_bytes(&change, key, rest);
                }
                (b"spill", sealed) => {
                    let (account, _) = &stored[0];
                    let bytes = spill_content(key, account, sealed == "sealed", rest);
                    SampleVault::write_spill(&spill_path, &bytes);
                    let found = spill.read(key, account, (1, &ATTEMPT));
                    assert!(found.is_none() || sealed == "sealed", "nobody spilled this");
                    if let Some(found) = &found {
                        assert_decidable(found);
                    }
                    spill.clear().ok();
                    let length = std::fs::metadata(&spill_path).map_or(0, |found| found.len());
                    assert!(length <= bytes.len() as u64, "clearing wrote {length} bytes");
                    assert!(spill.read(key, account, (1, &ATTEMPT)).is_none());
                }
                (_, _) => {}
            }
        }
        check_slots(&change, secret, slots);
        let accounts: Vec<&Account> = stored.iter().map(|(account, _)| account).collect();
        check_credentials(&change, key, &accounts, &own);
        check_other_rows(&change, key, accounts[0], audit_is_ours);
        write_again(&change, key, &stored[1]);
    }
}

fn seal_in(key: &DataKey, place: SealContext<'_>, text: &[u8]) -> Vec<u8> {
    key.seal(place, text).expect("random bytes")
}

/// Puts `text` under the credential's seal. What is a credential is stored with its clear columns
/// too, and has to be found again; it is handed back.
fn seal_credential(
    change: &Writing<'_>,
    key: &DataKey,
    account: &Account,
    text: &[u8],
) -> Option<Credential> {
    let credential = serde_json::from_slice::<Credential>(text).ok()?;
    assert_decidable(&credential);
    let again = serde_json::to_vec(&credential).expect("what was read can be serialized");
    let twice: Credential = serde_json::from_slice(&again).expect("and read");
    assert_eq!(serialized(&twice), serialized(&credential));
    if can_be_kept(&Summary::of(account, &credential))
        && put(change, key, account, &credential).is_ok()
    {
        let found = credentials::read(change, key, account).expect("what was just stored");
        assert_eq!(
            found.map(|found| serialized(&found.stored.credential)),
            Some(serialized(&credential))
        );
    }
    Some(credential)
}

/// Stores a credential as a write of tokctl does.
fn put(
    change: &Writing<'_>,
    key: &DataKey,
    account: &Account,
    credential: &Credential,
) -> Result<(), Error> {
    let sealing = Sealing::begin(change, key)?;
    credentials::put(&sealing, account, credential, &Evidence::default())?;
    sealing.finish().map(drop)
}

fn spill_content(key: &DataKey, account: &Account, sealed: bool, rest: &[u8]) -> Vec<u8> {
    if !sealed {
        return rest.to_vec();
    }
    let place = SealContext::Spill {
        provider: account.provider.as_str(),
        user: account.user.as_str(),
        revision: 1,
        attempt: &ATTEMPT,
    };
    let sealed = seal_in(key, place, rest);
    let length = u32::try_from(sealed.len()).expect("inputs are short");
    [&length.to_le_bytes(), sealed.as_slice()].concat()
}

/// Asserts that nothing expensive or weak is derived, and that only the slot as it was made opens.
fn check_slots(connection: &Connection, secret: &KeyMaterial, genuine: &[KeySlot]) {
    let _ = slots::list(connection);
    let Ok(found) = slots::read(connection, VAULT, slots::Foreign::Refused) else { return };
    for found in found {
        let price = price(found.kind, found.cost);
        if price == Price::Expensive {
            continue;
        }
        let opened = found.unwrap(secret, VAULT, 1);
        let refused = opened.as_ref().is_err_and(|error| *error == slot::Error::Tampered);
        assert!(price == Price::Cheap || refused, "a cost beyond bounds is paid");
        assert!(opened.is_err() || genuine.contains(&found), "an edited slot opens");
    }
}

fn check_credentials(
    connection: &Connection,
    key: &DataKey,
    accounts: &[&Account],
    own: &[Credential],
) {
    let summaries = listing::summaries(connection, AccountFilter::default(), |_| true);
    let _ = lookup::accounts(connection, AccountFilter::default(), usize::MAX);
    for account in accounts {
        match credentials::read(connection, key, account) {
            Ok(Some(found)) => {
                let credential = &found.stored.credential;
                let known = own.iter().any(|own| serialized(own) == serialized(credential));
                assert!(known, "a row that nobody stored opens");
                let sealed = Summary::of(account, credential);
                let clear = summaries.as_ref().expect("a row that opens can be listed");
                let clear = clear.iter().find(|clear| clear.account == **account);
                let clear = clear.expect("and is in the list");
                assert!(*clear == sealed || !can_be_kept(&sealed), "not what is sealed: {clear:?}");
                let is_genuine = found.journal.as_ref().is_none_or(|it| it.attempt == ATTEMPT)
                    && found.attempt.as_ref().is_none_or(|it| it.status == Some(503));
                assert!(is_genuine, "evidence that nobody wrote: {found:?}");
            }
            Ok(None) => {}
            Err(error) => printed_text::assert_harmless(&error.to_string()),
        }
    }
    if let (Ok((examined, damage)), Ok(count)) =
        (examine::examine(connection, key, |_| {}), examine::count(connection))
    {
        assert_eq!(examined, count);
        let opens = |account: &&&Account| {
            let found = credentials::read(connection, key, account);
            matches!(found, Ok(Some(row)) if !row.is_forged)
        };
        let good = accounts.iter().filter(opens).count();
        let bad = damage.accounts.len() + damage.nameless;
        assert_eq!(u64::try_from(good + bad).ok(), Some(count), "all are good or told");
    }
}

fn check_other_rows(change: &Writing<'_>, key: &DataKey, account: &Account, audit_is_ours: bool) {
    let _ = (header::read(change), header::check(change, key), evidence::journals(change));
    let intents = intents::sealed(change, key).unwrap_or_default();
    assert!(intents.iter().all(|entry| entry == "genuine"), "{intents:?} may be deleted");
    let one = credentials::read(change, key, account).ok().flatten().and_then(|row| row.attempt);
    let mut all = Vec::new();
    let _ = evidence::each_attempt(change, |_, attempt| all.push(attempt));
    for attempt in all.into_iter().chain(one) {
        let texts = [&attempt.error, &attempt.message];
        for text in texts.into_iter().flatten() {
            printed_text::assert_harmless(text);
        }
        let hour = NOW.checked_add(Duration::from_secs(3600)).expect("an hour from then");
        assert!(attempt.paused_until(NOW).is_none_or(|until| until <= hour));
    }
    if let Ok((_, contents)) = header::open(change, key)
        && audit_is_ours
    {
        let settings = contents.audit.as_ref().map(|audit| audit.settings);
        assert_eq!(settings, Some(Settings::default()));
        assert_eq!(contents.imported_at(OPENED).ok(), Some(Some(NOW)), "a bundle opens twice");
    }
    check_bundles(change, key);
}

/// Asserts that a bundle that was placed is kept no longer.
fn check_bundles(change: &Writing<'_>, key: &DataKey) {
    let Ok(sealing) = Sealing::begin(change, key) else { return };
    if let Ok(Some((id, _))) = bundles::unplaced(change) {
        assert_eq!(id, UNPLACED, "a bundle that nobody handed over");
        bundles::forget(&sealing, id).expect("what was read can be deleted");
        assert_eq!(bundles::unplaced(change).ok(), Some(None));
    }
    sealing.finish().expect("the header can be sealed");
}

/// Asserts that a credential stored over any row can be read and outlives a rotation, or is
/// refused.
fn write_again(change: &Writing<'_>, key: &DataKey, (account, credential): &(Account, Credential)) {
    if put(change, key, account, credential).is_err() {
        return;
    }
    let read = |key: &DataKey| match credentials::read(change, key, account) {
        Ok(Some(found)) => serialized(&found.stored.credential),
        other => panic!("{other:?} in place of what was stored"),
    };
    assert_eq!(read(key), serialized(credential));
    let next = DataKey::generate(VAULT, 2).expect("random bytes");
    let sealing = Sealing::begin(change, key).expect("what was just sealed opens");
    match reseal::all(change, key, &next, |_| {}) {
        Ok(_) => {
            sealing.finish_under(&next).expect("the next key");
            assert_eq!(read(&next), serialized(credential));
        }
        Err(Error::Tampered { account: other }) => assert_ne!(other, *account),
        Err(_) => {}
    }
}
