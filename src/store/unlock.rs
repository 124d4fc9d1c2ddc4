//! Unlocking a vault: from a slot's secret to the data key.

use super::engine::Engine;
use super::error::Error;
use super::sqlite::header::{self, Header};
use super::sqlite::slots;
use super::vault::Vault;
use crate::vault::seal::DataKey;
use crate::vault::slot::{self, KeySlot, SlotId, SlotKind};
use crate::vault::slot_secret::SlotSecret;

/// The number of passphrase slots that are tried. Fewer can be added; whoever adds rows to the file
/// must not make every command slow.
const MOST_PASSPHRASES: usize = 8;

impl Vault {
    /// Ends the current view, so that the next read sees what others have written since.
    pub(crate) fn look_again(&self) -> Result<(), Error> {
        match &self.engine {
            Engine::Sqlite(file) => file.look_again(),
            // Each read of a shared vault sees what was written until then.
            #[cfg(feature = "postgres")]
            Engine::Server(_) => Ok(()),
        }
    }

    /// Returns the header and the key slots, as they are read at one moment. Fails with [`Error::NoVault`]
    /// if the vault was never finished.
    pub(super) fn header_and_slots(&self) -> Result<(Header, Vec<KeySlot>), Error> {
        let file = self.engine.file("key slots")?;
        let foreign = file.foreign_slots();
        file.read(|view| {
            let header = header::read(view)?.ok_or_else(|| self.no_vault())?;
            Ok((header, slots::read(view, header.vault, foreign)?))
        })
    }
}

/// Unwraps the data key of `vault` with `secret`, out of the slot `only` if one is named.
///
/// Another process may change slots and keychain meanwhile. So before this fails, it reads the
/// slots again, and tries again if they changed.
pub(super) fn data_key(
    vault: &Vault,
    secret: &SlotSecret,
    only: Option<SlotId>,
) -> Result<DataKey, Error> {
    let mut known = vault.header_and_slots()?;
    loop {
        let error = match open_any(known.0, &known.1, secret, only) {
            Ok(key) => return Ok(key),
            Err(error) => error,
        };
        vault.look_again()?;
        let current = vault.header_and_slots()?;
        if current == known {
            return Err(error);
        }
        known = current;
    }
}

/// Opens the first slot of the secret's kind that the secret fits, or none but `only`, and returns
/// the data key.
fn open_any(
    header: Header,
    slots: &[KeySlot],
    secret: &SlotSecret,
    only: Option<SlotId>,
) -> Result<DataKey, Error> {
    let kind = secret.kind();
    let kinds = || slots.iter().map(|slot| slot.kind).collect::<Vec<_>>();
    let mut failure = Error::NoSuchSlot { kind, slots: kinds() };
    let most = if kind == SlotKind::Passphrase { MOST_PASSPHRASES } else { usize::MAX };
    let fits = |slot: &&KeySlot| slot.kind == kind && only.is_none_or(|id| id == slot.id);
    for slot in slots.iter().filter(fits).take(most) {
        let materials = match secret.materials(header.vault, slot.id) {
            Ok(materials) => materials,
            Err(source) => {
                failure = Error::Keychain { source, slots: kinds() };
                continue;
            }
        };
        for material in &materials {
            match slot.unwrap(material, header.vault, header.generation) {
                Ok(key) => {
                    log::trace!("the `{kind}` key slot {} opened the vault", slot.id);
                    return Ok(key);
                }
                Err(slot::Error::Tampered) => return Err(Error::TamperedSlot { id: slot.id }),
                Err(slot::Error::WrongSecret) => {
                    failure = Error::WrongSecret { kind, slots: kinds() };
                }
            }
        }
    }
    Err(failure)
}
