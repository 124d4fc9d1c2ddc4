//! The part of the audit that is sealed in the vault: the key of the chain, the settings and the
//! head.

use std::num::NonZeroU64;

use zeroize::Zeroizing;

use super::line::Mark;
use crate::model::audit::{Mode, Settings};
use crate::vault::Key;
#[cfg(feature = "postgres")]
use crate::vault::seal::DataKey;

/// The state of the audit, as it is sealed in the vault.
#[derive(Debug, Clone)]
pub(crate) struct AuditState {
    pub(in crate::store) key: Key,
    pub(in crate::store) head: Mark,
    /// The settings that the last command with a configuration found there: a command that only
    /// reads the vault needs no configuration.
    pub(crate) settings: Settings,
    /// Whether another copy of the vault may have left the file. A file whose name says whose it is
    /// was changed if it does not hold.
    pub(in crate::store) can_be_another_copys: bool,
}

impl AuditState {
    /// Returns the state of a new audit, with a new key.
    pub(in crate::store) fn new(settings: Settings) -> Result<Self, getrandom::Error> {
        Ok(Self::sealed(Key::generate()?, Mark::START, settings))
    }

    /// Returns the state that is sealed in a vault in a file.
    pub(in crate::store) fn sealed(key: Key, head: Mark, settings: Settings) -> Self {
        Self { key, head, settings, can_be_another_copys: true }
    }

    /// Returns the state of the audit that this machine keeps of a shared vault for one member: its key
    /// is derived from `machine_key`, and the vault remembers no entry.
    #[cfg(feature = "postgres")]
    pub(in crate::store) fn of_machine(machine_key: &DataKey, settings: Settings) -> Self {
        let key = machine_key.derived("tokctl shared audit v1");
        Self { key, head: Mark::START, settings, can_be_another_copys: false }
    }

    /// Returns the state for a copy of the vault, which remembers no entry: the audit's file stays
    /// with the vault that was copied.
    pub(in crate::store) fn of_a_copy(self) -> Self {
        Self { head: Mark::START, ..self }
    }

    /// Returns the state with the head `end` and the settings `wanted`, if they are given. An `end`
    /// before the current head is ignored: another process has sealed a later one.
    pub(in crate::store) fn with(&self, end: Option<Mark>, wanted: Option<Settings>) -> Self {
        Self {
            key: self.key.clone(),
            head: end.filter(|end| end.number > self.head.number).unwrap_or(self.head),
            settings: wanted.unwrap_or(self.settings),
            can_be_another_copys: self.can_be_another_copys,
        }
    }
}

/// Encodes the key (32 bytes), the mode (1 byte) and the number of entries to keep (8 bytes, little
/// endian).
pub(in crate::store) fn encode_key(state: &AuditState) -> Zeroizing<Vec<u8>> {
    let mode = match state.settings.mode {
        Mode::BestEffort => 0,
        Mode::Required => 1,
        Mode::Off => 2,
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(41));
    bytes.extend_from_slice(state.key.expose());
    bytes.push(mode);
    bytes.extend_from_slice(&state.settings.keep.get().to_le_bytes());
    bytes
}

/// Decodes bytes of [`encode_key`]; `None` if they have another form.
pub(in crate::store) fn decode_key(bytes: &[u8]) -> Option<(Key, Settings)> {
    let (key, rest) = bytes.split_first_chunk::<32>()?;
    let (mode, keep) = rest.split_first()?;
    let mode = match mode {
        0 => Mode::BestEffort,
        1 => Mode::Required,
        2 => Mode::Off,
        _ => return None,
    };
    let keep = NonZeroU64::new(u64::from_le_bytes(keep.try_into().ok()?))?;
    Some((Key::from_bytes(key)?, Settings { mode, keep }))
}

/// Encodes the number (8 bytes, little endian) and the code (32 bytes) of the head.
pub(in crate::store) fn encode_head(head: &Mark) -> Vec<u8> {
    [head.number.to_le_bytes().as_slice(), &head.link].concat()
}

/// Decodes bytes of [`encode_head`]; `None` if they have another form.
pub(in crate::store) fn decode_head(bytes: &[u8]) -> Option<Mark> {
    let (number, link) = bytes.split_first_chunk::<8>()?;
    Some(Mark { number: u64::from_le_bytes(*number), link: link.try_into().ok()? })
}
