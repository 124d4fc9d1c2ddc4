//! Sentences about the credentials in the vault, and about files that commands left beside it.

use std::path::Path;

use jiff::Timestamp;

use super::age::age;
use crate::counted::counted;
use crate::ops::doctor::{AuditFact, CredentialsFact, FreshnessFact, LeftoversFact, RefreshesFact};
use crate::untrusted::printable;

pub(super) fn credentials(fact: &CredentialsFact) -> String {
    match fact {
        CredentialsFact::AllOpen { count } => match count {
            0 => "there is none yet".into(),
            1 => "the one that is stored opens, and is as it is listed".into(),
            more => format!("all {more} open, and are as they are listed"),
        },
        CredentialsFact::Closed(account) => {
            format!("`{account}` does not open: it is damaged or was tampered with")
        }
        CredentialsFact::Nameless { count: 1 } => {
            "1 row has a name that no credential can have".into()
        }
        CredentialsFact::Nameless { count } => {
            format!("{} have names that no credential can have", counted(*count, "row"))
        }
    }
}

pub(super) fn freshness(fact: &FreshnessFact) -> String {
    match fact {
        FreshnessFact::Newest => "nothing is older than this machine has seen".into(),
        FreshnessFact::NoMemory => {
            "this machine can't remember what it sees of the vault, and so would not notice an older \
             state"
                .into()
        }
        FreshnessFact::OlderFile => "the file is older than this machine has seen".into(),
        FreshnessFact::OlderCredential(account) => {
            format!("`{account}` is older than this machine has seen")
        }
    }
}

pub(super) fn refreshes(fact: &RefreshesFact, now: Timestamp) -> String {
    match fact {
        RefreshesFact::NoneInterrupted => "none was interrupted".into(),
        RefreshesFact::UnderWay { account, since } => {
            format!("`{account}` may be under way, begun {}", age(*since, now))
        }
        RefreshesFact::InDoubt { account, since } => {
            let when = age(*since, now);
            format!("what became of a refresh of `{account}`, begun {when}, is not known")
        }
    }
}

pub(super) fn leftovers(fact: &LeftoversFact, now: Timestamp) -> String {
    let shown = |path: &Path| printable(&path.to_string_lossy());
    match fact {
        LeftoversFact::Locks { count } => {
            let locks = if *count == 1 { "1 lock file, which is" } else { "lock files, which are" };
            format!("beside the vault there is nothing but {locks} free when nobody runs")
        }
        LeftoversFact::Entries { count } => {
            format!(
                "an interrupted change of keys still has to clear up {}",
                counted(*count, "keychain entry")
            )
        }
        LeftoversFact::EntriesOfNoVault { count } => format!(
            "first logins that failed left the names of {} in the vault, which are of no use and \
             do no harm",
            counted(*count, "keychain entry")
        ),
        LeftoversFact::Unplaced { since } => format!(
            "credentials were handed over {}, and their bundle is not known to be in its place",
            age(*since, now)
        ),
        LeftoversFact::Kept { count: 0 } => "no answer is kept on this machine".into(),
        LeftoversFact::Kept { count } => {
            let is = if *count == 1 { "is" } else { "are" };
            format!(
                "{} {is} kept on this machine for ten minutes, and the database has all of it",
                counted(*count, "answer")
            )
        }
        LeftoversFact::NotListed(why) => format!("what lies beside the vault: {why}"),
        LeftoversFact::Answer(account) => {
            format!(
                "the last answer for `{account}` is not in the vault yet: it is kept sealed on this machine, \
                 and nothing is lost"
            )
        }
        LeftoversFact::SpentAnswer(path) => {
            format!("`{}` holds a sealed answer that nothing waits for", shown(path))
        }
        LeftoversFact::Temporary(path) => {
            format!("`{}` was never put in its place", shown(path))
        }
        LeftoversFact::NotOurs(path) => format!("`{}` is none of tokctl's", shown(path)),
    }
}

pub(super) fn audit(fact: &AuditFact) -> String {
    match fact {
        AuditFact::Whole { entries: 0 } => "it has no entry yet".into(),
        AuditFact::Whole { entries } => {
            let are = if *entries == 1 { "is" } else { "are" };
            format!("its {} {are} whole", counted(*entries, "entry"))
        }
        AuditFact::NotVerifiable(why) => format!("the audit can't be verified: {why}"),
        AuditFact::TamperedWith { first, more } => {
            let rest = if *more == 0 { String::new() } else { format!("; {more} more") };
            format!("the audit was tampered with: {first}{rest}")
        }
    }
}
