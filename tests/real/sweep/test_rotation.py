"""`rotate-key` and changes of key slots: on a real gnome-keyring, and killed at every step.

`strace` delivers SIGKILL as the process enters its Nth call of each kind that changes a file, a
lock or the keyring, for every N until a run gets through. Whatever the instant, every token is
there afterwards, and the next run leaves nothing of the one that died.
"""

import resource
import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import closing

import pytest

from kills import killed_at
from world import BINARY

CONFIG = '[providers.acme]\nclient_id = "made-up"\n'
TOKENS = {"alice": "made-up-1", "bob": "made-up-2" * 900, "carol": "made-up-3"}
FILE_STEPS = ["openat", "flock", "fcntl", "pwrite64", "fdatasync", "fsync", "ftruncate", "unlink"]
KEYRING_STEPS = ["sendto", "sendmsg", "recvfrom", "recvmsg", "pwrite64", "fdatasync"]


def fill(world):
    world.configure(CONFIG)
    for user, token in TOKENS.items():
        world.succeed("login", "acme", "--user", user, "--token-stdin", stdin=f"{token}\n")
    return world


@pytest.fixture
def kept(world, keyring):
    """A vault with tokens in it, its key in the unlocked keyring."""
    keyring.unlock()
    return fill(world)


@pytest.fixture
def also_by_passphrase(kept):
    """The same vault with a second slot, which opens it from here on."""
    kept.env["TOKCTL_NEW_PASSPHRASE"] = "made up for a test"
    kept.succeed("key", "add", "passphrase")
    del kept.env["TOKCTL_NEW_PASSPHRASE"]
    kept.env["TOKCTL_PASSPHRASE"] = "made up for a test"
    return kept


def entries(keyring):
    """The names of tokctl's entries in the keyring."""
    found = keyring.secret_tool("search", "--all", "--unlock", "service", "tokctl")
    text = (found.stdout + found.stderr).decode()
    prefix = "attribute.username = "
    return {line[len(prefix):] for line in text.splitlines() if line.startswith(prefix)}


def query(world, sql):
    # Closed at once: who has the vault open keeps its log from being cleared away.
    with closing(sqlite3.connect(f"file:{world.vault}?mode=ro", uri=True)) as vault:
        return vault.execute(sql).fetchall()


def names_of_slots(world):
    """The names that the entries of today's slots have."""
    sql = """SELECT lower(hex(vault_id)) || '/' || lower(hex(id)) FROM key_slots_2
             WHERE kind = 'keychain'"""
    return {name for (name,) in query(world, sql)}


def has_every_token(world, env=None):
    """Whether every token is there; that some are and some are not is a failure."""
    found = [world.run("get", "acme", "--user", user, env=env) for user in TOKENS]
    codes = {result.returncode for result in found}
    assert codes in ({0}, {5}), found
    if codes == {5}:
        return False
    assert [result.stdout for result in found] == [f"{token}\n" for token in TOKENS.values()]
    return True


def sealed(world):
    """Everything in the vault that opens with its keys."""
    sql = """SELECT sealed FROM credentials_2 UNION ALL SELECT wrapped_key FROM key_slots_2
             UNION ALL SELECT sealed FROM vault_2"""
    return [content for (content,) in query(world, sql)]


def remains(world, contents):
    """Whether any part of these is in the vault's files still: pages in use or free, or its log."""
    files = b"".join(file.read_bytes() for file in world.vault.parent.rglob("*") if file.is_file())
    return any(
        content[start:start + 24] in files
        for content in contents
        # But for the version in front.
        for start in range(1, len(content) - 24, 24)
    )


@pytest.mark.smoke
def test_a_rotation_puts_a_new_entry_in_the_place_of_the_old_one(kept, keyring):
    before = entries(keyring)
    assert before == names_of_slots(kept) and len(before) == 1
    for flags in ([], ["--verify"]):
        kept.succeed("rotate-key", *flags)
        after = entries(keyring)
        assert after == names_of_slots(kept) and len(after) == 1
        assert after != before
        assert has_every_token(kept)
        before = after
    assert query(kept, "SELECT count(*) FROM intents_2") == [(0,)]


