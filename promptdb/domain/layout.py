"""The layout of a tree: the folders that hold its prompts, and the names that follow from paths.

Paths start at the base of the tree, have `/` between their parts, and none at the end.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import translate
from functools import cached_property, lru_cache
from itertools import takewhile
from typing import NamedTuple
from unicodedata import normalize

from promptdb.domain.prompt_id import DEFAULT_NAMESPACE, PromptId
from promptdb.domain.suffixes import TEXT_FORMATS

ALIASES_FILE = "_aliases.yaml"
"""The path of the declared aliases below the prompts root."""

MISNAMED_ALIASES = ("_aliases.yml", "_aliases.json")
"""Names that are not read, and that would otherwise be ignored silently."""

IGNORE_FILE = ".promptdbignore"
OWN_FILES = (IGNORE_FILE, ALIASES_FILE, *MISNAMED_ALIASES)
"""Files of the base that say something about the tree."""

CHAT_ROLES = ("system", "user", "assistant")
"""The names of files that make a folder a chat, in the order of its messages."""

_WILDCARD = re.compile(r"[*?]")
_ANY = "**"


class Place(NamedTuple):
    """The prompts root around a folder, and the segments that the root adds to names."""

    root: str
    added: tuple[str, ...] = ()


@dataclass(frozen=True)
class Root:
    """A folder, or a pattern of folders, by the parts of its path.

    `*` and `?` stand for characters of one part, and at most one `**` for any number of parts. `[` has no meaning.
    """

    parts: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "/".join(self.parts) or "."

    @property
    def literal(self) -> tuple[str, ...]:
        """The parts before the first wildcard."""
        return self.parts[: next((i for i, part in enumerate(self.parts) if _WILDCARD.search(part)), len(self.parts))]

    @property
    def is_pattern(self) -> bool:
        return self.literal != self.parts

    def place(self, folder: Sequence[str]) -> Place | None:
        """Find the outermost folder that fits, from the parts of a folder in or below it."""
        for length in range(len(self.parts) - (_ANY in self.parts), len(folder) + 1):
            if (added := self._added(folder[:length])) is not None:
                return Place("/".join(folder[:length]), added)
        return None

    def leads(self, folder: Sequence[str]) -> bool:
        """Test whether a folder below this one may fit."""
        head, tail = self._ends
        fits = all(_fits(*pair) for pair in zip(head, folder, strict=False))
        return fits and (
            len(folder) < len(head) or (tail is not None and not any(map(_is_hidden, folder[len(head) :])))
        )

    def path(self, names: Sequence[str], root: str) -> str | None:
        """Return the path for a prompt with these segments, without a suffix: in the folder `root`, or in another one."""
        for parts in filter(None, (root.split("/") if root else [], self._filled(names))):
            added = self._added(parts)
            if added is not None and tuple(names[: len(added)]) == added and len(names) > len(added):
                return "/".join([*parts, *names[len(added) :]])
        return "/".join(names) if not self.parts else None

    def _filled(self, names: Sequence[str]) -> list[str] | None:
        remaining = iter(names)
        filled = [next(remaining, "") if _WILDCARD.search(part) else part for part in self.parts if part != _ANY]
        return filled if all(filled) else None

    @cached_property
    def _ends(self) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
        """The parts before and after `**`, or all parts and None."""
        if _ANY not in self.parts:
            return self.parts, None
        index = self.parts.index(_ANY)
        return self.parts[:index], self.parts[index + 1 :]

    def _added(self, folder: Sequence[str]) -> tuple[str, ...] | None:
        """Return the parts that wildcards stand for if this is exactly the folder."""
        head, tail = self._ends
        middle = len(folder) - len(head) - len(tail or ())
        if middle < 0 or (middle > 0 and tail is None):
            return None
        between = folder[len(head) : len(head) + middle]
        pairs = [*zip(head, folder, strict=False), *zip(tail or (), folder[len(head) + middle :], strict=True)]
        if any(map(_is_hidden, between)) or not all(_fits(*pair) for pair in pairs):
            return None
        added = [name for part, name in pairs if _WILDCARD.search(part)]
        before = sum(1 for part in head if _WILDCARD.search(part))
        return (*added[:before], *between, *added[before:])


@dataclass(frozen=True)
class Layout:
    """Says which files of a tree can be prompts, and names them. The first root that contains a file counts.

    With `chat_folders`, a folder `x` with `system.md`, `user.md` or `assistant.md` is one chat `x`. `names` has the prompts of
    paths that do not name theirs.
    """

    roots: tuple[Root, ...] = (Root(),)
    chat_folders: bool = False
    names: Mapping[str, PromptId] = field(default_factory=dict)
    _places: dict[str, Place | None] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def is_plain(self) -> bool:
        """True if the base is the only root."""
        return self.roots == (Root(),)

    def place(self, folder: str) -> Place | None:
        """Find the root around a folder, or None outside all roots."""
        if folder not in self._places:
            parts = folder.split("/") if folder else []
            self._places[folder] = next(filter(None, (root.place(parts) for root in self.roots)), None)
        return self._places[folder]

    def has(self, path: str) -> bool:
        """Test whether a file belongs to the tree."""
        return self.is_plain or path in OWN_FILES or self.place(_folder(path)) is not None

    def leads(self, folder: str) -> bool:
        """Test whether a folder is in a root, or around one."""
        parts = folder.split("/") if folder else []
        return self.place(folder) is not None or any(root.leads(parts) for root in self.roots)

    def hides(self, path: str) -> bool:
        """Test whether a part of a path below its root starts with `_` or `.`. The parts of a root may do so."""
        if self.is_plain:
            return any(map(_is_hidden, path.split("/")))
        if (place := self.place(_folder(path))) is None:
            return not self.leads(_folder(path))
        return any(map(_is_hidden, path[len(place.root) :].lstrip("/").split("/")))

    def with_roots(self, folders: Sequence[str]) -> "Layout":
        """Add folders as the last roots."""
        return replace(self, roots=(*self.roots, *(Root(_parts(folder)) for folder in folders)), _places={})

    def prompt(self, path: str) -> PromptId:
        """Name the prompt of a file in a root, or of a chat folder with `/` at the end.

        Raises:
            InvalidRef: no prompt can have this name.
        """
        if self.names and (named := self.given(path)) is not None:
            return named
        stem = path[:-1] if path.endswith("/") else path.rpartition(".")[0] or path
        place = None if self.is_plain else self.place(_folder(path.removesuffix("/")))
        if place is None or not (place.root or place.added):
            return PromptId.from_path(stem)
        rest = stem[len(place.root) :].lstrip("/")
        return PromptId.from_path("/".join((*place.added, rest)))

    def given(self, path: str) -> PromptId | None:
        """Return the name in `names` for a file, or for a chat folder with `/` at the end."""
        return self.names.get(composed(path.removesuffix("/")))

    def chat_role(self, path: str) -> str | None:
        """Return the role that a file has in the chat of its folder, or None for another file."""
        if not self.chat_folders:
            return None
        folder, _, name = path.rpartition("/")
        role, dot, suffix = name.lower().rpartition(".")
        if role not in CHAT_ROLES or dot + suffix not in TEXT_FORMATS:
            return None
        place = Place("") if self.is_plain else self.place(folder)
        # The root itself is not a prompt.
        return role if place is not None and folder != place.root else None

    def path(self, prompt: PromptId, suffix: str, near: str) -> str | None:
        """Return the path of a file that would be this prompt: in the root of the file `near`, or in another root."""
        names = str(prompt).split("/") if prompt.namespace != DEFAULT_NAMESPACE else [prompt.name]
        place = self.place(_folder(near)) or Place("")
        for root in sorted(self.roots, key=lambda root: root.place(place.root.split("/")) is None):
            path = root.path(names, place.root)
            if path is not None and self.prompt(path + suffix) == prompt:
                return path + suffix
        return None


PLAIN = Layout()
"""The base is the only root."""


def composed(path: str) -> str:
    """Return a path in the normal form NFC, because file systems of macOS may give another one."""
    return normalize("NFC", path)


def based(patterns: Sequence[str]) -> tuple[str, tuple[Root, ...]]:
    """Find the deepest folder that contains all roots without following wildcards, and the roots from there.

    Raises:
        ValueError: a pattern is wrong. The message does not show it.
    """
    whole = [_parts(pattern) for pattern in patterns]
    literal = [Root(parts).literal for parts in whole]
    columns = zip(*literal, strict=False)
    length = len(list(takewhile(lambda names: len(set(names)) == 1, columns)))
    roots = tuple(dict.fromkeys(Root(parts[length:]) for parts in whole))
    if any(name in ("/", "..") for root in roots for name in root.parts):
        raise ValueError("the roots have no folder in common")
    base = "/".join(whole[0][:length])
    return base.replace("//", "/", 1) or ".", roots


def _parts(pattern: str) -> tuple[str, ...]:
    names = [name for name in pattern.split("/") if name not in ("", ".")]
    if any(_ANY in name and name != _ANY for name in names) or names.count(_ANY) > 1 or names[-1:] == [_ANY]:
        raise ValueError("** stands for whole folders, at most once, and before the name of a folder")
    return ("/", *names) if pattern.startswith("/") else tuple(names)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _is_hidden(name: str) -> bool:
    return name[0] in "._"


def _fits(part: str, name: str) -> bool:
    if not _WILDCARD.search(part):
        return part == name
    # A wildcard does not stand for the first character of a hidden name.
    return (not _is_hidden(name) or part[0] == name[0]) and _pattern(part).match(name) is not None


@lru_cache
def _pattern(part: str) -> re.Pattern[str]:
    return re.compile(translate(part.replace("[", "[[]")))
