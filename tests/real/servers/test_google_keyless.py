"""Google's files without a key: one file makes google-auth and tokctl send the same requests."""

import base64
import json
import re
import sys
import time

import pytest
from google.auth import identity_pool, impersonated_credentials, pluggable
from google.auth.transport.requests import Request

from recording_google import RecordingGoogle
from world import BINARY

DRIVE = "https://www.googleapis.com/auth/drive"
AUDIENCE = (
    "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/providers/hub"
)
ROBOT = "robot@made-up.iam.gserviceaccount.com"
IMPERSONATION = f"/v1/projects/-/serviceAccounts/{ROBOT}:generateAccessToken"

# Prints the identity as Google's documentation of such programs has it, and notes how it was called.
PROGRAM = """#!{python}
import json, os, sys
told = {{name: value for name, value in os.environ.items() if name.startswith("GOOGLE_EXTERNAL_")}}
with open({called!r}, "w") as file:
    json.dump([sys.argv[1:], told], file)
print(json.dumps({{"version": 1, "success": True, "id_token": {identity!r},
                  "token_type": "urn:ietf:params:oauth:token-type:jwt",
                  "expiration_time": {end}}}))
"""


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.fixture
def identity():
    claims = {"sub": "made-up", "aud": "made-up", "exp": int(time.time()) + 3600}
    return f"{part({'alg': 'RS256', 'typ': 'JWT'})}.{part(claims)}.{part('made-up signature')}"


@pytest.fixture
def google(identity):
    with RecordingGoogle(identity) as stand_in:
        yield stand_in


@pytest.fixture
def job(keyed, google):
    """A world in which Google is the stand-in."""
    keyed.configure(
        "[providers.gdrive]\n"
        'extends = "gdrive"\n'
        f'token_endpoint = "{google.origin}/token"\n'
        f'exchange_endpoint = "{google.origin}/v1/token"\n'
        f'impersonation_endpoint = "{google.origin}'
        '/v1/projects/-/serviceAccounts/{service_account}:generateAccessToken"\n'
    )
    return keyed


@pytest.fixture
def program(job, identity):
    """An executable that prints the identity; what it was told is in the file `called`."""
    file = job.home / "program"
    end = int(time.time()) + 3600
    called = str(job.home / "called")
    file.write_text(
        PROGRAM.format(python=sys.executable, called=called, identity=identity, end=end)
    )
    file.chmod(0o700)
    return file


def sources(google, home, identity, program):
    """The credential sources of Google's documentation, by name."""
    (home / "identity").write_text(identity)
    (home / "identity.json").write_text(json.dumps({"id": identity}))
    as_json = {"type": "json", "subject_token_field_name": "id"}
    flavor = {"Metadata-Flavor": "Google"}
    return {
        "file": {"file": str(home / "identity")},
        "file of JSON": {"file": str(home / "identity.json"), "format": as_json},
        "url": {"url": f"{google.origin}/identity?audience=made-up", "headers": flavor},
        "url of JSON": {"url": f"{google.origin}/identity/json", "headers": flavor,
                        "format": as_json},
        "executable": {"executable": {"command": f"{program} one two", "timeout_millis": 5000}},
    }


def external(google, source, changes):
    return {
        "type": "external_account",
        "audience": AUDIENCE,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{google.origin}/v1/token",
        "credential_source": source,
        **changes,
    }


def without_numbers(requests):
    """Two runs get tokens of other numbers, and write JSON and lists each in their own way."""
    return json.loads(re.sub(r"(federated|source|robot)-\d+", r"\1", json.dumps(requests)))


def loaded(file):
    """The credentials that google-auth makes of a file, without the look-up of a project."""
    written = json.loads(file.read_text())
    if written["type"] == "impersonated_service_account":
        made = impersonated_credentials.Credentials.from_impersonated_service_account_info
        credentials = made(written, scopes=[DRIVE])
        # It asks Google's own server, whatever the file says.
        credentials._iam_endpoint_override = written["service_account_impersonation_url"]
        return credentials
    is_program = "executable" in written["credential_source"]
    kind = pluggable if is_program else identity_pool
    return kind.Credentials.from_info(written, scopes=[DRIVE])


