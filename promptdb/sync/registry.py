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
