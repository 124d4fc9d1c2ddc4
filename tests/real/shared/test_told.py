"""What people with a shared vault are told: of what a leaver took along, of who refreshes, of two
identities on one machine, and of an answer that could not be stored.
"""

import json
import pathlib
import socket
import time

import pytest

from shared_database import OWNER
from test_carry import STATIC, bundle_key, filled, killed_at
from test_exit_codes import refused


def take_along(world, *accounts):
    """Moves these credentials out of the shared vault, into a bundle of its own."""
    world.succeed("export", *accounts, "--move", "--yes", "--to", bundle_key(world), "--output",
                  "mine.bundle")


def exposed(done):
    return {f"{one['provider']}/{one['user']}": one for one in json.loads(done.stdout)["exposed"]}


# --- what a leaver took along ------------------------------------------------------------------

def test_what_the_leaver_moved_out_is_named_with_what_ends_it(team):
    alice, bob = filled(team), team.join("bob")
    take_along(bob, "acme/x", "vendor/y")
    alice.succeed("login", "vendor", "--user", "z", "--token-stdin", stdin=STATIC)
    # Nobody is there who could answer: it is told before the question, too.
    asked = alice.run("member", "remove", "bob")
    assert asked.returncode != 0 and "may be the only one who has it" in asked.stderr, asked
    assert alice.succeed("member", "list").count("bob") == 1
    done = alice.run("member", "remove", "bob", "--yes", "--json")
    assert done.returncode == 0, done
    for said in (
        "`bob` moved `acme/x`, `vendor/y` out of the vault, and may be the only one who has it",
        "what `bob` moved out of the vault works where it arrived",
        "end what was granted for `acme/x` at the service; then `tokctl login acme/x`",
        "revoke `vendor/y` at the service; then `tokctl login vendor/y`",
        "revoke `vendor/z` at the service; then `tokctl login vendor/z`",
    ):
        assert said in done.stderr, (said, done)
    found = exposed(done)
    assert found["acme/x"]["remedy"] == "withdraw"
    assert found["acme/x"]["moved_out"] == {"by": "bob", "in_bundle": False}
    assert found["vendor/z"]["moved_out"] is None
    # What is said helps: a new login is the vault's from then on.
    team.server.reset()
    alice.succeed("login", "acme", "--user", "x")
    assert alice.get("acme/x") == "access-2"


def test_who_moved_it_is_known_after_a_rotation_and_to_why(team):
    alice, bob, carol = filled(team), team.join("bob"), team.join("carol")
    take_along(bob, "acme/x")
    alice.succeed("rotate-key")
    # Of another leaver it is said who has it.
    done = alice.run("member", "remove", "carol", "--yes")
    assert "may have read `acme/x` before `bob` moved it out" in done.stderr, done
    assert "may be the only one" not in done.stderr, done
    assert carol.run("get", "acme/x").returncode == 5
    assert "`bob` moved it out of this vault" in alice.succeed("why", "acme/x")
    done = alice.run("member", "role", "bob", "reader", "--json")
    assert exposed(done)["acme/x"]["moved_out"]["by"] == "bob", done
    assert "what `bob` moved out of the vault works where it arrived" in done.stderr, done
    done = alice.run("member", "remove", "bob", "--yes")
    assert "`bob` moved `acme/x` out of the vault" in done.stderr, done
    # Who is no member has no label, and still is not taken for somebody else.
    team.join("bob2")
    done = alice.run("member", "remove", "bob2", "--yes")
    assert "somebody who is no member any more moved it out of the vault" in done.stderr, done
    assert "`bob2` moved" not in done.stderr, done


def test_what_came_back_is_the_vaults_again(team):
    alice, bob = filled(team), team.join("bob")
    take_along(bob, "acme/x")
    bob.succeed("import", "bundle", "mine.bundle", "--key-file",
                bundle_key(bob).removeprefix("key:"))
    done = alice.run("member", "remove", "bob", "--yes", "--json")
    assert "moved " not in done.stderr.replace("removed ", ""), done
    assert exposed(done)["acme/x"]["moved_out"] is None


