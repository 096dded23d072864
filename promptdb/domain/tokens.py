"""Access tokens: the text that their owner keeps, and what a registry keeps about them."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from string import ascii_lowercase, ascii_uppercase, digits
from zlib import crc32

from promptdb.domain.scopes import Scope
from promptdb.errors import ConfigError

PREFIX = "pdb_"
ALPHABET = digits + ascii_uppercase + ascii_lowercase
RANDOM_CHARACTERS = 30
"""About 178 bits, so that a plain hash of the token is as good as a slow one with a salt."""

_CHECKSUM_CHARACTERS = 6
TOKEN_PATTERN = rf"{PREFIX}[0-9A-Za-z]{{{RANDOM_CHARACTERS + _CHECKSUM_CHARACTERS}}}"
"""The regular expression for scanners of secrets."""

MAX_NAME = 128
_NAME = re.compile(rf"(?=.*[A-Za-z])[A-Za-z0-9][A-Za-z0-9._-]{{0,{MAX_NAME - 1}}}")
_TOKEN = re.compile(TOKEN_PATTERN, re.ASCII)


class TokenState(StrEnum):
    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True)
class ApiToken:
    """A token as a registry knows it. `last_four` are the last characters of its text, `last_used_at` is exact to a minute."""

    id: int
    name: str
    last_four: str
    scopes: tuple[Scope, ...]
    created_by: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def state(self, now: datetime) -> TokenState:
        if self.revoked_at is not None:
            return TokenState.REVOKED
        is_over = self.expires_at is not None and self.expires_at <= now
        return TokenState.EXPIRED if is_over else TokenState.ACTIVE


def token_text(characters: str) -> str:
    """Make the text of a token from random characters of `ALPHABET`, with a checksum that finds typing errors offline."""
    if len(characters) != RANDOM_CHARACTERS or not set(characters) <= set(ALPHABET):
        raise ValueError(f"a token needs {RANDOM_CHARACTERS} characters of the alphabet")
    return f"{PREFIX}{characters}{_checksum(characters)}"


def is_token(text: str) -> bool:
    """Check the form and the checksum. Only a registry knows whether the token exists."""
    if _TOKEN.fullmatch(text) is None:
        return False
    return text.endswith(_checksum(text[len(PREFIX) : -_CHECKSUM_CHARACTERS]))


def fault_of(text: str) -> str | None:
    """Say what is wrong with the text of a token, without repeating any of it. None if nothing is."""
    if is_token(text):
        return None
    if not text:
        return "there is no text"
    if not text.startswith(PREFIX):
        return f"a token starts with {PREFIX}"
    length = len(PREFIX) + RANDOM_CHARACTERS + _CHECKSUM_CHARACTERS
    if len(text) != length:
        return f"a token has {length} characters, and this has {len(text)}"
    if _TOKEN.fullmatch(text) is None:
        return f"after {PREFIX} a token has only letters and digits"
    return "the checksum is wrong, so a character is wrong"


def token_hash(text: str) -> str:
    """Return the hex SHA-256 by which a registry finds a token. It keeps nothing else of the secret."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def parse_token_name(text: str) -> str:
    """Check the name of a token and return it.

    Raises:
        ConfigError: the text breaks the rule. Ids are numbers, so a name has a letter.
    """
    if text.startswith(PREFIX):
        # It may be the secret itself.
        raise ConfigError(f"the name of a token cannot start with {PREFIX}", "a name is public, unlike the token")
    if not _NAME.fullmatch(text):
        raise ConfigError(
            f"{text!r} cannot name a token",
            f"use letters, digits, '.', '_' and '-', at least one letter, at most {MAX_NAME} characters",
        )
    return text


def _checksum(characters: str) -> str:
    number, text = crc32(characters.encode()), ""
    for _ in range(_CHECKSUM_CHARACTERS):
        number, rest = divmod(number, len(ALPHABET))
        text = ALPHABET[rest] + text
    return text