def both(job, google, file, monkeypatch, ours=lambda: None):
    """What google-auth and tokctl ask with `file`. Calls `ours` before it is tokctl's turn."""
    monkeypatch.setenv("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1")
    job.env["GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES"] = "1"
    google.taken()
    credentials = loaded(file)
    credentials.refresh(Request())
    theirs, their_token = google.taken(), credentials.token
    ours()
    job.succeed("import", "google", str(file))
    ours_token = job.succeed("get", "gdrive").strip()
    asked = google.taken()
    assert re.sub(r"\d+", "", their_token) == re.sub(r"\d+", "", ours_token)
    return without_numbers(theirs), without_numbers(asked)


CHANGES = {
    "alone": {},
    "as a robot": {"service_account_impersonation_url": IMPERSONATION},
    "as a robot for a quarter": {
        "service_account_impersonation_url": IMPERSONATION,
        "service_account_impersonation": {"token_lifetime_seconds": 900},
        "quota_project_id": "made-up-project",
    },
    "with a client": {"client_id": "made-up-client", "client_secret": "made-up-client-secret"},
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["file", "file of JSON", "url", "url of JSON", "executable"])
def test_an_external_account_asks_the_same_of_google(
    job, google, identity, program, monkeypatch, name, change
):
    changes = dict(CHANGES[change])
    if "service_account_impersonation_url" in changes:
        changes["service_account_impersonation_url"] = google.origin + IMPERSONATION
    source = sources(google, job.home, identity, program)[name]
    file = job.home / "google.json"
    file.write_text(json.dumps(external(google, source, changes)))
    file.chmod(0o600)
    theirs, ours = both(job, google, file, monkeypatch)
    assert ours == theirs
    assert len(ours) == 1 + name.startswith("url") + change.startswith("as a robot")
    assert identity in json.dumps(ours)


def test_a_program_is_told_the_same(job, google, program, monkeypatch):
    source = {"executable": {"command": f"{program} one 'two and three'"}}
    file = job.home / "google.json"
    file.write_text(json.dumps(external(google, source, {})))
    file.chmod(0o600)
    called = job.home / "called"
    both(job, google, file, monkeypatch, ours=lambda: called.rename(job.home / "theirs"))
    (_, theirs), (_, ours) = told = [
        json.loads(path.read_text()) for path in (job.home / "theirs", called)
    ]
    assert [words for words, _ in told] == [["one", "two and three"]] * 2
    # What is empty there is not set here.
    assert ours == {name: value for name, value in theirs.items() if value}


def test_a_person_in_the_name_of_a_robot_asks_the_same_of_google(job, google, monkeypatch):
    file = job.home / "impersonated.json"
    file.write_text(json.dumps({
        "type": "impersonated_service_account",
        "service_account_impersonation_url": google.origin + IMPERSONATION,
        "delegates": ["between@made-up.iam.gserviceaccount.com"],
        "source_credentials": {
            "type": "authorized_user", "client_id": "made-up-client",
            "client_secret": "made-up-client-secret", "refresh_token": "made-up-refresh-token",
            "token_uri": f"{google.origin}/token",
        },
    }))
    file.chmod(0o600)
    monkeypatch.setattr("google.oauth2.credentials._GOOGLE_OAUTH2_TOKEN_ENDPOINT",
                        f"{google.origin}/token")
    theirs, ours = both(job, google, file, monkeypatch)
    assert ours == theirs and len(ours) == 2


def test_googles_library_takes_its_identity_from_the_vault(job, google, identity, monkeypatch):
    """The other way round: `get --format google-executable` is the program of a file."""
    config = job.home / "config" / "tokctl" / "config.toml"
    (job.home / "identity").write_text(identity)
    job.configure(
        config.read_text()
        + f'[providers.acme]\ntoken_endpoint = "{google.origin}/jwt"\n'
        f'assertion = {{ file = "{job.home}/identity" }}\n'
    )
    job.succeed("login", "acme/ci", "--method", "workload-identity")
    command = f"{BINARY} get acme/ci --format google-executable"
    written = external(google, {"executable": {"command": command}}, {})
    for name, value in job.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1")
    google.taken()
    credentials = pluggable.Credentials.from_info(written, scopes=[DRIVE])
    credentials.refresh(Request())
    assert credentials.token.startswith("federated-")
    [[method, path, _, form]] = google.taken()
    assert (method, path, form["subject_token"]) == ("POST", "/v1/token", identity)
