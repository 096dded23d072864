"""`promptdb log`."""

from datetime import datetime

import click

from promptdb.cli.opening import note_rename, service
from promptdb.cli.options import json_option, ref_argument
from promptdb.cli.present.output import print_json, print_table, short_commit, short_digest, short_time
from promptdb.domain.views import LogEntry, Provenance


@click.command("log")
@ref_argument("prompt")
@click.option("-n", "--limit", type=click.IntRange(1), default=None, help="List at most this many versions.")
@json_option
def command(prompt: str, limit: int | None, as_json: bool) -> None:
    """List the versions of a prompt, newest first."""
    with service() as opened:
        entries = opened.log(prompt, limit)
    if entries:
        note_rename(prompt, entries[0].version.prompt)
    if as_json:
        print_json(entries)
        return
    has_labels = any(entry.version.user_version for entry in entries)
    rows = [
        [
            str(entry.version.revision),
            short_digest(entry.version.spec_hash),
            *([entry.version.user_version or ""] if has_labels else []),
            ", ".join(entry.aliases),
            short_time(_time(entry)),
            _commit(entry.source),
            _author(entry),
        ]
        for entry in entries
    ]
    labels = ["LABEL"] if has_labels else []
    print_table(["REVISION", "DIGEST", *labels, "ALIASES", "DATE", "COMMIT", "AUTHOR"], rows)


def _time(entry: LogEntry) -> datetime:
    # History may have been recorded long after its commits.
    known = entry.source.committed_at if entry.source else None
    return known or entry.version.created_at


def _commit(source: Provenance | None) -> str:
    if source is None or source.commit_id is None:
        return ""
    return short_commit(source.commit_id) + (" (dirty)" if source.is_dirty else "")


def _author(entry: LogEntry) -> str:
    source = entry.source
    if source is None or source.commit_id is None or source.is_dirty:
        return entry.version.created_by  # no commit has this content
    return (source.author or "unknown").partition(" <")[0]
