"""Moving aliases: decided on what is recorded, written under the lock only if it is still so, with an event for each move."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

import sqlalchemy as sa

from promptdb.db import notices
from promptdb.db.bulk import Row
from promptdb.db.engine import reading, writing
from promptdb.db.lookup import existing_name, find_version
from promptdb.db.repository import PromptRepository
from promptdb.db.retry import retried
from promptdb.db.writer import RegistryWriter
from promptdb.domain.changes import ContractChange
from promptdb.domain.identity import PromptId
from promptdb.domain.moves import rollback_targets
from promptdb.domain.refs import PromptRef, parse_alias
from promptdb.domain.views import AliasView, PromptSummary
from promptdb.errors import ConfigError, Conflict, NotFound
from promptdb.sync.protection import require_compatible
from promptdb.sync.registry import Registry

Target = tuple[int, UUID]
"""A revision and its version id."""


@dataclass(frozen=True, slots=True)
class Move:
    """One alias of one prompt from a revision to another; None stands for no alias."""

    prompt: PromptId
    alias: str
    action: str
    from_revision: int | None
    to_revision: int | None
    to_version: UUID | None = None
    from_version: UUID | None = None
    generation: int = 0
    """Of the alias when the move was decided: how often it had been moved, deletions included."""

    breaking: tuple[ContractChange, ...] = ()
    """What it breaks for callers, as found where a protected alias is moved."""

    @property
    def versions(self) -> list[UUID]:
        return [version for version in (self.from_version, self.to_version) if version is not None]

    @property
    def is_needed(self) -> bool:
        return self.from_revision != self.to_revision


@retried
def decide_promotion(registry: Registry, ref: PromptRef, alias: str) -> Move:
    """Point `alias` at what the reference gives.

    Raises:
        InvalidRef: the name cannot be an alias.
        NotFound: there is no such version.
    """
    parse_alias(alias)
    with reading(registry.engine) as connection:
        target = find_version(connection, ref).view
        there = _current(connection, target.prompt, alias)
        generations = PromptRepository(connection).generations(alias, target.prompt)
        return _move(there, generations, target.prompt, alias, "promote", (target.revision, target.id))


@retried
def decide_all(registry: Registry, source: str, alias: str) -> list[Move]:
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
            _move(there.get(prompt), generations, prompt, alias, "promote", targets[prompt])
            for prompt in sorted(targets)
        ]


@retried
def decide_rollback(registry: Registry, prompt: PromptId, alias: str) -> Move:
    """Return to the target before the current one; again, and it goes one further back.

    Raises:
        InvalidRef: the name cannot be an alias.
        NotFound: there is no such prompt or alias, or nothing to go back to.
    """
    parse_alias(alias)
    with reading(registry.engine) as connection:
        name = existing_name(connection, prompt)
        view = _existing_alias(connection, name, alias)
        targets = rollback_targets(PromptRepository(connection).alias_events(name, alias))
        if len(targets) < 2:
            raise NotFound(f"{name}:{alias} has no earlier target", f"it points at rev:{view.revision}")
        version = find_version(connection, PromptRef.parse(f"{name}:rev:{targets[-2]}")).view
        generations = {name: view.generation}
        return _move(view, generations, name, alias, "rollback", (version.revision, version.id))


@retried
def decide_deletion(registry: Registry, prompt: PromptId, alias: str) -> Move:
    """Remove an alias.

    Raises:
        InvalidRef: the name cannot be an alias.
        NotFound: there is no such prompt or alias.
    """
    parse_alias(alias)
    with reading(registry.engine) as connection:
        name = existing_name(connection, prompt)
        view = _existing_alias(connection, name, alias)
        return _move(view, {name: view.generation}, name, alias, "delete", None)


@retried
def perform(
    registry: Registry,
    moves: Sequence[Move],
    reason: str | None = None,
    *,
    dry_run: bool = False,
    allow_breaking: bool = False,
) -> list[Move]:
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
    needed = [move for move in moves if move.is_needed]
    if not needed:
        return []
    if reason is not None and not _is_storable(reason):
        raise ConfigError("the reason is no text that can be stored", "write it in UTF-8, without U+0000")
    if dry_run:
        with reading(registry.engine) as connection:
            return compatible(connection, registry, needed, allow_breaking=allow_breaking)
    alias, names = needed[0].alias, [move.prompt for move in needed]
    with writing(registry.engine) as connection:
        writer = RegistryWriter(connection, datetime.now(UTC))
        repository = PromptRepository(connection)
        ids = repository.ids(names)
        only = names[0] if len(names) == 1 else None
        there = {view.prompt: view for view in repository.aliases(only, alias)}
        generations = repository.generations(alias, only)
        _require_own_versions(needed, ids, repository.prompt_ids([v for move in needed for v in move.versions]))
        for move in needed:
            _require_unmoved(move, ids, generations.get(move.prompt, 0), there.get(move.prompt))
        needed = compatible(connection, registry, needed, allow_breaking=allow_breaking)
        write_moves(writer, registry.actor, needed, ids, reason)
        notices.send(connection, [notices.Notice(move.prompt, aliases=(alias,)) for move in needed])
    return needed


def require_expected(move: Move, expected: int | None) -> None:
    """Refuse unless the alias points where the caller believes; None means nowhere.

    Raises:
        Conflict: it points elsewhere.
    """
    if move.from_revision != expected:
        raise Conflict(
            f"{move.prompt}:{move.alias} points at {_revision(move.from_revision)}, not at {_revision(expected)}",
            "somebody moved it; look at it again and repeat",
        )


def compatible(
    connection: sa.Connection, registry: Registry, moves: Sequence[Move], *, allow_breaking: bool
) -> list[Move]:
    """The moves of one alias with what they break; refused as `require_compatible` has it."""
    broken = require_compatible(connection, moves, registry.protected_aliases, allow_breaking=allow_breaking)
    return [replace(move, breaking=broken.get(move.prompt, ())) for move in moves]


def _require_own_versions(moves: Sequence[Move], ids: Mapping[PromptId, UUID], owners: Mapping[UUID, UUID]) -> None:
    """A name may belong to another prompt by now."""
    for move in moves:
        if any(owners.get(version) != ids.get(move.prompt) for version in move.versions):
            raise Conflict(f"{move.prompt} was renamed meanwhile", "look at it again and repeat")


def _require_unmoved(move: Move, ids: Mapping[PromptId, UUID], generation: int, there: AliasView | None) -> None:
    if move.prompt not in ids:
        raise Conflict(f"{move.prompt} was renamed meanwhile", "look at it again and repeat")
    if generation != move.generation:
        now = _revision(there.revision if there else None)
        raise Conflict(f"{move.prompt}:{move.alias} was moved meanwhile, to {now}", "look at it again and repeat")


def write_moves(
    writer: RegistryWriter,
    actor: str,
    moves: Sequence[Move],
    ids: Mapping[PromptId, UUID],
    reason: str | None,
    run_id: int | None = None,
) -> None:
    """Move the pointers and append an event for each, by hand or in a run."""
    made: list[Row] = []
    moved: list[Row] = []
    deleted: list[Row] = []
    events: list[Row] = []
    for move in moves:
        key = {"prompt_id": ids[move.prompt], "alias": move.alias}
        generation = move.generation + 1
        if move.to_version is None:
            deleted.append(key)
        else:
            row = {**key, "version_id": move.to_version, "generation": generation}
            (moved if move.from_version else made).append(row)
        events.append(
            {
                **key,
                "action": move.action,
                "from_version_id": move.from_version,
                "to_version_id": move.to_version,
                "generation": generation,
                "actor": actor,
                "reason": reason,
                "run_id": run_id,
                "breaking_json": json.dumps([asdict(change) for change in move.breaking]) if move.breaking else None,
            }
        )
    writer.insert_aliases(made)
    writer.move_aliases(moved)
    writer.delete_aliases(deleted)
    writer.insert_alias_events(events)


def _target(view: PromptSummary | AliasView) -> Target:
    return view.revision, view.version_id


def _move(
    there: AliasView | None,
    generations: Mapping[PromptId, int],
    prompt: PromptId,
    alias: str,
    action: str,
    target: Target | None,
) -> Move:
    to_revision, to_version = target or (None, None)
    from_revision, from_version = (there.revision, there.version_id) if there else (None, None)
    return Move(prompt, alias, action, from_revision, to_revision, to_version, from_version, generations.get(prompt, 0))


def _current(connection: sa.Connection, prompt: PromptId, alias: str) -> AliasView | None:
    return next(iter(PromptRepository(connection).aliases(prompt, alias)), None)


def _existing_alias(connection: sa.Connection, prompt: PromptId, alias: str) -> AliasView:
    view = _current(connection, prompt, alias)
    if view is None:
        names = [found.alias for found in PromptRepository(connection).aliases(prompt)]
        raise NotFound(f"{prompt} has no alias {alias!r}", f"it has {', '.join(names) or 'none'}")
    return view


def _is_storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _revision(revision: int | None) -> str:
    return "nothing" if revision is None else f"rev:{revision}"
