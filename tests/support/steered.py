"""A source that tests steer: what it has, when it fails, and what it is asked."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from uuid import UUID

from waiting import until

from promptdb.client.source import one_by_one
from promptdb.domain.delivery import Changes, Generation
from promptdb.domain.digest import digest_of
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import ByLabel, ByRevision, PromptRef
from promptdb.domain.spec import PromptSpec
from promptdb.domain.version_ids import prompt_id, version_id
from promptdb.domain.views import PromptVersionView, StoredVersion
from promptdb.errors import PromptDBError, StorageError, VersionNotFound

__all__ = ["ONE", "Steered", "until", "version"]

ONE = PromptId("a", "one")


def version(prompt: PromptId, revision: int) -> StoredVersion:
    """A version whose text is its revision."""
    canonical = PromptSpec(kind="string", template=str(revision)).canonical()
    digest = digest_of(canonical)
    key = version_id(prompt_id(prompt), revision, digest)
    view = PromptVersionView(key, prompt, revision, digest, None, "tests", datetime(2026, 1, 1, tzinfo=UTC))
    return StoredVersion(view, canonical.decode())


@dataclass
class Steered:
    """Aliases of prompts with their revision, in `aliases`. With `error`, every call fails."""

    aliases: dict[tuple[PromptId, str], int] = field(default_factory=lambda: {(ONE, "production"): 1})
    error: StorageError | None = None
    asked: list[str] = field(default_factory=list)
    forked: int = 0
    name: str = "steered"
    is_at_hand: bool = False
    has_generations: bool = True
    registry: UUID = field(default_factory=lambda: UUID(int=1))
    gate: Callable[[str], object] = lambda what: None
    """Called at each request, with its first word."""
    _number: int = 1
    _changed: dict[PromptId, int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def move(self, alias: str, revision: int | None, prompt: PromptId = ONE) -> None:
        with self._lock:
            if revision is None:
                del self.aliases[prompt, alias]
            else:
                self.aliases[prompt, alias] = revision
            self._number += 1
            self._changed[prompt] = self._number

    def find(self, ref: PromptRef) -> StoredVersion:
        self._ask(f"find {ref}")
        with self._lock:
            match ref.selector:
                case ByRevision(revision):
                    return version(ref.prompt, revision)
                case ByLabel(alias) if (ref.prompt, alias) in self.aliases:
                    return version(ref.prompt, self.aliases[ref.prompt, alias])
        raise VersionNotFound(f"no {ref}")

    def find_many(self, refs: Sequence[PromptRef]) -> list[StoredVersion | PromptDBError]:
        return one_by_one(self.find, refs)

    def find_all(self, alias: str, namespace: str | None) -> list[StoredVersion]:
        self._ask(f"find_all {alias} {namespace}")
        with self._lock:
            there = [(prompt, revision) for (prompt, name), revision in self.aliases.items() if name == alias]
        return [version(*found) for found in there if namespace in (None, found[0].namespace)]

    def changes(self, since: Generation | None) -> Changes:
        self._ask("changes")
        with self._lock:
            if not self.has_generations:
                return Changes()
            now = Generation(self.registry, self._number)
            if since is None:
                return Changes(now)
            return Changes(now, frozenset(p for p, number in self._changed.items() if number > since.number))

    def wait(self, since: Generation | None, seconds: float, stopped: Callable[[], bool]) -> None:
        deadline = time.monotonic() + seconds
        while not stopped() and time.monotonic() < deadline:
            if self.error is not None:
                raise self.error
            if self.has_generations and since is not None and since.number != self._number:
                return
            time.sleep(0.001)

    def list_versions(self, prompt: str, limit: int | None = None) -> list[PromptVersionView]:
        return []

    def after_fork(self) -> None:
        self.forked += 1
        self._lock = Lock()

    def close(self) -> None:
        self.asked.append("close")

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        self.gate(what.partition(" ")[0])
        if self.error is not None:
            raise self.error
