//! The memory of a shared vault's roster on this machine.
//!
//! It stands among the other watermarks: the highest number of an entry, and for the hash of each
//! last entry that was seen, its number. So a server can't go back behind an entry that this machine
//! saw, or show it another branch; and a server that is asked for the first time chooses nothing,
//! since the name of the vault, under which it is kept, comes from the entry that was pinned.

use super::watermark::{Subject, Watermark};
use super::watermarks::Watermarks;
use crate::vault::shared::pin::Pin;
use crate::vault::shared::roster::{Forged, Roster};

impl Watermarks {
    /// Fails if this machine saw a last entry that `roster` lacks.
    pub(crate) fn check_roster(&self, roster: &Roster) -> Result<(), Forged> {
        let vault = roster.vault().vault();
        let [head, own] = [Subject::roster(vault), entry(roster, roster.head())];
        let (seen, known) = match self.highest(vault, &[head, own])[..] {
            [seen, known] => (seen, known),
            _ => (0, 0),
        };
        // Nearly always, the last entry is the one that was seen.
        if seen == 0 || known == seen {
            return Ok(());
        }
        let Some(at) = roster.entry(seen) else {
            return if roster.begins_after(seen) {
                Ok(())
            } else {
                Err(Forged::Unseen { n: seen })
            };
        };
        let found = self.highest(vault, &[entry(roster, at)]);
        if found[..] == [seen] { Ok(()) } else { Err(Forged::Unseen { n: seen }) }
    }

    /// Keeps the last entry of `roster`, if it is later than what this machine saw. A failure is no
    /// error, as with other watermarks.
    pub(crate) fn keep_roster(&self, roster: &Roster) {
        let vault = roster.vault().vault();
        let (head, subject) = (roster.head(), Subject::roster(vault));
        if self.highest(vault, &[subject])[..] < [head.n][..] {
            let mark = |subject| Watermark { subject, number: head.n, accepted: false };
            // The hash first: the number alone would refuse every roster.
            self.keep(vault, &[mark(entry(roster, head)), mark(subject)]);
        }
    }

    /// Whether this machine has kept the last entry of `roster`, or a later one.
    pub(crate) fn remembers_roster(&self, roster: &Roster) -> bool {
        let subject = Subject::roster(roster.vault().vault());
        self.highest(roster.vault().vault(), &[subject])[..] >= [roster.head().n][..]
    }

    /// Accepts `roster`, even where this machine saw a later one or another branch.
    pub(crate) fn accept_roster(&self, roster: &Roster) {
        let vault = roster.vault().vault();
        let number = roster.head().n;
        let mark = |subject| Watermark { subject, number, accepted: true };
        self.keep(vault, &[mark(entry(roster, roster.head())), mark(Subject::roster(vault))]);
    }
}

fn entry(roster: &Roster, at: Pin) -> Subject {
    Subject::entry(roster.vault().vault(), &at.hash.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::shared::identity::Identity;
    use crate::vault::shared::member::{Member, Role};
    use crate::vault::shared::roster::{Change, Founded, found};

    #[test]
    fn a_roster_older_than_seen_or_of_another_branch_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let memory = Watermarks::in_directory(Some(home.path().join("state")));
        let admin = Identity::generate().unwrap();
        let Founded { roster: first, key, .. } = found(&admin, "ann".parse().unwrap()).unwrap();
        let add = |roster: &Roster, label: &str| {
            let keys = Identity::generate().unwrap().keys();
            let label = label.parse().unwrap();
            let change = Change::Add(Member { label, keys, role: Role::Member });
            roster.next(&admin, &change, &key).unwrap().0
        };
        let second = add(&first, "bob");
        let (third, fork) = (add(&second, "mia"), add(&add(&second, "evil"), "mia"));
        for roster in [&first, &second, &third] {
            assert_eq!(memory.check_roster(roster), Ok(()));
            memory.keep_roster(roster);
        }
        memory.keep_roster(&second);
        assert_eq!(memory.check_roster(&third), Ok(()));
        assert_eq!(memory.check_roster(&add(&third, "new")), Ok(()));
        let unseen = Err(Forged::Unseen { n: 3 });
        assert_eq!(memory.check_roster(&second), unseen, "older");
        assert_eq!(memory.check_roster(&fork), unseen, "another branch");
        assert_eq!(memory.check_roster(&add(&second, "x")), unseen, "another entry 3");
        memory.accept_roster(&second);
        assert_eq!(memory.check_roster(&second), Ok(()));
    }
}
