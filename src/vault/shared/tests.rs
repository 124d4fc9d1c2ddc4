//! What an evil server, a removed admin or a reader can't do to a roster.

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::entry::{Entry, SharedId, SignedEntry};
use super::identity::Identity;
use super::member::{Label, Member, MemberId, Role};
use super::pin::{EntryHash, Pin};
use super::roster::{Change, Forged, Refused, Roster, found_with};
use super::row::SealedRow;
use super::row_name::row_name;
use super::rules::Broken;
use super::slot;
use crate::vault::cipher::Key;
use crate::vault::seal::DataKey;

/// The identity of 32 equal bytes.
fn identity(byte: u8) -> Identity {
    Identity::from_key(Key::from_bytes(&[byte; 32]).unwrap())
}

fn label(text: &str) -> Label {
    text.parse().unwrap()
}

fn member(name: &str, byte: u8, role: Role) -> Member {
    Member { label: label(name), keys: identity(byte).keys(), role }
}

fn key_of(roster: &Roster, byte: u8, generation: u64) -> DataKey {
    let key = Key::from_bytes(&[byte; 32]).unwrap();
    DataKey { vault: roster.vault().vault(), generation, key }
}

/// A vault of the admins `ann` (1) and `bob` (2), the member `mia` (3) and the reader `rex` (4), after
/// five entries of generation 1.
struct World {
    entries: Vec<Vec<u8>>,
    roster: Roster,
    key: DataKey,
}

impl World {
    fn new() -> Self {
        let random = [9; 32];
        let vault = SharedId::of(&random, identity(1).id()).vault();
        let key = DataKey { vault, generation: 1, key: Key::from_bytes(&[0xd1; 32]).unwrap() };
        let founded = found_with(&identity(1), label("ann"), random, key);
        let mut world =
            Self { entries: vec![founded.entry], roster: founded.roster, key: founded.key };
        world.change(1, &Change::Add(member("bob", 2, Role::Member)));
        world.change(1, &Change::SetRole(label("bob"), Role::Admin));
        world.change(2, &Change::Add(member("mia", 3, Role::Member)));
        world.change(1, &Change::Add(member("rex", 4, Role::Reader)));
        world
    }

    /// Carries out a change as the admin of `byte`, with a new data key where it needs one.
    fn change(&mut self, byte: u8, change: &Change) {
        if self.roster.needs_new_key(change).unwrap() {
            self.key = self.roster.next_key().unwrap();
        }
        let (roster, entry) = self.roster.next(&identity(byte), change, &self.key).unwrap();
        self.roster = roster;
        self.entries.push(entry);
    }

    fn pin(&self, n: usize) -> Pin {
        SignedEntry::read(&self.entries[n - 1]).unwrap().pin()
    }

    fn verify(&self, from: usize) -> Result<Roster, Forged> {
        Roster::verify(self.pin(from), &self.entries[from - 1..])
    }

    /// Appends an entry that `signer` made of the last one, whatever the rules say.
    fn forge(
        &mut self,
        signer: &Identity,
        edit: impl FnOnce(&mut Entry),
    ) -> Result<Roster, Forged> {
        let last = SignedEntry::read(self.entries.last().unwrap()).unwrap();
        let (n, previous) = (last.entry.n + 1, last.hash.0);
        let mut entry = Entry { n, previous, signer: signer.id(), ..last.entry };
        edit(&mut entry);
        self.entries.push(SignedEntry::sign(entry, signer).1);
        self.verify(1)
    }
}

fn broken(n: u64, why: Broken) -> Forged {
    Forged::Chain { n, why }
}

#[test]
fn a_roster_is_verified_from_any_of_its_entries() {
    let world = World::new();
    for from in 1..=5_u8 {
        let roster = world.verify(from.into()).unwrap();
        assert_eq!((roster.head(), roster.vault()), (world.pin(5), world.roster.vault()));
        assert_eq!(roster.members(), world.roster.members());
        for n in 1..=5_u8 {
            assert_eq!(roster.begins_after(n.into()), n < from);
            let expected = (n >= from).then(|| world.pin(n.into()));
            assert_eq!(roster.entry(n.into()), expected);
        }
    }
    let head = Roster::verify(world.pin(5), &world.entries[4..]).unwrap();
    assert_eq!(head.generation(), 1);
    assert_eq!(head.named(&label("REX")).unwrap().role, Role::Reader);
}

