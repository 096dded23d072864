"""Reads of the registry on one connection, as values of the domain."""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa

from promptdb.db.columns import aliases, assets, events, prompts, redirects, sources, versions
from promptdb.db.heads import head_of, is_highest, select_heads
from promptdb.domain.digest import Digest
from promptdb.domain.plan import Head, LabelUse
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.splits import Split, stored_split
from promptdb.domain.views import (
    AliasView,
    AssetReader,
    AssetView,
    PromptSummary,
    PromptVersionView,
    Provenance,
    StoredVersion,
)

ReadAssets = Callable[[PromptVersionView], AssetReader]
"""Gives access to the assets of a version."""

VersionRow = sa.Row[Any] | tuple[Any, ...]
"""A row of `select_versions`, with more columns or without."""

_T = TypeVar("_T")
_CHUNK = 500  # values in one IN list, below SQLite's limit of parameters


class PromptRepository:
    """Reads in the transaction of a connection: all results are of one state."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def heads(self, only: Sequence[PromptId] | None = None) -> dict[PromptId, tuple[UUID, Head]]:
        """Read the highest revision of each prompt, or of the named ones, with the prompt's id."""
        query = select_heads(prompts.c.id)
        return {head.prompt: (key, head) for key, head in map(head_of, self._for_prompts(query, only))}

    def head_states(self) -> dict[PromptId, Head]:
        """Read the highest revisions without ids, which take time to convert."""
        return {head.prompt: head for _, head in map(head_of, self._connection.execute(select_heads(sa.null())))}

    def labels(self, wanted: Iterable[tuple[PromptId, str]] | None = None) -> dict[tuple[PromptId, str], LabelUse]:
        """Read the first revision with each `user_version`, or with each wanted one."""
        named_by = (prompts.c.namespace, prompts.c.name, versions.c.user_version)
        query = (
            sa.select(*named_by, versions.c.revision, versions.c.spec_hash)
            .join(prompts, prompts.c.id == versions.c.prompt_id)
            .where(versions.c.user_version.is_not(None))
            # The first revision comes last, and replaces the others in the dictionary.
            .order_by(versions.c.revision.desc())
        )
        only = [(*prompt, label) for prompt, label in wanted] if wanted is not None else None
        return {
            (PromptId(row.namespace, row.name), row.user_version): LabelUse(row.revision, Digest(row.spec_hash))
            for row in among(self._connection, query, sa.tuple_(*named_by), only)
        }

    def earlier_names(self, prompt: PromptId) -> list[PromptId]:
        """Read the earlier names of a prompt, the newest first."""
        query = (
            sa.select(redirects.c.namespace, redirects.c.name)
            .join(prompts, prompts.c.id == redirects.c.prompt_id)
            .where(*named(prompt))
            .order_by(redirects.c.created_at.desc())
        )
        return [PromptId(row.namespace, row.name) for row in self._connection.execute(query)]

    def renames(self) -> dict[PromptId, PromptId]:
        """Read the earlier names that no other prompt has, and the present name of each."""
        is_taken = sa.exists().where(prompts.c.namespace == redirects.c.namespace, prompts.c.name == redirects.c.name)
        now = prompts.alias("now")
        query = (
            sa.select(redirects.c.namespace, redirects.c.name, now.c.namespace, now.c.name)
            .join(now, now.c.id == redirects.c.prompt_id)
            .where(~is_taken.correlate(redirects))
        )
        found = self._connection.execute(query)
        return {PromptId(*row[:2]): PromptId(*row[2:]) for row in map(tuple, found)}

    def stored_heads(self, only: Sequence[PromptId]) -> dict[PromptId, StoredVersion]:
        """Read the highest revisions of some prompts, with their specs."""
        query = select_versions().add_columns(versions.c.spec_json).where(is_highest)
        return {stored.view.prompt: stored for stored in map(stored_of, self._for_prompts(query, only))}

    def summaries(self, pattern: str | None = None, *, archived: bool = False) -> list[PromptSummary]:
        """List the prompts, sorted by name.

        Args:
            pattern: a namespace or `namespace/name` that they match. `*` stands for any characters.
            archived: include archived prompts.
        """
        query = select_versions().where(is_highest)
        if not archived:
            query = query.where(prompts.c.archived_at.is_(None))
        pointing = (
            sa.select(prompts.c.namespace, prompts.c.name, aliases.c.alias, versions.c.revision, aliases.c.split_json)
            .join(prompts, prompts.c.id == aliases.c.prompt_id)
            .join(versions, versions.c.id == aliases.c.version_id)
        )
        targets: dict[tuple[str, str], dict[str, int]] = {}
        splits: dict[tuple[str, str], dict[str, Split]] = {}
        for namespace, name, alias, revision, text in sorted(self._connection.execute(pointing).all()):
            targets.setdefault((namespace, name), {})[alias] = revision
            if (split := stored_split(text)) is not None:
                splits.setdefault((namespace, name), {})[alias] = split
        found = []
        for row in self._connection.execute(query).all():
            prompt, is_archived = PromptId(row.namespace, row.name), row.archived_at is not None
            if pattern is None or _matches(str(prompt), pattern):
                version = (row.id, row.revision, row.spec_hash, row.created_at)
                found.append(
                    PromptSummary(prompt, *version, is_archived, targets.get(prompt, {}), splits.get(prompt, {}))
                )
        return sorted(found, key=lambda summary: summary.prompt)

    def versions(
        self, prompt: PromptId, limit: int | None = None, before: int | None = None
    ) -> list[PromptVersionView]:
        """Read the versions of a prompt, or those before a revision, the newest first."""
        query = select_versions().where(*named(prompt)).order_by(versions.c.revision.desc()).limit(limit)
        if before is not None:
            query = query.where(versions.c.revision < before)
        return [view_of(row) for row in self._connection.execute(query)]

    def provenance(self, version_ids: Sequence[UUID]) -> dict[UUID, Provenance]:
        """Read the first commit of each version, or its first sync if no commit has it yet."""
        found: dict[UUID, Provenance] = {}
        query = sa.select(sources).order_by(sources.c.is_dirty, sources.c.id)
        for row in among(self._connection, query, sources.c.version_id, version_ids):
            where = Provenance(
                row.path, row.commit_id, row.branch, row.author, row.committed_at, row.blob_id, row.is_dirty
            )
            found.setdefault(row.version_id, where)
        return found

    def assets(self, version_ids: Sequence[UUID]) -> dict[UUID, list[AssetView]]:
        """Read the blobs of versions, the bundle of each first."""
        found: dict[UUID, list[AssetView]] = {}
        for row in among(self._connection, sa.select(assets).order_by(assets.c.id), assets.c.version_id, version_ids):
            found.setdefault(row.version_id, []).append(_asset_of(row))
        return found

    def aliases(self, prompt: PromptId | None = None, alias: str | None = None) -> list[AliasView]:
        """Read aliases, sorted by prompt and name."""
        query = select_aliases(prompt)
        if alias is not None:
            query = query.where(aliases.c.alias == alias)
        return in_order(map(alias_of, self._connection.execute(query)))

    def generations(self, alias: str, prompt: PromptId | None = None) -> dict[PromptId, int]:
        """Count the moves of an alias, for one prompt or for all. Deleted aliases count too."""
        query = (
            sa.select(prompts.c.namespace, prompts.c.name, sa.func.max(events.c.generation).label("generation"))
            .join(prompts, prompts.c.id == events.c.prompt_id)
            .where(events.c.alias == alias)
            .group_by(prompts.c.namespace, prompts.c.name)
        )
        if prompt is not None:
            query = query.where(*named(prompt))
        return {PromptId(row.namespace, row.name): row.generation for row in self._connection.execute(query)}

    def deleted_targets(self, only: Collection[str]) -> dict[tuple[PromptId, str], UUID]:
        """Read the version that each of these aliases had when it was deleted last."""
        query = (
            sa.select(prompts.c.namespace, prompts.c.name, events.c.alias, events.c.from_version_id)
            .join(prompts, prompts.c.id == events.c.prompt_id)
            .where(events.c.alias.in_(only), events.c.from_version_id.is_not(None), events.c.to_version_id.is_(None))
            .order_by(events.c.id)
        )
        return {
            (PromptId(row.namespace, row.name), row.alias): row.from_version_id
            for row in self._connection.execute(query)
        }

    def ids(self, only: Sequence[PromptId]) -> dict[PromptId, UUID]:
        query = sa.select(prompts.c.id, prompts.c.namespace, prompts.c.name)
        return {PromptId(row.namespace, row.name): row.id for row in self._for_prompts(query, only)}

    def prompt_ids(self, version_ids: Sequence[UUID]) -> dict[UUID, UUID]:
        """Map versions to their prompts."""
        query = sa.select(versions.c.id, versions.c.prompt_id)
        return {row.id: row.prompt_id for row in among(self._connection, query, versions.c.id, version_ids)}

    def _for_prompts(self, query: sa.Select[Any], only: Sequence[PromptId] | None) -> Iterator[sa.Row[Any]]:
        return among(self._connection, query, sa.tuple_(prompts.c.namespace, prompts.c.name), only)


