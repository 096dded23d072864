"""`promptdb import`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from promptdb.cli.opening import registry, root_prefix
from promptdb.cli.options import json_option
from promptdb.cli.present.foreign import print_carried
from promptdb.cli.present.output import print_json
from promptdb.cli.present.progress import progress_bar
from promptdb.cli.present.received import print_received
from promptdb.cli.present.text import one_line
from promptdb.neighbours.foreign import FORMATS

if TYPE_CHECKING:
    from promptdb.project.edits.import_foreign import ImportPlan


class _PathOrAddress(click.Path):
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        is_address = isinstance(value, str) and value.startswith(("https://", "http://"))
        return value if is_address else super().convert(value, param, ctx)


@click.command("import")
@click.argument("paths", type=_PathOrAddress(exists=True, allow_dash=True, path_type=Path), nargs=-1, required=True)
@click.option("--from", "other", type=click.Choice(FORMATS), help="Write prompt files from files of this other tool.")
@click.option("--namespace", help="With --from: put the prompts into this namespace.")
@click.option("--dry-run", is_flag=True, help="With --from: show the new files and what is lost, and write nothing.")
@click.option(
    "--keep-going", is_flag=True, help="With --from: write what can be imported even if other prompts cannot."
)
@click.option("--force", is_flag=True, help="With --from: overwrite existing files that differ.")
@json_option
@click.pass_context
def command(
    context: click.Context,
    paths: tuple[Path | str, ...],
    other: str | None,
    namespace: str | None,
    dry_run: bool,
    keep_going: bool,
    force: bool,
    as_json: bool,
) -> int:
    """Import a file written by 'export', or prompts of other tools.

    Without --from, PATHS is one file of 'export'. Versions keep their ids, revisions and digests. Import writes the whole
    file or nothing. Exits with status 5 if the registry has a different history, and with 7 if the file is damaged.

    A file of a whole registry needs an empty registry or an earlier copy, so the whole history of the registry is in the
    file. A file of one version can be imported into any registry, as the next revision of its prompt.

    With --from, PATHS are files and folders of another tool, or the address of a Langfuse server. Import writes prompt files
    below the prompts root, and lists what they cannot hold. Exits with status 4, and writes nothing, if a prompt cannot be
    imported.
    """
    if other is not None:
        from promptdb.project.edits.import_foreign import plan_import
        from promptdb.settings import load_settings

        settings = load_settings()
        files = [path for path in paths if isinstance(path, Path)]
        plan = plan_import(other, files, settings, namespace, _downloads(other, paths), overwrite=force)
        is_written = not dry_run and (keep_going or not plan.refused)
        if is_written:
            plan.write(overwrite=force)
        _print(plan, root_prefix(settings), is_written=is_written, keep_going=keep_going or dry_run, as_json=as_json)
        return 4 if plan.refused else 0
    if given := [name for name in ("namespace", "dry_run", "keep_going", "force") if context.params[name]]:
        raise click.UsageError(f"--{given[0].replace('_', '-')} needs --from")
    file = paths[0]
    if len(paths) != 1 or isinstance(file, str):
        raise click.UsageError("import reads one file of 'export'; for files of other tools, pass --from")
    return _import_registry(file, as_json=as_json)


def _downloads(other: str, paths: Sequence[Path | str]) -> dict[str, bytes]:
    addresses = [path for path in paths if isinstance(path, str)]
    if not addresses:
        return {}
    if other != "langfuse":
        raise click.UsageError(f"{other} is read from files, and from no server")
    from promptdb.neighbours.langfuse_server import download

    return {address: download(address) for address in addresses}


def _import_registry(file: Path, *, as_json: bool) -> int:
    if str(file) == "-":
        raise click.UsageError("import reads its file more than once: pass a file, not standard input")
    if file.is_dir():
        raise click.UsageError(f"{file} is a folder; for files of other tools, pass --from")
    from promptdb.transfer.copy import import_file

    with registry(create=True) as opened, progress_bar("storing blobs") as progress:
        received = import_file(opened, file, progress)
    print_received(received, {"file": str(file)}, as_json=as_json)
    return 0


def _print(plan: "ImportPlan", root: str, *, is_written: bool, keep_going: bool, as_json: bool) -> None:
    if as_json:
        files = [
            {"source": one.source, "prompt": one.prompt, "file": f"{root}{one.path}", "losses": one.losses}
            for one in plan.imported
        ]
        data = {"imported": files, "refused": plan.refused, "passed_over": plan.passed_over}
        print_json({"written": is_written, **data})
        return
    for skipped in plan.passed_over:
        click.echo(one_line(f"note: {skipped.source} is passed over: {skipped.reason}"), err=True)
    rows = [(one.source, f"{root}{one.path}", one.losses) for one in plan.imported]
    refused = [(one.source, one.reason) for one in plan.refused]
    hint = None if keep_going else "repair these files, or pass --keep-going to import the others"
    print_carried(rows, refused, is_written=is_written, hint=hint)