def test_the_old_secret_opens_nothing_afterwards(kept, keyring):
    [name] = entries(keyring)
    old = keyring.secret_tool("lookup", "service", "tokctl", "username", name).stdout
    before = sealed(kept)
    assert remains(kept, before)
    kept.succeed("rotate-key")
    assert not remains(kept, before)
    [name] = entries(keyring)
    attributes = ("service", "tokctl", "username", name)
    assert keyring.secret_tool("clear", *attributes).returncode == 0
    stored = keyring.secret_tool("store", "--label=made up", *attributes, stdin=old.strip())
    assert stored.returncode == 0
    assert not has_every_token(kept)


def test_a_backup_from_before_has_lost_its_entry(kept):
    kept.succeed("backup", "copy.db")
    kept.succeed("rotate-key")
    result = kept.run("--vault", "copy.db", "get", "acme", "--user", "alice")
    assert result.returncode == 5, result


def test_a_slot_in_the_keyring_comes_and_goes_with_its_entry(kept, keyring):
    kept.env["TOKCTL_NEW_PASSPHRASE"] = "made up for a test"
    kept.succeed("key", "add", "passphrase")
    kept.succeed("key", "add", "keychain")
    assert entries(keyring) == names_of_slots(kept) and len(names_of_slots(kept)) == 2
    slots = query(kept, "SELECT lower(hex(id)) FROM key_slots_2 WHERE kind = 'keychain'")
    ids = [slot for (slot,) in slots]
    kept.succeed("key", "remove", "--yes", *ids, env={"TOKCTL_PASSPHRASE": "made up for a test"})
    assert entries(keyring) == set()
    assert has_every_token(kept, env={"TOKCTL_PASSPHRASE": "made up for a test"})


def test_with_the_keyring_locked_nothing_is_rotated_unless_its_slot_is_dropped(
    also_by_passphrase, keyring
):
    kept = also_by_passphrase
    keyring.lock()
    before = query(kept, "SELECT * FROM credentials_2")
    result = kept.run("rotate-key")
    assert result.returncode == 2, result
    assert "locked" in result.stderr and "--drop-slot" in result.stderr, result
    assert query(kept, "SELECT * FROM credentials_2") == before
    [[slot]] = query(kept, "SELECT lower(hex(id)) FROM key_slots_2 WHERE kind = 'keychain'")
    dropped = kept.run("rotate-key", "--drop-slot", slot)
    assert dropped.returncode == 0, dropped
    assert "did not delete" in dropped.stderr, dropped
    assert has_every_token(kept)
    # What could not be deleted then is deleted by the next change.
    keyring.unlock()
    assert len(entries(keyring)) == 1
    kept.succeed("rotate-key")
    assert entries(keyring) == set()


def test_a_locked_keyring_that_takes_no_new_entry_leaves_nothing_to_clear_up(keyed, keyring):
    keyed.configure('[providers.acme]\nclient_id = "made-up"\n')
    keyed.succeed("login", "acme", "--user", "alice", "--token-stdin", stdin="made-up-token\n")
    keyring.unlock()
    keyed.succeed("key", "add", "keychain")
    keyring.lock()
    for command, code in ((["key", "add", "keychain"], 5), (["rotate-key"], 2)):
        result = keyed.run(*command)
        assert result.returncode == code and "locked" in result.stderr, result
        assert query(keyed, "SELECT count(*) FROM intents_2") == [(0,)]
        doctor = keyed.run("doctor")
        assert doctor.returncode == 0 and "finding" not in doctor.stdout, doctor