def among(
    connection: sa.Connection, query: sa.Select[Any], key: sa.ColumnElement[Any], values: Sequence[Any] | None
) -> Iterator[sa.Row[Any]]:
    """Run a query for the rows whose key is among the values, or for all rows."""
    if values is None:
        # All at once: to fetch them one by one takes as long as the query.
        yield from connection.execute(query).all()
        return
    for chunk in chunks(values):
        yield from connection.execute(query.where(key.in_(chunk)))


def select_versions() -> sa.Select[Any]:
    """Select versions with the names of their prompts, in the order of columns that `view_of` reads."""
    columns = (
        versions.c.id,
        versions.c.revision,
        versions.c.spec_hash,
        versions.c.user_version,
        versions.c.created_by,
        versions.c.created_at,
        prompts.c.namespace,
        prompts.c.name,
        prompts.c.archived_at,
    )
    return sa.select(*columns).join(prompts, prompts.c.id == versions.c.prompt_id)


def view_of(row: VersionRow) -> PromptVersionView:
    # By position: a name takes ten times as long, and a preload has thousands of rows.
    columns: tuple[Any, ...] = row
    key, revision, digest, user_version, author, at, namespace, name = columns[:8]
    return PromptVersionView(key, PromptId(namespace, name), revision, digest, user_version, author, at)


