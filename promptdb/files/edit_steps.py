"""From one value of a file to another in small steps, each of which leaves the rest of the value as it is written."""

import json
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from promptdb.files.document import Path


@dataclass(frozen=True)
class Replace:
    path: Path
    value: Any


@dataclass(frozen=True)
class Insert:
    """Put `value` into the list at `path`, before the item with this index or after the last one."""

    path: Path
    index: int
    value: Any


@dataclass(frozen=True)
class Delete:
    """Take `count` items from the list at `path`. Others remain."""

    path: Path
    index: int
    count: int


Step = Replace | Insert | Delete


def steps(path: Path, old: Any, new: Any) -> Iterator[Step]:
    """What makes `new` of the value `old` at `path`, each step for the data as the ones before left it."""
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        for key, value in old.items():
            yield from steps((*path, key), value, new[key])
    elif isinstance(old, list) and isinstance(new, list) and old and new:
        yield from _list_steps(path, old, new)
    else:
        yield Replace(path, new)


def applied(data: Any, step: Step) -> Any:
    """The data after a step."""
    data = deepcopy(data)
    parent = data
    for part in step.path[:-1]:
        parent = parent[part]
    last = step.path[-1]
    match step:
        case Replace():
            parent[last] = step.value
        case Insert():
            parent[last].insert(step.index, step.value)
        case Delete():
            del parent[last][step.index : step.index + step.count]
    return data


def _list_steps(path: Path, old: Sequence[Any], new: Sequence[Any]) -> Iterator[Step]:
    """From the end to the start, so that the indexes of what is still to do stay right."""
    matcher = SequenceMatcher(None, list(map(_key, old)), list(map(_key, new)), autojunk=False)
    for tag, i1, i2, j1, j2 in reversed(matcher.get_opcodes()):
        if tag == "equal":
            continue
        both = min(i2 - i1, j2 - j1)
        if i2 - i1 > both:
            yield Delete(path, i1 + both, i2 - i1 - both)
        for index in range(both, j2 - j1):
            yield Insert(path, i1 + index, new[j1 + index])
        for index in range(both):
            yield from steps((*path, i1 + index), old[i1 + index], new[j1 + index])


def _key(item: Any) -> str:
    return json.dumps(item, sort_keys=True)
