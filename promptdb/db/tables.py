"""The rows of the registry as SQLModel classes, over the tables of `columns`.

Classes with `table=True` do not validate: `PromptSpec` is the truth about the content of versions.
"""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel
from sqlmodel.main import SQLModelMetaclass

from promptdb.db import access_columns, columns


class _OverTable(SQLModelMetaclass):
    """Gives each annotated field the column of the same name. One without the other is an error."""

    def __new__(cls, name: str, bases: tuple[type, ...], members: dict[str, Any], **options: Any) -> Any:
        table: sa.Table | None = members.get("__table__")
        fields = {column.name: Field(sa_column=column) for column in table.columns} if table is not None else {}
        return super().__new__(cls, name, bases, {**members, **fields}, **options)


class Table(SQLModel, metaclass=_OverTable):
    metadata: ClassVar[sa.MetaData] = columns.metadata


class Prompt(Table, table=True):
    __table__ = columns.prompts
    id: UUID
    namespace: str
    name: str
    created_at: datetime
    archived_at: datetime | None


class PromptVersion(Table, table=True):
    __table__ = columns.versions
    id: UUID
    prompt_id: UUID
    revision: int
    user_version: str | None
    spec_json: str
    spec_hash: str
    created_by: str
    created_at: datetime


class PromptAlias(Table, table=True):
    __table__ = columns.aliases
    id: int
    prompt_id: UUID
    alias: str
    version_id: UUID
    generation: int
    updated_at: datetime
    split_json: str | None


class PromptAsset(Table, table=True):
    __table__ = columns.assets
    id: int
    version_id: UUID
    kind: str
    storage_backend: str
    bucket: str
    object_key: str
    content_type: str
    byte_size: int
    checksum_sha256: str
    metadata_json: str
    created_at: datetime


class SyncRun(Table, table=True):
    __table__ = columns.runs
    id: int
    root: str
    git_ref: str | None
    commit_id: str | None
    is_dirty: bool
    outcome: str
    counts_json: str
    created_by: str
    started_at: datetime
    finished_at: datetime


class VersionSource(Table, table=True):
    __table__ = columns.sources
    id: int
    version_id: UUID
    run_id: int
    path: str
    commit_id: str | None
    branch: str | None
    author: str | None
    committed_at: datetime | None
    blob_id: str | None
    is_dirty: bool


class PromptAbsence(Table, table=True):
    __table__ = columns.absences
    id: int
    prompt_id: UUID
    from_run_id: int
    until_run_id: int | None


class AliasEvent(Table, table=True):
    __table__ = columns.events
    id: int
    prompt_id: UUID
    alias: str
    action: str
    from_version_id: UUID | None
    to_version_id: UUID | None
    generation: int
    actor: str
    reason: str | None
    run_id: int | None
    created_at: datetime
    breaking_json: str | None
    split_json: str | None


class SourceHead(Table, table=True):
    __table__ = columns.source_heads
    root: str
    git_ref: str
    commit_id: str
    run_id: int
    updated_at: datetime


class GitTargetRow(Table, table=True):
    __table__ = columns.git_targets
    prompt_id: UUID
    alias: str
    version_id: UUID
    root: str
    git_ref: str
    selector: str | None
    line: int | None
    split_json: str | None


class PromptRedirect(Table, table=True):
    __table__ = columns.redirects
    namespace: str
    name: str
    prompt_id: UUID
    created_at: datetime


class RegistryIdentity(Table, table=True):
    __table__ = columns.registries
    id: UUID
    created_at: datetime
    gc_turn: int


class RegistryGeneration(Table, table=True):
    __table__ = columns.generations
    id: int
    number: int
    changed_all: int


class PromptChange(Table, table=True):
    __table__ = columns.changes
    namespace: str
    name: str
    generation: int


class ApiTokenRow(Table, table=True):
    __table__ = access_columns.tokens
    id: int
    name: str
    token_hash: str
    last_four: str
    scopes_json: str
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class IdempotencyKey(Table, table=True):
    __table__ = access_columns.idempotency_keys
    token_id: int
    key: str
    fingerprint: str
    status: int | None
    answer_json: str | None
    created_at: datetime


class Webhook(Table, table=True):
    __table__ = access_columns.webhooks
    id: int
    url: str
    events: str
    namespace: str
    secret: str
    previous_secret: str | None
    previous_until: datetime | None
    created_by: str
    created_at: datetime
    rests_until: datetime | None
    disabled_at: datetime | None
    disabled_reason: str | None


class WebhookDelivery(Table, table=True):
    __table__ = access_columns.deliveries
    id: int
    webhook_id: int
    message_id: str
    event: str
    prompt: str | None
    body: str
    state: str
    attempts: int
    created_at: datetime
    due_at: datetime | None
    attempted_at: datetime | None
    status: int | None
    error: str | None
