"""What `promptdb sync --history` prints."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from promptdb.cli.bars import Bar, progress_bars, uploading
from promptdb.cli.exit_codes import exit_code
from promptdb.cli.output import plain, print_json
from promptdb.cli.problems import count, print_problems, problems_data
from promptdb.cli.shared import root_prefix, service
from promptdb.cli.text import one_line
from promptdb.errors import InvalidPrompts

if TYPE_CHECKING:
    from promptdb.domain.aliases import AliasMove
    from promptdb.sync.history import RecordedHistory

_SHOWN = 50
"""Problems of old commits on a terminal or in a log; JSON has all."""


def record(rev: str, *, as_json: bool) -> int:
    """Record the history of a commit, and tell what it brought; gives the exit code."""
    from promptdb.sync.history import move_aliases, record_history

    with service() as opened:
        root = root_prefix(opened.settings)
        try:
            with progress_bars(Bar("reading commits"), uploading(opened.blobs)) as progress:
                found = record_history(opened.registry, opened.settings, rev, *progress)
        except InvalidPrompts as error:
            print_problems(error.problems, err=True, root=root)
            click.echo(f"nothing was written: {rev} itself has these errors", err=True)
            if as_json:
                print_json({"problems": problems_data(error.problems)})
            return exit_code(error)
        if not as_json:
            _print(found, root)
        moved: tuple[AliasMove, ...] = ()
        try:
            if found.commits:
                moved = move_aliases(opened.registry, opened.settings, rev)
        finally:  # the history is recorded, whatever becomes of the aliases
            if as_json:
                print_json(plain(found) | {"alias_moves": plain(moved)})
    if moved and not as_json:
        click.echo(f"{count(len(moved), 'alias move')} made for the newest of them")
    return 0


def _print(found: "RecordedHistory", root: str) -> None:
    for told in found.problems[:_SHOWN]:
        problem = told.problem
        place = f"{told.commit_id[:12]} {root}{problem.path}:{problem.line}:{problem.column}"
        click.echo(one_line(f"{place}: skipped [{problem.code}] {problem.message}"), err=True)
    if len(found.problems) > _SHOWN:
        click.echo(f"... and {len(found.problems) - _SHOWN:,} more; --json has all", err=True)
    for commit, old, new in found.moves:
        click.echo(f"{commit[:12]} {new} has the content of {old}, whose file went: two prompts", err=True)
    if found.moves:
        click.secho("hint: ", fg="cyan", nl=False, err=True)
        click.echo("'renamed_from' in today's file makes them one, if the history is recorded anew", err=True)
    if found.superseded is not None:
        click.echo(f"{one_line(found.superseded)}; nothing written")
        return
    if found.since is not None:
        click.echo(f"recorded before: everything up to {found.since[:12]}")
    counted = [word(found.counts[action]) for action, word in _WORDS.items() if found.counts.get(action)]
    click.echo(f"{count(found.commits, 'commit')}: {', '.join(counted) or 'nothing new'}")


_WORDS: dict[str, Callable[[int], str]] = {
    "create": lambda number: f"{count(number, 'prompt')} created",
    "update": lambda number: count(number, "new version"),
    "rename": lambda number: f"{number:,} renamed",
    "archive": lambda number: f"{number:,} archived",
    "revive": lambda number: f"{number:,} revived",
}
