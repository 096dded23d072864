"""Decides which folders of a repository can be the prompts root, and counts the prompts in each."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from promptdb.domain.layout import Root

_NAMED = re.compile(r"prompt", re.IGNORECASE)
_EXACTLY = frozenset({"prompt", "prompts"})
_ALMOST_ALL = 0.9


@dataclass(frozen=True)
class PromptsPlace:
    """A folder or a pattern of folders that can be the prompts root, by its path from the top of the repository."""

    root: str
    prompts: int
    folders: int = 1
    is_named: bool = True
    """True if the name of the folder says that it holds prompts."""


def prompts_places(prompts: Sequence[str], aside: Sequence[str], *, is_of_texts: bool) -> tuple[PromptsPlace, ...]:
    """Find the places that hold prompts, those with the most first.

    A folder with the name `prompts` comes before folders that have more prompts, but only "prompt" in their names.
    A place is a folder with "prompt" in its name, a pattern of such folders, or else the deepest folder with almost all of the
    other prompts. In a repository of texts, names of folders mean nothing. `aside` are prompts that no pattern may find.
    """
    inside: dict[str, list[str]] = {}
    rest = []
    for path in prompts:
        folder = None if is_of_texts else _named_folder(path)
        if folder is None:
            rest.append(path)
        else:
            inside.setdefault(folder, []).append(path)
    named = {_deeper(folder, paths): len(paths) for folder, paths in inside.items()}
    found = _patterns(named, aside)
    if rest:
        found.append(PromptsPlace(_deepest(rest), len(rest), is_named=False))
    found.sort(key=lambda place: (-place.prompts, not place.is_named, place.root.count("/"), place.root))
    if found and found[0].is_named and (exact := next(filter(_is_exact, found), None)) is not None:
        found.remove(exact)
        found.insert(0, exact)
    return tuple(found)


def _is_exact(place: PromptsPlace) -> bool:
    return place.root.rpartition("/")[2].lower() in _EXACTLY


def _named_folder(path: str) -> str | None:
    """Return the outermost folder with "prompt" in its name."""
    parts = path.split("/")[:-1]
    index = next((i for i, part in enumerate(parts) if _NAMED.search(part)), None)
    return None if index is None else "/".join(parts[: index + 1])


def _deeper(folder: str, paths: Sequence[str]) -> str:
    """Return the folder that is meant: in `promptlib/src/prompts`, the inner one."""
    while folder.rpartition("/")[2].lower() not in _EXACTLY:
        below = Counter(
            f"{folder}/{inner}" for path in paths if (inner := _named_folder(path[len(folder) + 1 :])) is not None
        )
        if not below or (best := below.most_common(1)[0])[1] < _ALMOST_ALL * len(paths):
            break
        folder = best[0]
    return folder


def _patterns(named: dict[str, int], aside: Sequence[str]) -> list[PromptsPlace]:
    """Put folders of one name into one pattern, if it finds nothing else."""
    by_name: dict[str, list[str]] = {}
    for folder in named:
        by_name.setdefault(folder.rpartition("/")[2], []).append(folder)
    found = []
    for folders in by_name.values():
        pattern = _pattern(folders) if len(folders) > 1 else None
        if pattern is not None and not any(_finds(pattern, path) for path in aside):
            found.append(PromptsPlace(pattern, sum(named[folder] for folder in folders), len(folders)))
        else:
            found += [PromptsPlace(folder, named[folder]) for folder in folders]
    return found


def _pattern(folders: Sequence[str]) -> str:
    """Write `app/*/prompts` for folders that differ in one part, otherwise `app/**/prompts`."""
    whole = [folder.split("/") for folder in folders]
    columns = list(zip(*whole, strict=False))
    differing = [index for index, column in enumerate(columns) if len(set(column)) > 1]
    if len({len(parts) for parts in whole}) == 1 and len(differing) == 1:
        parts = ["*" if index in differing else column[0] for index, column in enumerate(columns)]
    else:
        common = min([*differing, *(len(parts) - 1 for parts in whole)])
        parts = [*whole[0][:common], "**", whole[0][-1]]
    return "/".join(parts)


def _finds(pattern: str, path: str) -> bool:
    return Root(tuple(pattern.split("/"))).place(path.split("/")[:-1]) is not None


def _deepest(paths: Sequence[str]) -> str:
    """Return the deepest folder with almost all of these files."""
    folders = Counter(folder for path in paths for folder in _around(path))
    enough = [folder for folder, count in folders.items() if count >= _ALMOST_ALL * len(paths)]
    return max(enough, key=lambda folder: 0 if folder == "." else len(folder.split("/")))


def _around(path: str) -> Iterable[str]:
    parts = path.split("/")[:-1]
    yield "."
    yield from ("/".join(parts[: length + 1]) for length in range(len(parts)))