def test_a_bundle_that_is_in_no_file_yet_is_named(team):
    alice, bob = filled(team), team.join("bob")
    export = ("export", "acme/x", "--move", "--yes", "--to", bundle_key(bob), "--output",
              "x.bundle")
    assert killed_at(bob, "renameat2,linkat,link,rename", 1, *export)
    done = alice.run("member", "remove", "bob")
    assert done.returncode != 0 and "what has not arrived is in a bundle" in done.stderr, done
    assert "`tokctl export --resume --output moved.bundle`" in done.stderr, done
    bob.succeed("export", "--resume", "--output", "moved.bundle")
    done = alice.run("member", "remove", "bob", "--yes")
    assert "may be the only one who has it" in done.stderr, done
    assert "has not arrived" not in done.stderr, done


def test_a_backup_that_moves_is_told_of(team):
    alice, bob = filled(team), team.join("bob")
    (bob.home / "key").write_text(bob.succeed("key", "generate"))
    (bob.home / "key").chmod(0o600)
    bob.env["TOKCTL_NEW_KEY_FILE"] = str(bob.home / "key")
    bob.succeed("backup", "own.db", "--move", "--yes")
    done = alice.run("member", "remove", "bob", "--yes")
    assert "`bob` moved `acme/x`, `vendor/y` out of the vault" in done.stderr, done


# --- two identities on one machine -------------------------------------------------------------

def with_identity(world, other):
    """The environment of `world` with the identity of another member: one HOME, two members."""
    return {"TOKCTL_KEY": other.env["TOKCTL_KEY"]}


def doctor(world, env):
    done = world.run("doctor", "--json", env=env)
    rows = {}
    for row in json.loads(done.stdout)["checks"]:
        rows.setdefault(row["name"], row)
    return done.returncode, rows


def test_two_members_on_one_machine_keep_an_audit_each(team):
    alice, bob = filled(team), team.join("bob")
    both = {"alice": {}, "bob": with_identity(alice, bob)}
    for _ in range(3):
        for env in both.values():
            assert alice.run("get", "vendor/y", env=env).stdout == f"{STATIC}\n"
    for who, env in both.items():
        code, rows = doctor(alice, env)
        assert code == 0 and rows["audit"]["result"] == "ok", (who, rows)
        assert alice.run("audit", "--verify", env=env).returncode == 0, who
        shown = json.loads(alice.run("audit", "--json", env=env).stdout)["entries"]
        assert len([entry for entry in shown if entry["action"] == "get"]) >= 3, (who, shown)
    assert not list(alice.home.rglob("audit.before-*"))
    # Neither sees the other's.
    audits = sorted(pathlib.Path(alice.env["XDG_STATE_HOME"]).rglob("audit.jsonl"))
    assert len(audits) == 2


@pytest.mark.parametrize("edit", ["first", "last", "changed"])
def test_an_edit_of_one_audit_is_found_by_its_member_alone(team, edit):
    alice, bob = filled(team), team.join("bob")
    both = {"alice": {}, "bob": with_identity(alice, bob)}
    before = set(pathlib.Path(alice.env["XDG_STATE_HOME"]).rglob("audit.jsonl"))
    for _ in range(3):
        alice.run("get", "vendor/y", env=both["bob"])
    (audit,) = set(pathlib.Path(alice.env["XDG_STATE_HOME"]).rglob("audit.jsonl")) - before
    lines = audit.read_text().splitlines(keepends=True)
    edited = {
        "first": lines[1:],
        # What a `get` appends to it afterwards must not make it good, or set it aside.
        "last": [*lines[:-1], lines[-1].replace("vendor", "vendee")],
        "changed": [lines[0], lines[1].replace("vendor", "vendee"), *lines[2:]],
    }[edit]
    assert edited != lines
    audit.write_text("".join(edited))
    alice.succeed("get", "vendor/y")
    alice.run("get", "vendor/y", env=both["bob"])
    code, rows = doctor(alice, both["bob"])
    assert code == 7 and rows["audit"]["result"] == "damaged", rows
    assert alice.run("audit", "--verify", env=both["bob"]).returncode == 7
    code, rows = doctor(alice, both["alice"])
    assert code == 0 and rows["audit"]["result"] == "ok", rows
    assert alice.run("doctor", "--repair", "--yes", env=both["bob"]).returncode == 0
    assert doctor(alice, both["bob"])[0] == 0


