"""The text of access tokens: its form and checksum, checked without a registry and without repeating the secret."""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptdb.domain.tokens import (
    ALPHABET,
    TOKEN_PATTERN,
    ApiToken,
    TokenState,
    fault_of,
    is_token,
    parse_token_name,
    token_hash,
    token_text,
)
from promptdb.errors import ConfigError

RANDOM = "abcdefghijklmnopqrstuvwxyzABCD"
VALID = token_text(RANDOM)
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)

randoms = st.text(ALPHABET, min_size=30, max_size=30)


def test_the_last_six_characters_are_the_crc32_of_the_random_ones_in_base62() -> None:
    assert VALID.removeprefix(f"pdb_{RANDOM}") == "4dNndU"
    digits = [ALPHABET.index(character) for character in VALID[-6:]]
    assert sum(digit * 62 ** (5 - place) for place, digit in enumerate(digits)) == crc32(RANDOM.encode())


def test_the_pattern_on_the_page_finds_a_token() -> None:
    page = (Path(__file__).parents[2] / "docs" / "tokens.md").read_text(encoding="utf-8")
    [pattern] = re.findall(r"^```\n(.*pdb_.*)\n```$", page, re.MULTILINE)
    assert re.findall(pattern, f"token={VALID}, not a{VALID}") == [VALID]


@given(randoms)
def test_what_is_made_is_a_token_that_scanners_find(characters: str) -> None:
    text = token_text(characters)
    assert is_token(text)
    assert fault_of(text) is None
    assert re.findall(rf"\b{TOKEN_PATTERN}\b", f"TOKEN={text}; export TOKEN") == [text]


@given(randoms, st.integers(4, 39), st.sampled_from(ALPHABET))
def test_one_wrong_character_anywhere_is_found(characters: str, place: int, wrong: str) -> None:
    text = token_text(characters)
    changed = text[:place] + wrong + text[place + 1 :]
    assert is_token(changed) == (changed == text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "there is no text"),
        ("ghp_" + VALID[4:], "starts with pdb_"),
        (VALID.upper(), "starts with pdb_"),
        (VALID[:-1], "has 40 characters, and this has 39"),
        (VALID + "x", "has 40 characters, and this has 41"),
        (VALID + "\n", "has 40 characters, and this has 41"),
        (f" {VALID}", "starts with pdb_"),
        (VALID[:-1] + "-", "only letters and digits"),
        (VALID[:-1] + "\u0660", "only letters and digits"),
        (VALID[:-1] + "\0", "only letters and digits"),
        (VALID[:4] + VALID[5] + VALID[4] + VALID[6:], "checksum is wrong"),
        ("pdb_" + "0" * 36, "checksum is wrong"),
    ],
)
def test_a_fault_is_named_without_the_secret(text: str, fault: str) -> None:
    found = fault_of(text)
    assert not is_token(text)
    assert found is not None
    assert fault in found
    assert text[4:20] not in found or not text


def test_the_hash_is_that_of_the_whole_text() -> None:
    assert token_hash(VALID) == hashlib.sha256(VALID.encode()).hexdigest()
    assert len(token_hash("\ud800")) == 64


@pytest.mark.parametrize("characters", ["", RANDOM[:-1], RANDOM + "a", RANDOM[:-1] + "-"])
def test_a_token_is_not_made_of_anything_else(characters: str) -> None:
    with pytest.raises(ValueError, match="30 characters"):
        token_text(characters)


@pytest.mark.parametrize("name", ["ci", "CI-2", "a", "2fa", "deploy.prod_eu", "x" * 128])
def test_names_of_tokens(name: str) -> None:
    assert parse_token_name(name) == name


@pytest.mark.parametrize("name", ["", "12", "-x", ".x", "a b", "a\n", "é", "a/b", "a:b", "x" * 129, "a\0"])
def test_names_that_tokens_cannot_have(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot name a token"):
        parse_token_name(name)


def test_a_secret_in_place_of_a_name_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_token_name(VALID)
    assert RANDOM not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    ("expires", "revoked", "state"),
    [
        (None, None, TokenState.ACTIVE),
        (1, None, TokenState.ACTIVE),
        (0, None, TokenState.EXPIRED),
        (-1, None, TokenState.EXPIRED),
        (1, -1, TokenState.REVOKED),
        (-2, -1, TokenState.REVOKED),
        (None, 0, TokenState.REVOKED),
    ],
)
def test_states(expires: int | None, revoked: int | None, state: TokenState) -> None:
    ends, revocation = (NOW + timedelta(seconds=t) if t is not None else None for t in (expires, revoked))
    assert ApiToken(1, "ci", "abcd", (), "ann", NOW, ends, revocation).state(NOW) is state
