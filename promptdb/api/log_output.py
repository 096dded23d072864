"""Writes the log in the background: a write for each request would cost as much as its answer."""

import logging
import sys
import threading
from collections import deque
from contextlib import suppress

EVERY = 0.2
"""Seconds between two writes. Warnings and errors do not wait."""

MAX_WAITING = 10_000
"""The most lines that wait for a slow reader. Then requests wait for it too, so that no line is lost."""


class BatchedOutput(logging.Handler):
    """Standard error, to which a thread writes all new lines at once."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[str] = deque()
        self._thread: threading.Thread | None = None
        self._writing = threading.Lock()
        self._news, self._is_closed = threading.Event(), threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record) + "\n")
        if self._thread is None:
            # Here, because a process may have been forked after the log was set up.
            self._thread = threading.Thread(target=self._run, name="promptdb-log", daemon=True)
            self._thread.start()
        if record.levelno >= logging.WARNING or len(self._lines) > MAX_WAITING:
            self.flush()
        else:
            self._news.set()

    def flush(self) -> None:
        # One writer at a time, so that lines keep their order. New ones do not wait for it.
        with self._writing:
            lines = [self._lines.popleft() for _ in range(len(self._lines))]
            if lines:
                # The reader of the log may be gone, and requests must not fail for that.
                with suppress(OSError, ValueError):
                    sys.stderr.write("".join(lines))
                    sys.stderr.flush()

    def close(self) -> None:
        self._is_closed.set()
        self._news.set()
        self.flush()
        super().close()

    def _run(self) -> None:
        while not self._is_closed.is_set():
            self._news.wait()
            self._news.clear()
            self._is_closed.wait(EVERY)
            self.flush()
