"""The name that was probably meant, for hints."""

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

_MOST_NAMES = 1000
_LONGEST = 100
"""Characters of a name that is compared: the time grows with the square of it."""


def nearest(word: str, names: Iterable[str]) -> str | None:
    """Choose the name that is most like a word, if one is. Compares a thousand names at most."""
    if len(word) > _LONGEST:
        return None
    compared = [name for name in islice(names, _MOST_NAMES) if len(name) <= _LONGEST]
    return next(iter(get_close_matches(word, compared, 1)), None)
