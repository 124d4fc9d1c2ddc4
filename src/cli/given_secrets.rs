//! The secrets that the environment gives for key slots before the vault's data key is replaced: the
//! present ones and new ones, and which slot each of them is for.

use super::context::Context;
use super::error::CliError;
use super::key_material;
use super::new_secret;
use crate::ops::key_slots::{self, SlotId};
use crate::ops::{ListedSlot, OpenVault, SlotKind, SlotSecret};

/// The secrets that are at hand for the slots that stay.
///
/// Two keys and two passphrases can be given at most. A new one that opens a slot already is that
/// slot's own: it stays there and goes to no other slot.
pub(super) struct Given {
    /// The secret that opened the vault, unless that is the keychain's.
    unlocking: Option<Candidate>,
    /// The passphrase that is set for the vault.
    passphrase: Option<Candidate>,
    new_key: Option<Candidate>,
    new_passphrase: Option<Candidate>,
}

/// A secret that the environment gives, and the slots that it opens now.
struct Candidate {
    secret: SlotSecret,
    own: Vec<SlotId>,
}

/// A secret that is meant for a slot.
pub(super) enum Meant {
    /// The secret opens the slot already.
    Kept(SlotSecret),
    /// The secret takes the place of the present one.
    New(SlotSecret),
}

impl Candidate {
    /// Tries `secret` at those of `slots` that are of its kind.
    fn of<E>(
        secret: SlotSecret,
        slots: &[&ListedSlot],
        opens: impl Fn(SlotId, &SlotSecret) -> Result<bool, E>,
    ) -> Result<Self, E> {
        let mut own = Vec::new();
        for slot in slots.iter().filter(|slot| slot.kind == secret.kind()) {
            if opens(slot.id, &secret)? {
                own.push(slot.id);
            }
        }
        Ok(Self { secret, own })
    }
}

impl Given {
    /// Reads the environment, and tries what it gives: a present secret at the slots that are
    /// `staying`, a new one at `all`, so that the secret of a slot that goes is given to no other.
    ///
    /// Fails if a slot that a present secret is tried at does not open because somebody edited it,
    /// and if a new passphrase is too short.
    pub(super) fn read(
        context: &Context,
        vault: &OpenVault,
        all: &[ListedSlot],
        staying: &[&ListedSlot],
    ) -> Result<Self, CliError> {
        let present = |secret| {
            Candidate::of(secret, staying, |id, secret| key_slots::opens(vault, id, secret))
        };
        let all: Vec<&ListedSlot> = all.iter().collect();
        let new = |secret| Candidate::of(secret, &all, |id, with| key_slots::has(vault, id, with));
        let passphrase = key_material::passphrase(context)?.map(present).transpose()?;
        let unlocking = match vault.slot_secret() {
            SlotSecret::Keychain(_) => None,
            // The one that is set counts, and each trial takes its time.
            SlotSecret::Passphrase(_) if passphrase.is_some() => None,
            secret @ (SlotSecret::Key(_) | SlotSecret::Passphrase(_) | SlotSecret::Recovery(_)) => {
                Some(present(secret.clone())?)
            }
        };
        let new_key = new_secret::key_from_environment(context)?.map(new).transpose()?;
        let new_passphrase = key_material::new_passphrase(context)?;
        let new_passphrase = new_passphrase.map(SlotSecret::Passphrase).map(new).transpose()?;
        // One that was chosen before passphrases had a least length may stay where it is.
        if new_passphrase.as_ref().is_some_and(|new| new.own.is_empty()) {
            new_secret::passphrase_from_environment(context)?;
        }
        Ok(Self { unlocking, passphrase, new_key, new_passphrase })
    }

    /// Returns whether a passphrase is set for the vault.
    pub(super) fn has_passphrase(&self) -> bool {
        self.passphrase.is_some()
    }

