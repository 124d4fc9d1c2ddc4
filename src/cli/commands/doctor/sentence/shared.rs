//! Sentences about the database and the members of a shared vault.

use crate::counted::counted;
use crate::ops::doctor::{DatabaseFact, MembersFact};
use crate::untrusted::printable;

pub(super) fn database(fact: &DatabaseFact) -> String {
    match fact {
        DatabaseFact::Reached { place, version, is_verified, trip } => {
            let proof = if *is_verified { "TLS proves who it is" } else { "it is on this machine" };
            format!(
                "`{place}` answers in {} ms, PostgreSQL {}; {proof}",
                trip.as_millis(),
                printable(version)
            )
        }
        DatabaseFact::Allowed { user } => {
            format!("its user `{}` may do what this member needs", printable(user))
        }
        DatabaseFact::Lacks { user, privileges } => {
            format!("its user `{}` lacks {}", printable(user), privileges.join(", "))
        }
        DatabaseFact::WritesForReader { user } => format!(
            "its user `{}` may write, and this member may only read: members would refuse such a \
             row, but one that is deleted is gone",
            printable(user)
        ),
    }
}

pub(super) fn members(fact: &MembersFact) -> String {
    match fact {
        MembersFact::Verified { entries, generation, members, own, role } => {
            let members = counted(*members, "member");
            format!(
                "{members} at entry {entries}, generation {generation} of the key, and every entry \
                 is signed; you are `{own}`, {role}"
            )
        }
        MembersFact::OneAdmin => {
            "there is one admin: without that identity nobody can change who the members are".into()
        }
        MembersFact::NoKey { label } => {
            format!("the database has no key for the member `{label}`, who can't open the vault")
        }
    }
}
