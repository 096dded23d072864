"""The state of the registry after a plan, so that the next plan can be decided before anything is written."""

from collections.abc import Callable, Collection
from dataclasses import replace

from promptdb.domain.plan import Action, Change, Desired, Head, LabelUse, Plan, Recorded
from promptdb.domain.prompt_id import PromptId


def performed(plan: Plan, before: Recorded, desired: dict[PromptId, Desired]) -> Recorded:
    """Compute the state after a sound plan of committed files, from the state and the prompts that it was made for."""
    heads, labels = dict(before.heads), dict(before.labels)
    for change in plan.changes:
        match change:
            case Change(Action.RENAME, prompt, renamed_from=PromptId() as earlier):
                heads[prompt] = replace(heads.pop(earlier), prompt=prompt)
                for key in [key for key in labels if key[0] == earlier]:
                    labels[prompt, key[1]] = labels.pop(key)
            case Change(Action.REVIVE | Action.ARCHIVE as action, prompt):
                heads[prompt] = replace(heads[prompt], archived=action is Action.ARCHIVE)
            case Change(_, prompt, revision=int() as revision, digest=str() as digest):
                heads[prompt] = Head(prompt, revision, digest)
                if (label := desired[prompt].user_version) is not None:
                    labels.setdefault((prompt, label), LabelUse(revision, digest))
            case _:
                raise ValueError(f"an incomplete change: {change}")
    return Recorded(heads, labels)


def without_label_conflicts(
    desired: list[Desired], recorded: Recorded
) -> tuple[list[Desired], dict[PromptId, LabelUse]]:
    """Separate prompts with a usable `user_version` from those whose `user_version` names other content."""
    taken = {}
    for item in desired:
        for name in (item.prompt, *item.renamed_from):
            use = recorded.labels.get((name, item.user_version or ""))
            if use is not None and use.digest != item.digest:
                taken[item.prompt] = use
    return [item for item in desired if item.prompt not in taken], taken


def part_of(plan: Plan, wants: Callable[[PromptId], bool], prompts: Collection[PromptId]) -> Plan:
    """Return the part of a plan for the prompts that a caller wants, out of all `prompts` with a file."""
    changes = tuple(change for change in plan.changes if wants(change.prompt))
    changed = {change.prompt for change in changes}
    return replace(
        plan,
        changes=changes,
        unchanged=sum(1 for prompt in prompts if wants(prompt) and prompt not in changed),
        missing=tuple(filter(wants, plan.missing)),
        unconfirmed=tuple(filter(wants, plan.unconfirmed)),
        moves=tuple(move for move in plan.moves if wants(move.prompt)),
        held=tuple(hold for hold in plan.held if wants(hold.prompt)),
        ended_holds=tuple(ended for ended in plan.ended_holds if wants(ended.hold.prompt)),
        proposed_renames=tuple(pair for pair in plan.proposed_renames if any(map(wants, pair))),
        passed_renames=tuple(pair for pair in plan.passed_renames if any(map(wants, pair))),
    )
