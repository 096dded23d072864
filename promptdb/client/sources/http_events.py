"""Learns from a server that something has changed: by its stream of events, or by long polls where there is none."""

import json
import random
from collections.abc import Callable, Iterable, Iterator
from threading import Condition, Event, Thread
from time import monotonic

from urllib3.exceptions import HTTPError

from promptdb.client import health
from promptdb.client.sources.http_connection import Connection
from promptdb.domain.delivery import Generation
from promptdb.domain.json_fields import Wrong
from promptdb.domain.wire.changes import decode_changes, generation_text
from promptdb.errors import PromptDBError, StorageError

SILENCE = 45.0
"""Seconds without a byte, after which a stream counts as dead. The server sends something every 15 seconds."""

LONG_POLL = 25.0
"""Seconds for which the server may hold the answer to a question for changes."""

POLLING = 300.0
"""Seconds of long polls, after which the stream is tried again."""

LOOK = 0.2
"""Seconds between two looks at whether a wait is to end."""

MAX_EVENT = 16 * 1024**2
"""Bytes."""


class Watch:
    """The present generation of a server, which a thread keeps up to date from the first `wait` on.

    It reads the stream of events. After its end it connects again, a random moment later. A proxy may hold a stream
    back. The thread then asks in long polls for some minutes before it tries again. Each failure and each return ends a
    `wait` at once, since any number of changes may have been missed.
    """

    def __init__(self, server: Connection) -> None:
        self._server = server
        self._generation: Generation | None = None
        self._is_lost = self._was_lost = False
        self._has_news = False
        self._news = Condition()
        self._closed = Event()
        self._thread: Thread | None = None

    def wait(self, since: Generation | None, seconds: float, stopped: Callable[[], bool]) -> None:
        """Return when the generation is not `since`, when the server is lost or found, or after some seconds."""
        deadline = monotonic() + seconds
        with self._news:
            if self._thread is None and not self._closed.is_set():
                self._thread = Thread(target=self._run, args=(since,), name="promptdb-events", daemon=True)
                self._thread.start()
            while not stopped() and (left := deadline - monotonic()) > 0:
                # Only news end a wait, so that an event which is late does not end one after the other.
                has_news, self._has_news = self._has_news, False
                if has_news and (self._was_lost or self._generation != since):
                    self._was_lost = self._is_lost
                    return
                self._news.wait(min(LOOK, left))

    def close(self) -> None:
        """End the thread and its request."""
        self._closed.set()
        self._server.close()
        if self._thread is not None:
            self._thread.join()

    def _run(self, since: Generation | None) -> None:
        failures = 0
        while not self._closed.is_set():
            if self._follow_stream(self._generation or since) or self._poll(self._generation or since):
                failures = 0
            else:
                failures += 1
            longest = min(health.FIRST_RETRY * 2.0 ** min(failures, 10), health.LAST_RETRY)
            self._closed.wait(longest * random.uniform(0.5, 1.0))  # noqa: S311  # so that clients do not all return at once

    def _learned(self, generation: Generation | None) -> None:
        """Note the generation of the server, or None if it cannot be reached."""
        with self._news:
            is_lost = generation is None
            # Each failure counts: after the first of them, the caller may still have had an answer on another connection.
            if is_lost or self._is_lost or generation != self._generation:
                self._was_lost |= is_lost
                self._generation, self._is_lost, self._has_news = generation, is_lost, True
                self._news.notify_all()

    def _follow_stream(self, since: Generation | None) -> bool:
        """Read events until the stream ends. Return whether there was one."""
        was_there = False
        try:
            query = {"since": None if since is None else generation_text(since)}
            answer = self._server.opened("GET", "/events", query, seconds=SILENCE, accept="text/event-stream")
            with answer:
                if not answer.headers.get("Content-Type", "").startswith("text/event-stream"):
                    return False
                parts = iter(lambda: answer.read1(decode_content=False), b"")
                for kind, data in events(parts):
                    if kind == "goodbye":
                        # The server ends, and another one may be there.
                        return was_there
                    if kind == "changes":
                        self._learned(decode_changes(json.loads(data)).generation)
                        was_there = True
        except (PromptDBError, HTTPError, Wrong, ValueError, OSError):
            pass
        if was_there:
            self._learned(None)
        return was_there

    def _poll(self, since: Generation | None) -> bool:
        """Ask for changes, again and again, until it is time for another try of the stream. Return whether that works."""
        known, deadline = since, monotonic() + POLLING
        while not self._closed.is_set() and monotonic() < deadline:
            asked_at = monotonic()
            # The first answer comes at once, so that a loss from then on is noticed.
            seconds = LONG_POLL if self._generation is not None else 0
            query = {"since": None if known is None else generation_text(known), "wait": f"{seconds:g}"}
            try:
                found = decode_changes(self._server.get("/changes", query, seconds=LONG_POLL + 5)).generation
            except (PromptDBError, Wrong):
                self._learned(None)
                return False
            self._learned(found)
            if seconds and found == known and monotonic() - asked_at < 1:
                # It does not hold its answers.
                self._closed.wait(1)
            known = found
        return True


def events(parts: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    """Read the kind and the data of each event in a stream.

    The format is https://html.spec.whatwg.org/multipage/server-sent-events.html, with lines that end in LF or CRLF.

    Raises:
        StorageError: an event is too large.
    """
    kind, data, size = "message", list[str](), 0
    for line in _lines(parts):
        size += len(line)
        if size > MAX_EVENT:
            raise StorageError("an event is too large")
        if not line:
            if data:
                yield kind, "\n".join(data)
            kind, data, size = "message", [], 0
            continue
        name, _, value = line.decode(errors="replace").partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            kind = value
        elif name == "data":
            data.append(value)


def _lines(parts: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for part in parts:
        *lines, rest = (rest + part).split(b"\n")
        if len(rest) > MAX_EVENT:
            raise StorageError("an event is too large")
        yield from (line.removesuffix(b"\r") for line in lines)
