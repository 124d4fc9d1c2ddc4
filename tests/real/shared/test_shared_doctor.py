"""`doctor` for a shared vault: each thing that can be wrong is told, with a hint that works."""

import json
import pathlib
import re

from shared_database import OWNER, READER
from test_carry import filled


def report(world, *vault):
    done = world.run(*vault, "doctor", "--json")
    rows = json.loads(done.stdout)["checks"]
    return done.returncode, rows


def row(world, check, *vault, result=None):
    """The row of a check, of that result if one is given."""
    rows = [row for row in report(world, *vault)[1]
            if row["name"] == check and result in (None, row["result"])]
    assert rows, (check, result, report(world, *vault)[1])
    return rows[0]


def test_a_vault_in_order_is_told_so(team):
    alice = filled(team)
    alice.get("acme/x")
    code, rows = report(alice)
    found = {row["name"]: row["result"] for row in rows}
    for check in ("database", "members", "credentials", "freshness", "refreshes", "leftovers",
                  "permissions", "audit", "clock", "logins"):
        assert check in found, (check, rows)
    assert code == 0, rows
    assert "PostgreSQL 15" in row(alice, "database")["message"]
    assert row(alice, "members", result="hint")["hint"] == "tokctl help member role"
    alice.succeed("help", "member", "role")
    assert row(alice, "credentials")["message"] == "all 2 open, and are as they are listed"
    text = alice.succeed("doctor")
    assert "1 entries" not in text and "1 members" not in text, text
    assert report(team.join("bob"))[0] == 0
    assert "holds an identity" in row(alice, "environment")["message"]


def test_what_the_user_of_the_database_lacks_is_granted_by_what_it_says(team):
    alice = filled(team)
    team.database.write_vault(f"REVOKE UPDATE, DELETE ON tokctl_rows FROM {OWNER}")
    code, _ = report(alice)
    lacks = row(alice, "database", result="finding")
    assert code == 1 and "UPDATE ON tokctl_rows, DELETE ON tokctl_rows" in lacks["message"], lacks
    for grant in re.findall(r"GRANT [^;]*;", lacks["hint"]):
        team.database.write_vault(grant)
    assert report(alice)[0] == 0


