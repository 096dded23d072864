"""The name that was probably meant, for hints."""

from collections.abc import Iterable
from itertools import islice

_MOST_NAMES = 1000
_LONGEST = 100
"""Characters of a name that is compared: the time grows with the square of it."""


def nearest(word: str, names: Iterable[str]) -> str | None:
    """Choose the name that is most like a word, if one is. Compares a thousand names at most."""
    if len(word) > _LONGEST:
        return None
    compared = [name for name in islice(names, _MOST_NAMES) if len(name) <= _LONGEST]
    return next(iter(close_matches(word, compared, 1)), None)


def close_matches(word: str, names: Iterable[str], most: int, cutoff: float = 0.6) -> list[str]:
    """List the names that are like a word, the best first, as `difflib.get_close_matches`."""
    # Only for errors: a client starts without it.
    from difflib import get_close_matches

    return get_close_matches(word, list(names), most, cutoff)
