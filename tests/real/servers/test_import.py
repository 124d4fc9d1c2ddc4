"""What other programs wrote, taken in: Google's library, and stores as their documentation has them."""

import base64
import json
import os
import sqlite3
from datetime import datetime, timedelta

import google.oauth2.credentials
import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

DRIVE = "https://www.googleapis.com/auth/drive"


def credentials():
    """A login as Google's library holds it."""
    return google.oauth2.credentials.Credentials(
        token="made-up-access",
        refresh_token="made-up-refresh",
        token_uri="https://oauth2.googleapis.com/token",
        client_id="made-up-client",
        client_secret="made-up-secret",
        scopes=[DRIVE],
        expiry=datetime(2100, 1, 1, 0, 0, 0, 123456),
        account="alice@example.com",
    )


def got(world, *which):
    return json.loads(world.succeed("get", *which, "--format", "json"))


def folder_of(path):
    return {file.name: file.read_bytes() for file in path.iterdir()}


def test_what_googles_library_writes(keyed, tmp_path):
    file = tmp_path / "token.json"
    file.write_text(credentials().to_json())
    keyed.succeed("import", "google", str(file))
    found = got(keyed, "gdrive", "--user", "alice@example.com")
    assert found["access_token"] == "made-up-access"
    assert found["expires_at"] == "2100-01-01T00:00:00Z"
    assert found["scopes"] == [DRIVE]
    listed = json.loads(keyed.succeed("list", "--json"))["credentials"]
    assert [one["refreshable"] for one in listed] == [True]


@pytest.mark.smoke
def test_a_directory_of_encrypted_files(keyed, tmp_path):
    key = Fernet.generate_key()
    cipher = Fernet(key)
    for user in ("alice@example.com", "bob"):
        tokens = {"access_token": f"made-up-{user}", "expires_in": 3600}
        (tmp_path / f"{user}.enc").write_bytes(cipher.encrypt(json.dumps(tokens).encode()))
    keyed.env["TOKCTL_IMPORT_KEY"] = key.decode()
    keyed.succeed("import", "pauth", str(tmp_path), "--provider", "github")
    found = got(keyed, "github", "--user", "alice@example.com")
    assert found["access_token"] == "made-up-alice@example.com"
    assert 3500 < found["expires_in"] <= 3600


def test_a_live_database_under_a_derived_key(keyed, tmp_path):
    secret = base64.b64encode(os.urandom(24)).decode()
    kdf = PBKDF2HMAC(algorithm=hashes.SHA256(), length=32, salt=b"salt_", iterations=100000)
    cipher = Fernet(base64.urlsafe_b64encode(kdf.derive(secret.encode())))
    connection = sqlite3.connect(tmp_path / "tokens.db")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(
        "CREATE TABLE tokens (key TEXT PRIMARY KEY, value TEXT NOT NULL, type TEXT NOT NULL)"
    )
    for name, value, kind in [
        ("SHOPIFY_ACCESS_TOKEN_acme-7cu19ngr_myshopify_com", "made-up-shop", "token"),
        ("FACEBOOK_ACCESS_TOKEN_1234", "made-up-page", "token"),
        ("PAGE_UUID_1234", "made-up-uuid", "uuid"),
    ]:
        row = (name, cipher.encrypt(value.encode()).decode(), kind)
        connection.execute("INSERT INTO tokens VALUES (?, ?, ?)", row)
    connection.commit()
    before = folder_of(tmp_path)
    assert len(before["tokens.db-wal"]) > 0, "the rows are in the log, and not in the file"
    keyed.env["STATE_TOKEN_SECRET"] = secret
    keyed.succeed("import", "state-tokens", str(tmp_path / "tokens.db"))
    assert folder_of(tmp_path) == before
    connection.close()
    assert got(keyed, "facebook", "--user", "1234")["access_token"] == "made-up-page"
    shop = got(keyed, "shopify")
    assert shop["access_token"] == "made-up-shop"
    assert shop["server_url"] == "https://acme-7cu19ngr.myshopify.com"


def test_agentllms_database_encrypted_as_it_does(keyed, tmp_path):
    key = Fernet.generate_key()
    sealed = {
        name: Fernet(key).encrypt(value.encode()).decode()
        for name, value in json.loads(credentials().to_json()).items()
        if name in ("token", "refresh_token", "client_secret")
    }
    database = sqlite3.connect(tmp_path / "tokens.db")
    database.execute(
        "CREATE TABLE gdrive_tokens (id INTEGER PRIMARY KEY AUTOINCREMENT, user_id VARCHAR NOT NULL,"
        " token VARCHAR NOT NULL, refresh_token VARCHAR, token_uri VARCHAR, client_id VARCHAR,"
        " client_secret VARCHAR, scopes TEXT, expiry DATETIME, created_at DATETIME,"
        " updated_at DATETIME)"
    )
    now = datetime.now()
    database.execute(
        "INSERT INTO gdrive_tokens VALUES (1, 'alice', ?, ?, 'https://evil.example/token', 'c', ?,"
        " ?, ?, ?, ?)",
        (
            sealed["token"],
            sealed["refresh_token"],
            sealed["client_secret"],
            json.dumps([DRIVE]),
            # As SQLAlchemy writes it.
            "2100-01-01 00:00:00.000000",
            str(now - timedelta(days=1)),
            str(now),
        ),
    )
    database.commit()
    database.close()
    key_file = tmp_path / "fernet.key"
    key_file.write_bytes(key + b"\n")
    key_file.chmod(0o600)
    keyed.succeed("import", "agentllm", str(tmp_path / "tokens.db"), "--key-file", str(key_file))
    found = got(keyed, "gdrive")
    assert found["access_token"] == "made-up-access"
    assert found["expires_at"] == "2100-01-01T00:00:00Z"