#[test]
fn a_pin_that_the_server_does_not_have_is_refused() {
    let world = World::new();
    let pin = world.pin(3);
    let none: &[Vec<u8>] = &[];
    assert_eq!(Roster::verify(pin, none).err(), Some(Forged::Unpinned(pin)));
    for from in [0, 1, 3, 4] {
        let found = Roster::verify(pin, &world.entries[from..]).err();
        assert_eq!(found, Some(Forged::Unpinned(pin)), "{from}");
    }
    let other = Pin { hash: EntryHash([0; 32]), ..pin };
    assert_eq!(Roster::verify(other, &world.entries[2..]).err(), Some(Forged::Unpinned(other)));
}

#[test]
fn an_entry_left_out_doubled_or_swapped_breaks_the_chain() {
    let world = World::new();
    let verify = |order: &[usize]| {
        let entries: Vec<_> = order.iter().map(|n| &world.entries[n - 1]).collect();
        Roster::verify(world.pin(1), &entries).err()
    };
    assert_eq!(verify(&[1, 2, 3, 4, 5]), None);
    for order in [&[1, 3, 4, 5][..], &[1, 2, 4, 5], &[1, 2, 2, 3], &[1, 3, 2], &[1, 2, 3, 5]] {
        assert!(
            matches!(verify(order), Some(Forged::Chain { why: Broken::Link, .. })),
            "{order:?}"
        );
    }
}

#[test]
fn a_removed_admin_can_sign_nothing_that_follows() {
    let mut world = World::new();
    world.change(1, &Change::Remove(label("bob")));
    let add = |entry: &mut Entry| entry.members.push(member("evil", 6, Role::Admin));
    assert_eq!(world.forge(&identity(2), add).err(), Some(broken(7, Broken::Signer)));
    // The fork from the entry in which he still was an admin does not contain what others pinned.
    let mut fork = World::new();
    fork.change(2, &Change::Add(member("evil", 6, Role::Admin)));
    let pin = World { entries: world.entries[..6].to_vec(), ..world }.pin(6);
    assert_eq!(Roster::verify(pin, &fork.entries[5..]).err(), Some(Forged::Unpinned(pin)));
}

#[test]
fn only_an_admin_of_the_entry_before_signs_the_next() {
    for byte in [3, 4, 7] {
        let mut world = World::new();
        let own_keys = identity(byte).keys();
        let promote = |entry: &mut Entry| {
            entry.members.retain(|member| member.keys != own_keys);
            entry.members.push(member("me", byte, Role::Admin));
        };
        assert_eq!(world.forge(&identity(byte), promote).err(), Some(broken(6, Broken::Signer)));
        let world = World::new();
        let refused = world.roster.next(&identity(byte), &Change::Rotate, &world.key).err();
        assert_eq!(refused, Some(Refused::NotAnAdmin));
    }
    // Another name under the signature of an admin is no other signer.
    let mut world = World::new();
    let found = world.forge(&identity(7), |entry| entry.signer = identity(1).id()).err();
    let why = super::entry::Malformed::Signature;
    assert_eq!(found, Some(Forged::Entry { n: 6, why }));
}

#[test]
fn what_takes_a_right_away_needs_a_new_key() {
    let edits: [fn(&mut Entry); 4] = [
        |entry| drop(entry.members.remove(2)),
        |entry| drop(entry.members.remove(3)),
        |entry| entry.members[2].role = Role::Reader,
        |entry| entry.members[2].keys = identity(6).keys(),
    ];
    for (number, edit) in edits.into_iter().enumerate() {
        let found = World::new().forge(&identity(1), edit).err();
        assert_eq!(found, Some(broken(6, Broken::Kept)), "{number}");
        let mut world = World::new();
        let next = world.roster.next_key().unwrap();
        let commitment = slot::commitment(world.roster.vault(), &next);
        let found = world.forge(&identity(1), |entry| {
            edit(entry);
            (entry.generation, entry.commitment) = (2, commitment);
        });
        assert_eq!(found.unwrap().generation(), 2, "{number}");
    }
    let world = World::new();
    for (change, expected) in [
        (Change::Add(member("x", 5, Role::Admin)), false),
        (Change::SetRole(label("rex"), Role::Member), false),
        (Change::SetRole(label("bob"), Role::Member), false),
        (Change::SetRole(label("bob"), Role::Reader), true),
        (Change::Remove(label("rex")), true),
        (Change::Rotate, true),
    ] {
        assert_eq!(world.roster.needs_new_key(&change), Ok(expected), "{change:?}");
        let current = world.roster.next(&identity(1), &change, &world.key);
        assert_eq!(current.is_ok(), !expected);
    }
}

