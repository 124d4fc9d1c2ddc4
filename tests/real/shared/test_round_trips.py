"""How often a command waits for the database: each change of one row is two round trips, and a claim
is one.
"""

import socket
import threading

import pytest

from shared_team import Team


class CountingProxy:
    """Counts how often the client speaks again after the server has answered."""

    def __init__(self, port):
        self.port_behind = port
        self.trips, self.lock = 0, threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.port_behind))
            spoke = {"client": False}
            for source, target, is_client in ((client, server, True), (server, client, False)):
                threading.Thread(
                    target=self.carry, args=(source, target, is_client, spoke), daemon=True
                ).start()

    def carry(self, source, target, is_client, spoke):
        try:
            while data := source.recv(65536):
                with self.lock:
                    if is_client and not spoke["client"]:
                        self.trips += 1
                    spoke["client"] = is_client
                target.sendall(data)
        except OSError:
            pass
        finally:
            for end in (source, target):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def close(self):
        self.listener.close()


@pytest.fixture
def counted(database, strict):
    proxy = CountingProxy(database.port)
    made = Team(database, strict, proxy.port)
    made.proxy = proxy
    yield made
    made.close()
    proxy.close()


def trips(team, *command):
    team.proxy.trips = 0
    team.alice.succeed(*command)
    return team.proxy.trips


def test_a_change_of_one_row_waits_twice_and_a_claim_once(counted):
    counted.log_in()
    # The login to the database, and the list of members.
    opening = trips(counted, "member", "list")
    refreshing = trips(counted, "get", "acme/x")
    reading = trips(counted, "get", "acme/x")
    print("opening", opening, "reading", reading, "refreshing", refreshing)
    assert reading == opening + 1
    # Four reads (find, arrive, before and after the turn), the claim, and the answer.
    assert refreshing <= opening + 4 + 1 + 2
    deleting = trips(counted, "delete", "acme/x", "--yes", "--no-revoke")
    print("deleting", deleting)
    assert deleting <= opening + 4 + 2
