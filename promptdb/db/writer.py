"""Writes rows on a connection that holds the write lock. Decides nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

import sqlalchemy as sa

from promptdb.db.columns import (
    absences,
    aliases,
    assets,
    events,
    prompts,
    redirects,
    runs,
    source_heads,
    sources,
    versions,
)
from promptdb.db.inserts import Row, insert_rows
from promptdb.db.lost_commit import note
from promptdb.db.outbox import promise
from promptdb.db.repository import among, named
from promptdb.db.webhooks import subscriptions
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.webhooks.events import Event
from promptdb.domain.webhooks.subscriptions import Subscription


@dataclass(frozen=True)
class RegistryWriter:
    """Writes the rows of one transaction, all with the time `now`."""

    connection: sa.Connection
    now: datetime

    def taken_ids(self, ids: Sequence[UUID]) -> set[UUID]:
        """Find the prompt ids that exist already, under any name."""
        return {row.id for row in among(self.connection, sa.select(prompts.c.id), prompts.c.id, ids)}

    def insert_prompts(self, created: Mapping[UUID, PromptId]) -> None:
        """Insert prompts. Earlier names of other prompts no longer redirect if a new prompt takes them."""
        if not created:
            return
        rows = [
            {"id": key, "namespace": prompt.namespace, "name": prompt.name, "created_at": self.now, "archived_at": None}
            for key, prompt in created.items()
        ]
        self._insert(prompts, rows)
        if self.connection.execute(sa.select(redirects.c.name).limit(1)).first() is not None:
            for prompt in created.values():
                self._drop_redirect(prompt)

    def insert_versions(self, rows: Sequence[Row]) -> None:
        self._insert(versions, rows)

    def insert_assets(self, rows: Sequence[Row]) -> None:
        self._insert(assets, rows)

    def insert_sources(self, rows: Sequence[Row]) -> None:
        self._insert(sources, rows)

    def insert_run(self, row: Row) -> int:
        result = self.connection.execute(sa.insert(runs).values(**row))
        note(self.connection, runs, row)
        key: int = result.inserted_primary_key[0]  # type: ignore[index]
        return key

    def rename(self, key: UUID, old: PromptId, new: PromptId) -> None:
        """Rename a prompt, and redirect its old name."""
        self._drop_redirect(new)
        self._drop_redirect(old)
        self.connection.execute(
            sa.update(prompts).where(prompts.c.id == key).values(namespace=new.namespace, name=new.name)
        )
        self._insert(
            redirects, [{"namespace": old.namespace, "name": old.name, "prompt_id": key, "created_at": self.now}]
        )

    def set_archived(self, names: Sequence[PromptId], *, archived: bool) -> None:
        for prompt in names:
            self.connection.execute(
                sa.update(prompts).where(*named(prompt)).values(archived_at=self.now if archived else None)
            )

    def set_source_head(self, root: str, git_ref: str, commit_id: str, run_id: int) -> None:
        key = (source_heads.c.root == root, source_heads.c.git_ref == git_ref)
        values = {"commit_id": commit_id, "run_id": run_id, "updated_at": self.now}
        if self.connection.execute(sa.update(source_heads).where(*key).values(**values)).rowcount == 0:
            self._insert(source_heads, [{"root": root, "git_ref": git_ref, **values}])

    def begin_absences(self, ids: Iterable[UUID], run_id: int) -> None:
        """Note that the prompts have no file from this run on."""
        self._insert(absences, [{"prompt_id": key, "from_run_id": run_id, "until_run_id": None} for key in ids])

    def end_absences(self, ids: Iterable[UUID], run_id: int) -> None:
        """Note that the prompts have a file again in this run."""
        for key in ids:
            self.connection.execute(
                sa.update(absences)
                .where(absences.c.prompt_id == key, absences.c.until_run_id.is_(None))
                .values(until_run_id=run_id)
            )

    def insert_aliases(self, rows: Sequence[Row]) -> None:
        self._insert(aliases, [{**row, "updated_at": self.now} for row in rows])

    def move_aliases(self, rows: Sequence[Row]) -> None:
        self._for_each(sa.update(aliases), [{**row, "updated_at": self.now} for row in rows])

    def delete_aliases(self, rows: Sequence[Row]) -> None:
        self._for_each(sa.delete(aliases), rows)

    def insert_alias_events(self, rows: Sequence[Row]) -> None:
        self._insert(events, [{**row, "created_at": self.now} for row in rows])

    def promise(self, events: Iterable[Event]) -> None:
        """Write a delivery of each event for each webhook that gets it. Without webhooks, the events are not even made."""
        if self._subscriptions:
            promise(self.connection, self._subscriptions, events, self.now)

    @cached_property
    def _subscriptions(self) -> list[Subscription]:
        return subscriptions(self.connection)

    def _insert(self, target: sa.Table, rows: Sequence[Row]) -> None:
        insert_rows(self.connection, target, rows)
        if rows:
            note(self.connection, target, rows[0])

    def _for_each(self, statement: sa.Update | sa.Delete, rows: Sequence[Row]) -> None:
        """Run the statement for each row, on the alias with its `prompt_id` and `alias`."""
        if not rows:
            return
        where = (aliases.c.prompt_id == sa.bindparam("_prompt_id"), aliases.c.alias == sa.bindparam("_alias"))
        parameters = []
        for row in rows:
            values = dict(row)
            parameters.append({"_prompt_id": values.pop("prompt_id"), "_alias": values.pop("alias"), **values})
        self.connection.execute(statement.where(*where), parameters)

    def _drop_redirect(self, prompt: PromptId) -> None:
        self.connection.execute(
            sa.delete(redirects).where(redirects.c.namespace == prompt.namespace, redirects.c.name == prompt.name)
        )
