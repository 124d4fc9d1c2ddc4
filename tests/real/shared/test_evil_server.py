"""A database that changes what it keeps, alone or with a reader, a removed member or admin to help it.

Each time: exit code 7, nothing printed, nothing sent to the service, and nothing of it kept.
"""

import json

import pytest

from shared_format import (
    Entry, Identity, base32, bound_to, committed, digest, open_slot, row_name, row_text, seal, unseal, wrap,
)


class EvilServer:
    """The tables of one vault, as whoever runs the database reads and writes them."""

    TABLES = ("tokctl_vaults", "tokctl_roster", "tokctl_slots", "tokctl_rows")

    def __init__(self, team):
        self.database = team.database
        line = json.loads(team.alice.succeed("vault", "status", "--json"))["head"]
        found = self.ask("SELECT vault, entry FROM tokctl_roster ORDER BY n DESC")
        entries = [(vault, Entry(entry)) for vault, entry in found]
        self.vault = next(vault for vault, entry in entries
                          if line == f"{entry.n}.{pin(entry)}")

    def ask(self, statement):
        """The rows of a SELECT; a bytea comes as bytes, all else as text."""
        rows = self.database.ask_vault(statement)
        return [[bytes.fromhex(value[2:]) if value.startswith("\\x") else value for value in row]
                for row in rows]

    def do(self, statement):
        self.database.write_vault(statement)

    @property
    def own(self):
        return f"vault = {sql(self.vault)}"

    def entries(self):
        found = self.ask(f"SELECT entry FROM tokctl_roster WHERE {self.own} ORDER BY n")
        return [Entry(entry) for (entry,) in found]

    def head(self):
        return self.entries()[-1]

    def slot(self, member):
        (slot,), = self.ask(
            f"SELECT slot FROM tokctl_slots WHERE {self.own} AND member = {sql(member)}"
            " ORDER BY generation DESC LIMIT 1"
        )
        return slot

    def put_entry(self, text):
        """Puts an entry behind the others, or in the place of the one with its number."""
        entry = Entry(text)
        self.do(
            f"DELETE FROM tokctl_roster WHERE {self.own} AND n >= {entry.n};"
            "INSERT INTO tokctl_roster (vault, n, hash, entry) VALUES"
            f" ({sql(self.vault)}, {entry.n}, {sql(entry.hash)}, {sql(text)});"
            f"UPDATE tokctl_vaults SET n = {entry.n}, generation = {entry.generation}"
            f" WHERE {self.own}"
        )
        return entry

    def put_slots(self, entry, key):
        """Gives every member of `entry` a slot with `key`."""
        for _, encryption, member, _ in entry.members:
            slot = wrap(key, entry.vault, entry.generation, encryption, member)
            self.do(
                "INSERT INTO tokctl_slots (vault, generation, member, slot) VALUES"
                f" ({sql(self.vault)}, {entry.generation}, {sql(member)}, {sql(slot)})"
                " ON CONFLICT (vault, generation, member) DO UPDATE SET slot = excluded.slot"
            )

    def copy(self):
        """Keeps all tables as they are now."""
        self.do("".join(
            f"DROP TABLE IF EXISTS kept_{table}; CREATE TABLE kept_{table} AS TABLE {table};"
            for table in self.TABLES
        ))

    def put_back(self, *tables):
        self.do(
            "SET session_replication_role = replica;"
            + "".join(f"DELETE FROM {table} WHERE {self.own};"
                      f"INSERT INTO {table} SELECT * FROM kept_{table} WHERE {self.own};"
                      for table in tables or self.TABLES)
        )


def sql(value):
    return f"'\\x{value.hex()}'::bytea"


def pin(entry):
    return base32(entry.hash)


def identity_of(world):
    return Identity(world.env["TOKCTL_KEY"])


def refused(world, *command, word=None):
    done = world.run(*command)
    assert done.returncode == 7, (command, done)
    assert done.stdout == "", done
    if word:
        assert word in done.stderr, done.stderr
    return done


@pytest.fixture
def evil(team):
    """A team of alice and bob, with a token of x that was renewed once."""
    team.bob = team.join("bob")
    team.log_in()
    assert team.alice.get("acme/x") == "access-2"
    assert team.bob.get("acme/x") == "access-2"
    return EvilServer(team)


def nothing_was_sent(team, refreshes=1):
    assert (team.server.refreshes, team.server.replays) == (refreshes, 0)


