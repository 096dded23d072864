"""The decision: what to write so that the registry says what the files say. Pure; `sync.apply` performs it."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from promptdb.domain.aliases import AliasMove
from promptdb.domain.changes import ChangedFile, ContractChange
from promptdb.domain.digest import Digest
from promptdb.domain.identity import PromptId
from promptdb.domain.order import Order
from promptdb.errors import Conflict, Guard


class Action(StrEnum):
    """In the order in which the actions on one prompt are performed."""

    RENAME = "rename"
    REVIVE = "revive"
    CREATE = "create"
    UPDATE = "update"
    ARCHIVE = "archive"


class Desired(NamedTuple):
    """A prompt as the files have it. `path` is None for one that was registered without a file."""

    prompt: PromptId
    digest: Digest
    path: str | None = None
    user_version: str | None = None
    renamed_from: tuple[PromptId, ...] = ()


@dataclass(frozen=True, slots=True)
class Head:
    """A prompt as the registry has it: its highest revision.

    `from_file`: whether any of its versions was in a file. `is_confirmed`: whether this one was, in a commit or without git;
    one that was synced before its commit, or registered without a file, is not.
    """

    prompt: PromptId
    revision: int
    digest: Digest
    archived: bool = False
    from_file: bool = True
    is_confirmed: bool = True


@dataclass(frozen=True, slots=True)
class LabelUse:
    """The content that a `user_version` names already."""

    revision: int
    digest: Digest


@dataclass(frozen=True)
class Recorded:
    """The registry's side of the comparison. `labels` are keyed by prompt and `user_version`."""

    heads: Mapping[PromptId, Head] = field(default_factory=dict)
    labels: Mapping[tuple[PromptId, str], LabelUse] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Policy:
    """`prune`: archive prompts whose files are gone, but never more than `max_prune` percent of the tree at once.

    `local`: the registry is one's own and follows what is checked out, whatever was synced before. `follow_force_push`: so
    does any registry, if the commit is what its branch is at the remote. `allow_breaking`: protected aliases move although
    their callers may fail.
    """

    prune: bool = False
    max_prune: int = 20
    local: bool = False
    follow_force_push: bool = False
    allow_breaking: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """One operation on one prompt. `old_*` describe the recorded head, if any; `parts` what an update changes.

    `files` are the other files, fragments for one, in which that change was made, and `contract` is what callers notice of it.
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


@dataclass(frozen=True)
class Plan:
    """Changes sorted by prompt and action. `missing` are prompts without a file that stay, since nothing prunes them."""

    changes: tuple[Change, ...] = ()
    unchanged: int = 0
    missing: tuple[PromptId, ...] = ()
    label_conflicts: tuple[str, ...] = ()
    tracked: int = 0
    """Prompts from files that the registry has, not counting archived ones."""

    unconfirmed: tuple[PromptId, ...] = ()
    """Prompts whose file has the head's content, though no source of it says so: it is recorded once the file is clean."""

    order: Order | None = None
    """Whether it comes after what was synced before; None where there is no order, as without git."""

    moves: tuple[AliasMove, ...] = ()
    """Aliases that are declared, or named for the ref, and do not point where they should."""

    drift: tuple[AliasMove, ...] = ()
    """Those of them that a sync had set, and somebody moved by hand since."""

    proposed_renames: tuple[tuple[PromptId, PromptId], ...] = ()
    """Old and new name where a new prompt has exactly the content of one whose file is gone: proposed, never assumed."""

    passed_renames: tuple[tuple[PromptId, PromptId], ...] = ()
    """Old and new name of those that `renamed_from` asks for and that are not made: the new name has versions of its own
    already, or the old one has a file, or went to another prompt."""

    @property
    def is_empty(self) -> bool:
        return not self.changes and not self.label_conflicts and not self.moves

    def count(self, action: Action) -> int:
        return sum(change.action is action for change in self.changes)

    def shared_causes(self) -> dict[str, int]:
        """Files whose change makes several new versions, with how many; those with the most first."""
        changed = (file.path for change in self.changes for file in change.files if file.change == "changed")
        counted = sorted(Counter(changed).items(), key=lambda item: (-item[1], item[0]))
        return {path: versions for path, versions in counted if versions > 1}

    def require_sound(self, policy: Policy) -> None:
        """Refuse a plan that must not be performed.

        Raises:
            Conflict: a `user_version` names other content already.
            Guard: more would be archived than the policy allows.
        """
        if self.label_conflicts:
            raise Conflict("; ".join(self.label_conflicts), "give the new content a user_version of its own")
        archived = self.count(Action.ARCHIVE)
        if archived * 100 > self.tracked * policy.max_prune:
            raise Guard(
                f"--prune would archive {archived} of {self.tracked} prompts, more than {policy.max_prune} percent",
                "if these files are meant to be gone, allow it with --max-prune PERCENT",
            )


