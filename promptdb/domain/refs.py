"""References, `namespace/name[:selector]`, parsed once at the border and trusted afterwards."""

import re
from dataclasses import dataclass
from uuid import UUID

from promptdb.domain.prompt_id import PromptId, quoted, require_text
from promptdb.errors import InvalidRef

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_DIGEST_PREFIX = re.compile(r"[0-9a-f]{8,64}")
_COMMIT_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ALIAS = re.compile(r"[a-z][a-z0-9._-]{0,127}")
LATEST = "latest"
"""The selector of the highest revision."""

_KINDS = ("rev:", "sha256:", "git:")
MAX_LABEL = 128
MAX_REVISION = 2**31 - 1


@dataclass(frozen=True, slots=True)
class ByVersionId:
    id: UUID


@dataclass(frozen=True, slots=True)
class ByRevision:
    revision: int


@dataclass(frozen=True, slots=True)
class ByDigest:
    """`prefix` is 8 to 64 hex digits."""

    prefix: str


@dataclass(frozen=True, slots=True)
class ByCommit:
    """`name` is a full or abbreviated commit id, a tag or a branch."""

    name: str


@dataclass(frozen=True, slots=True)
class ByLabel:
    """An alias or a `user_version`. Only the registry knows which; aliases come first."""

    label: str


@dataclass(frozen=True, slots=True)
class Latest:
    """The highest revision."""


Selector = ByVersionId | ByRevision | ByDigest | ByCommit | ByLabel | Latest


@dataclass(frozen=True, slots=True)
class PromptRef:
    """A parsed reference. `text` is what the user wrote, for messages."""

    prompt: PromptId
    selector: Selector
    text: str

    def __str__(self) -> str:
        return self.text

    @property
    def is_pinned(self) -> bool:
        """True if the reference always names the same content, so that a cache can keep it."""
        match self.selector:
            case ByVersionId() | ByRevision() | ByDigest():
                return True
            case ByCommit(name):
                return _COMMIT_ID.fullmatch(name) is not None
            case _:
                return False

    @classmethod
    def parse(cls, text: str) -> "PromptRef":
        """Split at the first `:`, since selectors such as `rev:3` have one of their own.

        Raises:
            InvalidRef: the text is not `namespace/name[:selector]`.
            TypeError: it is not text.
        """
        require_text(text, "a reference is text such as 'support/triage:production'")
        identity, colon, selector = text.partition(":")
        try:
            prompt = PromptId.parse(identity)
            return cls(prompt, parse_selector(selector) if colon else Latest(), text)
        except InvalidRef as error:
            raise InvalidRef(f"{quoted(text)} is not a reference: {error.message}", error.hint) from error


def parse_selector(text: str) -> Selector:
    """Parse the part of a reference after the first `:`.

    Raises:
        InvalidRef: the text is empty, or a malformed `rev:`, `sha256:` or `git:`.
    """
    if text == LATEST:
        return Latest()
    if _UUID.fullmatch(text):
        return ByVersionId(UUID(text))
    kind, colon, value = text.partition(":")
    if colon and kind + colon in _KINDS:
        return _parse_kind(kind, value)
    if not is_label(text):
        raise InvalidRef(
            f"{quoted(text)} is not a selector",
            "use latest, an alias, a user_version, rev:3, sha256:ab12cd34, git:COMMIT or a version's UUID",
        )
    return ByLabel(text)


def _parse_kind(kind: str, value: str) -> Selector:
    match kind:
        case "rev":
            if not (value.isascii() and value.isdigit() and len(value) <= 10 and 1 <= int(value) <= MAX_REVISION):
                raise InvalidRef(f"{quoted(value)} is not a revision", "revisions are whole numbers from 1: rev:3")
            return ByRevision(int(value))
        case "sha256":
            if not _DIGEST_PREFIX.fullmatch(value.lower()):
                raise InvalidRef(f"{quoted(value)} is not a digest", "give 8 to 64 hexadecimal digits: sha256:ab12cd34")
            return ByDigest(value.lower())
        case _:
            if not value or value.startswith("-") or not value.isprintable() or " " in value:
                raise InvalidRef(f"{quoted(value)} is not a commit, tag or branch", "for example git:v1.2.0")
            return ByCommit(value)


def is_label(text: str) -> bool:
    """Check that a text can be a `user_version`: printable, without spaces, and not another kind of selector."""
    return (
        0 < len(text) <= MAX_LABEL
        and text.isprintable()
        and " " not in text  # the only space that is printable
        and text != LATEST
        and not text.startswith(_KINDS)
        and not _UUID.fullmatch(text)
    )


def parse_promotion(ref: str, alias: str) -> PromptRef:
    """Parse a reference, and check the alias that is to point at it. Errors as in `PromptRef.parse` and `parse_alias`."""
    try:
        parse_alias(alias)
    except InvalidRef as error:
        if _ALIAS.fullmatch(ref) and (":" in alias or "/" in alias) and not alias.startswith(_KINDS):
            raise InvalidRef(error.message, f"the reference comes first: {alias} {ref}") from error
        raise
    return PromptRef.parse(ref)


def parse_alias(text: str) -> str:
    """Check the name of an alias and return it.

    Raises:
        InvalidRef: the text breaks the rule, is `latest`, or looks like another selector.
    """
    if not _ALIAS.fullmatch(text) or not is_label(text):
        raise InvalidRef(
            f"{quoted(text)} cannot be an alias",
            f"an alias is made of a-z, 0-9, '.', '_' and '-', starts with a letter, has at most {MAX_LABEL} characters, "
            "and is not 'latest' or a UUID",
        )
    return text
