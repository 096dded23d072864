"""Patterns that choose namespaces, for webhooks and tokens."""

import re
from dataclasses import dataclass

from promptdb.domain.prompt_id import MAX_IDENTITY
from promptdb.errors import InvalidRef

# Two stars in a row would mean the same as one. Elsewhere they cross slashes, which these never do.
_CHARACTER = "[A-Za-z0-9._-]"
_SEGMENT = rf"(?:\*|(?:[A-Za-z0-9]|\*{_CHARACTER})(?:\*?{_CHARACTER})*\*?)"
PATTERN = rf"^{_SEGMENT}(?:/{_SEGMENT})*$"
"""The form of a pattern, for schemas."""

_FORM = re.compile(PATTERN.removeprefix("^").removesuffix("$"))


@dataclass(frozen=True, slots=True)
class NamespaceGlob:
    """A pattern of namespaces, which covers each namespace that matches and everything below it.

    `*` stands for any characters of one segment: `support` covers `support` and `support/eu`, `*/eu` covers `support/eu` and
    `sales/eu/north`, and `*` covers everything. Case counts.
    """

    text: str

    @classmethod
    def parse(cls, text: str) -> "NamespaceGlob":
        """Parse a pattern.

        Raises:
            InvalidRef: no namespace could match it.
        """
        if len(text) > MAX_IDENTITY or _FORM.fullmatch(text) is None:
            hint = "write a namespace, with '*' for any characters of one segment: support, support/*, or * for all"
            raise InvalidRef(f"{text[:60]!r} is not a pattern of namespaces", hint)
        return cls(text)

    def __str__(self) -> str:
        return self.text

    def covers(self, namespace: str) -> bool:
        """Check if a namespace matches, or is below one that does."""
        patterns, segments = self.text.split("/"), namespace.split("/")
        return len(segments) >= len(patterns) and all(map(_matches, patterns, segments))


def _matches(pattern: str, segment: str) -> bool:
    # Without a regular expression, in which several stars could take exponential time.
    first, *others = pattern.split("*")
    if not others:
        return segment == first
    *middle, last = others
    if len(segment) < len(first) + len(last) or not (segment.startswith(first) and segment.endswith(last)):
        return False
    at, end = len(first), len(segment) - len(last)
    for part in middle:
        at = segment.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True
