"""The callback of long work, for every layer."""

from typing import Protocol


class Progress(Protocol):
    """Called with how many steps of how many are done."""

    def __call__(self, done: int, total: int, /) -> None: ...
