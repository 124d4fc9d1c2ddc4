"""Each authorization server with each feature that it has, and the table of them in tokctl-config(5).

The cells of that table are the tests in here: a server that loses a feature loses its cell, and
`SNAPSHOTS=overwrite tests/servers -k table` writes the table anew.
"""

import os
import time

import pytest

from tried_servers import ALL
from world import HERE

CONFIG_MAN = HERE.parent.parent / "man" / "topics" / "config.man"
BEGIN, END = '.\\" The table of tests/real/servers/test_matrix.py\n', '.\\" Its end\n'


def having(clients_of):
    """The servers that have one of these features, each with the feature."""
    return pytest.mark.parametrize(
        ("kind", "feature"),
        [
            pytest.param(kind, feature, id=f"{kind.name}-{feature}")
            for feature in clients_of
            for kind in ALL
            if feature in kind.clients or feature in kind.refreshes
        ],
    )


@pytest.fixture
def begin(keyed, tmp_path):
    """Starts a server of a kind with these options, and configures it for a client."""
    made = []

    def start(kind, client, feature=None, secret=None, **options):
        server = kind(**options)
        made.append(server)
        keyed.configure(server.definition(client, METHOD.get(feature, ""), feature))
        server.browse(keyed, tmp_path)
        secret = secret or server.secret(client)
        if secret:
            keyed.env["TOKCTL_ACME_CLIENT_SECRET"] = secret
        return server

    yield start
    for server in made:
        server.close()


LOGIN = ("login", "acme", "--user", "alice", "--timeout", "30s")
WAYS = {
    "device": (*LOGIN, "--method", "device"),
    "itself": (*LOGIN[:4], "--method", "client-credentials"),
}
# What a secret in the form takes, where metadata name both ways.
METHOD = {
    "header": 'token_endpoint_auth_method = "client_secret_basic"\n',
    "form": 'token_endpoint_auth_method = "client_secret_post"\n',
}


@having(["browser", "header", "form", "device", "itself"])
def test_a_login_brings_a_token_and_a_refresh_another(keyed, begin, kind, feature):
    server = begin(kind, kind.clients[feature], feature)
    login = keyed.run(*WAYS.get(feature, LOGIN))
    assert login.returncode == 0 and "warning" not in login.stderr, login
    # Sealed with the credential.
    keyed.env.pop("TOKCTL_ACME_CLIENT_SECRET", None)
    tokens = [keyed.get("acme/alice")]
    for _ in range(2):
        time.sleep(kind.pause)
        keyed.succeed("refresh", "acme/alice")
        tokens.append(keyed.get("acme/alice"))
    assert len(set(tokens)) == 3
    if feature != "itself":
        assert server.works(tokens[-1])


@having(["rotates", "keeps"])
def test_refreshes_go_on_with_what_came_last(keyed, begin, kind, feature):
    options = dict(kind.refreshes[feature])
    client = options.pop("client", kind.clients["browser"])
    server = begin(kind, client, **options)
    keyed.succeed(*LOGIN)
    for _ in range(4):
        time.sleep(kind.pause)
        keyed.succeed("refresh", "acme/alice")
    assert server.works(keyed.get("acme/alice"))


@having(["revocation"])
def test_a_deletion_revokes(keyed, begin, kind, feature):
    server = begin(kind, kind.clients[feature])
    keyed.succeed(*LOGIN)
    token = keyed.get("acme/alice")
    assert server.works(token)
    deleted = keyed.run("delete", "acme/alice", "--yes")
    assert deleted.returncode == 0 and "warning" not in deleted.stderr, deleted
    assert not server.works(token)


@having(["header"])
def test_a_wrong_secret_is_a_mistake_of_the_configuration(keyed, begin, kind, feature):
    begin(kind, kind.clients[feature], feature, secret="made-up-other")
    refused = keyed.run(*LOGIN)
    assert refused.returncode == 2, refused
    assert "client" in refused.stderr and "hint: " in refused.stderr, refused
    assert "made-up-other" not in refused.stdout + refused.stderr, refused
    assert keyed.run("get", "acme/alice").returncode == 3


@having(["ended"])
def test_a_grant_that_was_ended_elsewhere_takes_a_login(keyed, begin, kind, feature):
    client = kind.clients[feature]
    server = begin(kind, client)
    keyed.succeed(*LOGIN)
    server.end_grant(keyed.get("acme/alice"), client)
    refused = keyed.run("refresh", "acme/alice")
    assert refused.returncode == kind.after_end, refused
    hint = "login" if kind.after_end == 4 else "why"
    assert f"hint: tokctl {hint} acme/alice" in refused.stderr, refused
    assert (keyed.run("status", "acme/alice").returncode == 4) == (kind.after_end == 4)


# Each feature with its name in the table; `header` has a test of its own for a wrong secret.
ROWS = [
    ("browser", "browser"),
    ("header", "header secret"),
    ("form", "form secret"),
    ("device", "device"),
    ("itself", "client itself"),
    ("rotates", "rotating"),
    ("keeps", "not rotating"),
    ("revocation", "revocation"),
    ("header", "wrong secret"),
    ("ended", "ended grant"),
]


def cell(kind, feature):
    if feature == "ended" and kind.after_end != 4:
        return f"exit {kind.after_end}"
    return "yes" if feature in kind.clients or feature in kind.refreshes else "-"


def table():
    """The table as lines of the manual: what is in a cell is what a test in here tries."""
    names = [kind.name for kind in ALL]
    lines = [f"{'':13} " + " ".join(names)]
    for feature, title in ROWS:
        cells = [cell(kind, feature).ljust(len(name)) for kind, name in zip(ALL, names)]
        lines.append(f"{title:13} " + " ".join(cells))
    shown = "\n".join(line.rstrip() for line in lines)
    return ".EX\n" + shown.replace("-", "\\-") + "\n.EE\n"


def test_the_table_in_the_manual_is_what_is_tried():
    page = CONFIG_MAN.read_text()
    before, rest = page.split(BEGIN)
    shown, after = rest.split(END)
    if os.environ.get("SNAPSHOTS") == "overwrite":
        CONFIG_MAN.write_text(before + BEGIN + table() + END + after)
    else:
        assert shown == table()