#[test]
fn generation_and_commitment_move_together_and_by_one() {
    for (generation, is_other_key) in [(1, true), (2, false), (3, true), (0, true)] {
        let mut world = World::new();
        let found = world.forge(&identity(1), |entry| {
            entry.generation = generation;
            entry.commitment = if is_other_key { [7; 32] } else { entry.commitment };
        });
        assert_eq!(found.err(), Some(broken(6, Broken::Generation)), "{generation} {is_other_key}");
    }
}

#[test]
fn a_list_of_members_contradicts_itself_nowhere() {
    let edits: [fn(&mut Entry); 5] = [
        |entry| entry.members.push(member("ANN", 6, Role::Member)),
        |entry| entry.members.push(member("x", 3, Role::Member)),
        |entry| {
            let mut mixed = member("x", 6, Role::Member);
            mixed.keys.encryption = identity(3).keys().encryption;
            entry.members.push(mixed);
        },
        |entry| entry.members.iter_mut().for_each(|member| member.role = Role::Member),
        |entry| entry.members.push(entry.members[0].clone()),
    ];
    for (number, edit) in edits.into_iter().enumerate() {
        let found = World::new().forge(&identity(1), edit).err();
        assert_eq!(found, Some(broken(6, Broken::Members)), "{number}");
    }
    let mut world = World::new();
    let found = world.forge(&identity(1), |entry| entry.vault = SharedId([7; 32])).err();
    assert_eq!(found, Some(broken(6, Broken::Link)), "of another vault");
}

#[test]
fn a_change_that_can_not_be_is_refused_by_name() {
    let world = World::new();
    let refused = |change| world.roster.needs_new_key(&change).unwrap_err();
    assert_eq!(
        refused(Change::Add(member("Rex", 5, Role::Member))),
        Refused::LabelTaken(label("rex"))
    );
    let taken = refused(Change::Add(member("x", 3, Role::Member)));
    assert_eq!(taken, Refused::KeysTaken(label("mia")));
    let nobody = refused(Change::Remove(label("nobody")));
    assert_eq!(nobody, Refused::NoSuchMember(label("nobody")));
    let has = refused(Change::SetRole(label("mia"), Role::Member));
    assert_eq!(has, Refused::HasRole(label("mia"), Role::Member));
    let mut world = World::new();
    world.change(1, &Change::Remove(label("bob")));
    for change in [Change::Remove(label("ann")), Change::SetRole(label("ann"), Role::Reader)] {
        let refused = world.roster.needs_new_key(&change);
        assert_eq!(refused, Err(Refused::LastAdmin(label("ann"))));
    }
}

#[test]
fn the_first_entry_makes_the_vaults_name() {
    let world = World::new();
    for edit in [
        (|entry: &mut Entry| entry.vault.0[0] ^= 1) as fn(&mut Entry),
        |entry| entry.previous[0] ^= 1,
        |entry| entry.generation = 2,
        |entry| entry.members[0].role = Role::Member,
        |entry| entry.members[0] = member("x", 6, Role::Admin),
    ] {
        let mut first = SignedEntry::read(&world.entries[0]).unwrap().entry;
        edit(&mut first);
        let (signed, bytes) = SignedEntry::sign(first, &identity(1));
        let found = Roster::verify(signed.pin(), &[bytes]);
        assert!(matches!(found, Err(Forged::Chain { n: 1, .. })), "{found:?}");
    }
}

