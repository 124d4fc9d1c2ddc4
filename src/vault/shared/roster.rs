//! The roster of a shared vault: who is a member, as a chain of signed entries.
//!
//! A machine begins to trust at a [`Pin`] and verifies each entry after it. An entry, a generation or
//! a data key that is not reached this way counts as forged.

use super::entry::{self, Entry, SharedId, SignedEntry};
use super::identity::Identity;
use super::member::{Label, Member, MemberId, Role};
use super::pin::Pin;
use super::row::SealedRow;
use super::rules::{self, Broken};
use super::slot::{self, BrokenSlot};
use crate::vault::seal::{DataKey, Generation};

/// The most members of a vault: an entry has to stay readable, and every member costs a slot.
const MOST_MEMBERS: usize = 1000;

/// A roster that was verified up to its last entry.
#[derive(Debug, Clone)]
pub(crate) struct Roster {
    /// The numbers and hashes of the entries from the pin to the last.
    chain: Vec<Pin>,
    last: SignedEntry,
}

/// The reason why a roster, or what is judged by it, is not accepted. All of these mean that the
/// server, or somebody with access to it, changed something; nothing may be sent or written then.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Forged {
    /// The first entry is not the one that the pin names, or the server has none.
    #[error("its list of members does not contain entry {} of the join line", .0.n)]
    Unpinned(Pin),
    /// The list ends before an entry that this machine saw, or has another one in its place.
    #[error("its list of members lacks entry {n} as this machine saw it")]
    Unseen { n: u64 },
    /// The bytes of an entry are none, or their signature is not the signer's.
    #[error("entry {n} of its list of members is forged: {why}")]
    Entry { n: u64, why: entry::Malformed },
    /// An entry does not follow the one before it.
    #[error("entry {n} of its list of members is forged: {why}")]
    Chain { n: u64, why: Broken },
    /// The slot does not open, although its member is in the roster.
    #[error("the data key that it gave is not for this member: {0}")]
    Slot(BrokenSlot),
    /// The slot opens to a key that no admin signed.
    #[error("the data key that it gave is none that an admin signed")]
    Key,
    /// A row was signed by nobody who may write.
    #[error("a row was written by nobody who may write")]
    Writer,
}

/// A change of the list of members.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Add(Member),
    Remove(Label),
    SetRole(Label, Role),
    /// Keeps the members and replaces the data key.
    Rotate,
}

/// The reason why a change of the list of members is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The identity is no admin of the vault.
    #[error("only an admin changes the members")]
    NotAnAdmin,
    /// There is a member of that label.
    #[error("`{0}` is a member already")]
    LabelTaken(Label),
    /// The keys, or one of them, are another member's.
    #[error("these keys are those of the member `{0}`")]
    KeysTaken(Label),
    /// There is no member of that label.
    #[error("there is no member `{0}`")]
    NoSuchMember(Label),
    /// The member has that role already.
    #[error("`{0}` is {1} already")]
    HasRole(Label, Role),
    /// The vault would have no admin.
    #[error("`{0}` is the last admin")]
    LastAdmin(Label),
    /// The signer would lose what makes it a writer, and all rows would be signed by it: whoever
    /// makes the new data key has to stay.
    #[error("`{0}` can't take this from itself: it would make the new data key, and know it")]
    Oneself(Label),
    /// The vault has as many members as it can.
    #[error("a vault has at most {MOST_MEMBERS} members")]
    TooMany,
    /// The data key is not the one that the next entry commits to.
    #[error("another data key is needed for it")]
    Key,
}

/// A new vault: its roster, the first data key, and the bytes of the first entry.
pub(crate) struct Founded {
    pub(crate) roster: Roster,
    pub(crate) key: DataKey,
    pub(crate) entry: Vec<u8>,
}

/// Founds a vault whose first and only member is `founder`, an admin.
pub(crate) fn found(founder: &Identity, label: Label) -> Result<Founded, getrandom::Error> {
    let mut random = [0; 32];
    getrandom::fill(&mut random)?;
    let vault = SharedId::of(&random, founder.id());
    Ok(found_with(founder, label, random, DataKey::generate(vault.vault(), 1)?))
}

