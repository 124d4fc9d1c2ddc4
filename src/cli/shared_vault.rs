//! The shared vault that `member` and `vault` are about.

use std::ops::Deref;

use super::audit_trail;
use super::context::Context;
use super::error::{CliError, Kind};
use super::kept_answers;
use super::vault_place::SharedName;
use super::vaults;
use crate::model::audit::{Action, Subject};
use crate::ops::OpenVault;
use crate::ops::shared::{self, Change, KeptAnswer, LeaseRunning, MemberId, Place, Roster};

/// A shared vault that is open, with the name under which it was found.
pub(crate) struct Opened {
    vault: OpenVault,
    name: SharedName,
}

/// The outcome of a change of the members.
pub(crate) struct Changed {
    /// The new list of members.
    pub(crate) roster: Roster,
    /// The refreshes whose answers were given up: who began them may not store them any more.
    pub(crate) given_up: Vec<LeaseRunning>,
}

impl Deref for Opened {
    type Target = OpenVault;

    fn deref(&self) -> &OpenVault {
        &self.vault
    }
}

/// Opens the shared vault that the user named, or that was joined. Fails for a vault in a file.
pub(crate) fn open(context: &Context) -> Result<Opened, CliError> {
    let Some(name) = vaults::shared_name(context)? else {
        return Err(no_shared_vault(context));
    };
    let place = vaults::place(context, &name)?;
    open_at(context, name, place)
}

fn no_shared_vault(context: &Context) -> CliError {
    let joined = context.joined_vaults().unwrap_or_default();
    match vaults::try_with(joined.all().map(|(name, _)| name)) {
        Some(hint) => {
            CliError::new(Kind::Usage, "this is for a shared vault, not for one in a file")
                .hint(hint)
        }
        None => CliError::new(Kind::Usage, "this is for a shared vault, and none was joined here")
            .hint("join one with the line that an admin gives you: `tokctl help vault join`"),
    }
}

/// Opens the shared vault at `place`, which was found under `name`.
pub(crate) fn open_at(
    context: &Context,
    name: SharedName,
    place: Place,
) -> Result<Opened, CliError> {
    let vault = context.ui.while_waiting("opening the vault", || shared::open(place))?;
    if vault.only_reads() {
        context.note_reader();
    }
    kept_answers::store_first(context, &vault);
    Ok(Opened::of(name, vault))
}

impl Opened {
    /// Returns `vault`, found under `name`, as one that is open.
    pub(crate) fn of(name: SharedName, vault: OpenVault) -> Self {
        Self { vault, name }
    }

    /// Returns the list of members.
    pub(crate) fn roster(&self) -> Result<Roster, CliError> {
        Ok(shared::roster(&self.vault)?)
    }

    /// Returns the key by which the roster knows this user.
    pub(crate) fn own_id(&self) -> Result<MemberId, CliError> {
        Ok(shared::own_id(&self.vault)?)
    }

    /// Returns the refreshes that have no answer yet.
    pub(crate) fn leases(&self) -> Result<Vec<LeaseRunning>, CliError> {
        Ok(shared::leases(&self.vault)?)
    }

    /// Returns the answers to refreshes that this machine keeps.
    pub(crate) fn kept_answers(&self) -> Result<Vec<KeptAnswer>, CliError> {
        Ok(shared::kept_answers(&self.vault)?)
    }

    /// Fails if this user may not make `change`, before anybody is asked about it.
    pub(crate) fn check_change(&self, change: &Change) -> Result<(), CliError> {
        Ok(shared::check_change(&self.vault, change)?)
    }

    /// Changes the list of members. Writes an entry of the audit, whatever became of the change.
    ///
    /// Fails if answers to refreshes would be given up by it, unless `forced`.
    pub(crate) fn change_members(
        &self,
        context: &Context,
        change: &Change,
        forced: bool,
    ) -> Result<Changed, CliError> {
        audit_trail::keep_as_configured(context, &self.vault);
        let changed = self.changed(context, change, forced);
        let (command, action, subject) = match change {
            Change::Add(member) => {
                ("member", Action::AddMember, Subject::Member(member.label.as_str()))
            }
            Change::Remove(label) => {
                ("member", Action::RemoveMember, Subject::Member(label.as_str()))
            }
            Change::SetRole(label, _) => {
                ("member", Action::SetRole, Subject::Member(label.as_str()))
            }
            Change::Rotate => ("rotate-key", Action::RotateKey, Subject::Vault),
        };
        audit_trail::note_change(context, &self.vault, command, action, subject, &changed);
        changed
    }

    fn changed(
        &self,
        context: &Context,
        change: &Change,
        forced: bool,
    ) -> Result<Changed, CliError> {
        let what = match change {
            Change::Add(_) => "changing the members",
            Change::Remove(_) | Change::SetRole(..) | Change::Rotate => {
                "sealing everything anew, once no refresh is under way"
            }
        };
        let work = || shared::change_members(&self.vault, change, forced);
        let (roster, given_up) = context.ui.while_waiting(what, work)?;
        Ok(Changed { roster, given_up })
    }

    /// Returns the address of the vault, without a password.
    pub(crate) fn address(&self) -> String {
        self.name.address_without_password()
    }

    /// Returns the line with which a member joins: the address, and the last entry of `roster`.
    pub(crate) fn join_line(&self, roster: &Roster) -> String {
        format!("{}#{}", self.address(), roster.head())
    }
}
