"""What several commands need: the service, the tree, common options."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from promptdb.cli.bars import progress_bar
from promptdb.cli.sharing import tell_sharing

if TYPE_CHECKING:
    from pathlib import Path

    from promptdb.domain.identity import PromptId
    from promptdb.render.resolved import ResolvedPrompt
    from promptdb.service import PromptService
    from promptdb.settings import AppSettings
    from promptdb.sync.registry import Registry
    from promptdb.sync.source import LoadedTree
    from promptdb.sync.view import View

_F = TypeVar("_F", bound=Callable[..., Any])


def json_option(command: _F) -> _F:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, as docs/json-output.md describes.")(
        command
    )


def view_options(command: _F) -> _F:
    """Options that say which state of the files to look at; the command gets it as `view`, None without any."""

    @click.option("--worktree", is_flag=True, help="Read the files as they are on disk; the default.")
    @click.option("--staged", is_flag=True, help="Read git's index: what would be committed now.")
    @click.option("--rev", metavar="COMMIT", help="Read a commit, tag or branch; needs no checkout.")
    @wraps(command)
    def with_view(worktree: bool, staged: bool, rev: str | None, **values: Any) -> Any:
        from promptdb.sync.view import View

        if worktree + staged + (rev is not None) > 1:
            raise click.UsageError("--worktree, --staged and --rev exclude one another")
        view = View(staged, rev) if worktree or staged or rev is not None else None
        return command(view=view, **values)

    return cast("_F", with_view)


def prune_options(command: _F) -> _F:
    prune = click.option("--prune", is_flag=True, help="Archive prompts whose files are gone.")
    limit = click.option(
        "--max-prune",
        type=click.IntRange(0, 100),
        default=20,
        show_default=True,
        metavar="PERCENT",
        help="Refuse to archive more of the tree than this.",
    )
    return prune(limit(command))


def ref_option(command: _F) -> _F:
    return click.option(
        "--ref",
        metavar="NAME",
        callback=_git_ref,
        help="The branch, or tags/TAG, of a commit that is checked out or named by its id.",
    )(command)


def _git_ref(_: click.Context, __: click.Parameter, text: str | None) -> str | None:
    from promptdb.domain.ref_rules import parse_git_ref
    from promptdb.errors import InvalidRef

    try:
        return None if text is None else parse_git_ref(text)
    except InvalidRef as error:
        raise click.BadParameter(f"{error.message}; {error.hint}") from error


def on_ref(loaded: "LoadedTree", ref: str | None) -> "LoadedTree":
    """The tree as that of `--ref`."""
    origin = loaded.origin.standing_for(ref)
    if ref is not None and origin.git_ref != ref:
        where = f"this is the ref {origin.git_ref}" if origin.git_ref else "there is no commit"
        raise click.UsageError(f"--ref is for a commit without a name, but {where}")
    return replace(loaded, origin=origin)


@contextmanager
def service() -> "Iterator[PromptService]":
    """The service for the settings of the current folder."""
    from promptdb.service import PromptService

    opened = PromptService(sharing=tell_sharing)
    try:
        yield opened
    finally:
        opened.close()


def note_rename(ref: str, prompt: "PromptId") -> None:
    """Say so where a reference, or a name, is an earlier one of what it found."""
    from promptdb.domain.identity import PromptId

    asked = PromptId.parse(ref.partition(":")[0])
    if asked != prompt:
        click.echo(f"note: {asked} is now {prompt}", err=True)


def note_lookup(found: "ResolvedPrompt") -> None:
    """Say so where the answer is not what the reference seems to ask for: another name, or no recorded version."""
    note_rename(found.ref, found.prompt)
    if not found.version.is_recorded:
        commit = str(found.commit_id)[:12]
        click.echo(f"note: no sync has recorded {found.prompt} as it is in commit {commit}; read from git", err=True)


@contextmanager
def registry(settings: "AppSettings", database: str | None = None) -> "Iterator[Registry]":
    """The stores alone, ready: a service is slow to import, since it renders.

    Args:
        settings: name them.
        database: stands for the database URL in hints, where it is not that of the current folder.
    """
    from promptdb.db.migrate import ensure_schema
    from promptdb.sync.registry import registry_of

    opened = registry_of(settings, tell_sharing)
    try:
        ensure_schema(opened.engine, database)
        yield opened
    finally:
        opened.engine.dispose()


def load_settings() -> "AppSettings":
    """The settings of the current folder."""
    from promptdb import settings

    return settings.load_settings()


def load_tree(settings: "AppSettings", view: "View | None" = None) -> "LoadedTree":
    from promptdb.sync import source
    from promptdb.sync.view import WORK_TREE

    with progress_bar("reading prompts") as progress:
        return source.load_tree(settings, progress, view or WORK_TREE)


def root_prefix(settings: "AppSettings", start: "Path | None" = None) -> str:
    """The prompts root, with a slash at the end, as people and editors can follow it from `start`: the current folder."""
    return os.path.relpath(settings.prompts_path, start) + os.sep
