//! What `doctor` asks the database, and what it finds in the rows.

use std::time::{Duration, Instant};

use super::driver::{Connection, Fault, ToSql, Transaction, Type};
use super::membership::{Membership, signed};
use super::row::Row;
use super::rows::Part;
use super::server::Server;
use crate::model::account::Account;
use crate::store::address::Address;
use crate::store::error::Error;
use crate::store::evidence::Found;
use crate::store::shared_error::Error as SharedError;
use crate::vault::shared::member::{MemberId, Role};

/// The privileges that members need in the database, each by the role from which on it is needed.
const NEEDED: [(Role, &str, &str); 16] = [
    (Role::Reader, "tokctl_vaults", "SELECT"),
    (Role::Reader, "tokctl_roster", "SELECT"),
    (Role::Reader, "tokctl_slots", "SELECT"),
    (Role::Reader, "tokctl_rows", "SELECT"),
    (Role::Member, "tokctl_vaults", "UPDATE"),
    (Role::Member, "tokctl_rows", "INSERT"),
    (Role::Member, "tokctl_rows", "UPDATE"),
    (Role::Member, "tokctl_rows", "DELETE"),
    (Role::Member, "tokctl_bundles", "SELECT"),
    (Role::Member, "tokctl_bundles", "INSERT"),
    (Role::Member, "tokctl_bundles", "UPDATE"),
    (Role::Member, "tokctl_bundles", "DELETE"),
    (Role::Admin, "tokctl_roster", "INSERT"),
    (Role::Admin, "tokctl_slots", "INSERT"),
    (Role::Admin, "tokctl_slots", "UPDATE"),
    (Role::Admin, "tokctl_slots", "DELETE"),
];

/// The database as one member finds it.
#[derive(Debug)]
pub(crate) struct DatabaseHealth {
    pub(crate) place: String,
    /// Whether TLS proves who the server is; if not, the connection ends on this machine.
    pub(crate) is_verified: bool,
    pub(crate) version: String,
    /// The user of the database.
    pub(crate) user: String,
    /// The time that one question took.
    pub(crate) trip: Duration,
    /// The privileges that this member needs and the user lacks, as in `UPDATE ON tokctl_rows`.
    pub(crate) lacks: Vec<String>,
    /// Whether the user of a reader may write.
    pub(crate) writes_for_reader: bool,
    /// The members without a data key of this generation.
    pub(crate) without_slot: Vec<MemberId>,
}

/// The rows of a vault, by whether they open.
#[derive(Debug, Default)]
pub(in crate::store) struct RowsFound {
    pub(in crate::store) count: u64,
    /// The accounts whose credential, or the record of its requests, does not open.
    pub(in crate::store) damaged: Vec<Account>,
    /// The number of rows that do not even say whose they are.
    pub(in crate::store) nameless: usize,
}

impl Server {
    /// Asks the database what this member finds there.
    pub(in crate::store) fn health(&self) -> Result<DatabaseHealth, Error> {
        let role = self.membership().role;
        self.under_membership(|connection, membership| {
            let began = Instant::now();
            let (version, user) = connection.single(version)?;
            let trip = began.elapsed();
            let held = connection.single(privileges)?;
            let with_slot = connection.single(|it| slots(it, membership))?;
            let writes = NEEDED.iter().zip(&held).any(|((_, table, verb), held)| {
                *held && *table == "tokctl_rows" && *verb != "SELECT"
            });
            let members = membership.roster.members().iter().map(|member| member.keys.id());
            let health = DatabaseHealth {
                place: connection.address().shown(),
                is_verified: connection.address().is_verified(),
                version,
                user,
                trip,
                lacks: lacking(role, &held),
                writes_for_reader: role == Role::Reader && writes,
                without_slot: members.filter(|id| !with_slot.contains(id)).collect(),
            };
            Ok((health, None))
        })
    }

    /// Fails if this member, or the user as who the database knows them, may not delete a credential.
    pub(in crate::store) fn check_may_forget(&self) -> Result<(), Error> {
        self.check_may_write()?;
        let ask = |connection: &mut Connection, _: &Membership| {
            Ok((connection.single(privileges)?, None))
        };
        let held = self.under_membership(ask)?;
        let is_missing = |((_, table, verb), held): &(&(Role, &str, &str), &bool)| {
            !**held && *table == "tokctl_rows" && ["UPDATE", "DELETE"].contains(verb)
        };
        match NEEDED.iter().zip(&held).find(is_missing) {
            Some(((_, table, verb), _)) => {
                let why = format!("the user of the database may not {verb} in the table {table}");
                Err(SharedError::PrivilegeMissing { why }.into())
            }
            None => Ok(()),
        }
    }

