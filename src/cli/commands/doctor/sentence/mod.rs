//! Sentences for the facts that `doctor` finds. What to do about a fact is not decided here.

mod age;
mod machine;
mod file;
mod keys;
mod contents;
mod shared;

use jiff::Timestamp;

use crate::ops::doctor::Fact;

/// Returns the sentence for `fact`.
pub(super) fn sentence(fact: &Fact, now: Timestamp) -> String {
    match fact {
        Fact::Ports(fact) => machine::ports(fact),
        Fact::Memory(fact) => machine::memory(fact),
        Fact::Sqlite(fact) => machine::sqlite(fact),
        Fact::Disk(fact) => machine::disk(fact),
        Fact::Clock(fact) => machine::clock(fact, now),
        Fact::Permissions(fact) => file::permissions(fact),
        Fact::Vault(fact) => file::vault(fact),
        Fact::Database(fact) => shared::database(fact),
        Fact::Members(fact) => shared::members(fact),
        Fact::Integrity(fact) => file::integrity(fact),
        Fact::Log(fact) => file::log(fact),
        Fact::Slots(fact) => keys::slot(fact, now),
        Fact::Recovery(fact) => keys::recovery(fact),
        Fact::Keychain(fact) => keys::keychain(fact),
        Fact::KeychainEntries(fact) => keys::entries(fact),
        Fact::Credentials(fact) => contents::credentials(fact),
        Fact::Freshness(fact) => contents::freshness(fact),
        Fact::Refreshes(fact) => contents::refreshes(fact, now),
        Fact::Leftovers(fact) => contents::leftovers(fact, now),
        Fact::Audit(fact) => contents::audit(fact),
    }
}
