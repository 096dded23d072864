"""Decides what to report about a checkout: each difference between files, registry and aliases, with its reason."""

from collections.abc import Iterator
from dataclasses import dataclass

from promptdb.dashboard.links import FILE, Link, to_comparison, to_history, to_prompt
from promptdb.dashboard.showing.prompts import person_name, selector_of, target_name, version_name
from promptdb.domain.aliases import AliasMove
from promptdb.domain.changes import breaking, changed_parts
from promptdb.domain.holds import Hold
from promptdb.domain.listing import Behind
from promptdb.domain.plan import Action, Change, Plan
from promptdb.domain.refs import LATEST
from promptdb.domain.spec import PromptSpec
from promptdb.render.caller_interface import changes_between


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference.

    Attributes:
        subject: a prompt, or an alias of it.
        between: the places that differ, such as `files, registry`.
        reason: what differs, on one line.
        link: the page that shows more.
        breaks: the messages of changes that break callers.
    """

    subject: str
    between: str
    reason: str
    link: Link | None = None
    breaks: tuple[str, ...] = ()


_FILES, _ALIASES = "files, registry", "files, alias"


def differences(plan: Plan) -> list[Difference]:
    """List what differs, sorted by subject. The plan is that of a sync of the files."""
    found = [*map(_of_change, plan.changes), *map(_of_move, plan.moves), *map(_of_hold, plan.held), *_others(plan)]
    return sorted(found, key=lambda difference: (difference.subject, difference.between))


def what_changed(behind: Behind) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Name the parts that the newest version changes, and the changes that break callers."""
    there, newest = PromptSpec.from_canonical(behind.spec_there), PromptSpec.from_canonical(behind.newest_spec)
    breaks = breaking(changes_between(there, newest))
    return changed_parts(there, newest), tuple(change.message for change in breaks)


def _of_change(change: Change) -> Difference:
    name, breaks = str(change.prompt), tuple(one.message for one in change.contract if one.is_breaking)
    if change.action is Action.UPDATE:
        causes = ", ".join(file.path for file in change.files[:3])
        via = f", through {causes}" if causes else ""
        newest = version_name(change.old_revision or 0)
        reason = f"the file differs from {newest} in {', '.join(change.parts) or 'its content'}{via}"
        return Difference(name, _FILES, reason, to_comparison(change.prompt, LATEST, FILE), breaks)
    reasons = {
        Action.CREATE: "the file is new: no sync has recorded it",
        Action.REVIVE: "the prompt is archived, and its file is back",
        Action.ARCHIVE: "the prompt has no file any more",
        Action.RENAME: f"the file has a new name; it was {change.renamed_from}",
    }
    there = change.action in (Action.REVIVE, Action.ARCHIVE)
    return Difference(name, _FILES, reasons[change.action], to_prompt(change.prompt) if there else None, breaks)


def _of_move(move: AliasMove) -> Difference:
    there = target_name(move.from_revision, move.from_split, "no version")
    wanted = target_name(move.to_revision, move.to_split, "no version")
    link = None
    if move.from_revision is not None and move.to_revision is not None:
        link = to_comparison(move.prompt, selector_of(move.from_revision), selector_of(move.to_revision))
    reason = f"it points at {there}, the files say {wanted}" + (f" ({move.reason})" if move.reason else "")
    breaks = tuple(change.message for change in move.breaking)
    return Difference(f"{move.prompt}:{move.alias}", _ALIASES, reason, link, breaks)


def _of_hold(hold: Hold) -> Difference:
    there = "it was deleted" if hold.revision is None else f"it points at {target_name(hold.revision, hold.split)}"
    why = f": {hold.reason}" if hold.reason else ""
    moved = f"{person_name(hold.actor)} moved it by hand on {hold.since:%Y-%m-%d %H:%M} UTC{why}"
    reason = f"{there}, {hold.git.place} says {target_name(hold.git.revision, hold.git.split)}. {moved}"
    return Difference(f"{hold.prompt}:{hold.alias}", _ALIASES, reason, to_history(hold.prompt))


def _others(plan: Plan) -> Iterator[Difference]:
    for prompt in plan.missing:
        yield Difference(str(prompt), _FILES, "the prompt has no file any more; it stays", to_prompt(prompt))
    for prompt in plan.unconfirmed:
        reason = "the newest version was recorded before its commit, or without one"
        yield Difference(str(prompt), _FILES, reason, to_prompt(prompt))
    for reused in plan.reused:
        there, newest = version_name(reused.revision), version_name(reused.latest)
        reason = f"the file is {there} again, and {newest} stays the newest"
        yield Difference(str(reused.prompt), _FILES, reason, to_comparison(reused.prompt, LATEST, FILE))
    for conflict in plan.label_conflicts:
        yield Difference(conflict.partition(" ")[0], _FILES, conflict)
