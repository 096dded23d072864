"""Checks that a commit may be synced after the recorded ones, and words the refusal."""

from collections.abc import Mapping

from promptdb.domain.commit_order import Order, RecordedHead, Verdict, compared, judge
from promptdb.domain.git_refs import NAMELESS, TAGS
from promptdb.domain.plan import Policy
from promptdb.errors import ConfigError, DivergedHistory, Guard
from promptdb.git.ancestry import Ancestry
from promptdb.project.view import Origin
from promptdb.registry.stores import Registry

_SHOWN = 12
"""The digits of a commit that messages show."""


def require_local(registry: Registry) -> None:
    """Refuse `--local` for a registry whose users rely on the order of commits."""
    if not registry.is_local:
        raise ConfigError(
            "--local is for a registry of your own: SQLite in or beside the checkout, and blobs in a folder",
            "omit --local, or set PROMPTDB_DATABASE_URL to such a SQLite file",
        )


def order_of(origin: Origin, policy: Policy, heads: Mapping[str, RecordedHead]) -> Order | None:
    """Judge a commit by the synced heads of the same tree. Without a commit, or with `--local`, there is no order.

    Raises:
        StorageError: git failed, or did not reach the remote, which `--follow-force-push` asks for the tip of the branch.
    """
    if origin.commit_id is None or origin.repository is None or policy.local:
        return None
    if not origin.refs.allow(origin.git_ref):
        return Order(Verdict.UNLISTED)
    commit, name, ancestry = origin.commit_id, origin.head_name, Ancestry(origin.repository)
    commits = {head.commit_id for head in compared(name, heads).values()}
    order = judge(name, heads, {other: ancestry.relation(commit, other) for other in commits})
    if order.verdict is Verdict.APPLY or not policy.follow_force_push or not _is_branch(origin.git_ref):
        return order
    is_tip = ancestry.is_tip(origin.git_ref or "", commit)
    return Order(Verdict.APPLY, order.ref, order.commit_id) if is_tip else order


def require_in_order(order: Order | None, origin: Origin, policy: Policy) -> None:
    """Refuse a sync that can be neither applied nor skipped as superseded.

    Raises:
        Guard: the setting `refs` does not list the ref.
        DivergedHistory: the commit does not descend from the synced one, or git does not have enough history to know.
    """
    if order is None or order.verdict in (Verdict.APPLY, Verdict.SUPERSEDED):
        return
    error = Guard if order.verdict is Verdict.UNLISTED else DivergedHistory
    raise error(reason(order, origin), _hint(order, origin, policy))


def reason(order: Order, origin: Origin) -> str:
    """Explain in one line why a sync cannot be applied. The text is empty if it can."""
    commit, other = (origin.commit_id or "")[:_SHOWN], (order.commit_id or "")[:_SHOWN]
    synced = "a commit without a ref" if order.ref == NAMELESS else order.ref
    ref = "a commit without a ref" if origin.git_ref is None else f"the ref {origin.git_ref}"
    match order.verdict:
        case Verdict.SUPERSEDED:
            return f"{synced} was synced at {other} already, which is newer than {commit}"
        case Verdict.DIVERGED:
            return f"{commit} does not descend from {other}, at which {synced} was synced"
        case Verdict.UNKNOWN:
            return f"it is not known whether {commit} descends from {other}, at which {synced} was synced"
        case Verdict.UNLISTED:
            return f"{ref} may not be synced: the setting refs does not list it"
        case _:
            return ""


def _is_branch(ref: str | None) -> bool:
    return ref is not None and not ref.startswith(TAGS)


def _hint(order: Order, origin: Origin, policy: Policy) -> str:
    if order.verdict is Verdict.UNKNOWN:
        if origin.repository is not None and origin.repository.shallow:
            return "the clone is shallow: git fetch --unshallow --filter=blob:none"
        return f"git fetch origin {order.commit_id}; if a force-push removed it, pass --follow-force-push"
    if origin.git_ref is None:
        return "pass --ref NAME with the branch or tag that the commit stands for"
    if order.verdict is Verdict.UNLISTED:
        return "add it to the setting refs; 'promptdb sync --local' is for a registry of your own"
    if not _is_branch(origin.git_ref):
        return "tag a commit that descends from it, or give such tags a pattern of their own in the setting refs"
    if policy.follow_force_push:
        return f"{origin.git_ref} is at another commit at its remote: sync the commit that was pushed last"
    return "after a force-push pass --follow-force-push; --local follows what is checked out, in a registry of your own"
