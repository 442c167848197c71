"""Users of our server and what they may: the lines of a users file, made and checked.

A line is ``name:right:hash``, with ``read`` or ``operate`` and a hash made by scrypt. Make one with
``python -m protocols.opcua.new_user NAME operate``, which asks for the password.
"""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

_SALT = 16
_DIGEST = 32
#: scrypt's cost (RFC 7914): sixteen mebibytes and some tens of milliseconds for each guess.
_COST = (1 << 14, 8, 1)
_MOST = (1 << 17, 16, 4)
MOST_PASSWORD = 512  # octets
_EXPECTED = "name:read|operate:scrypt$…"


class Right(StrEnum):
    """What a user of our server may."""

    READ = "read"
    OPERATE = "operate"


class Anonymous(StrEnum):
    """What one may who does not say who they are."""

    NONE = "none"
    READ = "read"
    OPERATE = "operate"


@dataclass(frozen=True, slots=True)
class Hash:
    """A password's hash with what it was made with."""

    cost: tuple[int, int, int]  # n, r and p of scrypt
    salt: bytes
    digest: bytes

    def fits(self, password: str) -> bool:
        """Is it this password's? Takes its time on purpose: not for the loop's thread."""
        content = password.encode("utf-8")
        return len(content) <= MOST_PASSWORD and hmac.compare_digest(
            _scrypt(content, self.salt, self.cost), self.digest
        )

    def __str__(self) -> str:
        n, r, p = self.cost
        salt, digest = (base64.b64encode(octets).decode("ascii") for octets in (self.salt, self.digest))
        return f"scrypt${n}${r}${p}${salt}${digest}"


@dataclass(frozen=True, slots=True)
class User:
    """A line of a users file."""

    right: Right
    hash: Hash


#: Checked where nobody has the name that was told, so that the answer takes as long as for a name that somebody has.
NOBODY = Hash(_COST, bytes(_SALT), bytes(_DIGEST))


def hash_of(password: str) -> Hash:
    """A new hash of a password, with a salt of its own."""
    salt = os.urandom(_SALT)
    return Hash(_COST, salt, _scrypt(password.encode("utf-8"), salt, _COST))


def _scrypt(content: bytes, salt: bytes, cost: tuple[int, int, int]) -> bytes:
    n, r, p = cost
    return hashlib.scrypt(content, salt=salt, n=n, r=r, p=p, maxmem=256 * n * r, dklen=_DIGEST)


def user_line(name: str, right: Right, password: str) -> str:
    """A line of a users file.

    Raises:
        ValueError: the name or the password is empty, too long, or the name has characters that end it.
    """
    if not _is_name(name):
        raise ValueError("a name has neither colons nor spaces at its ends, and is no comment")
    if not 0 < len(password.encode("utf-8")) <= MOST_PASSWORD:
        raise ValueError(f"a password has 1 to {MOST_PASSWORD} octets")
    return f"{name}:{right}:{hash_of(password)}"


def _is_name(name: str) -> bool:
    return bool(name) and name == name.strip() and name.isprintable() and ":" not in name and not name.startswith("#")


def read_users(text: str) -> Mapping[str, User]:
    """Users by name; blank lines and those that begin with ``#`` are passed over.

    Raises:
        ValueError: a line that is none, with its number (and not its content), or a name that is there twice.
    """
    users: dict[str, User] = {}
    for number, line in enumerate(map(str.strip, text.splitlines()), 1):
        if not line or line.startswith("#"):
            continue
        name, _, rest = line.partition(":")
        right, _, content = rest.partition(":")
        made = _read_hash(content)
        if not _is_name(name) or right not in tuple(Right) or made is None:
            raise ValueError(f"line {number}: expected {_EXPECTED}")
        if name in users:
            raise ValueError(f"line {number}: a user who is there already")
        users[name] = User(Right(right), made)
    return users


def _read_hash(text: str) -> Hash | None:
    parts = text.split("$")
    if len(parts) != 6 or parts[0] != "scrypt":
        return None
    try:
        n, r, p = (int(part) for part in parts[1:4])
        salt, digest = (base64.b64decode(part, validate=True) for part in parts[4:])
    except (ValueError, binascii.Error):
        return None
    good = all(0 < found <= most for found, most in zip((n, r, p), _MOST, strict=True)) and n > 1 and n & (n - 1) == 0
    return Hash((n, r, p), salt, digest) if good and len(salt) >= 8 and len(digest) == _DIGEST else None
