"""Decides what to write so that the registry matches the files. `sync.apply` performs the plan."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from promptdb.domain.aliases import AliasMove
from promptdb.domain.changes import ChangedFile, ContractChange
from promptdb.domain.commit_order import Order
from promptdb.domain.digest import Digest
from promptdb.domain.holds import EndedHold, Hold
from promptdb.domain.prompt_id import PromptId
from promptdb.errors import Conflict, Guard


class Action(StrEnum):
    """The actions on one prompt, in the order in which they are performed."""

    RENAME = "rename"
    REVIVE = "revive"
    CREATE = "create"
    UPDATE = "update"
    ARCHIVE = "archive"


class Desired(NamedTuple):
    """A prompt as the files have it. `path` is None if it was registered without a file."""

    prompt: PromptId
    digest: Digest
    path: str | None = None
    user_version: str | None = None
    renamed_from: tuple[PromptId, ...] = ()


@dataclass(frozen=True, slots=True)
class Head:
    """A prompt as the registry has it, by its highest revision.

    `from_file`: any of its versions was in a file. `is_confirmed`: this version was in a file, in a commit or without git.
    A version is not confirmed if it was synced before its commit, or registered without a file.
    """

    prompt: PromptId
    revision: int
    digest: Digest
    archived: bool = False
    from_file: bool = True
    is_confirmed: bool = True


@dataclass(frozen=True, slots=True)
class LabelUse:
    """The version that a `user_version` already names."""

    revision: int
    digest: Digest


@dataclass(frozen=True)
class Recorded:
    """The state of the registry. The keys of `labels` are a prompt and a `user_version`.

    `other_ref`: the sync is of another ref than the main one. `earlier` then has the recorded revisions of content that it
    uses again, and does not make the newest.
    """

    heads: Mapping[PromptId, Head] = field(default_factory=dict)
    labels: Mapping[tuple[PromptId, str], LabelUse] = field(default_factory=dict)
    earlier: Mapping[PromptId, int] = field(default_factory=dict)
    other_ref: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """The choices of the user.

    `prune` archives prompts whose files are gone, but at most `max_prune` percent of the tree at once. `local` is for a
    registry of one person: it follows the checkout, whatever was synced before. `follow_force_push` does the same for any
    registry if the commit is the tip of its branch at the remote. `allow_breaking` moves protected aliases even if their
    callers may fail.
    """

    prune: bool = False
    max_prune: int = 20
    local: bool = False
    follow_force_push: bool = False
    allow_breaking: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """One operation on one prompt.

    `old_*` describe the recorded head, if there is one. `parts` are the changed parts of an update, `files` the other files
    behind it, such as fragments, and `contract` its effects on callers.
    """

    action: Action
    prompt: PromptId
    path: str | None = None
    revision: int | None = None
    digest: Digest | None = None
    old_revision: int | None = None
    old_digest: Digest | None = None
    renamed_from: PromptId | None = None
    parts: tuple[str, ...] = ()
    files: tuple[ChangedFile, ...] = ()
    contract: tuple[ContractChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Reused:
    """A prompt whose content in the tree is an earlier revision, while `latest` stays at the content of the main ref."""

    prompt: PromptId
    path: str | None
    revision: int
    latest: int


@dataclass(frozen=True)
class Plan:
    """Changes sorted by prompt and action. `missing` are prompts without a file that stay, because they are not pruned."""

    changes: tuple[Change, ...] = ()
    unchanged: int = 0
    missing: tuple[PromptId, ...] = ()
    label_conflicts: tuple[str, ...] = ()
    tracked: int = 0
    """The number of recorded prompts from files, without archived ones."""

    unconfirmed: tuple[PromptId, ...] = ()
    """Prompts whose file has the content of the head, although no commit is recorded for it yet."""

    order: Order | None = None
    """The order of the commit and the earlier syncs. None if there is no order, as without git."""

    moves: tuple[AliasMove, ...] = ()
    """Moves of aliases that differ from their declaration, or from the aliases of the ref."""

    held: tuple[Hold, ...] = ()
    """Aliases that were moved by hand away from the version that git gives them, and that stay there."""

    ended_holds: tuple[EndedHold, ...] = ()
    """Holds that end with this sync, since git changed."""

    reused: tuple[Reused, ...] = ()
    """Prompts of another ref than the main one whose content is recorded already."""

    proposed_renames: tuple[tuple[PromptId, PromptId], ...] = ()
    """Pairs of an old and a new name: a new prompt has exactly the content of one whose file is gone."""

    passed_renames: tuple[tuple[PromptId, PromptId], ...] = ()
    """Pairs of an old and a new name that `renamed_from` asks for in vain.

    The new name has versions of its own already, the old one still has a file, or another prompt took the old one over.
    """

    @property
    def is_empty(self) -> bool:
        return not self.changes and not self.label_conflicts and not self.moves

    def count(self, action: Action) -> int:
        return sum(change.action is action for change in self.changes)

    def shared_causes(self) -> dict[str, int]:
        """Count the new versions behind each shared file that causes several, highest counts first."""
        changed = (file.path for change in self.changes for file in change.files if file.change == "changed")
        counted = sorted(Counter(changed).items(), key=lambda item: (-item[1], item[0]))
        return {path: versions for path, versions in counted if versions > 1}

    def require_sound(self, policy: Policy) -> None:
        """Refuse a plan that must not be performed.

        Raises:
            Conflict: a `user_version` already names other content.
            Guard: the plan archives more than the policy allows.
        """
        if self.label_conflicts:
            raise Conflict("; ".join(self.label_conflicts), "give the new content a user_version of its own")
        archived = self.count(Action.ARCHIVE)
        if archived * 100 > self.tracked * policy.max_prune:
            raise Guard(
                f"--prune would archive {archived} of {self.tracked} prompts, more than {policy.max_prune} percent",
                "if you meant to remove these files, raise the limit with --max-prune PERCENT",
            )


def plan(
    desired: Sequence[Desired], recorded: Recorded, policy: Policy, invalid: Collection[PromptId] = frozenset()
) -> Plan:
    """Compare files and registry. After the result is performed, the next plan is empty.

    `invalid` are prompts with invalid files. They count neither as gone nor as free for a rename.
    """
    wanted = {item.prompt for item in desired}.union(invalid)
    changes: list[Change] = []
    renamed: set[PromptId] = set()
    conflicts: list[str] = []
    unconfirmed: list[PromptId] = []
    reused: list[Reused] = []
    unchanged = 0
    for item in sorted(desired, key=lambda item: item.prompt):
        head = recorded.heads.get(item.prompt)
        if head is None:
            head = _rename_source(item, recorded, wanted, renamed)
            if head is not None:
                renamed.add(head.prompt)
                changes.append(Change(Action.RENAME, item.prompt, item.path, renamed_from=head.prompt))
        earlier = recorded.earlier.get(item.prompt) if head is not None and head.prompt == item.prompt else None
        steps = _steps(item, head, is_recorded=earlier is not None)
        changes += steps
        if head is not None and earlier is not None:
            reused.append(Reused(item.prompt, item.path, earlier, head.revision))
            continue
        if steps and (conflict := _label_conflict(item, head, recorded)):
            conflicts.append(conflict)
        unchanged += not steps and (head is None or head.prompt == item.prompt)
        if head is not None and head.digest == item.digest and not head.is_confirmed and item.path is not None:
            unconfirmed.append(item.prompt)
    tracked = [head for head in recorded.heads.values() if head.from_file and not head.archived]
    gone = [head for head in tracked if head.prompt not in wanted and head.prompt not in renamed]
    for head in gone if policy.prune else ():
        changes.append(Change(Action.ARCHIVE, head.prompt, old_revision=head.revision, old_digest=head.digest))
    order = list(Action)
    return Plan(
        tuple(sorted(changes, key=lambda change: (change.prompt, order.index(change.action)))),
        unchanged,
        () if policy.prune else tuple(sorted(head.prompt for head in gone)),
        tuple(conflicts),
        len(tracked),
        tuple(unconfirmed),
        reused=tuple(reused),
        proposed_renames=_proposed(changes, gone),
        passed_renames=_passed(desired, recorded, wanted, changes),
    )


def _steps(item: Desired, head: Head | None, *, is_recorded: bool) -> list[Change]:
    if head is None:
        return [Change(Action.CREATE, item.prompt, item.path, 1, item.digest)]
    steps = []
    revision, digest = head.revision, head.digest
    if head.archived:
        steps.append(Change(Action.REVIVE, item.prompt, item.path, old_revision=revision, old_digest=digest))
    if digest != item.digest and not is_recorded:
        steps.append(Change(Action.UPDATE, item.prompt, item.path, revision + 1, item.digest, revision, digest))
    return steps


def _rename_source(
    item: Desired, recorded: Recorded, wanted: Iterable[PromptId], renamed: set[PromptId]
) -> Head | None:
    """Find the recorded prompt that this file continues, by an earlier name that no file has any more."""
    free = (name for name in item.renamed_from if name not in wanted and name not in renamed)
    return next((recorded.heads[name] for name in free if name in recorded.heads), None)


def _proposed(changes: Iterable[Change], gone: Iterable[Head]) -> tuple[tuple[PromptId, PromptId], ...]:
    """Pair a new prompt with the only one of the same content whose file is gone. Several candidates are ambiguous."""
    new, old = defaultdict[Digest | None, list[PromptId]](list), defaultdict[Digest | None, list[PromptId]](list)
    for change in changes:
        if change.action is Action.CREATE:
            new[change.digest].append(change.prompt)
    for head in gone:
        old[head.digest].append(head.prompt)
    pairs = ((old[digest], prompts) for digest, prompts in new.items() if digest in old)
    return tuple(sorted((before[0], after[0]) for before, after in pairs if len(before) == len(after) == 1))


def _passed(
    desired: Iterable[Desired], recorded: Recorded, wanted: Collection[PromptId], changes: Iterable[Change]
) -> tuple[tuple[PromptId, PromptId], ...]:
    """List the renames that are asked for in vain, without those made earlier and old names that are taken again."""
    sources = {change.prompt: change.renamed_from for change in changes if change.action is Action.RENAME}
    found = []
    for item in desired:
        if item.prompt in sources:
            continue
        is_new = item.prompt not in recorded.heads
        for earlier in item.renamed_from:
            head = recorded.heads.get(earlier)
            if head is not None and (is_new or not (head.archived or earlier in wanted or earlier in sources.values())):
                found.append((earlier, item.prompt))
    return tuple(sorted(found))


def _label_conflict(item: Desired, head: Head | None, recorded: Recorded) -> str | None:
    use = recorded.labels.get((head.prompt, item.user_version or "")) if head is not None else None
    if use is None or use.digest == item.digest:
        return None
    return f"{item.prompt}: user_version {item.user_version!r} already names revision {use.revision}, which differs"