def stored_of(
    row: VersionRow,
    alias: str | None = None,
    commit_id: str | None = None,
    assets: ReadAssets | None = None,
    split: str | None = None,
) -> StoredVersion:
    """Read a row of `select_versions`, to which `spec_json` is added as the next column."""
    columns: tuple[Any, ...] = row
    view = view_of(row)
    reader = assets(view) if assets is not None else None
    state = (columns[8] is not None, alias, commit_id)
    return StoredVersion(view, columns[9], *state, reader, split=stored_split(split) if split is not None else None)


def select_aliases(prompt: PromptId | None) -> sa.Select[Any]:
    """Select the aliases of one prompt, or of all, in the columns that `alias_of` reads."""
    query = (
        sa.select(aliases, prompts.c.namespace, prompts.c.name, versions.c.revision)
        .join(prompts, prompts.c.id == aliases.c.prompt_id)
        .join(versions, versions.c.id == aliases.c.version_id)
    )
    return query if prompt is None else query.where(*named(prompt))


def alias_of(row: sa.Row[Any]) -> AliasView:
    return AliasView(
        *(PromptId(row.namespace, row.name), row.alias, row.revision, row.version_id, row.generation, row.updated_at),
        split=stored_split(row.split_json),
    )


def in_order(found: Iterable[AliasView]) -> list[AliasView]:
    """Sort aliases by prompt and name. Not in SQL: databases differ in the order of text."""
    return sorted(found, key=lambda view: (view.prompt, view.alias))


def _asset_of(row: sa.Row[Any]) -> AssetView:
    try:
        path = json.loads(row.metadata_json).get("path")
    except (ValueError, TypeError, AttributeError):
        path = row.metadata_json  # edited by hand; it matches no spec
    return AssetView(row.kind, row.object_key, row.content_type, row.byte_size, row.checksum_sha256, path)


def named(prompt: PromptId) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return prompts.c.namespace == prompt.namespace, prompts.c.name == prompt.name


def in_namespace(namespace: str) -> sa.ColumnElement[bool]:
    """State that a prompt is in a namespace, or below it."""
    # Not by LIKE, which is case-sensitive on PostgreSQL only: a token for `support` must not read `Support`.
    below = sa.func.substr(prompts.c.namespace, 1, len(namespace) + 1) == f"{namespace}/"
    return sa.or_(prompts.c.namespace == namespace, below)


def _matches(name: str, pattern: str) -> bool:
    # Not by LIKE, which is case-sensitive on PostgreSQL only.
    expression = re.escape(pattern.rstrip("/")).replace(r"\*", ".*")
    return re.fullmatch(f"{expression}(/.*)?", name) is not None


def chunks(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Split values into chunks that one IN list takes."""
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]