def test_the_answer_that_one_member_keeps_is_not_overwritten_by_the_other(alone):
    """The database goes away between request and answer; the other member of this machine refreshes."""
    alone.log_in()
    bob = alone.join("bob")
    alone.server.delay = 1.5
    process = alone.alice.start("get", "acme/x")
    while not alone.server.busy:
        time.sleep(0.01)
    alone.database.stop()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 9 and out == "", (out, err)
    for said in ("nothing is lost, it is kept sealed in `", "on this machine",
                 "once the database can be reached, `tokctl get acme/x` on this machine stores it"):
        assert said in err, err
    kept_in = pathlib.Path(err.split("it is kept sealed in `")[1].split("`")[0])
    assert list(kept_in.glob("*.spill")), kept_in
    alone.server.delay = 0
    alone.database.start_again()
    alone.alice.run("list", env=with_identity(alone.alice, bob))
    assert alone.alice.get("acme/x") == "access-2"
    assert (alone.server.refreshes, alone.server.replays) == (1, 0)


# --- readers -----------------------------------------------------------------------------------

def status(world):
    done = world.run("status", "--json")
    (row,) = [row for row in json.loads(done.stdout)["credentials"] if row["provider"] == "acme"]
    return done, row


def test_a_reader_is_told_who_refreshes_and_that_it_does_not(team):
    team.join("bob")
    alice, ci = team.alice, team.reader("ci")
    team.log_in()
    # Due from its first moment on, and over.
    done = refused(ci, 9, "get", "acme/x", said=["which a member does", "tokctl why acme/x"])
    assert "renew" not in done.stderr, done
    why = json.loads(ci.succeed("why", "acme/x", "--json"))
    assert "no member has refreshed it yet" in why["finding"], why
    assert {"what": "refreshed by", "is": "alice, bob"} in why["facts"], why
    assert why["command"] == "tokctl member list", why
    ci.succeed("member", "list")
    done, row = status(ci)
    assert done.returncode == 9 and row["needs"] == "member", (done, row)
    assert "no member has refreshed it yet" in row["message"], row
    assert row["command"] == "tokctl member list"
    for said in (ci.run("list"), ci.run("status")):
        assert "when used" not in said.stdout, said
    for command in (["run", "--env", "T=acme/x", "--", "true"], ["env", "T=acme/x"]):
        refused(ci, 9, *command, said=["which a member does"])
    # A service that could refresh nothing is none.
    for wish in ("--watch", "--all", "acme/x"):
        refused(ci, 2, "refresh", wish, said=["may only read"])
    # Once a member did, it is told how long it works.
    assert alice.get("acme/x") == "access-2"
    assert ci.get("acme/x") == "access-2"
    done, row = status(ci)
    assert done.returncode == 0 and "if no member refreshes it before" in row["message"], row
    # For those who refresh, nothing is other than before.
    assert "refresh" in status(alice)[1]["message"] and "member" not in status(alice)[1]["message"]
    assert "refreshed by" not in alice.succeed("why", "acme/x")


def test_a_reader_is_not_sent_to_a_login_that_it_may_not_make(team):
    ci = team.reader("ci")
    team.log_in()
    team.server.token = lambda form: (400, {"error": "invalid_grant"})
    assert team.alice.run("refresh", "acme/x").returncode == 4
    done = refused(ci, 4, "get", "acme/x", said=["`tokctl member list`", "may only read"])
    assert "tokctl login" not in done.stderr, done
    for command in (["why", "acme/x"], ["status"]):
        done = ci.run(*command)
        assert "tokctl login" not in done.stdout + done.stderr, done
        assert "tokctl member list" in done.stdout, done
    done = ci.run("doctor")
    assert "tokctl login" not in done.stdout + done.stderr, done


# --- the service -------------------------------------------------------------------------------

