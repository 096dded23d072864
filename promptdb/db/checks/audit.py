"""Reads every row for `verify`, in streams, so that memory does not grow with the rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from promptdb.db.columns import aliases, assets, events, prompts, redirects, runs, sources, versions
from promptdb.db.repository import PromptRepository, among
from promptdb.domain.integrity import AliasEventRow, AliasHistory, NamedPrompt, VersionRow
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.splits import stored_split
from promptdb.errors import IntegrityFailure

_AT_ONCE = 500  # rows in memory

_prompt = (prompts.c.namespace + "/" + prompts.c.name).label("prompt")


@dataclass(frozen=True, slots=True)
class SourceRow:
    """The source of a version, which is text such as `a/one rev:3`.

    `commit` is the last one that changed the file, and `run_commit` the synced one. `path` starts at the repository's top.
    """

    version: str
    digest: str
    path: str
    commit: str
    run_commit: str


class Audit:
    """Reads in the transaction of a connection: all results are of one state."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def versions(self) -> Iterator[VersionRow]:
        """Read every version with the rows of its blobs."""
        query = sa.select(versions, _prompt).join(prompts, prompts.c.id == versions.c.prompt_id)
        for rows in self._stream(query).partitions():
            blobs = PromptRepository(self._connection).assets([row.id for row in rows])
            for row in rows:
                yield VersionRow(
                    *(row.id, row.prompt_id, row.prompt, row.revision, row.user_version),
                    *(row.spec_json.encode(), row.spec_hash, tuple(blobs.get(row.id, ()))),
                )

    def names(self) -> list[NamedPrompt]:
        """Read the names of all prompts, with those that redirect to them."""
        earlier: dict[UUID, list[PromptId]] = {}
        for row in self._stream(sa.select(redirects)):
            earlier.setdefault(row.prompt_id, []).append(PromptId(row.namespace, row.name))
        query = sa.select(prompts.c.id, prompts.c.namespace, prompts.c.name)
        return [
            NamedPrompt(row.id, PromptId(row.namespace, row.name), tuple(earlier.get(row.id, ())))
            for row in self._stream(query)
        ]

    def incomplete_prompts(self) -> Iterator[str]:
        """Find prompts with a gap in their revisions, or without revisions."""
        highest = sa.func.coalesce(sa.func.max(versions.c.revision), 1)
        query = (
            sa.select(_prompt)
            .outerjoin(versions, versions.c.prompt_id == prompts.c.id)
            .group_by(prompts.c.id)
            .having(sa.func.count(versions.c.id) != highest)
        )
        yield from self._stream(query).scalars()

    def alias_histories(self) -> Iterator[AliasHistory]:
        """Read every alias with its log, deleted aliases included."""
        present: dict[tuple[str, str], tuple[tuple[UUID, int, str | None] | None, bool]] = {}
        own = sa.exists().where(versions.c.id == aliases.c.version_id, versions.c.prompt_id == aliases.c.prompt_id)
        highest = sa.select(sa.func.max(versions.c.revision)).where(versions.c.prompt_id == aliases.c.prompt_id)
        columns = (aliases, _prompt, own.label("own"), highest.scalar_subquery().label("highest"))
        query = sa.select(*columns).join(prompts, prompts.c.id == aliases.c.prompt_id)
        for row in self._stream(query):
            present[row.prompt, row.alias] = (
                (row.version_id, row.generation, row.split_json),
                row.own and _has_arms(row.split_json, row.highest),
            )
        log = sa.select(events, _prompt).join(prompts, prompts.c.id == events.c.prompt_id)
        in_order = log.order_by(events.c.prompt_id, events.c.alias, events.c.id)
        for (prompt, alias), rows in groupby(self._stream(in_order), lambda row: (row.prompt, row.alias)):
            moves = tuple(
                AliasEventRow(row.generation, row.from_version_id, row.to_version_id, row.split_json) for row in rows
            )
            target, is_sound = present.pop((prompt, alias), (None, True))
            yield AliasHistory(prompt, alias, target, is_sound, moves)
        for (prompt, alias), (target, is_sound) in present.items():
            yield AliasHistory(prompt, alias, target, is_sound, ())

    def sources(self) -> Iterator[SourceRow]:
        """Read the clean sources of versions, in the order of their commits."""
        query = (
            sa.select(
                _prompt,
                versions.c.revision,
                versions.c.spec_hash,
                sources.c.path,
                sources.c.commit_id,
                sa.func.coalesce(runs.c.commit_id, sources.c.commit_id).label("run_commit"),
            )
            .join(versions, versions.c.id == sources.c.version_id)
            .join(prompts, prompts.c.id == versions.c.prompt_id)
            .outerjoin(runs, runs.c.id == sources.c.run_id)
            .where(~sources.c.is_dirty, sources.c.commit_id.is_not(None))
            .order_by(sources.c.commit_id, sources.c.id)
        )
        for row in self._stream(query):
            version = f"{row.prompt} rev:{row.revision}"
            yield SourceRow(version, row.spec_hash, row.path, row.commit_id, row.run_commit)

    def users(self, checksums: Sequence[str], limit: int | None = None) -> dict[str, list[str]]:
        """Find the versions that use the blob of each checksum, at most `limit` for each."""
        found: dict[str, list[str]] = {}
        query = (
            sa.select(assets.c.checksum_sha256, _prompt, versions.c.revision)
            .join(versions, versions.c.id == assets.c.version_id)
            .join(prompts, prompts.c.id == versions.c.prompt_id)
            .order_by(_prompt, versions.c.revision)
        )
        for row in among(self._connection, query, assets.c.checksum_sha256, checksums):
            users = found.setdefault(row.checksum_sha256, [])
            if limit is None or len(users) < limit:
                users.append(f"{row.prompt} rev:{row.revision}")
        return found

    def counts(self) -> tuple[int, int, int]:
        """Count the prompts, versions and aliases."""
        return self._count(prompts), self._count(versions), self._count(aliases)

    def _count(self, table: sa.Table) -> int:
        return int(self._connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())

    def _stream(self, query: sa.Executable) -> sa.CursorResult[Any]:
        return self._connection.execute(query, execution_options={"yield_per": _AT_ONCE})


def _has_arms(split: str | None, highest: int | None) -> bool:
    try:
        found = stored_split(split)
    except IntegrityFailure:
        return False
    return found is None or max(found.revisions) <= (highest or 0)
