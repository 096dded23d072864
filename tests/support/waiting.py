"""Waiting for what another thread does."""

import time
from collections.abc import Callable


def until(condition: Callable[[], bool]) -> None:
    """Wait, for as long as a busy machine may need."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "never came"
        time.sleep(0.005)
