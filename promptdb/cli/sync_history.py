"""`promptdb sync --history`."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from promptdb.cli.opening import root_prefix, workspace
from promptdb.cli.present.output import plain, print_json
from promptdb.cli.present.problems import print_invalid
from promptdb.cli.present.text import SHOWN, count, one_line, print_hint, print_rest
from promptdb.errors import InvalidPrompts

if TYPE_CHECKING:
    from promptdb.domain.aliases import AliasMove
    from promptdb.sync.history import RecordedHistory

_WORDS: dict[str, Callable[[int], str]] = {
    "create": lambda number: f"{count(number, 'prompt')} created",
    "update": lambda number: count(number, "new version"),
    "rename": lambda number: f"{number:,} renamed",
    "archive": lambda number: f"{number:,} archived",
    "revive": lambda number: f"{number:,} revived",
}


def record_history(rev: str, *, as_json: bool) -> int:
    """Record the history of a commit and print a summary. Return the exit code."""
    with workspace() as opened:
        root = root_prefix(opened.settings)
        try:
            found = opened.sync_history(rev)
        except InvalidPrompts as error:
            outcome = f"nothing was written: {rev} itself has these errors"
            return print_invalid(error.problems, root, as_json=as_json, outcome=outcome)
        if not as_json:
            _print(found, root)
        moved: tuple[AliasMove, ...] = ()
        try:
            if found.commits:
                moved = opened.sync_after_history(rev).plan.moves
        finally:  # the history stays recorded even if the aliases cannot be moved
            if as_json:
                print_json(plain(found) | {"alias_moves": plain(moved)})
    if moved and not as_json:
        click.echo(f"{count(len(moved), 'alias move')} made for the newest commit")
    return 0


def _print(found: "RecordedHistory", root: str) -> None:
    for old_problem in found.problems[:SHOWN]:
        problem = old_problem.problem
        place = f"{old_problem.commit_id[:12]} {root}{problem.path}:{problem.line}:{problem.column}"
        click.echo(one_line(f"{place}: skipped [{problem.code}] {problem.message}"), err=True)
    print_rest(len(found.problems) - SHOWN, more="more; --json has all", err=True)
    for commit, old, new in found.moves:
        click.echo(f"{commit[:12]} {new} took over the content of {old}, whose file was deleted: two prompts", err=True)
    if found.moves:
        print_hint("to join them, add 'renamed_from' to today's file and record the history again")
    for cut in found.cut_off:
        earlier = f"{count(cut.commits, 'earlier commit')} changed {cut.folder}/"
        moved = f"{count(cut.files, 'file')} moved from there in {cut.moved_in[:12]}"
        setting = f'former_roots = ["{cut.folder}"] follows them into a new registry'
        click.echo(one_line(f"cut off: {earlier}, and {moved}; {setting}"), err=True)
    if found.superseded is not None:
        click.echo(f"{one_line(found.superseded)}; nothing written")
        return
    if found.since is not None:
        click.echo(f"already recorded: everything up to {found.since[:12]}")
    counted = [word(found.counts[action]) for action, word in _WORDS.items() if found.counts.get(action)]
    click.echo(f"{count(found.commits, 'commit')}: {', '.join(counted) or 'nothing new'}")
