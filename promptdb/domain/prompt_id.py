"""The identity of a prompt: a namespace and a name, taken from the path of its file."""

import re
from typing import NamedTuple

from promptdb.errors import InvalidRef

DEFAULT_NAMESPACE = "default"
MAX_SEGMENT = 128
"""The most characters in one segment of a namespace, or in a name."""

MAX_IDENTITY = 512
"""The most characters in `namespace/name`, so that it fits an indexed column."""

_SEGMENT = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{MAX_SEGMENT - 1}}}")
_PATH = re.compile(rf"(?:{_SEGMENT.pattern}/)*{_SEGMENT.pattern}")
SEGMENT_RULE = f"letters, digits, '.', '_' and '-', starting with a letter or digit, at most {MAX_SEGMENT} characters"


class PromptId(NamedTuple):
    """`namespace/name`. A namespace can have several segments: `support/eu/triage` is `triage` in `support/eu`."""

    # A tuple, because a large sync hashes and compares hundreds of thousands of identities.

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def folded(self) -> str:
        """A key that is equal for two identities if a case-insensitive file system confuses them. Segments are ASCII."""
        return str(self).casefold()

    @classmethod
    def from_path(cls, path: str) -> "PromptId":
        """Read the identity from a path without its suffix. Raises the errors of `from_segments`."""
        # One match is fast, which counts in a large tree. The slow way finds out what is wrong.
        if len(path) <= MAX_IDENTITY and _PATH.fullmatch(path) is not None:
            namespace, _, name = path.rpartition("/")
            return cls(namespace or DEFAULT_NAMESPACE, name)
        return cls.from_segments(path.split("/"))

    @classmethod
    def from_segments(cls, segments: list[str]) -> "PromptId":
        """Read the identity from path segments, the last one without its suffix.

        Raises:
            InvalidRef: a segment breaks the rule, or the name is too long.
        """
        if (wrong := next((segment for segment in segments if not _SEGMENT.fullmatch(segment)), None)) is not None:
            raise InvalidRef(f"{quoted(wrong)} is not a valid name segment", f"use {SEGMENT_RULE}")
        if sum(map(len, segments)) + len(segments) - 1 > MAX_IDENTITY:
            raise InvalidRef(f"the name {'/'.join(segments)[:60]}... is too long", f"at most {MAX_IDENTITY} characters")
        return cls("/".join(segments[:-1]) or DEFAULT_NAMESPACE, segments[-1])

    @classmethod
    def parse(cls, text: str) -> "PromptId":
        """Parse `namespace/name`, or a `name` alone, which is in the namespace `default`.

        Raises:
            InvalidRef: the text has another form.
            TypeError: it is not text.
        """
        require_text(text, "the name of a prompt is text such as 'support/triage'")
        name, colon, selector = text.partition(":")
        if colon:
            raise InvalidRef(
                f"{quoted(text)} is a reference, but the name of a prompt is needed", f"omit :{selector[:MAX_SEGMENT]}"
            )
        return cls.from_path(name)


def quoted(text: str) -> str:
    """Quote a text for a message, and cut it where it is too long for one."""
    return repr(text) if len(text) <= MAX_IDENTITY else f"{text[:60]!r}..."


def require_text(value: object, expected: str) -> None:
    """Raise `TypeError` for a value that code passed in place of text. The message begins with what is `expected`."""
    if not isinstance(value, str):
        raise TypeError(f"{expected}, not {value!r:.60}")
