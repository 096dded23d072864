"""The place of a tree of prompts in its repository: which paths from the top belong to it, and as what."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from promptdb.domain.layout import OWN_FILES, PLAIN, Layout, Root
from promptdb.git.objects import Entry

_SPECIAL = re.compile(r"[\\*?\[]")


@dataclass(frozen=True)
class TreePlace:
    """`prefix` is the path of the base of the tree from the top of the repository.

    `former` are folders, by their paths from the top. In a commit, a file there stands for a file of the tree that is missing.
    """

    prefix: str = "."
    layout: Layout = PLAIN
    former: tuple[str, ...] = ()

    @cached_property
    def names(self) -> Layout:
        """The layout of the files of the tree, including those of former folders."""
        return self.layout if self.layout.is_plain else self.layout.with_roots(self.former)

    @property
    def pathspecs(self) -> list[str]:
        """The files of the tree in git's own words: gitglossary(7), "pathspec"."""
        former = [f":(literal){folder}" for folder in self.former]
        if self.layout.is_plain:
            return [f":(literal){self.prefix}", *former]
        own = [f":(literal){self.from_top(name)}" for name in OWN_FILES]
        return [*own, *(found for root in self.layout.roots for found in self._patterns(root)), *former]

    @property
    def folders(self) -> list[str]:
        """Folders around all files of the tree, for commands without patterns."""
        own = () if self.layout.is_plain else OWN_FILES
        literal = ("/".join(root.literal) or "." for root in self.layout.roots)
        found = list(dict.fromkeys((*map(self.from_top, (*literal, *own)), *self.former)))
        return ["."] if "." in found else found

    def from_top(self, path: str) -> str:
        """Convert the path of a present file from the base to one from the top."""
        if path == ".":
            return self.prefix
        return path if self.prefix == "." else f"{self.prefix}/{path}"

    def has(self, path: str) -> bool:
        """Test whether a present file or folder, by its path from the base, is in the tree or around it."""
        return self.layout.has(path) or self.layout.leads(path.rstrip("/"))

    def located(self, path: str) -> tuple[int, str] | None:
        """Convert a path from the top to one from the base. Return also its rank: 0, or higher for a former folder."""
        for start, rank in self._starts:
            if path.startswith(start):
                below = path[len(start) :]
                if rank == 0 and not self.layout.has(below):
                    continue
                # Without a root of its own, a file of a former folder would have no name.
                return rank, below if rank == 0 or self.layout.is_plain else path
        return None

    def chat(self, path: str) -> str | None:
        """Name the chat folder of a file by paths from the top. Return None for a file that is not part of a chat."""
        if not self.layout.chat_folders or (located := self.located(path)) is None:
            return None
        return f"{path.rpartition('/')[0]}/" if self.names.chat_role(located[1]) is not None else None

    @cached_property
    def _starts(self) -> list[tuple[str, int]]:
        """The beginnings of paths, with their ranks. Inner folders come first."""
        starts = ["" if folder == "." else f"{folder}/" for folder in (self.prefix, *self.former)]
        return sorted(zip(starts, range(len(starts)), strict=True), key=lambda start: -len(start[0]))

    def _patterns(self, root: Root) -> list[str]:
        if not root.is_pattern:
            return [f":(literal){self.from_top(str(root))}"]
        start = self.from_top("x")[:-1]
        pattern = _SPECIAL.sub(r"\\\g<0>", start) + str(root).replace("\\", "\\\\").replace("[", "\\[")
        return [f":(glob){pattern}", f":(glob){pattern}/**"]


@dataclass
class PlacedEntries:
    """The entries of a tree at one commit, by their paths from the base. Former folders fill the gaps.

    `tops` maps the paths of files in former folders to those from the top.
    """

    place: TreePlace
    entries: dict[str, Entry] = field(default_factory=dict)
    tops: dict[str, str] = field(default_factory=dict)
    _ranks: list[dict[str, tuple[str, Entry]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ranks = [{} for _ in range(len(self.place.former) + 1)]

    def top(self, path: str) -> str:
        """Convert a path from the base to one from the top."""
        return self.tops.get(path) or self.place.from_top(path)

    def update(self, changes: Mapping[str, Entry | None]) -> dict[str, Entry | None]:
        """Apply changes by their paths from the top; None removes a file. Return the changes of `entries`."""
        changed = set()
        for top, entry in changes.items():
            if (located := self.place.located(top)) is not None:
                rank, path = located
                changed.add(path)
                if entry is None:
                    self._ranks[rank].pop(path, None)
                else:
                    self._ranks[rank][path] = (top, entry)
        present = self._ranks[0]
        former = {path: found for rank in reversed(self._ranks[1:]) for path, found in rank.items()}
        self.entries = {path: entry for path, (_, entry) in (former | present).items()}
        self.tops = {path: top for path, (top, _) in former.items() if path not in present}
        return {path: self.entries.get(path) for path in changed}
