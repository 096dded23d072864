"""The settings of clients at run time."""

from typing import Literal

from pydantic import BaseModel, Field, SecretStr


class ClientSettings(BaseModel):
    """The place that a client reads prompts from, and how long it serves them."""

    source: Literal["database", "files", "snapshot"] = Field(
        default="database", description="where a client finds prompts: the registry, the work tree, or a snapshot"
    )
    snapshot: SecretStr | None = Field(
        default=None, description="the snapshot that a client reads: a file, an https:// address or s3://BUCKET/KEY"
    )
    cache_ttl: float = Field(default=30.0, gt=0, description="seconds for which a client counts an answer as fresh")
    max_stale: float | None = Field(
        default=None,
        gt=0,
        description="seconds for which a client serves an answer while its source fails",
    )
