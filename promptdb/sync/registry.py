"""Where versions are kept."""

from dataclasses import dataclass

import sqlalchemy as sa

from promptdb.blobs.store import BlobStore


@dataclass(frozen=True)
class Registry:
    """The two stores, and who writes."""

    engine: sa.Engine
    blobs: BlobStore
    actor: str