#[test]
fn a_slot_gives_the_data_key_to_its_member_alone() {
    let world = World::new();
    let wrap = |byte| slot::wrap(&world.key, world.roster.vault(), &identity(byte).keys()).unwrap();
    let for_rex = wrap(4);
    let opened = world.roster.open_slot(&identity(4), &for_rex).unwrap();
    assert_eq!(opened.key.expose(), world.key.key.expose());
    assert_eq!((opened.vault, opened.generation), (world.key.vault, 1));
    for byte in [1, 2, 3, 7] {
        assert!(matches!(world.roster.open_slot(&identity(byte), &for_rex), Err(Forged::Slot(_))));
    }
    for position in 0..for_rex.len() {
        let mut changed = for_rex.clone();
        changed[position] ^= 1;
        assert!(world.roster.open_slot(&identity(4), &changed).is_err(), "{position}");
        assert!(world.roster.open_slot(&identity(4), &for_rex[..position]).is_err());
    }
    let elsewhere = slot::wrap(&world.key, SharedId([7; 32]), &identity(4).keys()).unwrap();
    assert!(world.roster.open_slot(&identity(4), &elsewhere).is_err());
    let mut next = World::new();
    next.change(1, &Change::Remove(label("mia")));
    assert!(next.roster.open_slot(&identity(4), &for_rex).is_err(), "of another generation");
}

#[test]
fn a_key_of_the_servers_own_is_refused_by_the_commitment() {
    let world = World::new();
    let own = key_of(&world.roster, 0xee, 1);
    let slot = slot::wrap(&own, world.roster.vault(), &identity(3).keys()).unwrap();
    assert_eq!(world.roster.open_slot(&identity(3), &slot).err(), Some(Forged::Key));
}

#[test]
fn nothing_is_wrapped_for_a_key_that_binds_nobody() {
    let world = World::new();
    let mut keys = identity(3).keys();
    // Points of small order: the shared secret would be zeros, which anybody knows.
    for small in [[0; 32], {
        let mut one = [0; 32];
        one[0] = 1;
        one
    }] {
        keys.encryption = small;
        assert_eq!(slot::wrap(&world.key, world.roster.vault(), &keys), Err(slot::UnusableKey));
    }
}

fn row<'a>(world: &World, parts: &'a [&'a [u8]]) -> SealedRow<'a> {
    let (vault, generation) = (world.roster.vault(), world.roster.generation());
    SealedRow { vault, generation, table: "credentials", name: b"name", revision: 7, parts }
}

#[test]
fn a_row_counts_if_a_member_wrote_it_who_may() {
    let world = World::new();
    let parts: &[&[u8]] = &[b"sealed", b"label"];
    let row = row(&world, parts);
    for (byte, expected) in [(1, true), (2, true), (3, true), (4, false), (7, false)] {
        let (writer, signature) = (identity(byte).id(), row.sign(&identity(byte)));
        let found = world.roster.check_row(&row, writer, &signature);
        assert_eq!(found.is_ok(), expected, "{byte}");
    }
    let signature = row.sign(&identity(3));
    let check = |row: &SealedRow<'_>, writer: MemberId| {
        world.roster.check_row(row, writer, &signature).is_ok()
    };
    let writer = identity(3).id();
    assert!(check(&row, writer) && !check(&row, identity(2).id()));
    for other in [
        SealedRow { vault: SharedId([7; 32]), ..row },
        SealedRow { generation: 2, ..row },
        SealedRow { table: "turns", ..row },
        SealedRow { name: b"namE", ..row },
        SealedRow { revision: 8, ..row },
        SealedRow { parts: &[b"sealedlabel", b""], ..row },
        SealedRow { parts: &[b"label", b"sealed"], ..row },
        SealedRow { parts: &[b"sealed"], ..row },
    ] {
        assert!(!check(&other, writer), "{other:?}");
    }
}

