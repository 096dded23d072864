"""Prints plans, before and after they are performed."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import click

from promptdb.cli.present.output import print_table, short_digest
from promptdb.cli.present.text import SHOWN, count, one_line, print_rest
from promptdb.domain.changes import ContractChange
from promptdb.domain.commit_order import Verdict
from promptdb.domain.plan import Action, Change, Plan
from promptdb.domain.prompt_id import PromptId

if TYPE_CHECKING:
    from promptdb.project.view import Origin

_WORDS = {
    Action.CREATE: ("create", "created"),
    Action.UPDATE: ("new version", "new version"),
    Action.RENAME: ("rename", "renamed"),
    Action.REVIVE: ("revive", "revived"),
    Action.ARCHIVE: ("archive", "archived"),
}
_SHOWN_CAUSES = 10

Show = Callable[[str], str]
"""Formats the path of a file."""


def print_plan(plan: Plan, *, done: bool, confirmed: int = 0, is_dirty: bool = False) -> None:
    """Print the changes of a plan, a summary, and its notices.

    Args:
        plan: with its changes described.
        done: say that the changes were made, not that they would be.
        confirmed: the number of older versions whose commit is recorded now.
        is_dirty: some files of a plan are not committed.
    """
    print_changes(plan, done=done)
    click.echo(summary(plan, done=done, confirmed=confirmed))
    for cause in _causes(plan):
        click.echo(cause)
    print_breaking((change.prompt, change.contract) for change in plan.changes)
    if plan.missing:
        click.echo(f"{unfiled(plan)}; --prune archives {'it' if len(plan.missing) == 1 else 'them'}", err=True)
    for notice in rename_notices(plan, done=done):
        click.echo(notice, err=True)
    for reused in plan.reused[:SHOWN]:
        line = f"{reused.prompt} has the content of rev:{reused.revision}; latest stays rev:{reused.latest}"
        click.echo(f"{line}, since this is not the main ref", err=True)
    print_rest(len(plan.reused) - SHOWN, err=True)
    if plan.unconfirmed:
        were, them = ("it was", "it") if len(plan.unconfirmed) == 1 else ("they were", "them")
        step = "commit and sync again" if done or is_dirty else f"'promptdb sync' confirms {them}"
        click.echo(f"{unconfirmed(plan)}: synced before {were} committed; {step}", err=True)


def print_changes(plan: Plan, *, done: bool) -> None:
    if plan.changes:
        shown = plan.changes[:SHOWN]
        print_table(["CHANGE", "PROMPT", "REVISION", "DIGEST", "WHAT"], [row(change, done=done) for change in shown])
        print_rest(len(plan.changes) - SHOWN)


def unconfirmed(plan: Plan) -> str:
    """Count the versions that were synced before their commit, which is not recorded yet."""
    return f"{count(len(plan.unconfirmed), 'version')} unconfirmed"


def rename_notices(plan: Plan, *, done: bool = False) -> list[str]:
    """List renames that may be missing, and those in `renamed_from` that have no effect."""
    notices = proposals(plan)
    if done:
        lost = "it is a new prompt now, without that history"
        notices = [f"{_follows(old, new)}: {lost}" for old, new in plan.proposed_renames]
    created = {change.prompt for change in plan.changes if change.action is Action.CREATE}
    for old, new in plan.passed_renames:
        why = f"{old} has a file, or went to another prompt" if new in created else f"{new} has versions of its own"
        notices.append(f"{new}: renamed_from {old} has no effect, since {why}")
    return notices


def proposals(plan: Plan) -> list[str]:
    """Propose `renamed_from` for each new prompt that has the content of one whose file is gone."""
    return [
        f"{_follows(old, new)}: 'renamed_from: [{old}]' keeps its history and aliases"
        for old, new in plan.proposed_renames
    ]


def _follows(old: PromptId, new: PromptId) -> str:
    return f"{new} has the content of {old}, whose file is gone"


def unfiled(plan: Plan) -> str:
    """Name the prompts whose files are gone."""
    names = ", ".join(map(str, plan.missing[:3])) + (", ..." if len(plan.missing) > 3 else "")
    return (
        f"{count(len(plan.missing), 'prompt')} without a file {'stays' if len(plan.missing) == 1 else 'stay'}: {names}"
    )


def summary(plan: Plan, *, done: bool = False, confirmed: int = 0) -> str:
    counted = [_counted(action, plan.count(action), done=done) for action in Action if plan.count(action)]
    last = [f"{count(confirmed, 'version')} confirmed"] if confirmed else []
    again = [f"{len(plan.reused):,} at an earlier revision"] if plan.reused else []
    return ", ".join([*counted, f"{plan.unchanged:,} unchanged", *again, *last])


def _counted(action: Action, number: int, *, done: bool) -> str:
    word = _WORDS[action][done]
    if action is Action.UPDATE:
        return count(number, word)
    return f"{number:,} {word}" if done else f"{number:,} to {word}"


def row(change: Change, *, done: bool, show: Show = str) -> list[str]:
    """Return the cells of a change: action, prompt, revision, digest and details."""
    revision = f"{change.old_revision or ''} -> {change.revision}" if change.revision else ""
    what = _what(change, show) if change.parts else f"was {change.renamed_from}" if change.renamed_from else ""
    digest = short_digest(change.digest) if change.digest else ""
    return [_WORDS[change.action][done], str(change.prompt), revision.removeprefix(" -> "), digest, what]


def _what(change: Change, show: Show) -> str:
    words = {"changed": "via", "added": "with", "removed": "without"}
    files = {word: [file.path for file in change.files if file.change == kind] for kind, word in words.items()}
    named = [f"{word} {', '.join(map(show, paths[:3]))}{_more(paths[3:])}" for word, paths in files.items() if paths]
    return ", ".join([*change.parts, *named])


def _causes(plan: Plan) -> list[str]:
    """Count the new versions behind each file that several prompts share."""
    causes = plan.shared_causes()
    lines = [f"{one_line(path)} changed: {count(number, 'new version')}" for path, number in causes.items()]
    return lines[:_SHOWN_CAUSES] + [f"...{_more(lines[_SHOWN_CAUSES:])} such files"] * (len(lines) > _SHOWN_CAUSES)


def _more(rest: Sequence[str]) -> str:
    return f" and {len(rest):,} more" if rest else ""


def print_breaking(found: Iterable[tuple[PromptId, Sequence[ContractChange]]]) -> None:
    """Print a line for each change that breaks callers of a prompt."""
    lines = [f"{prompt}: {change.message}" for prompt, changes in found for change in changes if change.is_breaking]
    for line in lines[:SHOWN]:
        _print_contract(line, is_breaking=True)
    print_rest(len(lines) - SHOWN, more="more breaking changes")


def print_contract(changes: Iterable[ContractChange]) -> None:
    for change in changes:
        _print_contract(change.message, is_breaking=change.is_breaking)


def _print_contract(text: str, *, is_breaking: bool) -> None:
    if is_breaking:
        click.secho("breaking: ", fg="red", bold=True, nl=False)
    else:
        click.echo("contract: ", nl=False)
    click.echo(one_line(text))


def is_superseded(plan: Plan) -> bool:
    return plan.order is not None and plan.order.verdict is Verdict.SUPERSEDED


def order_line(plan: Plan, origin: "Origin") -> str:
    """Explain why the order of commits stops a sync; empty if it does not."""
    from promptdb.sync.commit_order import reason

    return one_line(reason(plan.order, origin)) if plan.order is not None else ""


def print_order(plan: Plan, origin: "Origin") -> None:
    """Print a warning if sync would not perform the plan."""
    if line := order_line(plan, origin):
        ending = "sync would write nothing" if is_superseded(plan) else "sync would refuse"
        click.echo(f"{line}: {ending}", err=True)