def test_another_program_reads_the_vault_by_the_page_of_its_format(team, evil):
    bob, entries = identity_of(team.bob), evil.entries()
    for before, entry in zip([None, *entries], entries):
        entry.verify()
        if before is not None:
            assert entry.previous == before.hash
            assert (b"admin", entry.signer) in [(role, id) for _, _, id, role in before.members]
    head = entries[-1]
    assert [label for label, *_ in head.members] == [b"alice", b"bob"]
    assert bob.member_string() == team.bob.succeed("key", "public").strip()
    key = open_slot(bob, head, evil.slot(bob.id))
    name = row_name(key, head, "acme", "x")
    (secret, label, revision, writer, signature), = evil.ask(
        "SELECT secret, label, revision, writer, signature FROM tokctl_rows"
        f" WHERE {evil.own} AND name = {sql(name)}"
    )
    revision = int(revision)
    credential = json.loads(unseal(key, bound_to("shared secret", head, name, revision), secret))
    assert credential["grant"]["access_token"] == "access-2"
    shown = json.loads(unseal(key, bound_to("shared label", head, name, revision), label))
    assert (shown["provider"], shown["user"]) == ("acme", "x")
    alice = identity_of(team.alice)
    assert writer == alice.id
    text = row_text(head, "rows", name, revision, writer, [digest(secret), label])
    alice.signing.public_key().verify(signature, text)


def test_an_entry_changed_in_any_byte_is_refused(team, evil):
    head = evil.head()
    whole = head.signed + head.signature
    # Few of them through the program; all of them are tried on the function that reads entries.
    for at in range(0, len(whole), 37):
        changed = bytes([*whole[:at], whole[at] ^ 1, *whole[at + 1:]])
        evil.do(f"UPDATE tokctl_roster SET entry = {sql(changed)} WHERE {evil.own} AND n = {head.n}")
        refused(team.bob, "get", "acme/x")
    nothing_was_sent(team)


def test_a_member_that_no_admin_signed_is_refused(team, evil):
    mallory, head = Identity(), evil.head()
    member = (b"mallory", mallory.encryption, mallory.id, b"admin")
    for members in ([*head.members, member], [member]):
        evil.copy()
        forged = evil.put_entry(head.next(mallory, members))
        evil.put_slots(forged, b"\xee" * 32)
        for world in (team.alice, team.bob):
            refused(world, "get", "acme/x")
            refused(world, "refresh", "acme/x")
        evil.put_back()
    # Bob is a member, and no admin: he helps the server.
    evil.put_entry(head.next(identity_of(team.bob), [*head.members, member]))
    refused(team.alice, "get", "acme/x", word="no admin")
    nothing_was_sent(team)


def test_a_member_in_anothers_place_is_refused(team, evil):
    mallory, head = Identity(), evil.head()
    members = [(label, mallory.encryption, mallory.id, role) if label == b"bob"
               else (label, encryption, member, role)
               for label, encryption, member, role in head.members]
    text = head.next(mallory, members, n=head.n, previous=head.previous)
    evil.put_entry(text)
    refused(team.alice, "get", "acme/x")
    refused(team.alice, "member", "list")
    nothing_was_sent(team)


def test_a_data_key_of_the_servers_own_is_refused(team, evil):
    head = evil.head()
    evil.copy()
    evil.put_slots(head, b"\xee" * 32)
    for world in (team.alice, team.bob):
        refused(world, "get", "acme/x")
        refused(world, "login", "acme", "--user", "y")
        refused(world, "rotate-key")
    assert evil.entries()[-1].n == head.n, "nothing was signed under that key"
    evil.put_back()
    # A generation of its own, signed by itself.
    mallory = Identity()
    forged = evil.put_entry(head.next(mallory, generation=head.generation + 1, key=b"\xee" * 32))
    evil.put_slots(forged, b"\xee" * 32)
    refused(team.bob, "get", "acme/x")
    refused(team.alice, "member", "remove", "bob", "--yes")
    nothing_was_sent(team)


def test_a_generation_that_only_the_table_claims_is_no_other(team, evil):
    evil.do(f"UPDATE tokctl_vaults SET generation = generation + 1 WHERE {evil.own}")
    for world in (team.alice, team.bob):
        done = world.run("get", "acme/x")
        assert done.returncode != 0 and done.stdout == "", done
    nothing_was_sent(team)


def test_rows_that_changed_places_are_refused(team, evil):
    team.log_in("y")
    (one,), (other,) = evil.ask(f"SELECT name FROM tokctl_rows WHERE {evil.own} ORDER BY name")
    evil.do(
        f"UPDATE tokctl_rows SET name = 'x' WHERE {evil.own} AND name = {sql(one)};"
        f"UPDATE tokctl_rows SET name = {sql(one)} WHERE {evil.own} AND name = {sql(other)};"
        f"UPDATE tokctl_rows SET name = {sql(other)} WHERE {evil.own} AND name = 'x'"
    )
    before = team.server.refreshes
    for user in "xy":
        refused(team.bob, "get", f"acme/{user}")
        refused(team.bob, "refresh", f"acme/{user}")
    assert team.server.refreshes == before