def test_an_edited_file_deletes_nothing_from_the_keyring(kept, keyring):
    precious = ("service", "tokctl", "username", f"{'ab' * 16}/{'cd' * 8}")
    assert keyring.secret_tool("store", "--label=x", *precious, stdin=b"made-up").returncode == 0
    [own] = names_of_slots(kept)
    with closing(sqlite3.connect(kept.vault, isolation_level=None)) as vault:
        for name in (own, precious[-1], own[:33] + "00" * 8):
            vault.execute("INSERT INTO intents_2 VALUES (?, 0, randomblob(41))", [name])
            vault.execute("INSERT INTO intents_2 VALUES (? || ' ', 0, NULL)", [name])
    code = {"TOKCTL_KEY": kept.succeed("key", "add", "recovery").strip()}
    assert entries(keyring) == {own, precious[-1]}
    # Nor does a slot that somebody took out of the file lose its entry: a backup may need it.
    kept.succeed("backup", "copy.db")
    with closing(sqlite3.connect(kept.vault, isolation_level=None)) as vault:
        vault.execute("DELETE FROM key_slots_2 WHERE kind = 'keychain'")
        vault.execute("INSERT OR REPLACE INTO intents_2 VALUES (?, 0, randomblob(41))", [own])
    kept.succeed("rotate-key", env=code)
    assert entries(keyring) == {own, precious[-1]}
    assert has_every_token(kept, env={"TOKCTL_VAULT": str(kept.home / "copy.db")})


@pytest.mark.parametrize("method", ["Collection.CreateItem", "Item.GetSecret"])
def test_a_keyring_that_does_not_take_a_secret_changes_nothing(
    also_by_passphrase, keyring, method
):
    before = query(also_by_passphrase, "SELECT * FROM key_slots_2")
    keyring.refuse(method)
    for command in (["key", "add", "keychain"], ["rotate-key"]):
        result = also_by_passphrase.run(*command)
        # Where it can't even be read, it is not known whether it could be renewed.
        expected = 2 if command == ["rotate-key"] and method == "Item.GetSecret" else 5
        assert result.returncode == expected, result
        assert "hint: " in result.stderr, result
        assert query(also_by_passphrase, "SELECT * FROM key_slots_2") == before
    keyring.refuse()
    assert has_every_token(also_by_passphrase)
    assert entries(keyring) == names_of_slots(also_by_passphrase)
    assert query(also_by_passphrase, "SELECT count(*) FROM intents_2") == [(0,)]


def test_a_keyring_that_deletes_nothing_is_told_and_asked_again(also_by_passphrase, keyring):
    world = also_by_passphrase
    keyring.refuse("Item.Delete")
    for count in (2, 3):
        result = world.run("rotate-key")
        assert result.returncode == 0, result
        assert "did not delete" in result.stderr, result
        assert len(entries(keyring)) == count and names_of_slots(world) < entries(keyring)
        assert has_every_token(world)
    keyring.refuse()
    world.succeed("key", "add", "recovery")
    assert entries(keyring) == names_of_slots(world)


def test_a_keyring_that_hangs_is_given_up_and_cleared_up_later(also_by_passphrase, keyring):
    kept = also_by_passphrase
    before = entries(keyring)
    keyring.keyring.send_signal(signal.SIGSTOP)
    try:
        begun = time.monotonic()
        result = kept.run("key", "add", "keychain")
        assert result.returncode == 5, result
        assert "did not answer" in result.stderr, result
        assert time.monotonic() - begun < 30
    finally:
        keyring.keyring.send_signal(signal.SIGCONT)
    assert has_every_token(kept)
    # It may have taken the secret after all: nothing depends on that, and the next change ends it.
    assert before == names_of_slots(kept)
    kept.succeed("rotate-key", "--verify")
    assert entries(keyring) == names_of_slots(kept) and len(names_of_slots(kept)) == 1
    assert query(kept, "SELECT count(*) FROM intents_2") == [(0,)]


def test_readers_notice_nothing_of_rotations_in_the_keyring(kept):
    stop = kept.home / "stop"
    script = """while ! [ -e "$1" ]; do "$0" get acme --user alice >/dev/null || exit 9; done"""
    readers = [
        subprocess.Popen(["sh", "-c", script, BINARY, stop], env=kept.env, cwd=kept.home,
                         stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                         start_new_session=True)
        for _ in range(4)
    ]
    # Without turns the keyring itself ends within some tens of these.
    for _ in range(20):
        kept.succeed("rotate-key")
    stop.touch()
    for reader in readers:
        _, err = reader.communicate(timeout=60)
        assert reader.returncode == 0, err


