"""Writes of requests: few at a time, found by their sender at once, and with hints for HTTP."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from anyio import to_thread

from promptdb.api.served import Served
from promptdb.errors import Guard

_T = TypeVar("_T")


async def write(found: Served, work: Callable[[], _T]) -> _T:
    """Do a write in a thread. Reads that follow it in this process find what it wrote. Errors are those of `work`."""
    # They wait for one lock, so more threads would only keep threads and connections from reads.
    return await to_thread.run_sync(partial(_done, found, work), limiter=found.writers)


def _done(found: Served, work: Callable[[], _T]) -> _T:
    try:
        result = work()
    except Guard as error:
        hint = (error.hint or "").replace("pass --allow-breaking", 'send "allow_breaking": true')
        raise Guard(error.message, hint or None, breaking=error.breaking) from error
    found.confirm()
    return result
