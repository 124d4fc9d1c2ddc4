"""The bytes of a shared vault, from tokctl-shared-format(7) alone: nothing here comes from tokctl's
own code. It plays the parts that nobody else plays: a server, or a member, with bad intentions.
"""

import base64
import hashlib
import hmac
import os
import struct

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305


def code(key, text):
    return hmac.new(key, text, hashlib.sha256).digest()


def digest(text):
    return hashlib.sha256(text).digest()


def expand(key, info, length):
    """HKDF-Expand (RFC 5869)."""
    out = last = b""
    while len(out) < length:
        last = code(key, last + info + bytes([len(out) // 32 + 1]))
        out += last
    return out[:length]


def field(text):
    return struct.pack("<Q", len(text)) + text


def number(value):
    return field(struct.pack("<Q", value))


def fields(purpose, *parts):
    """A list: the version, the purpose, and fields, of which an int is a number."""
    written = [number(part) if isinstance(part, int) else field(part) for part in parts]
    return b"\x01" + field(purpose.encode()) + b"".join(written)


def read_fields(text):
    """The fields of a list, the purpose first."""
    assert text[:1] == b"\x01"
    text, found = text[1:], []
    while text:
        length, = struct.unpack("<Q", text[:8])
        assert len(text) >= 8 + length
        found.append(text[8:8 + length])
        text = text[8 + length:]
    return found


def base32(text):
    return base64.b32encode(text).decode().rstrip("=").lower()


def unbase32(text):
    return base64.b32decode(text.upper() + "=" * (-len(text) % 8))


class Hpke:
    """RFC 9180, base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305."""

    KEM = b"KEM" + struct.pack(">H", 0x20)
    SUITE = b"HPKE" + struct.pack(">HHH", 0x20, 1, 3)

    @staticmethod
    def extract(suite, salt, label, text):
        return code(salt or bytes(32), b"HPKE-v1" + suite + label + text)

    @staticmethod
    def expand(suite, key, label, info, length):
        return expand(key, struct.pack(">H", length) + b"HPKE-v1" + suite + label + info, length)

    @classmethod
    def private_key(cls, material):
        key = cls.extract(cls.KEM, b"", b"dkp_prk", material)
        return X25519PrivateKey.from_private_bytes(cls.expand(cls.KEM, key, b"sk", b"", 32))

    @classmethod
    def cipher(cls, shared, encapped, public, info):
        secret = cls.expand(
            cls.KEM, cls.extract(cls.KEM, b"", b"eae_prk", shared), b"shared_secret",
            encapped + public, 32,
        )
        context = (b"\0" + cls.extract(cls.SUITE, b"", b"psk_id_hash", b"")
                   + cls.extract(cls.SUITE, b"", b"info_hash", info))
        key = cls.extract(cls.SUITE, secret, b"secret", b"")
        made = ChaCha20Poly1305(cls.expand(cls.SUITE, key, b"key", context, 32))
        return made, cls.expand(cls.SUITE, key, b"base_nonce", context, 12)

    @classmethod
    def seal(cls, public, info, text):
        own = X25519PrivateKey.generate()
        encapped = own.public_key().public_bytes_raw()
        shared = own.exchange(X25519PublicKey.from_public_bytes(public))
        cipher, nonce = cls.cipher(shared, encapped, public, info)
        return encapped + cipher.encrypt(nonce, text, b"")

    @classmethod
    def open(cls, private, info, sealed):
        encapped, public = sealed[:32], private.public_key().public_bytes_raw()
        shared = private.exchange(X25519PublicKey.from_public_bytes(encapped))
        cipher, nonce = cls.cipher(shared, encapped, public, info)
        return cipher.decrypt(nonce, sealed[32:], b"")


def hchacha20(key, nonce):
    """The key of XChaCha20 for a nonce's first 16 bytes (draft-irtf-cfrg-xchacha-03)."""
    words = list(struct.unpack("<16I", b"expand 32-byte k" + key + nonce))

    def quarter(a, b, c, d):
        for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            words[x] = (words[x] + words[y]) & 0xFFFFFFFF
            mixed = words[z] ^ words[x]
            words[z] = (mixed << turn | mixed >> 32 - turn) & 0xFFFFFFFF

    for _ in range(10):
        for column in range(4):
            quarter(*(column + 4 * row for row in range(4)))
        for column in range(4):
            quarter(*((column + row) % 4 + 4 * row for row in range(4)))
    return struct.pack("<8I", *words[:4], *words[12:])


def seal(key, bound_to, text):
    nonce = os.urandom(24)
    cipher = ChaCha20Poly1305(hchacha20(key, nonce[:16]))
    return b"\x01" + nonce + cipher.encrypt(bytes(4) + nonce[16:], text, bound_to)


def unseal(key, bound_to, sealed):
    assert sealed[:1] == b"\x01"
    cipher = ChaCha20Poly1305(hchacha20(key, sealed[1:17]))
    return cipher.decrypt(bytes(4) + sealed[17:25], sealed[25:], bound_to)


class Identity:
    """A member's secret: from its text, or a new one."""

    PREFIX = b"tokctl-identity-1-"

    def __init__(self, text=None):
        if text is None:
            self.secret = os.urandom(32)
        else:
            assert text.startswith(self.PREFIX.decode())
            read = unbase32(text[len(self.PREFIX):])
            self.secret = read[:32]
            assert digest(self.PREFIX + self.secret)[:4] == read[32:]
        self.private = Hpke.private_key(self.secret)
        derived = expand(code(b"tokctl identity 1", self.secret), b"ed25519", 32)
        self.signing = Ed25519PrivateKey.from_private_bytes(derived)
        self.encryption = self.private.public_key().public_bytes_raw()
        self.id = self.signing.public_key().public_bytes_raw()

    def member_string(self):
        keys, prefix = self.encryption + self.id, b"tokctl-member-1-"
        return prefix.decode() + base32(keys + digest(prefix + keys)[:4])


class Entry:
    """One entry of the list of members."""

    def __init__(self, text):
        self.signed, self.signature = text[:-64], text[-64:]
        (purpose, count, self.vault, self.previous, generation, self.signer, self.commitment,
         members, *rest) = read_fields(self.signed)
        assert purpose == b"tokctl shared roster"
        self.n, = struct.unpack("<Q", count)
        self.generation, = struct.unpack("<Q", generation)
        assert len(rest) == 4 * struct.unpack("<Q", members)[0]
        self.members = [tuple(rest[at:at + 4]) for at in range(0, len(rest), 4)]

    @property
    def hash(self):
        return digest(self.signed)

    def verify(self):
        Ed25519PublicKey.from_public_bytes(self.signer).verify(self.signature, self.signed)

    def next(self, signer, members=None, generation=None, key=None, **changed):
        """The bytes of an entry after this one, which `signer` signs."""
        members = self.members if members is None else members
        generation = self.generation if generation is None else generation
        commitment = self.commitment if key is None else committed(key, self.vault, generation)
        parts = [changed.get("n", self.n + 1), self.vault, changed.get("previous", self.hash),
                 generation, signer.id, commitment, len(members)]
        signed = fields("tokctl shared roster", *parts, *(part for one in members for part in one))
        return signed + signer.signing.sign(signed)


def committed(key, vault, generation):
    return code(key, fields("tokctl shared data key", vault, generation))


def slot_info(vault, generation, encryption, member):
    return fields("tokctl shared slot", vault, generation, encryption, member)


def wrap(key, vault, generation, encryption, member):
    return b"\x01" + Hpke.seal(encryption, slot_info(vault, generation, encryption, member), key)


def open_slot(identity, entry, slot):
    assert slot[:1] == b"\x01"
    info = slot_info(entry.vault, entry.generation, identity.encryption, identity.id)
    key = Hpke.open(identity.private, info, slot[1:])
    assert committed(key, entry.vault, entry.generation) == entry.commitment
    return key


def row_name(key, entry, provider, user):
    derived = code(key, b"tokctl shared row names v1")
    return code(derived, fields(
        "tokctl shared row name", entry.vault[:16], entry.generation, provider.encode(),
        user.encode(),
    ))


def bound_to(purpose, entry, name, revision):
    return fields(purpose, entry.vault[:16], entry.generation, name, revision)


def row_text(entry, table, name, revision, writer, parts):
    """What the writer of a row signs."""
    return fields("tokctl shared row", entry.vault, entry.generation, table.encode(), name,
                  revision, writer, len(parts), *parts)
