"""Decides what a page says and links under an error: only what its visitor can do."""

import re

from promptdb.dashboard.links import Link, to_prompt, to_prompts
from promptdb.domain.hints import without_commands
from promptdb.domain.prompt_id import PromptId
from promptdb.errors import (
    ConfigError,
    Forbidden,
    IntegrityFailure,
    InvalidRef,
    NotFound,
    PromptDBError,
    PromptNotFound,
    StorageError,
)

ASK = "ask the person who runs this dashboard"

_OF_OPERATORS = re.compile(r"PROMPTDB_|\bpromptdb (?:--?)?[a-z]|'--[a-z]")
"""Settings and commands, which a visitor of a dashboard elsewhere does not have."""

_NEAR = re.compile(r"did you mean (.+?)\?")


def remedy(error: PromptDBError, *, is_remote: bool) -> str | None:
    """Choose the hint for a visitor. With `is_remote`, the visitor can change neither the settings nor the server."""
    hint = without_commands(error.hint)
    if not is_remote:
        return hint
    if isinstance(error, Forbidden):
        return f"Use another token, or {ASK} for one that may do this."
    if isinstance(error, ConfigError | StorageError | IntegrityFailure):
        return f"Try again later. If it stays, {ASK}."
    return f"{ASK.capitalize()}." if hint is not None and _OF_OPERATORS.search(hint) else hint


def ways_on(error: PromptDBError, name: str | None) -> list[tuple[str, Link]]:
    """List the links from an error, with their labels: the nearest names of prompts, and the way back.

    Args:
        name: the prompt in the address, if there is one.
    """
    if isinstance(error, PromptNotFound):
        return [(str(near), to_prompt(near)) for near in _near(error)] + [("All prompts", to_prompts())]
    if not isinstance(error, NotFound | InvalidRef):
        return []
    prompt = _prompt_in(name or "")
    return [("All prompts", to_prompts()) if prompt is None else (f"{prompt}, newest version", to_prompt(prompt))]


def _near(error: PromptNotFound) -> list[PromptId]:
    found = _NEAR.search(error.hint or "")
    named = map(_prompt_in, found[1].split(" or ")) if found is not None else ()
    return [prompt for prompt in named if prompt is not None]


def _prompt_in(text: str) -> PromptId | None:
    try:
        return PromptId.parse(text)
    except InvalidRef:
        return None
