//! The names by which a user means key slots: an id, the beginning of one, or a kind.

use super::error::{CliError, Kind};
use super::typed::quoted;
use crate::ops::ListedSlot;
use crate::ops::key_slots::SlotId;

/// Returns the ids of the `slots` that `names` mean: each the only slot of a kind, or the only one
/// whose id begins so.
pub(crate) fn resolve(slots: &[ListedSlot], names: &[String]) -> Result<Vec<SlotId>, CliError> {
    names.iter().map(|name| one(slots, name)).collect()
}

fn one(slots: &[ListedSlot], name: &str) -> Result<SlotId, CliError> {
    let begins_so = |slot: &ListedSlot| {
        !name.is_empty() && slot.id.to_string().starts_with(&name.to_ascii_lowercase())
    };
    let means = |slot: &&ListedSlot| slot.kind.as_str() == name || begins_so(slot);
    let found: Vec<&ListedSlot> = slots.iter().filter(means).collect();
    match found[..] {
        [slot] => Ok(slot.id),
        [] => Err(unclear(format!("this vault has no key slot {}", quoted(name)))),
        _ => Err(unclear(format!("{} is several key slots, so it takes an id", quoted(name)))),
    }
}

fn unclear(message: String) -> CliError {
    CliError::new(Kind::Usage, message).hint("tokctl key list")
}