/// Founds a vault from these random bytes and this data key, as [`found`] does from new ones.
pub(super) fn found_with(
    founder: &Identity,
    label: Label,
    random: [u8; 32],
    key: DataKey,
) -> Founded {
    let (signer, vault) = (founder.id(), SharedId::of(&random, founder.id()));
    let members = vec![Member { label, keys: founder.keys(), role: Role::Admin }];
    let commitment = slot::commitment(vault, &key);
    let entry = Entry { n: 1, vault, previous: random, generation: 1, signer, members, commitment };
    let (last, entry) = SignedEntry::sign(entry, founder);
    Founded { roster: Roster { chain: vec![last.pin()], last }, key, entry }
}

impl Roster {
    /// Verifies `entries`, the entry at `pin` and all after it, in their order.
    pub(crate) fn verify<T: AsRef<[u8]>>(pin: Pin, entries: &[T]) -> Result<Self, Forged> {
        let (first, later) = entries.split_first().ok_or(Forged::Unpinned(pin))?;
        let read = |n: u64, bytes: &T| {
            SignedEntry::read(bytes.as_ref()).map_err(|why| Forged::Entry { n, why })
        };
        let mut last = read(pin.n, first)?;
        if last.pin() != pin {
            return Err(Forged::Unpinned(pin));
        }
        let first = &last.entry;
        let checked = match first.n {
            1 => rules::check_first(first),
            _ => rules::check_members(&first.members),
        };
        checked.map_err(|why| Forged::Chain { n: pin.n, why })?;
        let mut chain = vec![pin];
        for bytes in later {
            let n = last.entry.n.saturating_add(1);
            let next = read(n, bytes)?;
            rules::check_next(&last.entry, last.hash.0, &next.entry)
                .map_err(|why| Forged::Chain { n, why })?;
            chain.push(next.pin());
            last = next;
        }
        Ok(Self { chain, last })
    }

    /// Returns the number and hash of entry `n`, if it was verified.
    pub(crate) fn entry(&self, n: u64) -> Option<Pin> {
        self.chain.iter().copied().find(|pin| pin.n == n)
    }

    /// Whether entry `n` comes before the one that was pinned.
    pub(crate) fn begins_after(&self, n: u64) -> bool {
        self.chain.first().is_some_and(|first| n < first.n)
    }

    /// Returns the number and hash of the last entry.
    pub(crate) fn head(&self) -> Pin {
        self.last.pin()
    }

    /// Returns the name of the vault.
    pub(crate) fn vault(&self) -> SharedId {
        self.last.entry.vault
    }

    /// Returns the generation of the data key.
    pub(crate) fn generation(&self) -> Generation {
        self.last.entry.generation
    }

    /// Returns the members, in the order in which they were added.
    pub(crate) fn members(&self) -> &[Member] {
        &self.last.entry.members
    }

    /// Returns the member with the key `id`.
    pub(crate) fn member(&self, id: MemberId) -> Option<&Member> {
        self.members().iter().find(|member| member.keys.id == id)
    }

    /// Returns the member of that label.
    pub(crate) fn named(&self, label: &Label) -> Option<&Member> {
        self.members().iter().find(|member| member.label.is(label))
    }

    /// Whether `id` is a member who may write.
    fn is_writer(&self, id: MemberId) -> bool {
        rules::role_of(self.members(), id).is_some_and(Role::writes)
    }

    /// Opens the slot of `identity`. Fails unless it opens to the key that the last entry commits to.
    pub(crate) fn open_slot(&self, identity: &Identity, slot: &[u8]) -> Result<DataKey, Forged> {
        let key = slot::open(identity, &self.last.entry, slot).map_err(Forged::Slot)?;
        if slot::is_committed(&self.last.entry, &key) { Ok(key) } else { Err(Forged::Key) }
    }

    /// Fails unless `row` is one of this vault and generation that a member signed who may write.
    pub(crate) fn check_row(
        &self,
        row: &SealedRow<'_>,
        writer: MemberId,
        signature: &[u8; 64],
    ) -> Result<(), Forged> {
        let is_of_now = (row.vault, row.generation) == (self.vault(), self.generation());
        if is_of_now && self.is_writer(writer) && row.is_signed(writer, signature) {
            Ok(())
        } else {
            Err(Forged::Writer)
        }
    }

    /// Returns a new data key for the next generation.
    pub(crate) fn next_key(&self) -> Result<DataKey, getrandom::Error> {
        DataKey::generate(self.vault().vault(), self.generation() + 1)
    }