    /// Opens every row and verifies its signatures.
    pub(in crate::store) fn examine(&self) -> Result<RowsFound, Error> {
        let looked = self.rows(Part::Whole, |membership, row, now| {
            let Ok(summary) = row.summary(membership) else { return Ok(Err(None)) };
            let account = summary.account;
            Ok(if is_whole(row, membership, &account, now) { Ok(()) } else { Err(Some(account)) })
        })?;
        let mut found = RowsFound { count: looked.len() as u64, ..RowsFound::default() };
        for damaged in looked.into_iter().filter_map(Result::err) {
            match damaged {
                Some(account) => found.damaged.push(account),
                None => found.nameless += 1,
            }
        }
        Ok(found)
    }
}

/// Asks the database at `address` as who it knows its user, and which privileges that one lacks to read a
/// vault.
pub(in crate::store) fn lacks_to_read(address: Address) -> Result<(String, Vec<String>), Error> {
    let mut connection = Connection::to(address);
    let ((_, user), held) = connection.single(|it| Ok((version(it)?, privileges(it)?)))?;
    Ok((user, lacking(Role::Reader, &held)))
}

/// Returns what a member of this role needs of [`NEEDED`] and does not hold, as in `UPDATE ON tokctl_rows`.
fn lacking(role: Role, held: &[bool]) -> Vec<String> {
    let missing = NEEDED
        .iter()
        .zip(held)
        .filter(|((needed, ..), held)| !**held && rank(*needed) <= rank(role));
    missing.map(|((_, table, verb), _)| format!("{verb} ON {table}")).collect()
}

fn is_whole(row: &Row, membership: &Membership, account: &Account, now: i64) -> bool {
    let evidence = row.evidence(membership, now);
    row.credential(membership, account).is_ok() && matches!(evidence, Found::Genuine(..))
}

/// Returns how much a role may do.
fn rank(role: Role) -> u8 {
    match role {
        Role::Reader => 0,
        Role::Member => 1,
        Role::Admin => 2,
    }
}

/// Returns the version of the server, and the user as who it knows this member.
fn version(transaction: &Transaction<'_>) -> Result<(String, String), Fault> {
    let found =
        transaction.query("SELECT current_setting('server_version'), current_user::text", &[])?;
    let first = found.first().ok_or(Fault::Undone)?;
    let version: &str = first.get(0);
    Ok((version.split(' ').next().unwrap_or_default().to_owned(), first.get(1)))
}

/// Returns which of [`NEEDED`] the user has.
fn privileges(transaction: &Transaction<'_>) -> Result<Vec<bool>, Fault> {
    let (tables, verbs): (Vec<&str>, Vec<&str>) =
        NEEDED.iter().map(|(_, table, verb)| (*table, *verb)).unzip();
    let values: [(&(dyn ToSql + Sync), Type); 2] =
        [(&tables, Type::TEXT_ARRAY), (&verbs, Type::TEXT_ARRAY)];
    let found = transaction.query(
        "SELECT coalesce(has_table_privilege(to_regclass(table_name), verb), false)
         FROM unnest($1, $2) WITH ORDINALITY AS needed (table_name, verb, place) ORDER BY place",
        &values,
    )?;
    Ok(found.iter().map(|row| row.get(0)).collect())
}

/// Returns the members who have a data key of this generation.
fn slots(transaction: &Transaction<'_>, membership: &Membership) -> Result<Vec<MemberId>, Fault> {
    let (vault, generation) = (membership.vault(), signed(membership.roster.generation())?);
    let values: [(&(dyn ToSql + Sync), Type); 2] =
        [(&vault.0.as_slice(), Type::BYTEA), (&generation, Type::INT8)];
    let found = transaction
        .query("SELECT member FROM tokctl_slots WHERE vault = $1 AND generation = $2", &values)?;
    let members = found.iter().filter_map(|row| row.get::<_, &[u8]>(0).try_into().ok());
    Ok(members.map(MemberId).collect())
}
