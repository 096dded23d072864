"""Decides which targets of aliases a sync records, and which holds stay: syncs leave an alias that was moved by hand."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from promptdb.db.git_targets import Key, write_git_targets
from promptdb.domain.aliases import AliasTarget
from promptdb.domain.git_refs import NAMELESS
from promptdb.domain.holds import EndedHold, GitTarget, Hold
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.splits import are_same, split_text
from promptdb.domain.version_ids import version_id
from promptdb.project.view import Origin


@dataclass(frozen=True)
class Wanted:
    """The target that git gives an alias now, and the reason for the alias log. `selector` and `line` are those of a line."""

    target: AliasTarget
    reason: str
    selector: str | None = None
    line: int | None = None


@dataclass(frozen=True)
class TargetChanges:
    """The targets to record, by the names that prompts have after the sync, and those that git gives no more."""

    new: tuple[tuple[Key, Wanted], ...] = ()
    gone: tuple[Key, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.new or self.gone)


def target_changes(
    recorded: Mapping[Key, GitTarget],
    wanted: Mapping[Key, Wanted],
    origin: Origin,
    *,
    file_is_valid: bool,
    invalid: Collection[PromptId],
) -> TargetChanges:
    """Compare the recorded targets with those that git gives now, both by the names after the sync.

    `file_is_valid`: the declarations could be read. `invalid` are prompts whose files could not.
    """

    def is_gone(key: Key, row: GitTarget) -> bool:
        is_known = key[0] not in invalid if row.selector is None else file_is_valid
        # A commit without a ref has the file of some ref, and is never one that moves aliases.
        is_nameless = row.selector is not None and NAMELESS in (row.git_ref, origin.head_name)
        is_own = row.root == origin.root and (row.git_ref == origin.head_name or is_nameless)
        return is_own and is_known and key not in wanted

    new = ((key, found) for key, found in sorted(wanted.items(), key=_key) if not _says(recorded.get(key), found))
    return TargetChanges(tuple(new), tuple(sorted(key for key, row in recorded.items() if is_gone(key, row))))


def still_held(holds: Iterable[Hold], wanted: Mapping[Key, Wanted], gone: Collection[Key]) -> list[Hold | EndedHold]:
    """Decide for each hold if the sync keeps it. Git ends a hold by another version for the alias, or by none any more."""
    found: list[Hold | EndedHold] = []
    for hold in holds:
        key = hold.prompt, hold.alias
        new = wanted.get(key)
        if new is not None and not hold.git.is_same(new.target):
            found.append(EndedHold(hold, new.target.revision, new.target.split))
        elif key in gone:
            found.append(EndedHold(hold, None))
        else:
            found.append(hold)
    return found


def record_targets(
    connection: sa.Connection, changes: TargetChanges, ids: Mapping[PromptId, UUID], origin: Origin
) -> None:
    """Write the changes under the lock, after all versions. `ids` are the ids after the plan."""
    rows = [
        {
            "prompt_id": ids[prompt],
            "alias": alias,
            "version_id": _version(ids[prompt], found.target),
            "root": origin.root,
            "git_ref": origin.head_name,
            "selector": found.selector,
            "line": found.line,
            "split_json": split_text(found.target.split),
        }
        for (prompt, alias), found in changes.new
    ]
    write_git_targets(connection, rows, [(ids[prompt], alias) for prompt, alias in changes.gone if prompt in ids])


def _says(row: GitTarget | None, found: Wanted) -> bool:
    now = (found.target.revision, found.selector, found.line)
    if row is None or (row.revision, row.selector, row.line) != now:
        return False
    return are_same(row.split, found.target.split)


def _key(item: tuple[Key, Wanted]) -> Key:
    return item[0]


def _version(prompt_id: UUID, target: AliasTarget) -> UUID | None:
    if target.digest is None:
        return target.version
    return version_id(prompt_id, target.revision, target.digest)