def test_a_column_of_another_row_or_with_another_bit_is_refused(team, evil):
    before = team.server.refreshes
    for column in ("secret", "label", "writer", "signature"):
        evil.copy()
        evil.do(f"UPDATE tokctl_rows SET {column} = set_bit({column}, 77, 1 - get_bit({column}, 77))"
                f" WHERE {evil.own}")
        refused(team.bob, "refresh", "acme/x")
        if column != "label":
            refused(team.bob, "get", "acme/x")
        evil.put_back("tokctl_rows")
    evil.do(f"UPDATE tokctl_rows SET revision = revision + 1 WHERE {evil.own}")
    refused(team.bob, "get", "acme/x")
    evil.put_back("tokctl_rows")
    assert team.bob.get("acme/x") == "access-2"
    assert team.server.refreshes == before


def test_forged_evidence_sends_nothing(team, evil):
    """A journal that was taken away, or made, by whoever has no key."""
    evil.do(f"UPDATE tokctl_rows SET evidence = set_bit(evidence, 900, 1 - get_bit(evidence, 900))"
            f" WHERE {evil.own}")
    assert team.bob.get("acme/x") == "access-2", "a good token is printed"
    refused(team.bob, "refresh", "acme/x")
    nothing_was_sent(team)


def test_an_older_row_is_refused_by_who_saw_the_newer(team, evil):
    evil.copy()
    team.bob.succeed("refresh", "acme/x")
    assert team.alice.get("acme/x") == "access-3"
    evil.put_back("tokctl_rows")
    refused(team.alice, "refresh", "acme/x", word="older")
    nothing_was_sent(team, 2)
    # Bob made the newer one, and keeps it for a while: he stores it again.
    assert team.bob.run("refresh", "acme/x").returncode == 0
    assert team.alice.get("acme/x") == "access-3"
    assert team.server.replays == 0


def test_an_older_state_of_everything_is_refused_by_who_saw_the_newer(team, evil):
    evil.copy()
    team.join("carol")
    team.bob.get("acme/x")
    evil.put_back()
    for world in (team.alice, team.bob):
        refused(world, "get", "acme/x", word="lacks entry")
    nothing_was_sent(team)
    # As after a restore: a person says that it is one.
    team.bob.succeed("doctor", "--accept-older", "--yes")
    assert team.bob.get("acme/x") == "access-2"


def test_an_older_list_with_the_newest_rows_is_refused(team, evil):
    carol = team.join("carol")
    assert carol.get("acme/x") == "access-2"
    head = evil.head()
    evil.do(f"DELETE FROM tokctl_roster WHERE {evil.own} AND n = {head.n};"
            f"UPDATE tokctl_vaults SET n = n - 1 WHERE {evil.own}")
    refused(team.alice, "get", "acme/x", word="lacks entry")
    # Carol's own join line names the entry that is gone.
    refused(carol, "get", "acme/x")
    nothing_was_sent(team)


def test_a_fork_by_a_removed_admin_is_refused(team, evil):
    carol = team.join("carol", "--admin")
    fork_from, evil_admin = evil.head(), identity_of(carol)
    evil.copy()
    line = team.alice.succeed("member", "remove", "carol", "--yes").strip()
    assert team.bob.get("acme/x") == "access-2"
    # The server goes back to where she was an admin, and she signs what it wants.
    evil.put_back()
    mallory = Identity()
    member = (b"mallory", mallory.encryption, mallory.id, b"member")
    key = open_slot(evil_admin, fork_from, evil.slot(evil_admin.id))
    forged = evil.put_entry(fork_from.next(evil_admin, [*fork_from.members, member]))
    evil.put_slots(forged, key)
    for world in (team.alice, team.bob):
        refused(world, "get", "acme/x", word="lacks entry")
        refused(world, "refresh", "acme/x")
    # A machine without a memory begins at the join line that the removal printed.
    team.bob.forget_what_was_seen()
    refused(team.bob, "--vault", line, "get", "acme/x")
    nothing_was_sent(team)


def test_two_branches_have_two_heads(team, evil):
    """What members compare: two admins who are shown different lists."""
    team.alice.succeed("member", "role", "bob", "admin")
    team.bob.get("acme/x")
    evil.copy()
    team.join("carol")
    one = json.loads(team.alice.succeed("vault", "status", "--json"))["head"]
    evil.put_back()
    keys = Identity().member_string()
    team.bob.succeed("member", "add", "dan", keys)
    other = json.loads(team.bob.succeed("vault", "status", "--json"))["head"]
    assert one.split(".")[0] == other.split(".")[0] and one != other
    refused(team.alice, "get", "acme/x", word="lacks entry")


