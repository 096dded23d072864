"""`promptdb list`."""

from typing import TYPE_CHECKING

import click

from promptdb.cli.opening import service
from promptdb.cli.options import json_option
from promptdb.cli.present.output import print_json, print_table, short_digest, short_time

if TYPE_CHECKING:
    from promptdb.domain.views import PromptSummary


@click.command("list")
@click.argument("pattern", required=False)
@click.option("--archived", is_flag=True, help="Include archived prompts.")
@json_option
def command(pattern: str | None, archived: bool, as_json: bool) -> None:
    """List prompts.

    PATTERN is a namespace, or a name with * as a wildcard: support, 'support/*' or '*/triage'.
    """
    with service() as opened:
        found = opened.list_prompts(pattern, archived=archived)
    if as_json:
        print_json(found)
    elif found:
        rows = [
            [
                str(summary.prompt),
                str(summary.revision),
                short_digest(summary.spec_hash),
                ", ".join(_alias(summary, alias) for alias in summary.aliases),
                short_time(summary.updated_at) + (" (archived)" if summary.archived else ""),
            ]
            for summary in found
        ]
        print_table(["PROMPT", "REVISION", "DIGEST", "ALIASES", "UPDATED"], rows)
    else:
        click.echo("no prompts" + (f" match {pattern!r}" if pattern else "; 'promptdb sync' adds them"), err=True)


def _alias(summary: "PromptSummary", alias: str) -> str:
    split = summary.splits.get(alias)
    return f"{alias}={summary.aliases[alias] if split is None else '|'.join(map(str, split.revisions))}"
