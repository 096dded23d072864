"""Proposes names for prompts whose paths cannot be names."""

import re
from collections.abc import Collection, Iterable
from unicodedata import normalize

from promptdb.domain.layout import Layout
from promptdb.domain.prompt_id import DEFAULT_NAMESPACE, PromptId
from promptdb.errors import InvalidRef

_NUMBERS = ("", *(f"-{number}" for number in range(2, 100)))
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


def proposed_names(paths: Iterable[str], layout: Layout, taken: Collection[str]) -> dict[str, str]:
    """Name the prompts of these files as their paths do, with `-` in the place of other characters.

    A name that is taken gets a number; `taken` are folded names. Leaves out files for which that gives no name. A chat
    folder is named by its path.
    """
    used = set(taken)
    found: dict[str, str] = {}
    for path in paths:
        is_chat = layout.chat_role(path) is not None
        named_path = path.rpartition("/")[0] if is_chat else path
        # TOML is UTF-8, and the name of a file may be something else.
        if named_path in found or not _is_text(path):
            continue
        stem = named_path if is_chat else path.rpartition(".")[0]
        prompts = (_proposed(stem, path, layout, number) for number in _NUMBERS)
        prompt = next((prompt for prompt in prompts if prompt is not None and prompt.folded not in used), None)
        if prompt is not None:
            used.add(prompt.folded)
            found[named_path] = str(prompt).removeprefix(f"{DEFAULT_NAMESPACE}/")
    return found


def _proposed(stem: str, path: str, layout: Layout, number: str) -> PromptId | None:
    place = layout.place(path.rpartition("/")[0])
    if place is None:
        return None
    segments = [slug(segment) for segment in (*place.added, *stem[len(place.root) :].lstrip("/").split("/"))]
    if not segments[-1]:
        return None
    try:
        return PromptId.from_segments([*segments[:-1], f"{segments[-1]}{number}"])
    except InvalidRef:
        return None


def slug(segment: str) -> str:
    """Write a text in the characters of names, with `-` in the place of others. Nothing may be left."""
    plain = normalize("NFKD", segment).encode("ascii", "ignore").decode()
    return _NOT_IN_NAMES.sub("-", plain).strip("-._")


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
