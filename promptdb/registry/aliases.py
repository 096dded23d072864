"""Moves aliases by hand: decides from recorded state, and writes only if that state is the same under the lock."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from uuid import UUID

import sqlalchemy as sa

from promptdb.db import notices
from promptdb.db.alias_log import logged_moves
from promptdb.db.engine import reading, writing
from promptdb.db.git_targets import read_git_targets
from promptdb.db.inserts import Row
from promptdb.db.lookup import existing_name, find_version
from promptdb.db.repository import PromptRepository
from promptdb.db.retry import retried
from promptdb.db.writer import RegistryWriter
from promptdb.domain.alias_condition import Expected
from promptdb.domain.aliases import AliasMove, AliasTarget, rollback_targets
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import PromptRef, parse_alias
from promptdb.domain.views import AliasView, PromptSummary
from promptdb.domain.webhooks.events import alias_changed
from promptdb.errors import ConfigError, Conflict, NotFound
from promptdb.registry.alias_conditions import moved_meanwhile, require_expected
from promptdb.registry.protection import require_unbroken, with_breaking
from promptdb.registry.stores import Registry


@retried
def decide_promotion(registry: Registry, prompt: PromptId, target: AliasTarget, alias: str) -> AliasMove:
    """Decide to point an alias at a version of its prompt.

    Raises:
        InvalidRef: `alias` is malformed.
    """
    parse_alias(alias)
    with reading(registry.engine) as connection:
        return promotion(connection, prompt, target, alias)


def promotion(
    connection: sa.Connection,
    prompt: PromptId,
    target: AliasTarget,
    alias: str,
    reason: str | None = None,
    action: str = "promote",
) -> AliasMove:
    """Make the move that points an old or new alias at a version of its prompt. `action` names it in the alias log."""
    repository = PromptRepository(connection)
    there = next(iter(repository.aliases(prompt, alias)), None)
    generation = repository.generations(alias, prompt).get(prompt, 0)
    return AliasMove.between(prompt, alias, action, there, target, generation, reason)


@retried
def decide_all(registry: Registry, source: str, alias: str) -> list[AliasMove]:
    """Decide to point `alias` where `source` points, for each prompt that has `source` and is not archived.

    `source` is an alias, or `latest`, which every prompt has.

    Raises:
        InvalidRef: an alias is malformed.
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
    """Decide to return an alias to its previous target. Each further rollback goes back one more step.

    Raises:
        InvalidRef: `alias` is malformed.
        NotFound: the prompt or the alias does not exist, or has no earlier target.
    """
    parse_alias(alias)
    with reading(registry.engine) as connection:
        return rollback(connection, prompt, alias)


def rollback(connection: sa.Connection, prompt: PromptId, alias: str) -> AliasMove:
    """Make the move that returns an alias to its previous target. Errors as in `decide_rollback`."""
    there = _existing_alias(connection, prompt, alias)
    name = there.prompt
    targets = rollback_targets(logged_moves(connection, name, alias))
    if len(targets) < 2:
        hint = f"'promptdb alias log {name} {alias}' lists its moves; 'promptdb promote' goes to any version"
        raise NotFound(f"{name}:{alias} has no target before rev:{there.revision}", hint)
    version = find_version(connection, PromptRef.parse(f"{name}:rev:{targets[-2]}")).view
    target = AliasTarget(version.revision, version.id)
    return AliasMove.between(name, alias, "rollback", there, target, there.generation)


@retried
def decide_deletion(registry: Registry, prompt: PromptId, alias: str) -> AliasMove:
    """Decide to remove an alias. Errors as in `decide_rollback`."""
    parse_alias(alias)
    with reading(registry.engine) as connection:
        return deletion(connection, prompt, alias)


def deletion(connection: sa.Connection, prompt: PromptId, alias: str) -> AliasMove:
    """Make the move that removes an alias. Errors as in `decide_rollback`."""
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
    """Make moves of one alias, all or none, and log them. Return the moves that change something.

    `dry_run` writes nothing, but refuses the same moves. `allow_breaking` moves a protected alias even if that breaks callers.

    Raises:
        ConfigError: the reason cannot be stored.
        AliasMoved: an alias was moved after its move was decided.
        Conflict: a prompt was renamed after that.
        Guard: a protected alias would break callers; nothing was moved.
    """
    needed = [replace(move, reason=reason) for move in moves if move.is_needed]
    if not needed:
        return []
    require_storable(reason)
    if dry_run:
        with reading(registry.engine) as connection:
            needed = allowed_moves(connection, registry, needed, allow_breaking=allow_breaking)
            return _with_git_targets(connection, needed)
    alias, only = needed[0].alias, needed[0].prompt if len(needed) == 1 else None
    with writing(registry.engine) as connection:
        generations = PromptRepository(connection).generations(alias, only)
        for move in needed:
            if generations.get(move.prompt, 0) != move.generation:
                raise moved_meanwhile(connection, move.prompt, alias)
        return perform_on(connection, registry, needed, allow_breaking=allow_breaking)


