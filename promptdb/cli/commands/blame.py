"""`promptdb blame`."""

from datetime import UTC, datetime

import click

from promptdb.cli.opening import note_rename, service
from promptdb.cli.options import json_option
from promptdb.cli.present.output import print_json, print_table, short_time
from promptdb.cli.present.text import pointed


class _Time(click.ParamType[datetime]):
    name = "time"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            # Without an offset, the time is that of this machine's clock on the wall.
            return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError, OSError):
            self.fail(f"{value!r} is not a time: write 2026-11-30, 2026-11-30T14:05 or 2026-11-30T14:05Z", param, ctx)


@click.command("blame")
@click.argument("prompt", required=False)
@click.option(
    "--at", metavar="TIME", type=_Time(), help="A time in ISO 8601; without an offset it is local. Default: now."
)
@json_option
def command(prompt: str | None, at: datetime | None, as_json: bool) -> None:
    """Show what each alias pointed at, who had moved it there and why.

    Without PROMPT, shows the aliases of all prompts.
    """
    with service() as opened:
        found = opened.blame(at, prompt)
    if prompt is not None and found:
        note_rename(prompt, found[0].prompt)
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo("no alias pointed at anything then" if at is not None else "no aliases", err=True)
        return
    rows = [
        [
            f"{entry.prompt}:{entry.alias}",
            pointed(entry.revision, entry.split),
            (entry.commit_id or "")[:12],
            short_time(entry.moved_at),
            entry.actor,
            entry.reason or "",
        ]
        for entry in found
    ]
    print_table(["ALIAS", "REVISION", "COMMIT", "MOVED", "WHO", "WHY"], rows)
