"""Moves aliases by hand: decides on what is recorded, and writes under the lock only if it is still so."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from uuid import UUID

import sqlalchemy as sa

from promptdb.db import notices
from promptdb.db.engine import reading, writing
from promptdb.db.inserts import Row
from promptdb.db.lookup import existing_name, find_version
from promptdb.db.repository import PromptRepository
from promptdb.db.retry import retried
from promptdb.db.writer import RegistryWriter
from promptdb.domain.aliases import AliasMove, AliasTarget, rollback_targets
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import PromptRef, parse_alias
from promptdb.domain.views import AliasView, PromptSummary
from promptdb.errors import ConfigError, Conflict, NotFound
from promptdb.registry.protection import require_unbroken, with_breaking
from promptdb.registry.stores import Registry


@retried
def decide_promotion(registry: Registry, prompt: PromptId, target: AliasTarget, alias: str) -> AliasMove:
    """Point an alias at a version of its prompt.

    Raises:
        InvalidRef: the name cannot be an alias.
    """
    parse_alias(alias)
    with reading(registry.engine) as connection:
        repository = PromptRepository(connection)
        there = next(iter(repository.aliases(prompt, alias)), None)
        generation = repository.generations(alias, prompt).get(prompt, 0)
        return AliasMove.between(prompt, alias, "promote", there, target, generation)


@retried
def decide_all(registry: Registry, source: str, alias: str) -> list[AliasMove]:
    """Point `alias` at what `source` gives, for each prompt that has it; `latest` stands for every prompt. No archived ones.

    Raises:
        InvalidRef: a name cannot be an alias.
        NotFound: no prompt has the alias `source`.
    """
    parse_alias(alias)
    with reading(registry.engine) as connection:
        repository = PromptRepository(connection)
        targets = {summary.prompt: _target(summary) for summary in repository.summaries()}
        if source != "latest":
            views = repository.aliases(alias=parse_alias(source))
            targets = {view.prompt: _target(view) for view in views if view.prompt in targets}
        if not targets:
            raise NotFound(f"no prompt has the alias {source!r}", "'promptdb alias list' shows the aliases")
        there = {view.prompt: view for view in repository.aliases(alias=alias)}
        generations = repository.generations(alias)
        return [
            AliasMove.between(prompt, alias, "promote", there.get(prompt), target, generations.get(prompt, 0))
            for prompt, target in sorted(targets.items())
        ]


@retried
def decide_rollback(registry: Registry, prompt: PromptId, alias: str) -> AliasMove:
    """Return to the target before the current one; again, and it goes one further back.

    Raises:
        InvalidRef: the name cannot be an alias.
        NotFound: there is no such prompt or alias, or nothing to go back to.
    """
    parse_alias(alias)
    with reading(registry.engine) as connection:
        there = _existing_alias(connection, prompt, alias)
        name = there.prompt
        targets = rollback_targets(PromptRepository(connection).alias_events(name, alias))
        if len(targets) < 2:
            raise NotFound(f"{name}:{alias} has no earlier target", f"it points at rev:{there.revision}")
        version = find_version(connection, PromptRef.parse(f"{name}:rev:{targets[-2]}")).view
        target = AliasTarget(version.revision, version.id)
        return AliasMove.between(name, alias, "rollback", there, target, there.generation)


@retried
def decide_deletion(registry: Registry, prompt: PromptId, alias: str) -> AliasMove:
    """Remove an alias.

    Raises:
        InvalidRef: the name cannot be an alias.
        NotFound: there is no such prompt or alias.
    """
    parse_alias(alias)
    with reading(registry.engine) as connection:
        there = _existing_alias(connection, prompt, alias)
        return AliasMove.between(there.prompt, alias, "delete", there, None, there.generation)


@retried
def perform(
    registry: Registry,
    moves: Sequence[AliasMove],
    reason: str | None = None,
    *,
    dry_run: bool = False,
    allow_breaking: bool = False,
) -> list[AliasMove]:
    """Make the moves of an alias that change something, all or none, each with its event; they are returned.

    Args:
        registry: where to write.
        moves: all of one alias.
        reason: kept with the events.
        dry_run: make none, but refuse what breaks all the same.
        allow_breaking: move a protected alias although that breaks callers, which is kept with the events.

    Raises:
        ConfigError: the reason cannot be stored.
        Conflict: an alias was moved since its move was decided.
        Guard: a protected alias would be moved over a breaking change; nothing is moved.
    """
    needed = [replace(move, reason=reason) for move in moves if move.is_needed]
    if not needed:
        return []
    require_storable(reason)
    if dry_run:
        with reading(registry.engine) as connection:
            return allowed_moves(connection, registry, needed, allow_breaking=allow_breaking)
    alias, names = needed[0].alias, [move.prompt for move in needed]
    with writing(registry.engine) as connection:
        repository = PromptRepository(connection)
        ids, only = repository.ids(names), names[0] if len(names) == 1 else None
        _require_own_versions(needed, ids, repository)
        there = {view.prompt: view.revision for view in repository.aliases(only, alias)}
        generations = repository.generations(alias, only)
        for move in needed:
            if generations.get(move.prompt, 0) != move.generation:
                now = _revision(there.get(move.prompt))
                raise Conflict(f"{move.prompt}:{alias} was moved meanwhile, to {now}", "look at it again and repeat")
        needed = allowed_moves(connection, registry, needed, allow_breaking=allow_breaking)
        write_moves(RegistryWriter(connection, datetime.now(UTC)), registry.actor, needed, ids)
        notices.send(connection, [notices.Notice(move.prompt, aliases=(alias,)) for move in needed])
    return needed


def require_expected(move: AliasMove, expected: int | None) -> None:
    """Refuse unless the alias points where the caller believes; None means nowhere.

    Raises:
        Conflict: it points elsewhere.
    """
    if move.from_revision != expected:
        raise Conflict(
            f"{move.prompt}:{move.alias} points at {_revision(move.from_revision)}, not at {_revision(expected)}",
            "somebody moved it; look at it again and repeat",
        )


def allowed_moves(
    connection: sa.Connection, registry: Registry, moves: Sequence[AliasMove], *, allow_breaking: bool
) -> list[AliasMove]:
    """Return the moves with what they break, once it is certain that the aliases still point where they did.

    Raises:
        Guard: one breaks callers of a protected alias, and `allow_breaking` is not set.
    """
    found = with_breaking(connection, moves, registry.protected_aliases, lambda _: "")
    if not allow_breaking:
        require_unbroken(found)
    return found


def _require_own_versions(
    moves: Sequence[AliasMove], ids: Mapping[PromptId, UUID], repository: PromptRepository
) -> None:
    """Refuse where a name belongs to another prompt now, or to none."""
    versions = [[version for version in (move.from_version, move.to_version) if version] for move in moves]
    owners = repository.prompt_ids([version for some in versions for version in some])
    for move, some in zip(moves, versions, strict=True):
        if move.prompt not in ids or any(owners.get(version) != ids[move.prompt] for version in some):
            raise Conflict(f"{move.prompt} was renamed meanwhile", "look at it again and repeat")


def write_moves(
    writer: RegistryWriter,
    actor: str,
    moves: Sequence[AliasMove],
    ids: Mapping[PromptId, UUID],
    run_id: int | None = None,
) -> None:
    """Move the pointers and append an event for each."""

    def key(move: AliasMove) -> Row:
        return {"prompt_id": ids[move.prompt], "alias": move.alias}

    def row(move: AliasMove) -> Row:
        return {**key(move), "version_id": move.to_version, "generation": move.generation + 1}

    kept = [move for move in moves if move.to_version is not None]
    writer.insert_aliases([row(move) for move in kept if move.from_version is None])
    writer.move_aliases([row(move) for move in kept if move.from_version is not None])
    writer.delete_aliases([key(move) for move in moves if move.to_version is None])
    writer.insert_alias_events(
        [
            {
                **key(move),
                "action": move.action,
                "from_version_id": move.from_version,
                "to_version_id": move.to_version,
                "generation": move.generation + 1,
                "actor": actor,
                "reason": move.reason,
                "run_id": run_id,
                "breaking_json": json.dumps([asdict(change) for change in move.breaking]) if move.breaking else None,
            }
            for move in moves
        ]
    )


def _target(view: PromptSummary | AliasView) -> AliasTarget:
    return AliasTarget(view.revision, view.version_id)


def _existing_alias(connection: sa.Connection, prompt: PromptId, alias: str) -> AliasView:
    name = existing_name(connection, prompt)
    views = {view.alias: view for view in PromptRepository(connection).aliases(name)}
    if alias not in views:
        raise NotFound(f"{name} has no alias {alias!r}", f"it has {', '.join(views) or 'none'}")
    return views[alias]


def require_storable(reason: str | None) -> None:
    """Refuse a reason that a database cannot hold.

    Raises:
        ConfigError: it has a surrogate, or U+0000.
    """
    if reason is not None and re.search("[\0\ud800-\udfff]", reason):
        raise ConfigError("the reason is not a text that can be stored", "write it in UTF-8, without U+0000")


def _revision(revision: int | None) -> str:
    return "nothing" if revision is None else f"rev:{revision}"
