"""Opens the service, the workspace or the stores that a command works on."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import click

from promptdb.cli.present.progress import progress_bar
from promptdb.cli.present.text import one_line, print_hint
from promptdb.domain.prompt_id import PromptId
from promptdb.settings import AppSettings, load_settings

if TYPE_CHECKING:
    from promptdb.registry.stores import Registry
    from promptdb.render.resolved import ResolvedPrompt
    from promptdb.service import PromptService
    from promptdb.workspace import Workspace


@contextmanager
def service() -> "Iterator[PromptService]":
    """Open the registry of the current folder's settings."""
    from promptdb.service import PromptService

    with PromptService(sharing=_note_sharing) as opened:
        yield opened


@contextmanager
def workspace(settings: AppSettings | None = None) -> "Iterator[Workspace]":
    """Open the checkout and the registry of these settings, by default those of the current folder."""
    from promptdb.workspace import Workspace

    with Workspace(settings, _note_sharing, progress_bar) as opened:
        yield opened


@contextmanager
def registry(
    settings: AppSettings | None = None, database: str | None = None, *, create: bool = False
) -> "Iterator[Registry]":
    """Open only the stores: a service takes longer to import, since it renders.

    Args:
        settings: by default those of the current folder.
        database: replaces the database URL in hints if the settings are not those of the current folder.
        create: create a missing SQLite database.
    """
    from promptdb.registry.stores import registry_of

    with closing(registry_of(settings or load_settings(), _note_sharing)) as opened:
        yield opened.created(database) if create else opened.ready(database)


def root_prefix(settings: AppSettings, start: Path | None = None) -> str:
    """Return the path of the prompts root from `start` (by default the current folder), with a final slash if it is another."""
    path = os.path.relpath(settings.prompts_path, start)
    return "" if path == os.curdir else path + os.sep


def note_rename(ref: str, prompt: PromptId) -> None:
    """Print a note if the reference used an earlier name of the prompt."""
    asked = PromptId.parse(ref.partition(":")[0])
    if asked != prompt:
        click.echo(f"note: {asked} is now {prompt}", err=True)


def note_absence(opened: "Workspace") -> None:
    """Print a note if there is no database to compare with yet, so a wrong place is noticed."""
    if (absence := opened.stores.absence) is not None:
        click.echo(one_line(f"note: {absence}; 'promptdb sync' creates it"), err=True)


def note_drafts(audience: str, files: str) -> None:
    """Print who gets the uncommitted changes that were recorded."""
    click.echo(one_line(f"note: everyone {audience} gets uncommitted changes: {files}"), err=True)


def note_registered(audience: str, file: str) -> None:
    """Print who gets a version that was registered from a file of the tree."""
    click.echo(one_line(f"note: everyone {audience} gets this version of {file}, committed or not"), err=True)


def note_lookup(found: "ResolvedPrompt") -> None:
    """Print a note if the prompt has another name now, or the version is not recorded."""
    note_rename(found.ref, found.prompt)
    if not found.version.is_recorded:
        commit = str(found.commit_id)[:12]
        click.echo(f"note: no sync has recorded {found.prompt} at commit {commit}; this is from git", err=True)


def _note_sharing(place: str, others: frozenset[UUID]) -> None:
    # Sharing a store is allowed, but it may be a mistake in the settings.
    whose = "another registry" if len(others) == 1 else f"{len(others)} other registries"
    click.echo(one_line(f"note: {place} also holds blobs of {whose}; 'promptdb gc' removes nothing there"), err=True)
    marks = " and ".join(f"registries/{key}" for key in sorted(map(str, others)))
    print_hint(
        f"give each registry its own store; if the other registry is gone for good, remove {marks} from this store"
    )
