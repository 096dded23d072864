"""Which git refs may be synced, and which aliases each of them moves: `[tool.promptdb.refs]` as a value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from promptdb.errors import InvalidRef

NAMELESS = "HEAD"
"""Stands for the ref of a detached HEAD."""

TAGS = "tags/"
MAX_GIT_REF = 255


@dataclass(frozen=True)
class RefRules:
    """`rules` are patterns with their aliases, in the order of the settings. Without any, every ref may be synced."""

    rules: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @classmethod
    def of(cls, refs: Mapping[str, Sequence[str]]) -> "RefRules":
        return cls(tuple((pattern, tuple(aliases)) for pattern, aliases in refs.items()))

    def pattern_of(self, ref: str | None) -> str | None:
        """The pattern that a ref falls under: its own name, else the longest that matches, else none.

        `*` and `?` match `/` too: git is of two minds about that (refspecs say yes, ignore files say no), and people who write
        `release/*` mean `release/eu/1.2` as well.
        """
        if ref is None:
            return None
        fitting = [pattern for pattern, _ in self.rules if pattern == ref or fnmatchcase(ref, pattern)]
        return max(fitting, key=lambda pattern: (pattern == ref, len(pattern)), default=None)

    def aliases_of(self, ref: str | None) -> tuple[str, ...]:
        return dict(self.rules).get(self.pattern_of(ref) or "", ())

    def moving(self, alias: str) -> str | None:
        """The first pattern whose refs move an alias."""
        return next((pattern for pattern, aliases in self.rules if alias in aliases), None)

    def allow(self, ref: str | None) -> bool:
        return not self.rules or self.pattern_of(ref) is not None

    def head_name(self, ref: str | None) -> str:
        """What the newest commit of a ref is recorded under. Tags of one pattern share it, since each of them never moves."""
        if ref is None:
            return NAMELESS
        return (self.pattern_of(ref) or ref) if ref.startswith(TAGS) else ref


def parse_git_ref(text: str) -> str:
    """A branch by its short name, a tag as `tags/v1.0`; `refs/heads/main` and `refs/tags/v1.0` are understood.

    Raises:
        InvalidRef: git could not have a ref of this name.
    """
    ref = text.removeprefix("refs/heads/") if text.startswith("refs/heads/") else text.removeprefix("refs/")
    forbidden = any(not character.isprintable() or character in " ~^:?*[\\" for character in ref)
    if not ref or forbidden or ref == NAMELESS or ref[0] in "-/" or ".." in ref or len(ref) > MAX_GIT_REF:
        raise InvalidRef(f"{text!r} is not the name of a branch or tag", "for example main, release/1.2 or tags/v1.0")
    return ref
