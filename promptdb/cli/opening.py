"""Opens what commands work on: the service or the stores, the tree, and the settings they come from."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import click

from promptdb.cli.present.progress import progress_bar
from promptdb.cli.present.text import one_line, print_hint

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from promptdb.domain.prompt_id import PromptId
    from promptdb.registry.stores import Registry
    from promptdb.render.resolved import ResolvedPrompt
    from promptdb.service import PromptService
    from promptdb.settings import AppSettings
    from promptdb.workspace import Workspace


def load_settings() -> "AppSettings":
    """Load the settings of the current folder."""
    from promptdb import settings

    return settings.load_settings()


@contextmanager
def service() -> "Iterator[PromptService]":
    """Open the registry of the current folder's settings."""
    from promptdb.service import PromptService

    with closing(PromptService(sharing=_note_sharing)) as opened:
        yield opened


@contextmanager
def workspace() -> "Iterator[Workspace]":
    """Open the checkout and the registry of the current folder's settings."""
    from promptdb.workspace import Workspace

    with closing(Workspace(sharing=_note_sharing, progress=progress_bar)) as opened:
        yield opened


@contextmanager
def registry(settings: "AppSettings | None" = None, database: str | None = None) -> "Iterator[Registry]":
    """Open the stores alone, ready: a service takes longer to import, since it renders.

    Args:
        settings: name the stores; by default those of the current folder.
        database: stands for the database URL in hints, where it is not that of the current folder.
    """
    from promptdb.registry.stores import registry_of

    with closing(registry_of(settings or load_settings(), _note_sharing)) as opened:
        yield opened.ready(database)


def root_prefix(settings: "AppSettings", start: "Path | None" = None) -> str:
    """Write the prompts root as people and editors can follow it from `start`, the current folder; ends with a slash."""
    return os.path.relpath(settings.prompts_path, start) + os.sep


def note_rename(ref: str, prompt: "PromptId") -> None:
    """Note where a reference, or a name, is an earlier one of what it found."""
    from promptdb.domain.prompt_id import PromptId

    asked = PromptId.parse(ref.partition(":")[0])
    if asked != prompt:
        click.echo(f"note: {asked} is now {prompt}", err=True)


def note_lookup(found: "ResolvedPrompt") -> None:
    """Note where the answer is not what the reference seems to ask for: another name, or no recorded version."""
    note_rename(found.ref, found.prompt)
    if not found.version.is_recorded:
        commit = str(found.commit_id)[:12]
        click.echo(f"note: no sync has recorded {found.prompt} as it is in commit {commit}; read from git", err=True)


def _note_sharing(place: str, others: "frozenset[UUID]") -> None:
    """Note that a registry begins in a blob store with blobs of others. It may, but it may also be a slip."""
    whose = "another registry" if len(others) == 1 else f"{len(others)} other registries"
    click.echo(one_line(f"note: {place} has blobs of {whose} too; 'promptdb gc' removes nothing there"), err=True)
    marks = " and ".join(f"registries/{key}" for key in sorted(map(str, others)))
    print_hint(f"give each a store of its own; or, if the other is gone for good, remove {marks} in that store")
