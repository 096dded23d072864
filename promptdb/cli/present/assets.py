"""Prints the assets of a version as a table, or the bytes of one."""

import shutil
import sys
from typing import TYPE_CHECKING

import click

from promptdb.cli.present.output import print_json, print_table, print_text, short_digest
from promptdb.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from promptdb.domain.views import AssetView
    from promptdb.render.resolved import ResolvedPrompt

_MOST_ON_A_TERMINAL = 1024 * 1024


def print_assets(prompt: "ResolvedPrompt", state: "Callable[[AssetView], str]", *, as_json: bool) -> None:
    """Print assets with the states of their blobs; those of an unrecorded version have no state."""
    found = [(asset, state(asset) if prompt.version.is_recorded else None) for asset in prompt.assets]
    if as_json:
        names = ("path", "kind", "content_type", "byte_size", "digest")
        rows = [{name: getattr(asset, name) for name in names} | {"blob": blob} for asset, blob in found]
        print_json({"ref": prompt.ref, "version": prompt.version, "assets": rows})
        return
    if not found:
        click.echo(f"{prompt.prompt} has no assets")
        return
    print_table(
        ("PATH", "KIND", "TYPE", "BYTES", "DIGEST", "BLOB"),
        [
            (
                str(asset.path),
                asset.kind,
                asset.content_type,
                f"{asset.byte_size:,}",
                short_digest(asset.digest),
                blob or "in git",
            )
            for asset, blob in found
        ],
    )


def write_asset(prompt: "ResolvedPrompt", path: str) -> None:
    """Write an asset to standard output. A terminal gets only text, with its control characters escaped."""
    with prompt.asset(path) as stream:
        if not sys.stdout.isatty():
            shutil.copyfileobj(stream, sys.stdout.buffer)
            sys.stdout.buffer.flush()
            return
        data = stream.read(_MOST_ON_A_TERMINAL + 1)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text or len(data) > _MOST_ON_A_TERMINAL:
        what = "is not text" if "\0" in text else "is large"
        raise ConfigError(f"{path} {what}, and standard output is a terminal", "redirect it to a file")
    print_text(text, nl=not text.endswith("\n"))
