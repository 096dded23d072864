"""Recognizes a variable that has another name, so that reports need not call it removed and added."""

import re
from collections.abc import Iterable
from typing import Any

from promptdb.domain.changes import PARTS
from promptdb.domain.spec import PromptSpec

_TAG = re.compile(r"\{[^{}]*\}")
"""The innermost braces. Names are nowhere else, in any template format."""

_NAMES = ("variable_name", "insert_at")
"""Fields of a spec whose whole text is the name of a variable."""


def find_renamed(
    old: PromptSpec, new: PromptSpec, removed: Iterable[str], added: Iterable[str]
) -> tuple[str, str] | None:
    """Return the old and the new name of the only variable that changed, if renaming it makes the old texts the new ones."""
    before, after = list(removed), list(added)
    if len(before) != 1 or len(after) != 1:
        return None
    name = re.compile(rf"(?<![\w-]){re.escape(before[0])}(?![\w-])")

    def renamed(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {inner: renamed(item, inner) for inner, item in value.items()}
        if isinstance(value, list):
            return [renamed(item) for item in value]
        if not isinstance(value, str):
            return value
        if key in _NAMES:
            return after[0] if value == before[0] else value
        return _TAG.sub(lambda tag: name.sub(lambda _: after[0], tag[0]), value)

    return (before[0], after[0]) if renamed(_texts(old)) == _texts(new) else None


def _texts(spec: PromptSpec) -> dict[str, Any]:
    return spec.model_dump(include=set(PARTS["template"]))