#[test]
fn rows_of_whoever_lost_the_right_to_write_count_no_more() {
    for change in [Change::Remove(label("mia")), Change::SetRole(label("mia"), Role::Reader)] {
        let mut world = World::new();
        world.change(1, &change);
        // She signs for the new generation too, since a reader knows all of it.
        let row = row(&world, &[b"sealed"]);
        let signature = row.sign(&identity(3));
        let found = world.roster.check_row(&row, identity(3).id(), &signature);
        assert_eq!(found, Err(Forged::Writer));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_chain_with_a_byte_changed_is_refused(n in 0usize..5, at: prop::sample::Index, bit in 0u8..8) {
        let mut world = World::new();
        let pin = world.pin(1);
        let at = at.index(world.entries[n].len());
        world.entries[n][at] ^= 1 << bit;
        prop_assert!(Roster::verify(pin, &world.entries).is_err());
    }

    #[test]
    fn a_chain_with_an_entry_cut_or_grown_is_refused(n in 0usize..5, at: prop::sample::Index) {
        let mut world = World::new();
        let pin = world.pin(1);
        let cut = at.index(world.entries[n].len());
        let whole = world.entries[n].clone();
        world.entries[n].truncate(cut);
        prop_assert!(Roster::verify(pin, &world.entries).is_err());
        world.entries[n] = [&whole[..cut], b"x", &whole[cut..]].concat();
        prop_assert!(Roster::verify(pin, &world.entries).is_err());
    }

    #[test]
    fn whatever_the_server_sends_is_judged_without_a_panic(bytes: Vec<u8>) {
        let world = World::new();
        prop_assert!(SignedEntry::read(&bytes).is_err());
        prop_assert!(world.roster.open_slot(&identity(3), &bytes).is_err());
        prop_assert!(Roster::verify(world.pin(1), &[&world.entries[0], &bytes]).is_err());
    }
}

/// The page that specifies the bytes, whose vectors were made by a program in another language.
const PAGE: &str = include_str!("../../../man/topics/shared-format.man");

/// The vector called `name` on the page.
fn vector(name: &str) -> String {
    let plain = PAGE.replace("\\-", "-").replace("\\(aq", "'");
    let (_, rest) = plain.split_once(&format!("\n{name}\n")).unwrap();
    rest.lines().map_while(|line| line.strip_prefix(' ')).collect()
}

#[test]
fn the_bytes_are_those_of_the_page() {
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    let (ann, mia) = (identity(1), identity(3));
    assert_eq!(*ann.text(), vector("Ann's identity"));
    assert_eq!(hex(&ann.keys().encryption), vector("her encryption key"));
    assert_eq!(hex(&ann.id().0), vector("her id"));
    assert_eq!(hex(ann.local_key().expose()), vector("her local key"));
    assert_eq!(ann.keys().to_string(), vector("her member string"));

    let world = World::new();
    assert_eq!(hex(&world.roster.vault().0), vector("id of the vault"));
    let first = SignedEntry::read(&world.entries[0]).unwrap();
    assert_eq!(hex(&first.entry.commitment), vector("commitment"));
    let signature = |entry: &[u8]| hex(&entry[entry.len() - 64..]);
    assert_eq!(world.pin(1).to_string(), vector("pin of entry 1"));
    assert_eq!(signature(&world.entries[0]), vector("signature of entry 1"));
    let roster = Roster::verify(world.pin(1), &world.entries[..1]).unwrap();
    let add = Change::Add(member("mia", 3, Role::Member));
    let (roster, entry) = roster.next(&ann, &add, &world.key).unwrap();
    assert_eq!(roster.head().to_string(), vector("pin of entry 2"));
    assert_eq!(signature(&entry), vector("signature of entry 2"));

    let slot = data_encoding::HEXLOWER.decode(vector("slot").as_bytes()).unwrap();
    let key = roster.open_slot(&mia, &slot).unwrap();
    assert_eq!(*key.key.expose(), [0xd1; 32]);
    let name = row_name(&key, "jira", "alice");
    assert_eq!(hex(&name), vector("name of the row"));
    let secret = Sha256::digest(b"made-up secret");
    let row = SealedRow {
        vault: roster.vault(),
        generation: 1,
        table: "rows",
        name: &name,
        revision: 7,
        parts: &[&secret, b"made-up label"],
    };
    assert_eq!(hex(&row.sign(&mia)), vector("signature of the row"));
}
