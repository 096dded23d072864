"""Moves the aliases of a sync: decides from the plan and the recorded state, and writes in the transaction of the sync."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from promptdb.db.git_targets import Key, read_git_targets, read_holds
from promptdb.db.lookup import current_name, find_version
from promptdb.db.repository import PromptRepository
from promptdb.db.writer import RegistryWriter
from promptdb.domain.alias_condition import Expected
from promptdb.domain.aliases import AliasMove, AliasTarget, Declaration, DeclaredArm
from promptdb.domain.git_refs import TAGS
from promptdb.domain.holds import EndedHold, GitTarget, Hold
from promptdb.domain.layout import ALIASES_FILE
from promptdb.domain.plan import Desired, Plan, Recorded
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import ByCommit, ByDigest, ByLabel, ByRevision, Latest, PromptRef, Selector, parse_alias
from promptdb.domain.splits import Arm, Split
from promptdb.errors import InvalidPrompts, InvalidRef, NotFound
from promptdb.problems import Code, Problem
from promptdb.project.view import Origin
from promptdb.registry.alias_conditions import require_expected
from promptdb.registry.aliases import allowed_moves, promotion, require_storable, write_moves
from promptdb.registry.stores import Registry
from promptdb.sync.batch import new_versions
from promptdb.sync.git_targets import TargetChanges, Wanted, record_targets, still_held, target_changes


@dataclass(frozen=True)
class Pointers:
    """The moves that a sync makes, the holds that it keeps or ends, and the targets that it records.

    `problems` are declarations that do not name a version.
    """

    moves: tuple[AliasMove, ...] = ()
    held: tuple[Hold, ...] = ()
    ended: tuple[EndedHold, ...] = ()
    targets: TargetChanges = field(default_factory=TargetChanges)
    problems: tuple[Problem, ...] = ()

    def require_found(self) -> None:
        """Raise `InvalidPrompts` if a declaration does not name a version."""
        if self.problems:
            raise InvalidPrompts(self.problems)


@dataclass(frozen=True)
class Pointing:
    """An alias to point at a version in the transaction that registers it. `reason` goes into the alias log.

    `expected` is the revision that the alias must point at before.

    Raises:
        InvalidRef: the alias is malformed.
        ConfigError: the reason cannot be stored.
    """

    alias: str
    reason: str | None = None
    allow_breaking: bool = False
    expected: Expected = "any"

    def __post_init__(self) -> None:
        parse_alias(self.alias)
        require_storable(self.reason)


PointingLike = Pointing | str | None
"""An alias to point at a new version: a name alone, a name with a reason or permission, or none."""


def pointing_of(alias: PointingLike) -> Pointing | None:
    """Read an alias to point at a new version, which may be given by its name alone. Errors as in `Pointing`."""
    return Pointing(alias) if isinstance(alias, str) else alias


def point_at(
    connection: sa.Connection, item: Desired, recorded: Recorded, intended: Plan, pointing: Pointing
) -> Pointers:
    """Decide the move of an alias to the version that a registration makes or finds. Errors as in `require_expected`."""
    new = (change.revision for change in new_versions(intended))
    target = AliasTarget(next(new, None) or recorded.heads[item.prompt].revision, digest=item.digest)
    move = promotion(connection, item.prompt, target, pointing.alias, pointing.reason, "register")
    require_expected(move, pointing.expected, connection)
    return Pointers((move,) if move.is_needed else ())


def decide_pointers(
    connection: sa.Connection,
    desired: Sequence[Desired],
    recorded: Recorded,
    intended: Plan,
    origin: Origin,
    declared: Sequence[Declaration] | None,
    invalid: Collection[PromptId],
) -> Pointers:
    """Decide the moves that the ref and the declarations ask for, before the plan is performed.

    `declared` is None if the file of the declarations is invalid, and `invalid` are prompts whose files are.
    """
    aliases = origin.refs.aliases_of(origin.git_ref)
    recorded_targets = read_git_targets(connection)
    if not aliases and not declared and not recorded_targets:
        return Pointers()
    after = _After(connection, desired, recorded, intended, origin)
    problems: list[Problem] = []
    passed = {new: old for old, new in intended.passed_renames}
    reason = f"{origin.git_ref} at {(origin.commit_id or '')[:12]}"
    wanted = {(prompt, alias): Wanted(target, reason) for alias in aliases for prompt, target in after.heads.items()}
    before = {(after.new(prompt), alias): row for (prompt, alias), row in recorded_targets.items()}
    for declaration in declared or ():
        key = (after.name(declaration.prompt), declaration.alias)
        if recorded.other_ref and _is_of_main(before.get(key), origin):
            continue
        found = after.find(declaration)
        if isinstance(found, Problem):
            problems.append(found)
        elif key[0] in passed and not declaration.is_latest:
            problems.append(_passed(declaration, key[0], passed[key[0]]))
        elif key in wanted:
            problems.append(_problem(declaration, Code.ALIAS_CLAIMED, f"{key[0]} is listed twice", "keep one line"))
        else:
            wanted[key] = Wanted(found, f"declared as {declaration.text}", declaration.text, declaration.line)
    targets = target_changes(before, wanted, origin, file_is_valid=declared is not None, invalid=invalid)
    holds = [replace(hold, prompt=after.new(hold.prompt)) for hold in read_holds(connection)] if before else []
    found_holds = still_held(holds, wanted, targets.gone)
    held = tuple(hold for hold in found_holds if isinstance(hold, Hold))
    ended = tuple(hold for hold in found_holds if isinstance(hold, EndedHold))
    left = {(hold.prompt, hold.alias) for hold in held}
    moves = tuple(_moves(connection, after, {key: found for key, found in wanted.items() if key not in left}))
    return Pointers(moves, held, ended, targets, tuple(problems))


def move_pointers(
    writer: RegistryWriter,
    registry: Registry,
    pointers: Pointers,
    ids: Mapping[PromptId, UUID],
    run_id: int | None,
    origin: Origin | None,
    *,
    allow_breaking: bool,
) -> None:
    """Move aliases under the lock, after all versions are written, and record what git says of them.

    `ids` has the new names. A registration has no run and no origin.

    Raises:
        Guard: a move breaks callers of a protected alias, and `allow_breaking` is not set.
    """
    moves = [move.with_version(ids[move.prompt]) for move in pointers.moves]
    if moves:
        moves = allowed_moves(writer.connection, registry, moves, allow_breaking=allow_breaking)
        write_moves(writer, registry.actor, moves, ids, run_id)
    if origin is not None:
        record_targets(writer.connection, pointers.targets, ids, origin)


class _After:
    """The versions that exist after the plan is performed, by the names that prompts have then."""

    def __init__(
        self, connection: sa.Connection, desired: Sequence[Desired], recorded: Recorded, intended: Plan, origin: Origin
    ) -> None:
        self.connection, self.origin = connection, origin
        self.items = {item.prompt: item for item in desired}
        self.earlier = {c.prompt: c.renamed_from for c in intended.changes if c.renamed_from is not None}
        self.renamed = {old: new for new, old in self.earlier.items()}
        self.reused = {found.prompt: found.revision for found in intended.reused}
        new = {change.prompt: change.revision or 1 for change in new_versions(intended)}
        self.heads = {
            prompt: AliasTarget(
                new.get(prompt) or self.reused.get(prompt) or recorded.heads[self.was(prompt)].revision,
                digest=item.digest,
            )
            for prompt, item in self.items.items()
        }

    def was(self, prompt: PromptId) -> PromptId:
        """Return the name before the plan is performed."""
        return self.earlier.get(prompt, prompt)

    def new(self, prompt: PromptId) -> PromptId:
        """Return the name after the plan is performed."""
        return self.renamed.get(prompt, prompt)

    def name(self, prompt: PromptId) -> PromptId:
        """Follow renames from a name that may be an earlier one."""
        if prompt in self.items:
            return prompt
        there = current_name(self.connection, prompt) or prompt
        return self.new(there)

    def find(self, declaration: Declaration) -> AliasTarget | Problem:
        if not declaration.arms:
            return self._find(declaration)
        found = []
        for arm in declaration.arms:
            target = self._find(replace(declaration, **_place_of(arm)))
            if isinstance(target, Problem):
                return target
            found.append(target)
        weights = zip(found, declaration.arms, strict=True)
        try:
            split = Split.of(Arm(target.revision, arm.weight) for target, arm in weights)
        except InvalidRef as error:
            return _problem(declaration, Code.ALIAS_VERSION, error.message, error.hint)
        return replace(found[0], split=split)

    def _find(self, declaration: Declaration) -> AliasTarget | Problem:
        prompt = self.name(declaration.prompt)
        head = self.heads.get(prompt)
        if head is not None and self._is_head(prompt, head, declaration.selector):
            return head
        ref = PromptRef(self.was(prompt), declaration.selector, f"{prompt}:{declaration.text}")
        try:
            found = find_version(self.connection, ref)
        except NotFound as error:
            return _problem(declaration, Code.ALIAS_VERSION, error.message, error.hint)
        if found.alias is not None:
            message = f"{declaration.text!r} is an alias, not a version"
            return _problem(declaration, Code.ALIAS_VERSION, message, f"the alias points at rev:{found.view.revision}")
        return AliasTarget(found.view.revision, found.view.id)

    def _is_head(self, prompt: PromptId, head: AliasTarget, selector: Selector) -> bool:
        """Check if a selector names the newest version, which may not be written yet."""
        match selector:
            case Latest():
                return prompt not in self.reused
            case ByRevision(revision):
                return revision == head.revision
            case ByDigest(prefix):
                return self.items[prompt].digest.startswith(f"sha256:{prefix}")
            case ByLabel(label):
                return label == self.items[prompt].user_version
            case ByCommit(name):
                commit, ref = self.origin.clean_commit or "", self.origin.git_ref
                return bool(commit) and (
                    name in (ref, (ref or "").removeprefix(TAGS)) or commit.startswith(name.lower())
                )
            case _:
                return False


def _moves(connection: sa.Connection, after: _After, wanted: Mapping[Key, Wanted]) -> Iterator[AliasMove]:
    repository = PromptRepository(connection)
    for alias, keys in groupby(sorted(wanted, key=lambda key: (key[1], key[0])), key=lambda key: key[1]):
        there = {view.prompt: view for view in repository.aliases(alias=alias)}
        generations = repository.generations(alias)
        for key in keys:
            found, name = wanted[key], after.was(key[0])
            generation = generations.get(name, 0)
            view = there.get(name)
            move = AliasMove.between(key[0], alias, "sync", view, found.target.after(view), generation, found.reason)
            if move.is_needed:
                yield move


def _place_of(arm: DeclaredArm) -> dict[str, Any]:
    return {name: getattr(arm, name) for name in ("selector", "text", "line", "column")}


def _is_of_main(row: GitTarget | None, origin: Origin) -> bool:
    """Check if the file of the main ref declares an alias. The copies of other refs then move nothing: they may be older."""
    return row is not None and row.selector is not None and row.root == origin.root and row.git_ref in origin.refs.main


def _passed(declaration: Declaration, prompt: PromptId, earlier: PromptId) -> Problem:
    # The declaration followed the file to its new name, but the versions that it means did not.
    message = f"{prompt} does not continue {earlier} as its file says, so {declaration.text!r} may name another version"
    hint = "undo the rename, or remove renamed_from from the file and check the selector on this line"
    return _problem(declaration, Code.ALIAS_VERSION, message, hint)


def _problem(declaration: Declaration, code: Code, message: str, hint: str | None) -> Problem:
    return Problem(ALIASES_FILE, declaration.line, declaration.column, code, message, hint)