@pytest.mark.parametrize("command", ["rotate-key", "key add keychain"])
def test_killed_at_any_step_a_change_in_the_keyring_loses_nothing(kept, keyring, command):
    kills = leftovers = 0
    for step in KEYRING_STEPS:
        count = 1
        while killed_at(kept, step, count, *command.split()):
            kills += 1
            what = f"killed at {step} number {count}"
            assert has_every_token(kept), what
            assert names_of_slots(kept) <= entries(keyring), what
            leftovers += entries(keyring) != names_of_slots(kept)
            count += 1
        assert entries(keyring) == names_of_slots(kept), step
    assert kills > 30 and leftovers > 0, (kills, leftovers)
    assert query(kept, "SELECT count(*) FROM intents_2") == [(0,)]


def test_killed_at_any_step_a_slot_leaves_the_keyring_and_nothing_is_lost(
    also_by_passphrase, keyring
):
    world = also_by_passphrase
    kills = left = gone = 0
    for step in KEYRING_STEPS:
        count = 1
        while True:
            if not names_of_slots(world):
                world.succeed("key", "add", "keychain")
            assert entries(keyring) == names_of_slots(world), "the next change sweeps"
            [[slot]] = query(world, "SELECT lower(hex(id)) FROM key_slots_2 WHERE kind = 'keychain'")
            if not killed_at(world, step, count, "key", "remove", slot):
                break
            kills += 1
            what = f"killed at {step} number {count}"
            assert has_every_token(world), what
            assert names_of_slots(world) <= entries(keyring), what
            gone += not names_of_slots(world)
            left += not names_of_slots(world) and bool(entries(keyring))
            count += 1
        assert entries(keyring) == names_of_slots(world) == set(), step
    assert kills > 20 and 0 < gone < kills and left > 0, (kills, gone, left)
    assert query(world, "SELECT count(*) FROM intents_2") == [(0,)]


@pytest.mark.parametrize("command", ["rotate-key", "key add", "key remove"])
def test_killed_at_any_step_a_change_of_keys_loses_nothing(keyed, command):
    fill(keyed)
    old = keyed.env["TOKCTL_KEY"]
    new = keyed.succeed("key", "generate").strip()
    file = keyed.home / "new.key"
    file.touch(mode=0o600)
    file.write_text(new)
    keyed.env["TOKCTL_NEW_KEY_FILE"] = str(file)
    arguments = ["rotate-key", "--verify"] if command == "rotate-key" else ["key", "add", "key"]
    if command == "key remove":
        [[first]] = query(keyed, "SELECT lower(hex(id)) FROM key_slots_2")
        keyed.succeed("key", "add", "key")
        # The slot whose key is at hand goes, and the other one opens what is left.
        arguments = ["key", "remove", first, "--yes"]
    before = keyed.home / "before"
    shutil.copytree(keyed.vault.parent, before)
    contents = sealed(keyed)
    kills = done = 0
    for step in FILE_STEPS:
        count = 1
        while True:
            shutil.rmtree(keyed.vault.parent)
            shutil.copytree(before, keyed.vault.parent)
            keyed.forget_what_was_seen()
            if not killed_at(keyed, step, count, *arguments):
                break
            kills += 1
            what = f"killed at {step} number {count}"
            with_old = has_every_token(keyed, env={"TOKCTL_KEY": old})
            with_new = has_every_token(keyed, env={"TOKCTL_KEY": new})
            done += not with_old if command == "key remove" else with_new
            if command == "rotate-key":
                assert with_old != with_new, what
            else:
                assert with_old if command == "key add" else with_new, what
            again = keyed.run("rotate-key", env={"TOKCTL_KEY": old if with_old else new,
                                                 "TOKCTL_NEW_KEY_FILE": ""})
            # A second slot whose key is not at hand has to be decided about.
            assert again.returncode == (2 if with_old and with_new else 0), (what, again)
            assert again.returncode == 2 or not remains(keyed, contents), what
            count += 1
    assert kills > 40 and 0 < done < kills, (kills, done)


