"""Decides whether a registry is behind another one, as an empty registry always is."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from promptdb.db.inserts import Row

Pair = tuple[Row | None, Row | None]


class Standing(Enum):
    """`BEHIND`: the source has every history row of the registry. `AHEAD`: the registry has all of the source's, and more.

    `APART`: each has rows that the other one lacks.
    """

    BEHIND = "behind"
    AHEAD = "ahead"
    APART = "apart"


@dataclass(frozen=True)
class Overlap:
    """The number of history rows of one table in the registry, in the source, and equal in both."""

    here: int
    there: int
    common: int


def standing(overlaps: Iterable[Overlap]) -> Standing:
    found = list(overlaps)
    if all(each.common == each.here for each in found):
        return Standing.BEHIND
    return Standing.AHEAD if all(each.common == each.there for each in found) else Standing.APART


def paired(here: Iterator[Row], there: Iterator[Row], key: Callable[[Row], Any]) -> Iterator[Pair]:
    """Pair rows with equal keys, from two streams in the order of keys. A row without a counterpart is paired with None."""
    own, other = next(here, None), next(there, None)
    while own is not None or other is not None:
        is_own = own is not None and (other is None or key(own) <= key(other))
        is_other = other is not None and (own is None or key(other) <= key(own))
        yield own if is_own else None, other if is_other else None
        if is_own:
            own = next(here, None)
        if is_other:
            other = next(there, None)
