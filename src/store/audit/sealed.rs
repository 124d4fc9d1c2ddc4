//! What the vault itself keeps of the audit: the key of the chain with the settings, and the head.

use std::num::NonZeroU64;

use zeroize::Zeroizing;

use super::line::Mark;
use crate::model::audit::{Mode, Settings};
use crate::vault::Key;

/// What the vault keeps of the audit.
#[derive(Debug, Clone)]
pub(crate) struct AuditState {
    pub(in crate::store) key: Key,
    pub(in crate::store) head: Mark,
    /// As the last command that wrote to the vault found them in the configuration: whoever
    /// only reads the vault needs no configuration.
    pub(crate) settings: Settings,
}

impl AuditState {
    /// What a vault keeps that has kept nothing yet, with a new key.
    pub(in crate::store) fn new(settings: Settings) -> Result<Self, getrandom::Error> {
        Ok(Self { key: Key::generate()?, head: Mark::START, settings })
    }

    /// What is kept once `end` was found in the file and `wanted` in the configuration. An end that
    /// was read before another process sealed a later one counts for nothing.
    pub(in crate::store) fn with(&self, end: Option<Mark>, wanted: Option<Settings>) -> Self {
        Self {
            key: self.key.clone(),
            head: end.filter(|end| end.number > self.head.number).unwrap_or(self.head),
            settings: wanted.unwrap_or(self.settings),
        }
    }
}

/// The key (32 bytes), the mode (1), and how many entries to keep (8).
pub(in crate::store) fn encode_key(sealed: &AuditState) -> Zeroizing<Vec<u8>> {
    let mode = match sealed.settings.mode {
        Mode::BestEffort => 0,
        Mode::Required => 1,
        Mode::Off => 2,
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(41));
    bytes.extend_from_slice(sealed.key.expose());
    bytes.push(mode);
    bytes.extend_from_slice(&sealed.settings.keep.get().to_le_bytes());
    bytes
}

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

/// The number (8 bytes) and the code (32).
pub(in crate::store) fn encode_head(head: &Mark) -> Vec<u8> {
    [head.number.to_le_bytes().as_slice(), &head.link].concat()
}

pub(in crate::store) fn decode_head(bytes: &[u8]) -> Option<Mark> {
    let (number, link) = bytes.split_first_chunk::<8>()?;
    Some(Mark { number: u64::from_le_bytes(*number), link: link.try_into().ok()? })
}
