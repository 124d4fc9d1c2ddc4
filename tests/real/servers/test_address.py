"""Logins by address at servers that nobody told of tokctl: the MCP SDKs' own, and others."""

import concurrent.futures
import json
import pathlib
import sys
import time
import urllib.request

import pytest

from server_process import ServerProcess
from world import NODE

HERE = pathlib.Path(__file__).resolve().parent.parent
SERVERS = {
    "python": (sys.executable, HERE / "mcp_server.py"),
    "npm": (NODE, HERE / "mcp_server.mjs"),
}


class McpServer(ServerProcess):
    @property
    def address(self):
        return f"{self.issuer}/mcp"

    def control(self, method="GET", content=None, path="control"):
        body = None if content is None else json.dumps(content).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(
            f"{self.issuer}/{path}", body, headers, method=method
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def call(self, headers):
        """Calls the one tool, with `headers` as a client that takes a helper adds them."""
        call = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": "whoami", "arguments": {}},
        }
        sent = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2025-06-18",
        } | headers
        request = urllib.request.Request(self.address, json.dumps(call).encode(), sent)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["result"]["content"][0]["text"]


@pytest.fixture(params=SERVERS, ids=SERVERS)
def mcp(request):
    made = McpServer(*SERVERS[request.param])
    yield made
    made.close()


@pytest.fixture
def here(keyed):
    keyed.follow_redirects()
    return keyed


@pytest.mark.smoke
def test_an_mcp_server_takes_the_token_of_a_login_by_address(here, mcp):
    here.succeed("login", mcp.address)
    headers = json.loads(here.succeed("get", mcp.address, "--format", "headers-json"))
    assert list(headers) == ["Authorization"]
    assert mcp.call(headers) == "alice"
    assert mcp.control()["registrations"] == 1
    here.succeed("check", mcp.address)


def test_it_is_refreshed_for_the_same_resource(here, mcp):
    here.succeed("login", mcp.address)
    before = here.succeed("get", mcp.address)
    here.succeed("refresh", mcp.address)
    after = here.succeed("get", mcp.address)
    assert before != after
    assert mcp.call({"Authorization": f"Bearer {after.strip()}"}) == "alice"


def test_forty_that_find_the_token_due_refresh_once(here, mcp):
    mcp.control("PUT", {"life": 1})
    here.succeed("login", mcp.address)
    mcp.control("PUT", {"life": 3600})
    time.sleep(1.1)
    with concurrent.futures.ThreadPoolExecutor(40) as crowd:
        tokens = set(crowd.map(lambda _: here.succeed("get", mcp.address), range(40)))
    assert len(tokens) == 1
    assert mcp.control()["refreshes"] == 1


def test_a_second_login_needs_no_second_client(here, mcp):
    here.succeed("login", mcp.address)
    here.succeed("login", mcp.address)
    assert mcp.control()["registrations"] == 1


def test_a_client_that_was_forgotten_is_registered_anew(here, mcp):
    here.succeed("login", mcp.address)
    mcp.control("DELETE")
    refused = here.run("refresh", mcp.address)
    assert refused.returncode == 4, refused
    here.succeed("login", mcp.address)
    assert mcp.control()["registrations"] == 2
    here.succeed("refresh", mcp.address)


def test_a_deletion_revokes(here, mcp):
    here.succeed("login", mcp.address)
    here.succeed("delete", mcp.address, "--yes")
    assert mcp.control()["tokens"] == []


@pytest.fixture
def better_auth(here):
    """better-auth, whose issuer has a path, and which unregisters no client."""
    made = McpServer(NODE, HERE / "better_auth_server.mjs")
    made.issuer = made.issuer.removesuffix("/api/auth")
    yield made
    made.close()


@pytest.mark.smoke
def test_better_auth_registers_a_client_and_binds_the_token(here, better_auth):
    clients = better_auth.control()["clients"]
    here.succeed("login", better_auth.address)
    assert better_auth.control()["clients"] == clients + 1
    assert who(here, better_auth) == {"who": "alice", "scope": "read offline_access"}
    here.succeed("refresh", better_auth.address)
    assert who(here, better_auth)["who"] == "alice"
    here.succeed("check", better_auth.address)
    here.succeed("login", better_auth.address)
    assert better_auth.control()["clients"] == clients + 1


def test_a_client_that_better_auth_forgot_is_registered_anew(here, better_auth):
    here.succeed("login", better_auth.address)
    better_auth.control("DELETE", path="control?table=oauthClient")
    assert here.run("refresh", better_auth.address).returncode == 4
    here.succeed("login", better_auth.address)
    assert better_auth.control()["clients"] == 1
    here.succeed("refresh", better_auth.address)


@pytest.fixture
def provider():
    """oidc-provider, which also unregisters clients and insists on the resource."""
    made = McpServer(NODE, HERE / "registering_provider.mjs")
    yield made
    made.close()


def who(world, provider):
    """What the resource says to the token of `world`."""
    token = world.succeed("get", provider.address).strip()
    headers = {"Authorization": f"Bearer {token}"}
    with urllib.request.urlopen(urllib.request.Request(provider.address, headers=headers)) as answer:
        return json.load(answer)


@pytest.mark.smoke
def test_a_certified_server_registers_a_client_and_binds_the_token(keyed, provider, browser):
    keyed.succeed("login", provider.address)
    browser()
    # The scope is the resource's alone, so a client that names it is refused; it is asked for all the same.
    [refused] = provider.control()["errors"]
    assert "scope" in refused
    assert who(keyed, provider) == {"who": "alice", "scope": "read"}
    keyed.succeed("refresh", provider.address)
    assert who(keyed, provider) == {"who": "alice", "scope": "read"}
    keyed.succeed("check", provider.address)
    keyed.succeed("delete", provider.address, "--yes")
    told = provider.control()
    assert (told["clients"], told["registrations"], told["errors"]) == (0, 1, [refused])


def test_a_certified_server_registers_a_client_for_codes(keyed, provider, browser):
    login = keyed.run("login", provider.address, "--method", "device")
    assert login.returncode == 0, login
    assert browser()["code"] in login.stderr
    assert who(keyed, provider) == {"who": "alice", "scope": "read"}
    keyed.succeed("refresh", provider.address)
    assert who(keyed, provider) == {"who": "alice", "scope": "read"}
    keyed.succeed("delete", provider.address, "--yes")
    told = provider.control()
    assert (told["clients"], told["registrations"]) == (0, 1), told
