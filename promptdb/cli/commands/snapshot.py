"""`promptdb snapshot`."""

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from promptdb.cli.opening import registry
from promptdb.cli.options import json_option
from promptdb.cli.present.output import print_json, print_table, short_digest
from promptdb.cli.present.text import count, one_line, pointed, size
from promptdb.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promptdb.domain.snapshot.head import Head
    from promptdb.domain.snapshot.reader import Snapshot


@click.group("snapshot", invoke_without_command=True)
@click.option("-o", "--output", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write this file.")
@click.option(
    "--alias", "aliases", multiple=True, help="Take the versions of this alias, or latest. Repeat it for several."
)
@click.option("--namespace", help="Take only the prompts in this namespace and below it.")
@click.option("--with-assets", is_flag=True, help="Put the bytes of assets inside.")
@click.option(
    "--publish", "address", metavar="s3://BUCKET/KEY", help="Put it into S3, unless the same content is there."
)
@click.option(
    "--sign",
    "key",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="Sign it with the ed25519 key in this PEM file.",
)
@json_option
@click.pass_context
def command(
    context: click.Context,
    file: Path | None,
    aliases: tuple[str, ...],
    namespace: str | None,
    with_assets: bool,
    address: str | None,
    key: Path | None,
    as_json: bool,
) -> None:
    """Write a snapshot: one file from which applications read prompts without the registry.

    Equal states of a registry make equal bytes. docs/client.md explains how applications read it.
    """
    if context.invoked_subcommand is not None:
        if file or aliases or namespace or with_assets or address or key or as_json:
            raise click.UsageError(f"options come after {context.invoked_subcommand!r}")
        return
    if not aliases:
        raise click.UsageError("pass --alias, such as --alias production")
    if file is None and address is None:
        raise click.UsageError("pass -o FILE, --publish s3://BUCKET/KEY, or both")
    from promptdb.domain.refs import LATEST, parse_alias
    from promptdb.transfer.open_file import new_file
    from promptdb.transfer.snapshot import write_snapshot
    from promptdb.transfer.snapshot_keys import Signer

    signer = Signer.of(key) if key is not None else None
    names = [alias if alias == LATEST else parse_alias(alias) for alias in aliases]
    with _target(file) as target, registry() as opened:
        with new_file(target, overwrite=True) as stream:
            head = write_snapshot(opened, stream, names, namespace, with_assets=with_assets, signer=signer)
        published = _publish(address, target) if address is not None else None
    if as_json:
        print_json({"file": file, "address": address, "published": published, **_about(head)})
        return
    if file is not None:
        click.echo(one_line(f"wrote {file}: {_contents(head)}"))
    if address is not None:
        click.echo(one_line(f"published {address}" if published else f"unchanged: {address} has the same content"))


@command.command("verify")
@click.argument("file")
@json_option
def verify(file: str, as_json: bool) -> None:
    """Check every byte, prompt and asset of a snapshot.

    With PROMPTDB_SNAPSHOT_KEY, checks its signature too. FILE may also be an https:// or s3:// address. Exits with status 7 if
    the snapshot is damaged or signed with another key.
    """
    snapshot = _opened(file)
    snapshot.verify()
    head = snapshot.head
    if as_json:
        print_json({"file": file, **_about(head)})
        return
    click.echo(f"registry {head.registry}, generation {head.generation}, aliases {', '.join(head.aliases)}")
    click.echo(one_line(f"{_contents(head)}; no findings"))


@command.command("diff")
@click.argument("before")
@click.argument("after")
@click.option("--exit-code", is_flag=True, help="Exit with status 3 if an alias gives another version.")
@json_option
def diff(before: str, after: str, exit_code: bool, as_json: bool) -> int:
    """Show which aliases give another version in another snapshot.

    BEFORE and AFTER may also be https:// or s3:// addresses.
    """
    from promptdb.transfer.snapshot import compare_snapshots

    old, new = _opened(before), _opened(after)
    changes = compare_snapshots(old, new)
    if as_json:
        generations = {"before": old.head.generation, "after": new.head.generation}
        print_json({"generations": generations, "changes": changes})
    elif not changes:
        click.echo("no alias gives another version")
    else:
        rows = [
            [
                f"{change.prompt}:{change.alias}",
                *(
                    f"{pointed(version.revision, version.split)} {short_digest(version.digest)}" if version else "-"
                    for version in (change.before, change.after)
                ),
            ]
            for change in changes
        ]
        print_table(["ALIAS", "BEFORE", "AFTER"], rows)
    return 3 if exit_code and changes else 0


@contextmanager
def _target(file: Path | None) -> "Iterator[Path]":
    if file is not None:
        yield file
        return
    with TemporaryDirectory() as folder:
        yield Path(folder) / "prompts.snapshot"


def _publish(address: str, file: Path) -> bool:
    from promptdb.transfer.snapshot_remote import publish

    return publish(address, load_settings(), file)


def _opened(text: str) -> "Snapshot":
    from promptdb.transfer.snapshot_place import snapshot_at

    return snapshot_at(text, load_settings(), Path.cwd())


def _contents(head: "Head") -> str:
    assets = "with assets" if head.with_assets else "without assets"
    return f"{count(head.prompts, 'prompt')}, {count(head.versions, 'version')}, {assets} ({size(head.size)})"


def _about(head: "Head") -> dict[str, Any]:
    return {
        "digest": head.digest,
        "registry": head.registry,
        "generation": head.generation,
        "aliases": head.aliases,
        "namespace": head.namespace,
        "prompts": head.prompts,
        "versions": head.versions,
        "with_assets": head.with_assets,
        "size": head.size,
        "key": head.key,
    }