def forge_row(evil, writer, signer, key, entry, address):
    """A row of acme/x under the data key, in which the token endpoint is another one."""
    name = row_name(key, entry, "acme", "x")
    (secret, label, revision), = evil.ask(
        f"SELECT secret, label, revision FROM tokctl_rows WHERE {evil.own} AND name = {sql(name)}"
    )
    revision = int(revision)
    read = unseal(key, bound_to("shared secret", entry, name, revision), secret)
    shown = unseal(key, bound_to("shared label", entry, name, revision), label)
    credential = json.loads(read)
    credential["grant"]["client"]["token_endpoint"] = address
    sealed = seal(key, bound_to("shared secret", entry, name, revision),
                  json.dumps(credential).encode())
    label = seal(key, bound_to("shared label", entry, name, revision), shown)
    text = row_text(entry, "rows", name, revision, writer, [digest(sealed), label])
    evil.do(
        f"UPDATE tokctl_rows SET secret = {sql(sealed)}, label = {sql(label)},"
        f" revision = {revision}, writer = {sql(writer)},"
        f" signature = {sql(signer.signing.sign(text))} WHERE {evil.own} AND name = {sql(name)}"
    )


def test_a_reader_with_the_server_sends_no_token_elsewhere(team, evil):
    ci = team.join("ci", "--reader")
    reader, entry = identity_of(ci), evil.head()
    key = open_slot(reader, entry, evil.slot(reader.id))
    alice, mallory = identity_of(team.alice), Identity()
    evil.copy()
    for writer, signer in ((reader.id, reader), (alice.id, reader), (mallory.id, mallory)):
        forge_row(evil, writer, signer, key, entry, "https://evil.example/token")
        for world in (team.alice, team.bob, ci):
            refused(world, "get", "acme/x")
        refused(team.alice, "refresh", "acme/x")
        # A rotation would make it genuine: it signs everything anew.
        refused(team.alice, "rotate-key")
        refused(team.alice, "member", "remove", "bob", "--yes")
        evil.put_back("tokctl_rows")
    nothing_was_sent(team)
    # The same row by a member who may write is one: so the test forges what it should.
    forge_row(evil, alice.id, alice, key, entry, "https://127.0.0.1:1/token")
    done = team.bob.run("refresh", "acme/x")
    assert done.returncode not in (0, 7), done


def test_who_lost_the_right_to_write_writes_no_more(team, evil):
    """Also with the newest key, which a reader has."""
    team.alice.succeed("member", "role", "bob", "reader")
    bob, entry = identity_of(team.bob), evil.head()
    key = open_slot(bob, entry, evil.slot(bob.id))
    assert committed(key, entry.vault, entry.generation) == entry.commitment
    forge_row(evil, bob.id, bob, key, entry, "https://evil.example/token")
    refused(team.alice, "refresh", "acme/x")
    nothing_was_sent(team)


def test_a_leaver_reads_nothing_that_is_written_later(team, evil):
    bob, before = identity_of(team.bob), evil.head()
    old = open_slot(bob, before, evil.slot(bob.id))
    team.alice.succeed("member", "remove", "bob", "--yes")
    after = evil.head()
    assert (after.generation, after.n) == (before.generation + 1, before.n + 1)
    assert bob.id not in [member for _, _, member, _ in after.members]
    assert not evil.ask(
        f"SELECT 1 FROM tokctl_slots WHERE {evil.own} AND member = {sql(bob.id)}"
        f" AND generation = {after.generation}"
    )
    for name, secret, revision in evil.ask(
        f"SELECT name, secret, revision FROM tokctl_rows WHERE {evil.own}"
    ):
        with pytest.raises(Exception):
            unseal(old, bound_to("shared secret", after, name, int(revision)), secret)


def test_each_machine_notes_whom_it_added_and_removed(team, evil):
    team.alice.succeed("member", "role", "bob", "admin")
    team.bob.succeed("member", "add", "carol", Identity().member_string())
    team.bob.succeed("member", "remove", "carol", "--yes")
    assert team.bob.run("member", "remove", "nobody", "--yes").returncode == 3
    entries = json.loads(team.bob.succeed("audit", "--json"))["entries"]
    changes = [(one["action"], one["slot"], one["outcome"]) for one in entries if one["slot"]]
    assert changes == [("add-member", "carol", "ok"), ("remove-member", "carol", "ok")]
    assert ("set-role", "bob") in [
        (one["action"], one["slot"])
        for one in json.loads(team.alice.succeed("audit", "--json"))["entries"]
    ]
    team.bob.succeed("audit", "--verify")