def perform_on(
    connection: sa.Connection, registry: Registry, moves: Sequence[AliasMove], *, allow_breaking: bool
) -> list[AliasMove]:
    """Make needed moves of one alias on the connection that holds the lock. They were decided from the present state.

    Raises:
        Conflict: a prompt was renamed after its move was decided.
        Guard: as in `perform`.
    """
    repository = PromptRepository(connection)
    ids = repository.ids([move.prompt for move in moves])
    _require_own_versions(moves, ids, repository)
    allowed = allowed_moves(connection, registry, moves, allow_breaking=allow_breaking)
    write_moves(RegistryWriter(connection, datetime.now(UTC)), registry.actor, allowed, ids)
    notices.send(connection, [notices.Notice(move.prompt, aliases=(move.alias,)) for move in allowed])
    return _with_git_targets(connection, allowed)


def perform_one(
    registry: Registry, move: AliasMove, expected: Expected, reason: str | None, **options: bool
) -> AliasMove:
    """Make one move if the alias is at the expected revision. Arguments and errors as in `perform`."""
    if expected != "any":
        with reading(registry.engine) as connection:
            require_expected(move, expected, connection)
    return next(iter(perform(registry, [move], reason, **options)), move)


def allowed_moves(
    connection: sa.Connection, registry: Registry, moves: Sequence[AliasMove], *, allow_breaking: bool
) -> list[AliasMove]:
    """Add the breaking changes to the moves, and refuse them unless they are allowed.

    The caller must hold the lock, or write nothing: breaking changes depend on where the aliases point.

    Raises:
        Guard: a move breaks callers of a protected alias, and `allow_breaking` is not set.
    """
    # All versions are written at this point, so every move has their ids.
    found = with_breaking(connection, moves, registry.protected_aliases, lambda _: "")
    if not allow_breaking:
        require_unbroken(found)
    return found


def _require_own_versions(
    moves: Sequence[AliasMove], ids: Mapping[PromptId, UUID], repository: PromptRepository
) -> None:
    # A rename may have given the name to another prompt.
    versions = [[version for version in (move.from_version, move.to_version) if version] for move in moves]
    owners = repository.prompt_ids([version for some in versions for version in some])
    for move, some in zip(moves, versions, strict=True):
        if move.prompt not in ids or any(owners.get(version) != ids[move.prompt] for version in some):
            raise Conflict(f"{move.prompt} was renamed in the meantime", "check the prompt and try again")


def _with_git_targets(connection: sa.Connection, moves: Sequence[AliasMove]) -> list[AliasMove]:
    """Add the version that git gives the alias: syncs leave an alias that was moved away from it by hand."""
    only = moves[0].prompt if len(moves) == 1 else None
    targets = read_git_targets(connection, only, moves[0].alias)
    return [replace(move, git_target=targets.get((move.prompt, move.alias))) for move in moves]


def write_moves(
    writer: RegistryWriter,
    actor: str,
    moves: Sequence[AliasMove],
    ids: Mapping[PromptId, UUID],
    run_id: int | None = None,
) -> None:
    """Write moves, their events, and what webhooks get of them, on the connection that holds the lock."""

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
    writer.promise(alias_changed(move, actor, run_id) for move in moves if move.is_needed)


def _target(view: PromptSummary | AliasView) -> AliasTarget:
    return AliasTarget(view.revision, view.version_id)


def _existing_alias(connection: sa.Connection, prompt: PromptId, alias: str) -> AliasView:
    name = existing_name(connection, prompt)
    views = {view.alias: view for view in PromptRepository(connection).aliases(name)}
    if alias not in views:
        raise NotFound(f"{name} has no alias {alias!r}", f"it has {', '.join(views) or 'none'}")
    return views[alias]


def require_storable(reason: str | None) -> None:
    """Refuse a reason that a database cannot store: one with a surrogate or U+0000."""
    if reason is not None and re.search("[\0\ud800-\udfff]", reason):
        raise ConfigError("the reason contains characters that cannot be stored", "write it in UTF-8, without U+0000")
