//! Words for checks and their results.

use crate::ops::doctor::{Check, Verdict};

/// Returns the name of a check in the output of `--json`, which scripts rely on.
pub(super) fn name(check: Check) -> &'static str {
    match check {
        Check::Environment => "environment",
        Check::Configuration => "configuration",
        Check::Providers => "providers",
        Check::Programs => "programs",
        Check::Browser => "browser",
        Check::Ports => "ports",
        Check::Memory => "memory",
        Check::Sqlite => "sqlite",
        Check::Disk => "disk",
        Check::Permissions => "permissions",
        Check::Vault => "vault",
        Check::Database => "database",
        Check::Members => "members",
        Check::Integrity => "integrity",
        Check::Log => "log",
        Check::Unlock => "unlock",
        Check::Slots => "slots",
        Check::Recovery => "recovery",
        Check::Keychain => "keychain",
        Check::KeychainEntries => "keychain_entries",
        Check::Credentials => "credentials",
        Check::Freshness => "freshness",
        Check::Logins => "logins",
        Check::Refreshes => "refreshes",
        Check::Leftovers => "leftovers",
        Check::Audit => "audit",
        Check::Clock => "clock",
    }
}

/// Returns what a check does, for the spinner.
pub(super) fn doing(check: Check) -> &'static str {
    match check {
        Check::Environment | Check::Unlock => "unlocking the vault",
        Check::Configuration | Check::Providers => "reading the configuration",
        Check::Programs | Check::Browser => "looking for programs",
        Check::Ports => "trying ports",
        Check::Memory | Check::Sqlite => "looking at this program",
        Check::Disk => "looking at the disk",
        Check::Permissions => "looking at the files' permissions",
        Check::Vault | Check::Log => "opening the vault",
        Check::Database | Check::Members => "asking the database",
        Check::Integrity => "checking the vault's pages",
        Check::Slots | Check::Recovery => "opening the key slots",
        Check::Keychain => "trying the keychain",
        Check::KeychainEntries => "searching the keychain",
        Check::Credentials | Check::Logins => "opening every credential",
        Check::Freshness => "comparing with what this machine has seen",
        Check::Refreshes | Check::Leftovers => "looking for what was left behind",
        Check::Audit => "verifying the audit",
        Check::Clock => "comparing clocks",
    }
}

/// Returns the word for a result in the output of `--json`, which scripts rely on.
pub(super) fn result(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fine => "ok",
        Verdict::Hint => "hint",
        Verdict::ToMend => "finding",
        Verdict::Damaged => "damaged",
        Verdict::Unknown => "unknown",
    }
}