def test_a_service_waits_for_its_database_and_tells_it_once(alone):
    alone.log_in()
    alone.database.stop()
    supervisor = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    supervisor.bind(str(alone.alice.home / "notify"))
    supervisor.setblocking(False)

    def told():
        """What systemd was told since it was asked last."""
        said = b""
        while True:
            try:
                said += supervisor.recv(4096) + b"\n"
            except BlockingIOError:
                return said.decode()

    watch = alone.alice.start("refresh", "--watch", "--every", "1h",
                              env={"NOTIFY_SOCKET": str(alone.alice.home / "notify")})
    try:
        # Longer than the pause between two tries.
        time.sleep(8)
        assert watch.poll() is None
        assert alone.server.refreshes == 0
        said = told()
        assert "READY=1" not in said and "EXTEND_TIMEOUT_USEC" in said, said
        assert "STATUS=waiting for the vault" in said, said
        alone.database.start_again()
        deadline = time.monotonic() + 30
        while alone.server.refreshes == 0:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        time.sleep(0.5)
        assert "READY=1" in told()
    finally:
        supervisor.close()
        watch.terminate()
        _, err = watch.communicate()
    assert err.count("event=vault_away") == 1 and err.count("event=vault_back") == 1, err
    assert err.index("event=vault_away") < err.index("event=vault_back") < err.index("event=refreshed")
    assert alone.alice.get("acme/x") == "access-2"


def test_what_no_waiting_mends_ends_the_service_at_once(team):
    alice = team.alice
    pin = json.loads(alice.succeed("vault", "status", "--json"))["head"]
    port = team.database.port
    stranger = team.machine().env["TOKCTL_KEY"]
    cases = {
        f"postgres://{OWNER}@nowhere.invalid:{port}/vault": (9, {}),
        f"postgres://{OWNER}@/vault?host=/nowhere/at/all": (9, {}),
        f"postgres://{OWNER}@127.0.0.1:{port}/other": (2, {}),
        f"mysql://{OWNER}@127.0.0.1:{port}/vault": (2, {}),
        f"postgres://{OWNER}@127.0.0.1:{port}/vault": (5, {"TOKCTL_KEY": stranger}),
        f"postgres://nobody@127.0.0.1:{port}/vault": (5, {}),
    }
    for address, (code, env) in cases.items():
        done = alice.run("--vault", f"{address}#{pin}", "refresh", "--watch", env=env, timeout=30)
        assert done.returncode == code, (address, done)
        assert "event=" not in done.stderr, (address, done)
    (alice.home / ".pgpass").write_text("*:*:*:*:wrong\n")
    assert alice.run("refresh", "--watch", timeout=30).returncode == 5
    # And a vault that is not there.
    other = pin[:-4] + ("abcd" if not pin.endswith("abcd") else "efgh")
    (alice.home / ".pgpass").write_text("*:*:*:*:made-up-password\n")
    done = alice.run("--vault", f"postgres://{OWNER}@127.0.0.1:{port}/vault#{other}", "refresh",
                     "--watch", timeout=30)
    assert done.returncode in (2, 7), done


# --- the state ---------------------------------------------------------------------------------

def test_the_state_in_json_has_all_that_the_text_says(team):
    alice = filled(team)
    alice.get("acme/x")
    text = dict(line.split(maxsplit=1) for line in alice.succeed("vault", "status").splitlines()
                if not line.startswith(("kept here", "join line")))
    state = json.loads(alice.succeed("vault", "status", "--json"))
    assert state["address"] == text["vault"] and state["head"] == text["head"]
    assert str(state["generation"]) == text["generation"]
    assert str(state["members"]) == text["members"]
    assert f"{state['label']}, {state['role']}" == text["you"]
    (kept,) = state["kept"]
    assert f"{kept['account']}, its last answer, until {kept['until']}" in alice.succeed(
        "vault", "status")
    assert state["join_line"] in alice.succeed("vault", "status")
    fresh = team.machine()
    alice.succeed("member", "add", "fresh", fresh.succeed("key", "public").strip())
    fresh.succeed("vault", "join", state["join_line"])
    assert "1 entries" not in alice.succeed("audit", "--verify")
