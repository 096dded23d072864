"""Who a prompt is: a namespace and a name, taken from where its file lies."""

import re
from typing import NamedTuple

from promptdb.errors import InvalidRef

DEFAULT_NAMESPACE = "default"
MAX_SEGMENT = 128
"""Characters in one segment of a namespace, or in a name."""

MAX_IDENTITY = 512
"""Characters in `namespace/name`, so that it fits an indexed column."""

_SEGMENT = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{MAX_SEGMENT - 1}}}")

_PATH = re.compile(rf"(?:{_SEGMENT.pattern}/)*{_SEGMENT.pattern}")

SEGMENT_RULE = f"letters, digits, '.', '_' and '-', starting with a letter or digit, at most {MAX_SEGMENT} characters"


def is_segment(text: str) -> bool:
    return _SEGMENT.fullmatch(text) is not None


class PromptId(NamedTuple):
    """`namespace/name`. The namespace may have several segments: `support/eu/triage` is `triage` in `support/eu`.

    A tuple, since a large sync hashes and compares hundreds of thousands.
    """

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def folded(self) -> str:
        """Equal for two identities that a case-insensitive file system would mix up (segments are ASCII)."""
        return str(self).casefold()

    @classmethod
    def from_path(cls, path: str) -> "PromptId":
        """The identity for a path without the suffix. Errors as in `from_segments`."""
        if len(path) <= MAX_IDENTITY and _PATH.fullmatch(path) is not None:
            namespace, _, name = path.rpartition("/")
            return cls(namespace or DEFAULT_NAMESPACE, name)
        return cls.from_segments(path.split("/"))

    @classmethod
    def from_segments(cls, segments: list[str]) -> "PromptId":
        """The identity for path segments without the suffix.

        Raises:
            InvalidRef: a segment breaks the rule, or the whole is too long.
        """
        if not all(map(_SEGMENT.fullmatch, segments)):
            wrong = next(segment for segment in segments if not is_segment(segment))
            raise InvalidRef(f"{wrong!r} is not a valid name segment", f"use {SEGMENT_RULE}")
        if sum(map(len, segments)) + len(segments) - 1 > MAX_IDENTITY:
            raise InvalidRef(f"the name {'/'.join(segments)[:60]}... is too long", f"at most {MAX_IDENTITY} characters")
        return cls("/".join(segments[:-1]) or DEFAULT_NAMESPACE, segments[-1])

    @classmethod
    def parse(cls, text: str) -> "PromptId":
        """`namespace/name`, or `name` alone for the namespace `default`.

        Raises:
            InvalidRef: the text is not of that form.
        """
        name, colon, selector = text.partition(":")
        if colon:
            raise InvalidRef(f"{text!r} is a reference, and this needs the name of a prompt", f"leave out :{selector}")
        return cls.from_segments(name.split("/"))
