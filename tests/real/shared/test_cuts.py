"""Connections that break at each message of a command, in both directions.

Whatever the message, the command connects again and comes to its end, the provider sees each refresh
token once, and another machine goes on at once.
"""

import pytest

from message_proxy import MessageProxy
from rotating_server import RotatingServer
from shared_team import Team


@pytest.fixture
def proxied(database):
    proxy, server = MessageProxy(database.port), RotatingServer("strict")
    made = Team(database, server, proxy.port)
    made.proxy = proxy
    yield made
    made.close()
    proxy.close()
    server.close()


def at_each_message(team, prepare, *command):
    """Runs `command` with the nth message lost, for each n; yields n and how it ended."""
    number = 1
    while True:
        team.proxy.let_all_pass()
        prepare()
        team.proxy.cut_at(number)
        done = team.alice.run(*command)
        if not team.proxy.was_cut():
            team.proxy.let_all_pass()
            assert done.returncode == 0, done
            break
        yield number, done
        number += 1
        assert number < 300
    assert number > 20


def test_a_refresh_survives_a_cut_at_each_message(proxied):
    bob = proxied.join("bob")
    for number, done in at_each_message(proxied, proxied.log_in, "get", "acme/x"):
        # What can't be reached at first is told at once, and nothing was sent.
        if done.returncode == 9:
            assert proxied.server.refreshes == 0, (number, done)
        else:
            assert done.returncode == 0, (number, done)
            assert done.stdout == "access-2\n", number
        assert bob.get("acme/x") == "access-2", number
        assert (proxied.server.refreshes, proxied.server.replays) == (1, 0), number


def test_a_login_and_a_deletion_survive_a_cut_at_each_message(proxied):
    def nothing():
        proxied.server.reset()
        proxied.alice.run("delete", "acme/x", "--yes", "--no-revoke")

    for number, done in at_each_message(proxied, nothing, "login", "acme", "--user", "x"):
        rows = proxied.alice.succeed("list").count("\n")
        assert done.returncode in (0, 9), (number, done)
        assert rows == (1 if done.returncode == 0 else 0), (number, done)
    command = ("delete", "acme/x", "--yes", "--no-revoke")
    for number, done in at_each_message(proxied, proxied.log_in, *command):
        rows = proxied.alice.succeed("list").count("\n")
        assert done.returncode in (0, 9), (number, done)
        assert rows == (0 if done.returncode == 0 else 1), (number, done)


def test_members_come_and_go_whatever_is_cut(proxied):
    proxied.log_in()
    proxied.alice.get("acme/x")
    machine = proxied.machine()
    public = machine.succeed("key", "public").strip()

    def without():
        proxied.alice.run("member", "remove", "bob", "--yes")

    def with_bob():
        proxied.alice.run("member", "add", "bob", public)

    def is_member():
        return "bob" in proxied.alice.succeed("member", "list")

    for number, done in at_each_message(proxied, without, "member", "add", "bob", public):
        assert done.returncode in (0, 9), (number, done)
        assert is_member() == (done.returncode == 0), (number, done)
    for number, done in at_each_message(proxied, with_bob, "member", "remove", "bob", "--yes"):
        assert done.returncode in (0, 9), (number, done)
        assert is_member() == (done.returncode != 0), (number, done)
        assert proxied.alice.get("acme/x") == "access-2", number


def test_a_connection_that_falls_silent_is_given_up(proxied):
    proxied.log_in()
    proxied.proxy.cut_at(12, silent=True)
    assert proxied.alice.get("acme/x") == "access-2"
    assert (proxied.server.refreshes, proxied.server.replays) == (1, 0)
