//! The property of the vault's file as a whole: its schema, its header, and what lies beside it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::credential::serialized;
use super::file_edits::{self, Edited};
use super::file_facts::Facts;
use super::printed_text;
use super::sample_vault::SampleVault;
use crate::model::account::{Account, AccountFilter};
use crate::model::credential::Credential;
use crate::private_file;
use crate::store::{Error, OpenVault, Vault, Watermarks};
use crate::vault::Key;
use crate::vault::slot::KeyMaterial;
use crate::vault::slot_secret::SlotSecret;

/// The time within which whatever is done with one edited vault has to end.
const PATIENCE: Duration = Duration::from_secs(8);

/// The size of a file without a table, beside which a journal may lie.
const PAGE: u64 = 4096;

/// A vault whose file is edited as anybody can who has no key, and then used.
pub struct VaultFile {
    path: PathBuf,
    pristine: Vec<u8>,
    facts: Facts,
    stored: Vec<(Account, Credential)>,
    key: Key,
}

/// What one edit left to rely on.
struct Expected<'a> {
    file: &'a VaultFile,
    /// The facts about the edited file, if SQLite can read it.
    facts: Option<&'a Facts>,
    edited: Edited,
}

impl VaultFile {
    /// Makes the vault in `home`, an empty directory.
    ///
    /// # Panics
    ///
    /// If the directory can't be used.
    #[must_use]
    pub fn new(home: &Path) -> Self {
        let sample = SampleVault::new(home);
        let path = sample.store.file().path().to_owned();
        assert!(sample.store.empty_log().expect("the log"), "nobody else reads it");
        let SampleVault { secret: KeyMaterial::Random(key), stored, .. } = sample else {
            unreachable!("a slot of kind `key` has a random secret");
        };
        let pristine = fs::read(&path).expect("the vault's file");
        let facts = Facts::read(&path).expect("a whole file");
        Self { path, pristine, facts, stored, key }
    }

    /// Checks a vault after its file was edited. The input is lines, as
    /// [`file_edits`](super::file_edits) reads them. An input that changes nothing but values of
    /// rows is left to [`VaultRows`](super::VaultRows).
    ///
    /// # Panics
    ///
    /// If a credential is shown that nobody stored, if one is refused whose file is in order, if a
    /// schema that could act is not refused, if a write does not last, or if something takes too
    /// long.
    pub fn hold(&self, data: &[u8]) {
        self.lay_out();
        let edited = file_edits::apply(&self.path, data);
        if !edited.has_file_edits {
            return;
        }
        if edited.has_journal && fs::metadata(&self.path).is_ok_and(|file| file.len() > PAGE) {
            // SQLite would play it into the file. tokctl gives it a moment to go, so it is asked once.
            let opened = Vault::open_read_only(&self.path);
            assert!(matches!(opened, Err(Error::RollbackJournal { .. })), "a journal is believed");
            return;
        }
        let began = Instant::now();
        let facts = Facts::read(&self.path);
        let expected = Expected { file: self, facts: facts.as_ref(), edited };
        if expected.read_all() {
            expected.write_one();
            expected.delete_one();
        } else {
            expected.repair();
        }
        assert!(began.elapsed() < PATIENCE, "it takes {:?}", began.elapsed());
    }

    /// Puts the vault back as it was made.
    fn lay_out(&self) {
        let directory = self.path.parent().expect("a directory");
        fs::remove_dir_all(directory).expect("the directory of the vault");
        private_file::create_directory(directory).expect("a directory");
        let mut file = private_file::create_new(&self.path).expect("a file");
        file.write_all(&self.pristine).expect("room for the vault");
    }

    fn unlock(&self, vault: Vault) -> Result<OpenVault, Error> {
        let open = vault.unlock(SlotSecret::Key(self.key.clone()));
        Ok(open?.with_watermarks(Watermarks::default()))
    }
}

/// Passes a result on; asserts that a refusal can be shown.
fn shown<T>(result: Result<T, Error>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            printed_text::assert_harmless(&error.to_string());
            None
        }
    }
}