def test_all_that_a_user_lacks_who_may_not_even_read_is_told_at_once(team):
    alice = filled(team)
    team.database.write_vault(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {OWNER}")
    code, _ = report(alice)
    lacks = row(alice, "database", result="finding")
    assert code == 5 and lacks["message"].count("SELECT ON") == 4, lacks
    for grant in re.findall(r"GRANT [^;]*;", lacks["hint"]):
        team.database.write_vault(grant)
    assert alice.run("list").returncode == 0
    team.database.write_vault(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {OWNER}")


def test_the_privileges_that_the_manual_grants_are_enough(team):
    page = (pathlib.Path(__file__).parents[3] / "man" / "topics" / "shared.man").read_text()
    grants = [line for line in page.splitlines() if line.startswith("GRANT ")]
    team.database.write_vault(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {READER}")
    for grant in grants:
        if grant.endswith("TO tok_member;"):
            team.database.write_vault(grant.replace("tok_member", READER))
    bob = team.join("bob", user=READER)
    code, rows = report(bob)
    assert code == 0, rows
    filled(team)
    assert bob.get("acme/x") == "access-2"
    team.database.write_vault(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {READER}")


def test_a_reader_whose_user_may_write_is_told(team):
    ci = team.reader("ci")
    assert report(ci)[0] == 0
    team.database.write_vault(f"GRANT DELETE ON tokctl_rows TO {READER}")
    try:
        told = row(ci, "database", result="hint")
        assert "may only read" in told["message"] and told["hint"] == "tokctl help shared", told
    finally:
        team.database.write_vault(f"REVOKE DELETE ON tokctl_rows FROM {READER}")


def test_rows_that_nobody_signed_are_told(team):
    alice = filled(team)
    team.database.write_vault(
        "UPDATE tokctl_rows SET signature = decode(repeat('00', 64), 'hex')"
        " WHERE length(secret) = (SELECT min(length(secret)) FROM tokctl_rows)")
    code, rows = report(alice)
    assert code == 7, rows
    damaged = row(alice, "credentials", result="damaged")
    assert damaged["message"] == "1 row has a name that no credential can have", damaged
    assert "database from a backup" in damaged["hint"], damaged


def test_an_older_row_is_told_and_accepted_by_the_hint(team):
    alice = filled(team)
    before = team.database.ask_vault("SELECT count(*) FROM tokctl_rows")
    team.database.write_vault("CREATE TABLE IF NOT EXISTS kept AS SELECT * FROM tokctl_rows")
    try:
        alice.get("acme/x")
        # Nobody here has the answer any more.
        for spill in pathlib.Path(alice.env["XDG_STATE_HOME"]).rglob("*.spill"):
            spill.unlink()
        team.database.write_vault("DELETE FROM tokctl_rows; INSERT INTO tokctl_rows TABLE kept")
        assert team.database.ask_vault("SELECT count(*) FROM tokctl_rows") == before
        code, rows = report(alice)
        older = row(alice, "freshness", result="damaged")
        assert code == 7 and "`tokctl doctor --accept-older --yes`" in older["hint"], rows
    finally:
        team.database.write_vault("DROP TABLE kept")
    alice.succeed("doctor", "--accept-older", "--yes")
    assert row(alice, "freshness")["result"] == "ok"


def test_who_is_away_and_who_is_no_member_end_it_with_their_code(team):
    alice, bob = filled(team), team.join("bob")
    team.alice.succeed("member", "remove", "bob", "--yes")
    code, rows = report(bob)
    assert code == 5 and row(bob, "database")["hint"].startswith("give an admin"), rows
    pin = json.loads(alice.succeed("vault", "status", "--json"))["head"]
    code, rows = report(alice, "--vault", f"postgres://{OWNER}@127.0.0.1:1/vault#{pin}")
    assert code == 9, rows


def test_hints_name_the_vault_that_was_named(team):
    alice = filled(team)
    alice.succeed("vault", "join", alice.succeed("vault", "status").split("'")[1], "--name", "team")
    team.database.write_vault(
        "UPDATE tokctl_rows SET attempt = decode(repeat('07', 16), 'hex'), started_at = 1, turn = 1")
    hints = {found["hint"] for found in report(alice, "--vault", "team")[1]
             if found["name"] == "refreshes"}
    assert "tokctl --vault team why acme/x" in hints, hints
    for hint in hints:
        alice.succeed(*hint.split()[1:])


def test_a_member_without_a_key_is_told(team):
    def slots():
        return {row[0] for row in team.database.ask_vault(
            "SELECT encode(member, 'hex') FROM tokctl_slots")}

    alice = filled(team)
    before = slots()
    team.join("bob")
    (bob,) = slots() - before
    team.database.write_vault(f"DELETE FROM tokctl_slots WHERE member = '\\x{bob}'")
    code, _ = report(alice)
    told = row(alice, "members", result="damaged")
    assert code == 7 and "`bob`" in told["message"], told
    assert told["hint"].startswith("`tokctl member remove bob"), told


def test_a_memory_that_can_not_be_kept_is_told(team):
    alice = filled(team)
    (alice.home / "file").write_text("")
    alice.env["XDG_STATE_HOME"] = str(alice.home / "file" / "state")
    code, rows = report(alice)
    told = row(alice, "freshness", result="finding")
    assert code == 1 and told["hint"] == f"ls -ld {alice.home / 'file'}", rows


def test_an_audit_that_was_tampered_with_is_begun_anew(team):
    alice = filled(team)
    alice.get("acme/x")
    alice.succeed("doctor", "--repair", "--yes")
    audit = next(pathlib.Path(alice.env["XDG_STATE_HOME"]).rglob("audit.jsonl"))
    lines = audit.read_text().splitlines(keepends=True)
    audit.write_text("".join(lines[1:]))
    assert row(alice, "audit")["result"] == "damaged"
    assert report(alice)[0] == 7
    alice.succeed("doctor", "--repair", "--yes")
    assert row(alice, "audit")["result"] == "ok"
