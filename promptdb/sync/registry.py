"""Where versions are kept."""

from dataclasses import dataclass

import sqlalchemy as sa

from promptdb.blobs.store import BlobStore


@dataclass(frozen=True)
class Registry:
    """The two stores, who writes, and which aliases are protected from breaking changes."""

    engine: sa.Engine
    blobs: BlobStore
    actor: str
    protected_aliases: frozenset[str] = frozenset()

    @property
    def is_local(self) -> bool:
        return is_local(self.engine, self.blobs)


def is_local(engine: sa.Engine, blobs: BlobStore) -> bool:
    """Whether a registry is of one's own: SQLite, and blobs in a folder. Connects to nothing."""
    return engine.dialect.name == "sqlite" and blobs.backend == "local"
