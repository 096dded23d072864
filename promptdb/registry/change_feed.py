"""Reports changes of a registry to clients: at once where the database sends notices, otherwise by looking often."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from time import monotonic, sleep

import sqlalchemy as sa

from promptdb.db.engine import reading
from promptdb.db.generations import changes_since, generation_of
from promptdb.db.notices import Listener, listening
from promptdb.db.sqlite_file import FileId, file_id
from promptdb.domain.delivery import Changes, Generation
from promptdb.errors import StorageError
from promptdb.registry.reader import RegistryReader

LOOK = 0.2
"""Seconds between two looks at the generation. A look at SQLite takes less than a millisecond."""

LOOK_WITHOUT_NOTICES = 1.0
"""The same for PostgreSQL, while it sends no notices."""


Calls = Callable[[], AbstractContextManager[object]]
"""Makes what surrounds each group of calls to the database."""


class ChangeFeed:
    """The changes of one registry, for one thread.

    A connection of its own receives the notices of PostgreSQL. While there is none, the generation is compared instead, and
    each call of `wait` tries to listen again. After that the generation is compared too, because any number of notices may
    have been missed.
    """

    def __init__(self, reader: RegistryReader, calls: Calls = nullcontext) -> None:
        self._reader, self._calls = reader, calls
        self._listener: Listener | None = None
        self._open = ExitStack()
        self._file: FileId | None = None
        self._is_another = False

    def changes(self, since: Generation | None) -> Changes:
        """Find the prompts that changed after a generation. Raise StorageError if the database fails."""
        with self._calls(), self._reading() as connection:
            # Another file may have the same generation and other versions.
            found = changes_since(connection, None if self._is_another else since)
        self._is_another = False
        return found

    def wait(self, since: Generation | None, seconds: float, stopped: Callable[[], bool]) -> None:
        """Wait for another generation than `since`. Raise StorageError if the database fails."""
        deadline = monotonic() + seconds
        is_postgresql = self._reader.registry.engine.dialect.name == "postgresql"
        if is_postgresql and self._listener is None and self._listen() != since:
            return
        while not stopped() and (left := deadline - monotonic()) > 0:
            if self._listener is None:
                sleep(min(LOOK_WITHOUT_NOTICES if is_postgresql else LOOK, left))
                if self._generation() != since or self._is_another:
                    return
            elif self._received(self._listener, min(LOOK, left)):
                return

    def close(self) -> None:
        """Close the connection that receives notices."""
        self._open.close()
        self._listener = None

    def after_fork(self) -> None:
        """Forget the parent's connection in a forked child."""
        if self._listener is not None:
            self._listener.forget()
        self.close()

    def _reopen(self) -> None:
        """Close the connections to a SQLite file that another one has replaced, such as a backup.

        Raises:
            StorageError: there is no file any more.
        """
        engine = self._reader.registry.engine
        if engine.dialect.name != "sqlite":
            return
        try:
            file = file_id(Path(str(engine.url.database)))
        except StorageError:
            # Lookups would go on in a file that only the connections of the pool still have.
            engine.dispose()
            raise
        if self._file not in (None, file):
            engine.dispose()
            self._is_another = True
        self._file = file

    def _reading(self) -> AbstractContextManager[sa.Connection]:
        self._reopen()
        return reading(self._reader.registry.engine)

    def _generation(self) -> Generation:
        with self._calls(), self._reading() as connection:
            return generation_of(connection)

    def _listen(self) -> Generation:
        """Listen for notices if possible. Return the generation from which on there are no gaps."""
        engine = self._reader.registry.engine
        # The pool keeps this connection. Notices need one more: the last that the server allows is for lookups.
        with reading(engine) as connection:
            try:
                self._listener = self._open.enter_context(listening(engine))
            except StorageError:
                self.close()
            return generation_of(connection)

    def _received(self, listener: Listener, seconds: float) -> bool:
        try:
            return any(True for _ in listener.notices(seconds))
        except StorageError:
            self.close()
            return True
