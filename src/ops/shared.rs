//! Shared vaults: founding one, and changing who its members are.

use std::io;

use super::error::Error;
use crate::model::account::Account;
pub(crate) use crate::store::KeptAnswer;
pub(crate) use crate::store::shared::{Address, LeaseRunning, Place, Surroundings};
use crate::store::shared::{DatabaseHealth, Shared};
use crate::store::sidecar::Sidecar;
use crate::store::{self, OpenVault, Vault};
pub(crate) use crate::vault::shared::member::{Label, Member, MemberId, MemberKeys, Role};
use crate::vault::shared::pin::Pin;
pub(crate) use crate::vault::shared::roster::{Change, Forged, Refused, Roster};

/// Founds a vault in the database at `place`, with its identity as the first admin, and opens it.
pub(crate) fn found(place: Place, founder: Label) -> Result<OpenVault, Error> {
    opened(Vault::found_shared(place, founder)?)
}

/// Opens the vault at `place`: verifies its list of members from the pin on, and gets the data key.
pub(crate) fn open(place: Place) -> Result<OpenVault, Error> {
    opened(Vault::open_shared(place)?)
}

/// Returns the list of members, as it was when `vault` was last read.
pub(crate) fn roster(vault: &OpenVault) -> Result<Roster, Error> {
    Ok(end(vault)?.roster())
}

/// Whether the text `pin` names an entry of the list of members: a join line that ends with it is one of
/// `vault`.
pub(crate) fn has_entry(vault: &OpenVault, pin: &str) -> Result<bool, Error> {
    match pin.parse::<Pin>() {
        Ok(pin) => Ok(end(vault)?.has_entry(pin)?),
        Err(_) => Ok(false),
    }
}

/// Returns the key by which the list of members knows this one.
pub(crate) fn own_id(vault: &OpenVault) -> Result<MemberId, Error> {
    Ok(end(vault)?.identity().id())
}

/// Returns the label of the member of `roster` whose key is `id`, in hex.
pub(super) fn label_of<'a>(roster: &'a Roster, id: &str) -> Option<&'a Label> {
    let mut members = roster.members().iter();
    members.find(|member| member.keys.id().hex() == id).map(|member| &member.label)
}

/// Returns the refreshes that a member began and has not reported on.
pub(crate) fn leases(vault: &OpenVault) -> Result<Vec<LeaseRunning>, Error> {
    Ok(end(vault)?.leases()?)
}

/// Stores the answers to refreshes that only this machine has, and returns their accounts. A vault in
/// a file has none.
pub(crate) fn store_kept_answers(vault: &Vault) -> Result<Vec<Account>, Error> {
    Ok(vault.store_kept_answers()?)
}

/// Returns the answers to refreshes that this machine keeps.
pub(crate) fn kept_answers(vault: &OpenVault) -> Result<Vec<KeptAnswer>, Error> {
    Ok(vault.kept_answers()?)
}

/// Returns the accounts whose credential a member moved into a bundle that may not have reached its
/// file. It opens with the identity of that member alone.
pub(super) fn unplaced(vault: &OpenVault) -> Result<Vec<Account>, Error> {
    Ok(end(vault)?.unplaced()?)
}

/// Fails if this member may not make `change`.
pub(crate) fn check_change(vault: &OpenVault, change: &Change) -> Result<(), Error> {
    Ok(end(vault)?.check_change(change)?)
}

/// Changes the list of members, and returns the new one. Where that takes something from a member,
/// every credential is sealed anew under a new data key, all or nothing.
///
/// Returns the refreshes too whose answers are given up by it: a member began them who may not write
/// any more, and has not reported. Fails if there are any, unless `forced`.
pub(crate) fn change_members(
    vault: &OpenVault,
    change: &Change,
    forced: bool,
) -> Result<(Roster, Vec<LeaseRunning>), Error> {
    Ok(end(vault)?.change_members(change, forced)?)
}

/// Asks the database what this member finds there.
pub(super) fn health(vault: &OpenVault) -> Result<DatabaseHealth, Error> {
    Ok(end(vault)?.health()?)
}

/// Returns the private files that this machine keeps of the vault.
pub(super) fn files(vault: &OpenVault) -> Result<io::Result<Vec<Sidecar>>, Error> {
    Ok(end(vault)?.files())
}

fn opened(vault: Vault) -> Result<OpenVault, Error> {
    vault.opened().map_err(|_| NOT_SHARED.into())
}

fn end(vault: &OpenVault) -> Result<Shared<'_>, Error> {
    vault.shared().ok_or_else(|| NOT_SHARED.into())
}

/// The error that no caller meets: each has opened a shared vault.
const NOT_SHARED: store::Error = store::Error::Inconsistent("it is not shared");
