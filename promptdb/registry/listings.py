"""Reads long lists of a registry page by page."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from promptdb.db.alias_log import numbered_moves
from promptdb.db.engine import reading
from promptdb.db.git_targets import read_aliases
from promptdb.db.lookup import existing_name
from promptdb.db.pages import AliasTargets, all_versions_page, behind_page, heads_page, runs_page, targets_of_aliases
from promptdb.db.recent import Recent, read_recent
from promptdb.db.repository import PromptRepository
from promptdb.db.retry import retried
from promptdb.domain.listing import Behind, ListedPrompt, PromptFilter, SyncRun
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import parse_alias
from promptdb.domain.views import AliasEventView, AliasView, LogEntry, PromptSummary, PromptVersionView, StoredVersion
from promptdb.errors import IntegrityFailure
from promptdb.registry.stores import Registry

MaySee = Callable[[PromptId], bool]

_BATCH = 500
"""Rows that are read at once, because a list takes only some of them."""


@retried
def list_prompts(
    registry: Registry, wanted: PromptFilter, may_see: MaySee, after: PromptId | None, limit: int
) -> list[ListedPrompt]:
    """List the prompts after another one, sorted by namespace and name."""
    found: list[ListedPrompt] = []
    size = limit
    with reading(registry.engine) as connection:
        while True:
            heads = heads_page(connection, wanted, after, size)
            targets = targets_of_aliases(connection, [head.view.prompt for head in heads])
            for head in heads:
                if not may_see(head.view.prompt):
                    continue
                listed = _listed(head, wanted, targets.get(head.view.prompt))
                if listed is not None:
                    found.append(listed)
                    if len(found) == limit:
                        return found
            if len(heads) < size:
                return found
            after, size = heads[-1].view.prompt, max(limit, _BATCH)


@retried
def list_behind(registry: Registry, alias: str, limit: int) -> list[Behind]:
    """List the first prompts with an alias that is not at the newest version, sorted by namespace and name."""
    with reading(registry.engine) as connection:
        return behind_page(connection, alias, limit)


@retried
def list_recent(registry: Registry, alias: str, behind: int, moves: int, runs: int) -> Recent:
    """List the first prompts behind an alias, the newest moves and the newest syncs with one question."""
    with reading(registry.engine) as connection:
        return read_recent(connection, alias, behind, moves, runs)


@retried
def find_prompt(registry: Registry, prompt: PromptId) -> ListedPrompt:
    """Find a prompt, also by an earlier name. Raise PromptNotFound if there is none."""
    with reading(registry.engine) as connection:
        name = existing_name(connection, prompt)
        head = PromptRepository(connection).stored_heads([name])[name]
        targets = targets_of_aliases(connection, [name]).get(name)
    found = _listed(head, PromptFilter(archived=True), targets)
    assert found is not None  # noqa: S101
    return found


def _listed(head: StoredVersion, wanted: PromptFilter, targets: AliasTargets | None) -> ListedPrompt | None:
    view = head.view
    try:
        spec = json.loads(head.spec_json)
        if not wanted.takes(view.prompt, spec):
            return None
        metadata = spec["metadata"]
        texts = metadata["title"], metadata["description"], tuple(metadata["tags"]), tuple(metadata["owners"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise IntegrityFailure(f"the stored spec of {view} cannot be read", "see: promptdb verify") from error
    summary = PromptSummary(
        *(view.prompt, view.id, view.revision, view.spec_hash, view.created_at, head.archived, *(targets or ({}, {})))
    )
    return ListedPrompt(summary, *texts)


@retried
def list_versions(registry: Registry, prompt: PromptId, before: int | None, limit: int) -> list[LogEntry]:
    """List the versions of a prompt before a revision, the newest first. Raise PromptNotFound if there is no prompt."""
    with reading(registry.engine) as connection:
        name = existing_name(connection, prompt)
        repository = PromptRepository(connection)
        return _entries(repository, repository.versions(name, limit, before), repository.aliases(name))


@retried
def aliases_and_versions(
    registry: Registry, prompt: PromptId, before: int | None, limit: int, *, with_commits: bool = True
) -> tuple[list[AliasView], list[LogEntry]]:
    """Read the aliases of a prompt by its present name, and a page of its versions as `list_versions` does.

    Without commits, the entries have no provenance. With a limit of 0, there is no question for versions.
    """
    with reading(registry.engine) as connection:
        repository = PromptRepository(connection)
        aliases = read_aliases(connection, prompt)
        versions = repository.versions(prompt, limit, before) if limit else []
        return aliases, _entries(repository, versions, aliases, with_commits=with_commits)


@retried
def list_all_versions(
    registry: Registry, may_see: MaySee, before: tuple[datetime, UUID] | None, limit: int
) -> list[LogEntry]:
    """List the versions of all prompts before a time and an id, the newest first."""
    found: list[PromptVersionView] = []
    size = limit
    with reading(registry.engine) as connection:
        while True:
            views = all_versions_page(connection, before, size)
            found += [view for view in views if may_see(view.prompt)]
            if len(views) < size or len(found) >= limit:
                repository = PromptRepository(connection)
                return _entries(repository, found[:limit], repository.aliases())
            before, size = (views[-1].created_at, views[-1].id), max(limit, _BATCH)


def _entries(
    repository: PromptRepository,
    views: Sequence[PromptVersionView],
    aliases: Sequence[AliasView],
    *,
    with_commits: bool = True,
) -> list[LogEntry]:
    sources = repository.provenance([view.id for view in views]) if with_commits else {}
    pointing: dict[UUID, tuple[str, ...]] = {}
    for alias in aliases:
        pointing[alias.version_id] = (*pointing.get(alias.version_id, ()), alias.alias)
    return [LogEntry(view, sources.get(view.id), pointing.get(view.id, ())) for view in views]


@retried
def list_moves(
    registry: Registry, prompt: PromptId, alias: str | None, before: int | None, limit: int
) -> list[tuple[int, AliasEventView]]:
    """List the moves of a prompt's aliases before another one, the newest first, with their numbers.

    Raises:
        InvalidRef: no alias can have this name.
        PromptNotFound: there is no such prompt.
    """
    only = None if alias is None else parse_alias(alias)
    with reading(registry.engine) as connection:
        found = numbered_moves(connection, prompt, only, below=before, limit=limit)
        # Only now the question for the name, which is right most of the time.
        name = prompt if found else existing_name(connection, prompt)
        return found if name == prompt else numbered_moves(connection, name, only, below=before, limit=limit)


@retried
def list_all_moves(
    registry: Registry, may_see: MaySee, alias: str | None, before: int | None, limit: int
) -> list[tuple[int, AliasEventView]]:
    """List the moves of the aliases of all prompts as `list_moves` does."""
    only = None if alias is None else parse_alias(alias)
    found: list[tuple[int, AliasEventView]] = []
    size = limit
    with reading(registry.engine) as connection:
        while True:
            moves = numbered_moves(connection, None, only, below=before, limit=size)
            found += [(number, move) for number, move in moves if may_see(move.prompt)]
            if len(moves) < size or len(found) >= limit:
                return found[:limit]
            before, size = moves[-1][0], max(limit, _BATCH)


@retried
def list_runs(registry: Registry, before: int | None, limit: int) -> list[SyncRun]:
    """List the syncs before another one, the newest first."""
    with reading(registry.engine) as connection:
        return runs_page(connection, before, limit)