def plan(
    desired: Sequence[Desired], recorded: Recorded, policy: Policy, invalid: Collection[PromptId] = frozenset()
) -> Plan:
    """Compare. Performing the result and planning again gives an empty plan.

    Args:
        desired: the prompts as the files have them.
        recorded: the prompts as the registry has them.
        policy: what may be done.
        invalid: prompts whose files cannot be used as they are. They are left alone: neither gone nor free to be renamed.
    """
    wanted = {item.prompt for item in desired}.union(invalid)
    changes: list[Change] = []
    renamed: set[PromptId] = set()
    conflicts: list[str] = []
    unconfirmed: list[PromptId] = []
    unchanged = 0
    for item in sorted(desired, key=lambda item: item.prompt):
        head = recorded.heads.get(item.prompt)
        if head is None:
            head = _rename_source(item, recorded, wanted, renamed)
            if head is not None:
                renamed.add(head.prompt)
                changes.append(Change(Action.RENAME, item.prompt, item.path, renamed_from=head.prompt))
        steps = _steps(item, head)
        changes += steps
        if steps and (conflict := _label_conflict(item, head, recorded)):
            conflicts.append(conflict)
        unchanged += not steps and (head is None or head.prompt == item.prompt)
        if head is not None and head.digest == item.digest and not head.is_confirmed and item.path is not None:
            unconfirmed.append(item.prompt)
    gone = [head for head in recorded.heads.values() if _is_gone(head, wanted, renamed)]
    if policy.prune:
        changes += [
            Change(Action.ARCHIVE, head.prompt, old_revision=head.revision, old_digest=head.digest) for head in gone
        ]
    tracked = sum(head.from_file and not head.archived for head in recorded.heads.values())
    order = list(Action)
    return Plan(
        tuple(sorted(changes, key=lambda change: (change.prompt, order.index(change.action)))),
        unchanged,
        () if policy.prune else tuple(sorted(head.prompt for head in gone)),
        tuple(conflicts),
        tracked,
        tuple(unconfirmed),
        proposed_renames=_proposed(changes, gone),
        passed_renames=_passed(desired, recorded, wanted, changes),
    )


def _steps(item: Desired, head: Head | None) -> list[Change]:
    if head is None:
        return [Change(Action.CREATE, item.prompt, item.path, 1, item.digest)]
    steps = []
    if head.archived:
        steps.append(Change(Action.REVIVE, item.prompt, item.path, old_revision=head.revision, old_digest=head.digest))
    if head.digest != item.digest:
        steps.append(
            Change(Action.UPDATE, item.prompt, item.path, head.revision + 1, item.digest, head.revision, head.digest)
        )
    return steps


def _rename_source(
    item: Desired, recorded: Recorded, wanted: Iterable[PromptId], renamed: set[PromptId]
) -> Head | None:
    """The recorded prompt that this file continues: an earlier name that no file has any more."""
    for earlier in item.renamed_from:
        if earlier in recorded.heads and earlier not in wanted and earlier not in renamed:
            return recorded.heads[earlier]
    return None


def _proposed(changes: Iterable[Change], gone: Iterable[Head]) -> tuple[tuple[PromptId, PromptId], ...]:
    """One new prompt with a content, and one prompt with the same whose file is gone: where it is several, nobody knows."""
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
    """A rename that was made long ago is no news, and neither is an old name that another prompt took since."""
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
    if item.user_version is None or head is None:
        return None
    use = recorded.labels.get((head.prompt, item.user_version))
    if use is None or use.digest == item.digest:
        return None
    return f"{item.prompt}: user_version {item.user_version!r} already names revision {use.revision}, which differs"


def _is_gone(head: Head, wanted: set[PromptId], renamed: set[PromptId]) -> bool:
    return head.from_file and not head.archived and head.prompt not in wanted and head.prompt not in renamed
