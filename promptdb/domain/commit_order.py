"""The order of syncs: decides if a commit may be applied after the recorded ones. `git.ancestry` reads the history."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from promptdb.domain.git_refs import NAMELESS


class Relation(StrEnum):
    """The relation of the commit to be synced to a recorded commit."""

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
    """The newest commit that was synced from a ref, and the run that synced it."""

    commit_id: str
    run_id: int


@dataclass(frozen=True, slots=True)
class Order:
    """A verdict, and the recorded ref and commit behind it. They are None if nothing was recorded."""

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
"""The order of precedence for a commit without a ref, which is compared with all heads."""


def compared(name: str, heads: Mapping[str, RecordedHead]) -> dict[str, RecordedHead]:
    """Select the heads to compare a sync of `name` with: its own and the nameless one, or all for the nameless one."""
    return {ref: head for ref, head in heads.items() if NAMELESS in (name, ref) or ref == name}


def main_head(name: str, heads: Mapping[str, RecordedHead], main: Collection[str]) -> RecordedHead | None:
    """Find the head of the main ref that a sync of another ref must not take `latest` from. None if it may."""
    if name == NAMELESS or name in main:
        return None
    return max((head for ref, head in heads.items() if ref in main), key=lambda head: head.run_id, default=None)


def judge(name: str, heads: Mapping[str, RecordedHead], relations: Mapping[str, Relation]) -> Order:
    """Judge a commit of the head `name` by its relations to the commits of all `compared` heads."""
    orders = {
        ref: Order(_VERDICTS[relations[head.commit_id]], ref, head.commit_id)
        for ref, head in compared(name, heads).items()
    }
    if name == NAMELESS:
        by_precedence = min(orders.values(), key=lambda order: _WITHOUT_A_NAME.index(order.verdict), default=None)
        return by_precedence or Order(Verdict.APPLY)
    own, nameless = orders.get(name), orders.get(NAMELESS)
    if own is None:
        return nameless or Order(Verdict.APPLY)
    # A detached HEAD may have gone ahead of the branch since.
    if nameless is not None and heads[NAMELESS].run_id > heads[name].run_id and own.verdict is Verdict.APPLY:
        return nameless if nameless.verdict in _WITHOUT_A_NAME[:2] else own
    return own
