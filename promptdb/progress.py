"""How long work reports how far it got."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

Progress = Callable[[int, int], None]
"""Called with the number of items done, and the number of all items."""

ShowProgress = Callable[[str], AbstractContextManager[Progress | None]]
"""Shows one step of the work: entered with its title, it gives what the step calls, or None if no one watches."""


UPLOADING = "uploading"
"""The title of the step that sends blobs over a network."""


def unwatched(_title: str) -> AbstractContextManager[None]:
    """Show nothing."""
    return nullcontext()
