"""`promptdb mv`."""

import os
import shlex
from typing import TYPE_CHECKING

import click

from promptdb.cli.opening import root_prefix, workspace
from promptdb.cli.options import json_option
from promptdb.cli.present.output import print_json

if TYPE_CHECKING:
    from promptdb.project.edits.mv_plan import Rename


@click.command("mv")
@click.argument("old")
@click.argument("new")
@click.option("--dry-run", is_flag=True, help="Check the move and show it without writing files.")
@json_option
def command(old: str, new: str, dry_run: bool, as_json: bool) -> None:
    """Rename a prompt and keep its history.

    OLD and NEW are names, such as support/triage, or paths of the file. NEW may end with / for a folder. The file is moved,
    also in git's index if it is tracked. Its old name is added to renamed_from, and its relative paths are adjusted.

    \b
    promptdb mv support/triage support/eu/triage
    promptdb mv support/triage billing/
    """
    with workspace() as opened:
        move = opened.mv(old, new, dry_run=dry_run)
    root, staged = root_prefix(opened.settings), move.edits[0].entry is not None
    undo = _undo(move, root)
    if as_json:
        print_json(_data(move) | {"staged": staged, "undo": undo, "dry_run": dry_run})
        return
    _print(move, root, dry_run=dry_run)
    if not dry_run:
        click.echo(f"next: {'commit' if staged else 'add and commit'} it, then run promptdb sync")
        click.echo(f"undo: {undo}")


def _print(move: "Rename", root: str, *, dry_run: bool) -> None:
    click.echo(f"{'would move' if dry_run else 'moved'} {root}{move.old.path} to {root}{move.new.path}")
    click.echo(f"    renamed_from: [{', '.join(move.renamed_from)}]")
    for path in move.mended:
        click.echo(f"    {path.field}: {path.new}, was {path.old}")
    for alias in move.aliases:
        click.echo(f"    {root}_aliases.yaml: {alias} names {move.new.prompt}")
    if not move.is_valid:
        click.echo("note: the file has errors; 'promptdb check' shows them", err=True)
    if move.makes_version:
        click.echo("note: a version contains the paths of its assets, so the next sync makes a new one", err=True)
    if move.claimed_by is not None:
        click.echo(
            f"note: {root}{move.claimed_by} has {move.new.prompt} in renamed_from, which has no effect while a file has that "
            "name: if that rename is not synced yet, undo this one and sync first",
            err=True,
        )


def _undo(move: "Rename", root: str) -> str:
    # To restore HEAD would lose uncommitted edits. A move back keeps them, but leaves an entry in renamed_from.
    if not move.is_clean:
        return shlex.join(["promptdb", "mv", str(move.new.prompt), str(move.old.prompt)])
    paths = dict.fromkeys(os.path.normpath(root + path) for edit in move.edits for path in (edit.path, edit.new_path))
    return shlex.join(["git", "restore", "--staged", "--worktree", "--", *paths])


def _data(move: "Rename") -> dict[str, object]:
    return {
        "from": move.old.prompt,
        "to": move.new.prompt,
        "old_path": move.old.path,
        "new_path": move.new.path,
        "renamed_from": move.renamed_from,
        "mended": move.mended,
        "declared_aliases": move.aliases,
        "makes_version": move.makes_version,
        "is_valid": move.is_valid,
        "claimed_by": move.claimed_by,
    }
