"""Types for reporting the progress of long work."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

Progress = Callable[[int, int], None]
"""Called with the number of finished items and the number of all items."""

ShowProgress = Callable[[str], AbstractContextManager[Progress | None]]
"""Makes the display of one step of the work from its title. It gives the function to call, or None without a display."""

UPLOADING = "uploading"
"""The title of the step that sends blobs over a network."""


def unwatched(_title: str) -> AbstractContextManager[None]:
    """Display nothing."""
    return nullcontext()