impl Expected<'_> {
    /// Whether everything that was not edited has to be as it was. An edited byte may have led an
    /// index astray.
    fn is_reliable(&self) -> bool {
        let pristine = &self.file.facts;
        let holds = |facts: &Facts| facts.has_schema_of(pristine) && facts.unlocks_as(pristine);
        !self.edited.has_odd_bytes && self.facts.is_some_and(holds)
    }

    /// Whether the schema is one that could act, or lacks something.
    fn is_to_be_refused(&self) -> bool {
        self.facts.is_some_and(|facts| !facts.has_schema_of(&self.file.facts))
    }

    /// Reads everything, with the key and without; returns whether the file could be opened.
    fn read_all(&self) -> bool {
        let VaultFile { path, .. } = self.file;
        if let Some(vault) = shown(Vault::open_unlocked(path)) {
            let _ = shown(vault.accounts(None, None));
        }
        if let Some((vault, _)) = shown(Vault::open_as_it_is(path)) {
            let _ = (shown(vault.schema_differences()), shown(vault.slots_with_cost()));
            let _ = (shown(vault.leftover_intents()), shown(vault.unanswered_refreshes()));
            for fault in shown(vault.faults(10)).unwrap_or_default() {
                printed_text::assert_harmless(&fault);
            }
        }
        let vault = Vault::open_read_only(path);
        assert!(vault.is_err() || !self.is_to_be_refused(), "a schema that acts is believed");
        assert!(vault.is_ok() || !self.is_reliable(), "a good file is refused: {:?}", vault.err());
        let Some(vault) = shown(vault) else { return false };
        let _ = (
            shown(vault.summaries(AccountFilter::default(), |_| true)),
            shown(vault.each_attempt(|_, _| {})),
            shown(vault.slots()),
        );
        let _ = shown(vault.each_summary(AccountFilter::default(), |_, _, _| Ok(())));
        self.read_with_key(vault, self.facts);
        true
    }

    /// Opens each credential and returns the accounts of those that open. `facts` are those about the
    /// file as it is now, if they are known.
    fn read_with_key(&self, vault: Vault, facts: Option<&Facts>) -> Vec<&Account> {
        let open = self.file.unlock(vault);
        assert!(open.is_ok() || !self.is_reliable(), "it does not unlock: {:?}", open.err());
        let Some(open) = shown(open) else { return Vec::new() };
        let _ = (shown(open.older()), shown(open.unplaced_bundle()), shown(open.examine(|_| {})));
        let mut opened = Vec::new();
        for (account, own) in &self.file.stored {
            let is_untouched = self.is_reliable()
                && facts.is_some_and(|it| it.has_row_of(&self.file.facts, account.user.as_str()));
            let found = open.read(account);
            match &found {
                Ok(Some(row)) => {
                    assert_eq!(
                        serialized(&row.stored.credential),
                        serialized(own),
                        "nobody stored it"
                    );
                    assert!(!row.is_forged || !is_untouched, "{account} counts as edited");
                    opened.push(account);
                }
                Ok(None) | Err(_) => assert!(!is_untouched, "{account} does not open: {found:?}"),
            }
            let _ =
                (shown(found), shown(open.read_to_send(account)), shown(open.revision(account)));
        }
        opened
    }

    /// Stores a credential; asserts that it is there afterwards, and that the others are as before.
    fn write_one(&self) {
        let (account, credential) = &self.file.stored[1];
        let before = self.opened();
        let Some(open) = self.open_for_writing() else { return };
        let Some(row) = shown(open.read(account)) else { return };
        let over = row.map(|row| row.stored.revision);
        if shown(open.put(account, credential, over)) != Some(true) {
            drop(open);
            let after = self.opened();
            assert!(self.edited.has_odd_bytes || after == before, "{before:?}, and then {after:?}");
            return;
        }
        drop(open);
        let after = self.opened();
        assert!(after.contains(&account), "what was stored is gone");
        let is_kept = |account: &&Account| after.contains(account);
        assert!(self.edited.has_odd_bytes || before.iter().all(is_kept), "{before:?}, {after:?}");
    }

    /// Deletes a credential without a key; asserts that it is gone.
    fn delete_one(&self) {
        let (account, _) = &self.file.stored[2];
        let Some(vault) = shown(Vault::open(&self.file.path)) else { return };
        let deadline = Instant::now() + PATIENCE;
        let is_gone = shown(vault.forget(account, &Watermarks::default(), deadline)).is_some();
        drop(vault);
        if is_gone && !self.edited.has_odd_bytes {
            assert!(!self.opened().contains(&account), "what was deleted is there");
        }
    }

    /// Drops what acts; asserts that nothing of the kind is left.
    fn repair(&self) {
        if shown(Vault::drop_foreign(&self.file.path)).is_none() {
            return;
        }
        match Vault::open_read_only(&self.file.path) {
            Err(error @ Error::ForeignSchema { .. }) => {
                assert!(self.edited.has_odd_bytes, "{error} after the repair");
            }
            Err(error) => drop(shown::<()>(Err(error))),
            Ok(vault) => drop(self.read_with_key(vault, None)),
        }
    }

    /// Returns the accounts whose credential opens in a fresh look at the file.
    fn opened(&self) -> Vec<&Account> {
        shown(Vault::open_read_only(&self.file.path))
            .map(|vault| self.read_with_key(vault, None))
            .unwrap_or_default()
    }

    fn open_for_writing(&self) -> Option<OpenVault> {
        let vault = shown(Vault::open(&self.file.path))?;
        shown(self.file.unlock(vault))
    }
}
