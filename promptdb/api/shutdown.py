"""Hears of the end of the server before it waits for requests. Otherwise open streams would hold it up."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def before_shutdown(act: Callable[[], None]) -> Iterator[None]:
    """Call a function in the event loop when SIGINT or SIGTERM arrives, before the handler of the server.

    ASGI has no such message, but all its servers handle these signals in Python. Outside of the main thread this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    chained: dict[signal.Signals, tuple[Any, Any]] = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        handler = signal.getsignal(number)
        # A signal that Python does not handle waits for no request.
        if callable(handler):
            chained[number] = handler, _before(handler, act, loop)
            signal.signal(number, chained[number][1])
    try:
        yield
    finally:
        for number, (handler, ours) in chained.items():
            if signal.getsignal(number) is ours:
                signal.signal(number, handler)


def _before(
    handler: Callable[[int, FrameType | None], Any], act: Callable[[], None], loop: asyncio.AbstractEventLoop
) -> Callable[[int, FrameType | None], None]:
    def handle(number: int, frame: FrameType | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(act)
        handler(number, frame)

    return handle
