"""Plans in words: before and after they are performed."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import click

from promptdb.cli.present.output import print_table, short_digest
from promptdb.cli.present.text import count, one_line, print_rest
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
_SHOWN = 50
"""Lines of a plan on a terminal or in a log; the summary counts all."""

_SHOWN_CAUSES = 10

Show = Callable[[str], str]
"""How the path of a file is written."""


def print_plan(plan: Plan, *, done: bool, confirmed: int = 0) -> None:
    """The changes, and a count of all.

    Args:
        done: whether they were made, or would be.
        confirmed: versions from before whose source is recorded now.
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
    if plan.unconfirmed:
        click.echo(f"{unconfirmed(plan)}: synced before they were committed; commit and sync again", err=True)


def print_changes(plan: Plan, *, done: bool) -> None:
    """The table alone; nothing where nothing changes."""
    if plan.changes:
        shown = plan.changes[:_SHOWN]
        print_table(["CHANGE", "PROMPT", "REVISION", "DIGEST", "WHAT"], [row(change, done=done) for change in shown])
        print_rest(len(plan.changes) - _SHOWN)


def unconfirmed(plan: Plan) -> str:
    """Versions whose commit is not recorded, since they were synced before it."""
    return f"{count(len(plan.unconfirmed), 'version')} unconfirmed"


def rename_notices(plan: Plan, *, done: bool = False) -> list[str]:
    """Renames that may have been meant, and those that are asked for but not made."""
    notices = [
        f"{new} has the content of {old}, whose file is gone: "
        + (
            "it is a new prompt now, without that history"
            if done
            else f"'renamed_from: [{old}]' keeps its history and aliases"
        )
        for old, new in plan.proposed_renames
    ]
    created = {change.prompt for change in plan.changes if change.action is Action.CREATE}
    for old, new in plan.passed_renames:
        why = f"{old} has a file, or went to another prompt" if new in created else f"{new} has versions of its own"
        notices.append(f"{new}: renamed_from {old} does not count, since {why}")
    return notices


def unfiled(plan: Plan) -> str:
    """Which prompts have no file any more."""
    names = ", ".join(map(str, plan.missing[:3])) + (", ..." if len(plan.missing) > 3 else "")
    return (
        f"{count(len(plan.missing), 'prompt')} without a file {'stays' if len(plan.missing) == 1 else 'stay'}: {names}"
    )


def summary(plan: Plan, *, done: bool = False, confirmed: int = 0) -> str:
    counted = [f"{plan.count(action):,} {_WORDS[action][done]}" for action in Action if plan.count(action)]
    last = [f"{count(confirmed, 'version')} confirmed"] if confirmed else []
    return ", ".join([*counted, f"{plan.unchanged:,} unchanged", *last])


def row(change: Change, *, done: bool, show: Show = str) -> list[str]:
    """Change, prompt, revision, digest and what changes; paths as `show` writes them."""
    revision = f"{change.old_revision or ''} -> {change.revision}" if change.revision else ""
    what = _what(change, show) if change.parts else f"was {change.renamed_from}" if change.renamed_from else ""
    digest = short_digest(change.digest) if change.digest else ""
    return [_WORDS[change.action][done], str(change.prompt), revision.removeprefix(" -> "), digest, what]


def _what(change: Change, show: Show) -> str:
    """The parts that an update changes, and the files in which."""
    words = {"changed": "via", "added": "with", "removed": "without"}
    files = {word: [file.path for file in change.files if file.change == kind] for kind, word in words.items()}
    told = [f"{word} {', '.join(map(show, paths[:3]))}{_more(paths[3:])}" for word, paths in files.items() if paths]
    return ", ".join([*change.parts, *told])


def _causes(plan: Plan) -> list[str]:
    """Where one file makes several new versions, so that nobody has to count."""
    causes = plan.shared_causes()
    told = [f"{one_line(path)} changed: {count(number, 'new version')}" for path, number in causes.items()]
    return told[:_SHOWN_CAUSES] + [f"...{_more(told[_SHOWN_CAUSES:])} such files"] * (len(told) > _SHOWN_CAUSES)


def _more(rest: Sequence[str]) -> str:
    return f" and {len(rest):,} more" if rest else ""


def print_breaking(found: Iterable[tuple[PromptId, Sequence[ContractChange]]]) -> None:
    """Print a line for each change that breaks callers of a prompt."""
    told = [f"{prompt}: {change.message}" for prompt, changes in found for change in changes if change.is_breaking]
    for line in told[:_SHOWN]:
        _print_contract(line, is_breaking=True)
    print_rest(len(told) - _SHOWN, more="more breaking changes")


def print_contract(changes: Iterable[ContractChange]) -> None:
    """Print a line for each change of one prompt's contract."""
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
    """Say why the order of commits keeps a sync from changing anything; empty where it does not."""
    from promptdb.sync.commit_order import reason

    return one_line(reason(plan.order, origin)) if plan.order is not None else ""


def print_order(plan: Plan, origin: "Origin") -> None:
    """Print what a plan does not show: that it would not be performed."""
    if line := order_line(plan, origin):
        ending = "sync would write nothing" if is_superseded(plan) else "sync would refuse"
        click.echo(f"{line}: {ending}", err=True)