    /// Whether `change` takes something from a member, and so needs a new data key.
    pub(crate) fn needs_new_key(&self, change: &Change) -> Result<bool, Refused> {
        let next = self.changed(change)?;
        Ok(matches!(change, Change::Rotate) || rules::needs_new_key(self.members(), &next))
    }

    /// Makes the entry of `change` and signs it as `admin`. `key` is the data key from then on: the
    /// current one, or one that [`Self::next_key`] made where [`Self::needs_new_key`] says so.
    pub(crate) fn next(
        &self,
        admin: &Identity,
        change: &Change,
        key: &DataKey,
    ) -> Result<(Self, Vec<u8>), Refused> {
        let members = self.allowed(admin.id(), change)?;
        let generation = self.generation() + u64::from(self.needs_new_key(change)?);
        if (key.vault, key.generation) != (self.vault().vault(), generation) {
            return Err(Refused::Key);
        }
        let entry = Entry {
            n: self.last.entry.n + 1,
            vault: self.vault(),
            previous: self.last.hash.0,
            generation,
            signer: admin.id(),
            members,
            commitment: slot::commitment(self.vault(), key),
        };
        rules::check_next(&self.last.entry, self.last.hash.0, &entry).map_err(|_| Refused::Key)?;
        let (last, bytes) = SignedEntry::sign(entry, admin);
        let chain = self.chain.iter().copied().chain([last.pin()]).collect();
        Ok((Self { chain, last }, bytes))
    }

    /// Fails if `admin` may not make `change`.
    pub(crate) fn check_change(&self, admin: MemberId, change: &Change) -> Result<(), Refused> {
        self.allowed(admin, change).map(drop)
    }

    /// Returns the members of the roster who may write, and may no longer in `next`.
    pub(crate) fn losing<'a>(&'a self, next: &'a Self) -> impl Iterator<Item = &'a Member> {
        let loses = |member: &&Member| member.role.writes() && !next.is_writer(member.keys.id());
        self.members().iter().filter(loses)
    }

    /// Returns the members after `change`, which `admin` makes.
    fn allowed(&self, admin: MemberId, change: &Change) -> Result<Vec<Member>, Refused> {
        let own = self.member(admin).filter(|member| member.role == Role::Admin);
        let own = own.ok_or(Refused::NotAnAdmin)?;
        let members = self.changed(change)?;
        // Every row is signed anew by who makes the new data key.
        let stays = rules::role_of(&members, admin).is_some_and(Role::writes);
        if stays { Ok(members) } else { Err(Refused::Oneself(own.label.clone())) }
    }

    /// Returns the members after `change`.
    fn changed(&self, change: &Change) -> Result<Vec<Member>, Refused> {
        let mut members = self.members().to_vec();
        let at = |label: &Label| {
            let found = self.members().iter().position(|member| member.label.is(label));
            found.ok_or_else(|| Refused::NoSuchMember(label.clone()))
        };
        match change {
            Change::Add(new) => {
                if let Some(taken) = self.named(&new.label) {
                    return Err(Refused::LabelTaken(taken.label.clone()));
                }
                let same = |member: &&Member| {
                    member.keys.id == new.keys.id || member.keys.encryption == new.keys.encryption
                };
                if let Some(taken) = members.iter().find(same) {
                    return Err(Refused::KeysTaken(taken.label.clone()));
                }
                if members.len() >= MOST_MEMBERS {
                    return Err(Refused::TooMany);
                }
                members.push(new.clone());
            }
            Change::Remove(label) => {
                let removed = members.remove(at(label)?);
                expect_admin(&members, &removed)?;
            }
            Change::SetRole(label, role) => {
                let member = &mut members[at(label)?];
                if member.role == *role {
                    return Err(Refused::HasRole(member.label.clone(), *role));
                }
                member.role = *role;
                let changed = member.clone();
                expect_admin(&members, &changed)?;
            }
            Change::Rotate => {}
        }
        Ok(members)
    }
}

/// Fails if none of `members` is an admin after the change of one.
fn expect_admin(members: &[Member], changed: &Member) -> Result<(), Refused> {
    if members.iter().any(|member| member.role == Role::Admin) {
        return Ok(());
    }
    Err(Refused::LastAdmin(changed.label.clone()))
}