def test_a_full_disk_stops_a_rotation_and_loses_nothing(kept, keyring):
    codes = []
    for limit in range(0, 1024 * 1024, 8192):
        def limited(limit=limit):
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        process = kept.start("rotate-key", "--verify", preexec_fn=limited)
        _, err = process.communicate(timeout=60)
        codes.append(process.returncode)
        what = f"with room for {limit} bytes: {process.returncode} {err}"
        assert process.returncode in (0, 1), what
        assert has_every_token(kept), what
        assert names_of_slots(kept) <= entries(keyring), what
        if process.returncode == 0:
            break
    assert codes[-1] == 0 and len(codes) > 2, what
    kept.succeed("rotate-key")
    assert entries(keyring) == names_of_slots(kept)
    assert query(kept, "SELECT count(*) FROM intents_2") == [(0,)]


OF_ITS_OWN = ["unshare", "--user", "--map-current-user", "--keep-caps", "--mount"]

needs_disks = pytest.mark.skipif(
    subprocess.run([*OF_ITS_OWN, "mount", "-t", "tmpfs", "none", "/mnt"],
                   capture_output=True, check=False).returncode != 0,
    reason="no disk can be mounted here, such as in a container without user namespaces",
)


def among_other_disks(world, script, *args):
    """Runs tokctl in a namespace of its own, by a shell script that mounts what it likes there."""
    return subprocess.run(
        [*OF_ITS_OWN, "sh", "-euc", script, "sh", BINARY, *args],
        env=world.env, cwd=world.home, capture_output=True, text=True, timeout=60,
        stdin=subprocess.DEVNULL, start_new_session=True,
    )


@needs_disks
@pytest.mark.parametrize("command", ["rotate-key", "key add keychain", "key add recovery"])
def test_on_a_read_only_disk_nothing_is_begun(kept, keyring, command):
    folder = kept.vault.parent
    script = f"""mount --bind {folder} {folder}; mount -o remount,bind,ro {folder}
                 exec "$@" """
    def everything():
        return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}

    assert has_every_token(kept)
    before = (everything(), entries(keyring))
    done = among_other_disks(kept, script, *command.split())
    assert done.returncode == 1, done
    assert "read-only" in done.stderr.lower() and "hint: " in done.stderr, done
    assert (everything(), entries(keyring)) == before
    read = among_other_disks(kept, script, "get", "acme", "--user", "alice")
    assert read.stdout == TOKENS["alice"] + "\n", read
    assert has_every_token(kept)


@needs_disks
def test_a_disk_that_has_no_room_left_stops_a_rotation_and_loses_nothing(kept, keyring):
    disk, after = kept.home / "disk", kept.home / "after"
    codes = []
    for room in range(0, 1024, 16):
        for folder in (disk, after):
            folder.mkdir(mode=0o700, exist_ok=True)
        done = among_other_disks(kept, f"""
            mount -t tmpfs -o size=4m,mode=700 none {disk}
            cp -a {kept.vault.parent}/. {disk}
            free=$(df --output=avail -k {disk} | tail -n 1)
            head -c $(( (free - {room}) * 1024 )) /dev/zero > {disk}/filler
            code=0
            "$@" || code=$?
            rm {disk}/filler
            cp -a {disk}/. {after}
            exit $code""", "--vault", disk / "tokens.db", "rotate-key", "--verify")
        codes.append(done.returncode)
        what = f"with room for {room} KiB: {done}"
        assert done.returncode in (0, 1), what
        shutil.rmtree(kept.vault.parent)
        shutil.move(after, kept.vault.parent)
        assert has_every_token(kept), what
        assert names_of_slots(kept) <= entries(keyring), what
        if done.returncode == 0:
            break
    assert codes[-1] == 0 and len(codes) > 2, what
    kept.succeed("rotate-key")
    assert entries(keyring) == names_of_slots(kept)
    assert query(kept, "SELECT count(*) FROM intents_2") == [(0,)]
