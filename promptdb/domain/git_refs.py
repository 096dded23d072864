"""Rules for git refs, from `[tool.promptdb.refs]`: the refs that may be synced, and the aliases that each moves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from promptdb.errors import InvalidRef

NAMELESS = "HEAD"
"""The name that stands for the ref of a detached HEAD."""

TAGS = "tags/"
MAIN = ("main", "master")
"""The main refs by convention."""

MAX_GIT_REF = 255


@dataclass(frozen=True)
class RefRules:
    """Patterns with their aliases, in the order of the settings. Without rules, every ref may be synced.

    `main` names the refs whose content `latest` follows.
    """

    rules: tuple[tuple[str, tuple[str, ...]], ...] = ()
    main: tuple[str, ...] = MAIN

    @classmethod
    def of(cls, refs: Mapping[str, Sequence[str]], main: str | None = None) -> "RefRules":
        rules = tuple((pattern, tuple(aliases)) for pattern, aliases in refs.items())
        return cls(rules, MAIN if main is None else (main,))

    def pattern_of(self, ref: str | None) -> str | None:
        """Find the pattern for a ref: the exact name first, then the longest pattern that matches."""
        if ref is None:
            return None
        # `*` matches `/` too. Git's refspecs do that and its ignore files do not, but `release/*` is meant to include
        # `release/eu/1.2`.
        fitting = [pattern for pattern, _ in self.rules if pattern == ref or fnmatchcase(ref, pattern)]
        return max(fitting, key=lambda pattern: (pattern == ref, len(pattern)), default=None)

    def aliases_of(self, ref: str | None) -> tuple[str, ...]:
        return dict(self.rules).get(self.pattern_of(ref) or "", ())

    def moving(self, alias: str) -> str | None:
        """Find the first pattern whose refs move an alias."""
        return next((pattern for pattern, aliases in self.rules if alias in aliases), None)

    def allow(self, ref: str | None) -> bool:
        return not self.rules or self.pattern_of(ref) is not None

    def head_name(self, ref: str | None) -> str:
        """Name the head that a ref is recorded under."""
        if ref is None:
            return NAMELESS
        # A single tag never moves, so that the tags of one pattern share a head.
        return (self.pattern_of(ref) or ref) if ref.startswith(TAGS) else ref


def short_ref(text: str) -> str:
    """Shorten `refs/heads/main` to `main`, and `refs/tags/v1.0` to `tags/v1.0`."""
    return text.removeprefix("refs/heads/") if text.startswith("refs/heads/") else text.removeprefix("refs/")


def parse_git_ref(text: str) -> str:
    """Parse a branch, or a tag as `tags/v1.0`, in the short or the long form, and return the short form.

    Raises:
        InvalidRef: git does not allow a ref of this name.
    """
    ref = short_ref(text)
    forbidden = any(not character.isprintable() or character in " ~^:?*[\\" for character in ref)
    if not ref or forbidden or ref == NAMELESS or ref[0] in "-/" or ".." in ref or len(ref) > MAX_GIT_REF:
        raise InvalidRef(f"{text!r} is not the name of a branch or tag", "for example main, release/1.2 or tags/v1.0")
    return ref