    /// Returns the secret at hand that opens the slot `id` of this `kind` now.
    pub(super) fn present(&self, kind: SlotKind, id: SlotId) -> Option<SlotSecret> {
        let candidate = self.candidate(kind)?;
        candidate.own.contains(&id).then(|| candidate.secret.clone())
    }

    /// Returns the new secret for slots of this `kind`, if it is meant for the slot `id`: it opens
    /// that slot; or it opens none, and the slot is `alone` in its kind or opens with a present
    /// secret.
    pub(super) fn new_for(&self, kind: SlotKind, id: SlotId, alone: bool) -> Option<Meant> {
        let new = self.new_secret(kind)?;
        if new.own.contains(&id) {
            return Some(Meant::Kept(new.secret.clone()));
        }
        let free = new.own.is_empty() && (alone || self.present(kind, id).is_some());
        free.then(|| Meant::New(new.secret.clone()))
    }

    /// Says how a user gives the secret of a `key` slot that no secret at hand opens, the only one of
    /// its kind if it is `alone`.
    pub(super) fn way_for_key(&self, alone: bool) -> &'static str {
        match (alone, self.is_taken(SlotKind::Key), self.new_is_taken(SlotKind::Key)) {
            (true, ..) => {
                "set TOKCTL_KEY to its key, or TOKCTL_NEW_KEY_FILE to a file with a key for it"
            }
            (_, true, false) => "set TOKCTL_NEW_KEY_FILE to a file with its key",
            (_, false, true) => "set TOKCTL_KEY to its key",
            (_, false, false) => {
                "set TOKCTL_KEY to its key, or TOKCTL_NEW_KEY_FILE to a file with it"
            }
            (_, true, true) => {
                "it can't stay, since TOKCTL_KEY and TOKCTL_NEW_KEY_FILE hold the keys of others"
            }
        }
    }

    /// Says how a user without a terminal gives the passphrase of a slot that no secret at hand
    /// opens, the only one of its kind if it is `alone`.
    pub(super) fn way_for_passphrase(&self, alone: bool) -> &'static str {
        let kind = SlotKind::Passphrase;
        match (alone, self.is_taken(kind), self.new_is_taken(kind)) {
            (true, ..) => "set TOKCTL_PASSPHRASE to it, or TOKCTL_NEW_PASSPHRASE to one for it",
            (_, true, false) => "set TOKCTL_NEW_PASSPHRASE to it",
            (_, false, true) => "set TOKCTL_PASSPHRASE to it",
            (_, false, false) => "set TOKCTL_PASSPHRASE or TOKCTL_NEW_PASSPHRASE to it",
            (_, true, true) => {
                "it can't stay without a terminal, since TOKCTL_PASSPHRASE and \
                 TOKCTL_NEW_PASSPHRASE are those of others"
            }
        }
    }

    /// Returns the present secret for slots of this `kind`.
    fn candidate(&self, kind: SlotKind) -> Option<&Candidate> {
        let set = self.passphrase.as_ref().filter(|_| kind == SlotKind::Passphrase);
        set.or(self.unlocking.as_ref()).filter(|candidate| candidate.secret.kind() == kind)
    }

    fn new_secret(&self, kind: SlotKind) -> Option<&Candidate> {
        match kind {
            SlotKind::Key => self.new_key.as_ref(),
            SlotKind::Passphrase => self.new_passphrase.as_ref(),
            SlotKind::Keychain | SlotKind::Recovery => None,
        }
    }

    /// Returns whether the present secret for this `kind` is that of a slot that stays.
    fn is_taken(&self, kind: SlotKind) -> bool {
        self.candidate(kind).is_some_and(|candidate| !candidate.own.is_empty())
    }

    /// Returns whether the new secret for this `kind` is that of a slot that the present one does not
    /// open.
    fn new_is_taken(&self, kind: SlotKind) -> bool {
        let present = self.candidate(kind).map_or(&[][..], |candidate| &candidate.own);
        self.new_secret(kind).is_some_and(|new| new.own.iter().any(|id| !present.contains(id)))
    }
}
