"""The order of syncs: whether a commit may be applied on what was synced before it. Pure; `git.ancestry` knows the history."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from promptdb.domain.ref_rules import NAMELESS


class Relation(StrEnum):
    """Of the commit to be synced to a recorded one."""

    SAME = "same"
    DESCENDS = "descends"
    PRECEDES = "precedes"
    DIVERGED = "diverged"
    UNKNOWN = "unknown"


class Verdict(StrEnum):
    APPLY = "apply"
    SUPERSEDED = "superseded"
    DIVERGED = "diverged"
    UNKNOWN = "unknown"
    UNLISTED = "unlisted"


@dataclass(frozen=True, slots=True)
class RecordedHead:
    """The newest commit that was synced from a ref, and the run that did."""

    commit_id: str
    run_id: int


@dataclass(frozen=True, slots=True)
class Order:
    """The verdict, with the recorded ref and commit that it follows from; None where nothing was recorded."""

    verdict: Verdict
    ref: str | None = None
    commit_id: str | None = None


_VERDICTS = {
    Relation.SAME: Verdict.APPLY,
    Relation.DESCENDS: Verdict.APPLY,
    Relation.PRECEDES: Verdict.SUPERSEDED,
    Relation.DIVERGED: Verdict.DIVERGED,
    Relation.UNKNOWN: Verdict.UNKNOWN,
}
_WITHOUT_A_NAME = (Verdict.SUPERSEDED, Verdict.UNKNOWN, Verdict.APPLY, Verdict.DIVERGED)
"""A commit without a ref is compared with all heads: the first of these verdicts that one of them gives is the answer."""


def compared(name: str, heads: Mapping[str, RecordedHead]) -> dict[str, RecordedHead]:
    """The recorded heads that a sync of `name` is judged by: its own and the nameless one; without a name, all."""
    return {ref: head for ref, head in heads.items() if NAMELESS in (name, ref) or ref == name}


def judge(name: str, heads: Mapping[str, RecordedHead], relations: Mapping[str, Relation]) -> Order:
    """Decide.

    Args:
        name: what the head of the ref is recorded under; `NAMELESS` for a detached HEAD.
        heads: of the same tree, by ref.
        relations: of the commit to the commit of each head that is `compared`.
    """
    orders = {
        ref: Order(_VERDICTS[relations[head.commit_id]], ref, head.commit_id)
        for ref, head in compared(name, heads).items()
    }
    if name == NAMELESS:
        found = sorted(orders.values(), key=lambda order: _WITHOUT_A_NAME.index(order.verdict))
        return found[0] if found else Order(Verdict.APPLY)
    own, nameless = orders.get(name), orders.get(NAMELESS)
    if own is None:
        return nameless or Order(Verdict.APPLY)
    is_newer = nameless is not None and heads[NAMELESS].run_id > heads[name].run_id
    if is_newer and nameless is not None and own.verdict is Verdict.APPLY and nameless.verdict in _WITHOUT_A_NAME[:2]:
        return nameless  # a detached HEAD has gone ahead of the branch since
    return own
