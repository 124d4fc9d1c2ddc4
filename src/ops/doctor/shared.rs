//! The checks of a shared vault: the database, the members, and what this machine keeps of it.

use std::path::Path;

use super::clock::judge;
use super::facts::{
    DatabaseFact, FreshnessFact, LeftoversFact, MembersFact, PermissionsFact, Server,
};
use super::finding::{Fact, Finding, Remedy};
use super::permissions::unfit;
use crate::ops::clock::Clock;
use crate::ops::error::Error;
use crate::ops::shared::{self, Address, Role};
use crate::private_file::Readers;
use crate::store::shared::DatabaseHealth;
use crate::store::sidecar::Purpose;
use crate::store::{self, OpenVault, Watermarks};

/// Asks the database of `vault` for its version, for the privileges of its user, and for the keys of
/// the members.
pub(crate) fn database_health(vault: &OpenVault) -> Result<Vec<Finding>, Error> {
    let DatabaseHealth {
        place,
        is_verified,
        version,
        user,
        trip,
        lacks,
        writes_for_reader,
        without_slot,
    } = shared::health(vault)?;
    let fact = Fact::Database;
    let reached = DatabaseFact::Reached { place, version, is_verified, trip };
    let mut findings = vec![Finding::fine(fact(reached))];
    findings.push(if !lacks.is_empty() {
        lacking(user, lacks)
    } else if writes_for_reader {
        Finding::hint(fact(DatabaseFact::WritesForReader { user }), Remedy::ReadShared)
    } else {
        Finding::fine(fact(DatabaseFact::Allowed { user }))
    });
    let roster = shared::roster(vault)?;
    let labels = without_slot.iter().filter_map(|id| roster.member(*id));
    findings.extend(labels.map(|member| {
        let label = member.label.to_string();
        let remedy = Remedy::AddAgain(label.clone());
        Finding::damaged(Fact::Members(MembersFact::NoKey { label }), remedy)
    }));
    Ok(findings)
}

/// Reports which privileges the user of the database at `address` lacks to read a vault; `None` if it has
/// them all.
pub(crate) fn lacks_to_read(address: Address) -> Result<Option<Finding>, Error> {
    let (user, privileges) = store::shared::lacks_to_read(address)?;
    Ok((!privileges.is_empty()).then(|| lacking(user, privileges)))
}

fn lacking(user: String, privileges: Vec<String>) -> Finding {
    let remedy = Remedy::Grant { user: user.clone(), privileges: privileges.clone() };
    Finding::to_mend(Fact::Database(DatabaseFact::Lacks { user, privileges }), remedy)
}

/// Reports the list of members, which was verified when the vault was opened.
pub(crate) fn members(vault: &OpenVault) -> Result<Vec<Finding>, Error> {
    let roster = shared::roster(vault)?;
    let own = roster.member(shared::own_id(vault)?);
    let verified = MembersFact::Verified {
        entries: roster.head().n,
        generation: roster.generation(),
        members: roster.members().len(),
        own: own.map(|own| own.label.to_string()).unwrap_or_default(),
        role: own.map_or("", |own| own.role.as_str()),
    };
    let mut findings = vec![Finding::fine(Fact::Members(verified))];
    let is_admin = |role: Role| match role {
        Role::Admin => true,
        Role::Member | Role::Reader => false,
    };
    if roster.members().iter().filter(|member| is_admin(member.role)).count() == 1 {
        findings.push(Finding::hint(Fact::Members(MembersFact::OneAdmin), Remedy::AddAdmin));
    }
    Ok(findings)
}

/// Checks that this machine remembers what it saw of the vault, in the directory `state`.
pub(crate) fn memory_of(
    vault: &OpenVault,
    memory: &Watermarks,
    state: &Path,
) -> Result<Option<Finding>, Error> {
    if memory.remembers_roster(&shared::roster(vault)?) {
        return Ok(None);
    }
    let there = state.ancestors().find(|path| path.exists()).unwrap_or(state);
    let remedy = Remedy::LookAt(there.to_owned());
    Ok(Some(Finding::to_mend(Fact::Freshness(FreshnessFact::NoMemory), remedy)))
}

/// Looks for answers that this machine has and the database does not.
pub(crate) fn kept_answers(vault: &OpenVault) -> Result<Vec<Finding>, Error> {
    let fact = Fact::Leftovers;
    let kept = shared::kept_answers(vault)?;
    let waiting = kept.iter().filter(|answer| answer.until.is_none());
    let mut findings: Vec<Finding> = waiting
        .map(|answer| {
            let account = answer.account.clone();
            Finding::to_mend(fact(LeftoversFact::Answer(account.clone())), Remedy::TakeUp(account))
        })
        .collect();
    if findings.is_empty() {
        findings.push(Finding::fine(fact(LeftoversFact::Kept { count: kept.len() })));
    }
    Ok(findings)
}

/// Checks who can read and change what this machine keeps of the vault, and the file with the
/// `identity`; and looks for files that were left there.
pub(crate) fn shared_files(
    vault: &OpenVault,
    state: &Path,
    identity: Option<&Path>,
) -> Result<Vec<Finding>, Error> {
    let files = shared::files(vault)?.map_err(|source| store::Error::io("read beside", source))?;
    let own = [Some(state), identity].into_iter().flatten();
    let all = own.chain(files.iter().map(|file| file.path.as_path()));
    let mut findings: Vec<Finding> =
        all.filter_map(|path| unfit(path, Readers::OwnerOnly)).collect();
    if findings.is_empty() {
        findings.push(Finding::fine(Fact::Permissions(PermissionsFact::Private)));
    }
    for file in files {
        let (fact, remedy) = match file.purpose {
            Purpose::Temporary => {
                (LeftoversFact::Temporary(file.path.clone()), Remedy::Remove(file.path))
            }
            Purpose::Foreign => {
                (LeftoversFact::NotOurs(file.path.clone()), Remedy::LookAt(file.path))
            }
            Purpose::Lock | Purpose::Spill { .. } | Purpose::Pause | Purpose::Audit => continue,
        };
        findings.push(Finding::hint(Fact::Leftovers(fact), remedy));
    }
    Ok(findings)
}

/// Compares the clock of this machine with that of the database.
pub(crate) fn database_clock(vault: &OpenVault, clock: Clock) -> Finding {
    let own = clock();
    judge(own.duration_since(vault.now(own)).as_secs(), Server::Database)
}
