"""`promptdb show`, also called `resolve`."""

import click

from promptdb.cli.opening import note_lookup, service
from promptdb.cli.options import json_option, key_option, ref_argument
from promptdb.cli.present.assets import print_assets, write_asset
from promptdb.cli.present.output import plain, print_json, printable, short_time
from promptdb.cli.present.prompt_diff import print_prompt


@click.command("show")
@ref_argument("ref")
@click.option("--assets", "list_assets", is_flag=True, help="List the version's assets and the states of their blobs.")
@click.option("--asset", "path", metavar="PATH", help="Print the bytes of the asset with this path in the prompt file.")
@key_option
@json_option
def command(ref: str, list_assets: bool, path: str | None, key: str | None, as_json: bool) -> None:
    """Show the version that a reference names.

    REF is namespace/name[:selector], where the path of a prompt file stands for its name. A selector is latest, an alias, a
    user_version, rev:3, sha256:ab12cd34, git:COMMIT or the UUID of a version.
    """
    if path is not None and (list_assets or as_json):
        raise click.UsageError("--asset cannot be combined with --assets or --json")
    with service() as opened:
        prompt = opened.get(ref, key=key)
        if list_assets or path is not None:
            note_lookup(prompt)
            if path is not None:
                write_asset(prompt, path)
            else:
                print_assets(prompt, opened.reader.blob_state, as_json=as_json)
            return
        assets = opened.assets(prompt.version)
    note_lookup(prompt)
    if as_json:
        print_json({"ref": ref, **plain(prompt.version), "split": prompt.split, "spec": prompt.spec, "assets": assets})
        return
    version = prompt.version
    label = f" ({version.user_version})" if version.user_version else ""
    unrecorded = f"in commit {str(prompt.commit_id)[:12]}, not recorded"
    what = f"revision {version.revision}" if version.is_recorded else unrecorded
    click.secho(f"{version.prompt} {what}{label}", bold=True)
    click.echo(f"id       {version.id}\ndigest   {version.spec_hash}")
    click.echo(f"created  {short_time(version.created_at)} by {printable(version.created_by)}")
    if prompt.split is not None:
        which = "the control" if key is None else f"the arm of {printable(key)}"
        click.echo(f"split    {prompt.split}; this is {which}")
    for name, variable in prompt.variables.items():
        optional = "optional" if variable.default is None else f"default {variable.default!r}"
        need = "required" if variable.required else optional
        click.echo(f"variable {printable(name)}: {variable.type or 'any'}, {need}")
    for asset in assets:
        click.echo(f"blob     {asset.kind} {printable(asset.path or 'manifest')} ({asset.byte_size:,} bytes)")
    click.echo("---")
    print_prompt(prompt.spec)
