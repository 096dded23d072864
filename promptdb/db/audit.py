"""Reads for `verify`: rows as they are, whatever was done to them, in streams, so that memory does not grow with them."""

import json
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from promptdb.db.columns import (
    aliases,
    assets,
    events,
    prompts,
    runs,
    sources,
    versions,
)
from promptdb.db.repository import chunks
from promptdb.domain.integrity import AliasEventRow, AliasHistory, AliasRow, BlobRow, RevisionCount, VersionRow

_AT_ONCE = 500
"""Rows in memory."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A version, as it is told to people, with its digest and where it was found: `commit` is where the file was last changed,
    `run_commit` the commit that was synced. `path` is from the top of the repository.
    """

    version: str
    digest: str
    path: str
    commit: str
    run_commit: str


class Audit:
    """Valid as long as the connection's transaction: all its answers are of one state."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def versions(self) -> Iterator[VersionRow]:
        """Every version with the rows of its blobs."""
        version, owner = _text(versions.c.id), _text(versions.c.prompt_id)
        query = (
            sa.select(
                version.label("id"),
                owner.label("prompt_id"),
                _prompt(owner).label("prompt"),
                versions.c.revision,
                versions.c.user_version,
                versions.c.spec_json,
                versions.c.spec_hash,
            )
            .outerjoin(prompts, prompts.c.id == versions.c.prompt_id)
            .order_by(versions.c.id)
        )
        blob_rows = self._stream(_select_blobs().order_by(assets.c.version_id, assets.c.id))
        blobs = _by_version(blob_rows)
        waiting = next(blobs, None)
        for row in self._stream(query):
            while waiting is not None and waiting[0] < row.id:  # of no version: told as dangling
                waiting = next(blobs, None)
            own = waiting[1] if waiting is not None and waiting[0] == row.id else ()
            spec = str(row.spec_json).encode(errors="surrogatepass")
            yield VersionRow(
                _uuid(row.id),
                _uuid(row.prompt_id),
                row.prompt,
                row.revision,
                row.user_version,
                spec,
                row.spec_hash,
                own,
            )
        blob_rows.close()

    def revisions(self) -> Iterator[RevisionCount]:
        """Of every prompt."""
        name = _prompt(_text(prompts.c.id))
        query = (
            sa.select(
                name.label("prompt"),
                sa.func.count(versions.c.id).label("versions"),
                sa.func.count(versions.c.revision.distinct()).label("revisions"),
                sa.func.max(versions.c.revision).label("highest"),
            )
            .select_from(prompts)
            .outerjoin(versions, versions.c.prompt_id == prompts.c.id)
            .group_by(prompts.c.id, prompts.c.namespace, prompts.c.name)
        )
        for row in self._stream(query):
            yield RevisionCount(row.prompt, row.versions, row.revisions, row.highest)

    def alias_histories(self) -> Iterator[AliasHistory]:
        """Every alias there is or was."""
        present = self._present_aliases()
        for (prompt_id, prompt, alias), rows in groupby(self._alias_events(), lambda row: tuple(row[:3])):
            moves = tuple(
                AliasEventRow(
                    row.generation,
                    _uuid(row.from_id),
                    _uuid(row.to_id),
                    tuple(_uuid(owner) for owner in (row.from_owner, row.to_owner) if owner is not None),
                )
                for row in rows
            )
            _, found = present.pop((prompt_id, alias), ("", None))
            yield AliasHistory(prompt, _uuid(prompt_id), alias, found, moves)
        for (prompt_id, alias), (prompt, found) in present.items():
            yield AliasHistory(prompt, _uuid(prompt_id), alias, found, ())

    def sources(self) -> Iterator[SourceRow]:
        """Where clean versions came from, by commits."""
        query = (
            sa.select(
                _prompt(_text(versions.c.prompt_id)).label("prompt"),
                versions.c.revision,
                versions.c.spec_hash,
                sources.c.path,
                sources.c.commit_id,
                sa.func.coalesce(runs.c.commit_id, sources.c.commit_id).label("run_commit"),
            )
            .join(versions, versions.c.id == sources.c.version_id)
            .outerjoin(prompts, prompts.c.id == versions.c.prompt_id)
            .outerjoin(runs, runs.c.id == sources.c.run_id)
            .where(~sources.c.is_dirty, sources.c.commit_id.is_not(None))
            .order_by(sources.c.commit_id, sources.c.id)
        )
        for row in self._stream(query):
            version = f"{row.prompt} rev:{row.revision}"
            yield SourceRow(version, row.spec_hash, row.path, row.commit_id, row.run_commit)

    def users(self, checksums: Iterable[str], limit: int | None = None) -> dict[str, list[str]]:
        """For each checksum, the versions that name the blob, at most so many."""
        found: dict[str, list[str]] = {}
        for chunk in chunks(list(checksums)):
            query = (
                sa.select(
                    assets.c.checksum_sha256, _prompt(_text(versions.c.prompt_id)).label("prompt"), versions.c.revision
                )
                .join(versions, versions.c.id == assets.c.version_id)
                .outerjoin(prompts, prompts.c.id == versions.c.prompt_id)
                .where(assets.c.checksum_sha256.in_(chunk))
                .order_by(sa.text("prompt"), versions.c.revision)
            )
            for row in self._connection.execute(query):
                users = found.setdefault(row.checksum_sha256, [])
                if limit is None or len(users) < limit:
                    users.append(f"{row.prompt} rev:{row.revision}")
        return found

    def counts(self) -> tuple[int, int, int]:
        """Of prompts, versions and aliases."""
        return self._count(prompts), self._count(versions), self._count(aliases)

    def _present_aliases(self) -> dict[tuple[str, str], tuple[str, AliasRow]]:
        target = versions.alias("target")
        owner = _text(aliases.c.prompt_id)
        query = (
            sa.select(
                owner.label("prompt_id"),
                _prompt(owner).label("prompt"),
                aliases.c.alias,
                _text(aliases.c.version_id).label("version"),
                aliases.c.generation,
                _text(target.c.prompt_id).label("owner"),
            )
            .outerjoin(target, target.c.id == aliases.c.version_id)
            .outerjoin(prompts, prompts.c.id == aliases.c.prompt_id)
        )
        return {
            (row.prompt_id, row.alias): (row.prompt, AliasRow(_uuid(row.version), row.generation, _uuid(row.owner)))
            for row in self._stream(query)
        }

    def _alias_events(self) -> Iterator[sa.Row[Any]]:
        before, after, owner = versions.alias("before"), versions.alias("after"), _text(events.c.prompt_id)
        query = (
            sa.select(
                owner.label("prompt_id"),
                _prompt(owner).label("prompt"),
                events.c.alias,
                events.c.generation,
                _text(events.c.from_version_id).label("from_id"),
                _text(events.c.to_version_id).label("to_id"),
                _text(before.c.prompt_id).label("from_owner"),
                _text(after.c.prompt_id).label("to_owner"),
            )
            .outerjoin(before, before.c.id == events.c.from_version_id)
            .outerjoin(after, after.c.id == events.c.to_version_id)
            .outerjoin(prompts, prompts.c.id == events.c.prompt_id)
            .order_by(events.c.prompt_id, events.c.alias, events.c.id)
        )
        return self._stream(query)

    def _count(self, table: sa.Table) -> int:
        return int(self._connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())

    def _stream(self, query: sa.Executable) -> Generator[sa.Row[Any], None, None]:
        with self._connection.execute(query, execution_options={"yield_per": _AT_ONCE}) as rows:
            yield from rows


def _select_blobs() -> sa.Select[Any]:
    return sa.select(
        _text(assets.c.version_id).label("version_id"),
        assets.c.kind,
        assets.c.object_key,
        assets.c.byte_size,
        assets.c.checksum_sha256,
        assets.c.content_type,
        assets.c.metadata_json,
    )


def _by_version(rows: Iterator[sa.Row[Any]]) -> Iterator[tuple[str, tuple[BlobRow, ...]]]:
    for version, group in groupby(rows, lambda row: str(row.version_id)):
        yield version, tuple(map(_blob_of, group))


def _blob_of(row: sa.Row[Any]) -> BlobRow:
    return BlobRow(
        row.kind, row.object_key, row.byte_size, row.checksum_sha256, row.content_type, _path_in(row.metadata_json)
    )


def _path_in(metadata: str) -> str | None:
    try:
        path = json.loads(metadata).get("path")
    except (ValueError, AttributeError):
        return None
    return path if isinstance(path, str) else None


def _text(column: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """An id as text: one that was edited need not be a UUID any more."""
    return sa.cast(column, sa.String)


def _prompt(prompt_id: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """The name of a prompt, or what there is of one that is not there."""
    return sa.func.coalesce(prompts.c.namespace + "/" + prompts.c.name, "prompt " + prompt_id)


def _uuid(text: Any) -> Any:
    """In the form that Python gives them; SQLite has them without dashes. What is none stays as it is."""
    try:
        return str(UUID(text)) if text is not None else None
    except ValueError:
        return text
