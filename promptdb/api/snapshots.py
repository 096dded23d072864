"""Keeps the snapshots that were asked for, and makes each once for a state of the registry."""

from io import BytesIO
from threading import Lock

from promptdb.api.answers import Encoded
from promptdb.api.caching import ALIAS
from promptdb.domain.delivery import Generation
from promptdb.domain.refs import LATEST, parse_alias
from promptdb.domain.snapshot.head import Head
from promptdb.registry.change_feed import ChangeFeed
from promptdb.registry.reader import RegistryReader
from promptdb.transfer.snapshot import write_snapshot

MAX_KEPT = 4
"""The most snapshots that are kept. Each is of one alias and one namespace."""


class Snapshots:
    """The snapshots of one registry. Threads that ask at the same time wait for one another."""

    def __init__(self, reader: RegistryReader) -> None:
        self._reader = reader
        self._kept: dict[tuple[str, str | None], tuple[Generation | None, Head, Encoded]] = {}
        self._lock = Lock()

    def read(self, alias: str, namespace: str | None) -> Encoded:
        """Read the snapshot of an alias.

        Raises:
            InvalidRef: no alias can have this name.
            VersionNotFound: no prompt there has it.
            StorageError, IntegrityFailure: as in `write_snapshot`.
        """
        checked = alias if alias == LATEST else parse_alias(alias)
        # Before the versions, so that a later change is noticed.
        generation = ChangeFeed(self._reader).changes(None).generation
        with self._lock:
            kept = self._kept.get((checked, namespace))
            if kept is None or kept[0] != generation:
                kept = self._kept[checked, namespace] = self._made(checked, namespace, generation, kept)
                while len(self._kept) > MAX_KEPT:
                    del self._kept[next(iter(self._kept))]
            return kept[2]

    def _made(
        self,
        alias: str,
        namespace: str | None,
        generation: Generation | None,
        kept: tuple[object, Head, Encoded] | None,
    ) -> tuple[Generation | None, Head, Encoded]:
        stream = BytesIO()
        head = write_snapshot(self._reader.registry, stream, [alias], namespace)
        if kept is not None and kept[1].content == head.content:
            # Other prompts changed. Clients need not load it again.
            return generation, kept[1], kept[2]
        return generation, head, Encoded(stream.getvalue(), ALIAS, "application/octet-stream")
