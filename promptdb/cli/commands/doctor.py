"""`promptdb db doctor`."""

import click

from promptdb.cli.options import json_option
from promptdb.cli.present.output import print_json
from promptdb.cli.present.text import one_line

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command("doctor")
@json_option
def command(as_json: bool) -> int:
    """Diagnose settings, stores, clocks, disks and git.

    Writes a row and rolls it back, and writes a random blob and deletes it. Nothing else changes. Exits with status 1 if a
    check fails.
    """
    from promptdb.maintenance.doctor import Level, examine

    findings = []
    for finding in examine():
        findings.append(finding)
        if not as_json:
            click.secho(f"{finding.level:<6}", fg=_COLOURS[finding.level], nl=False)
            click.echo(one_line(f"{finding.check:<13}{finding.detail}"))
            if finding.remedy:
                click.echo(one_line(f"{'':<6}{'':<13}remedy: {finding.remedy}"))
    failed = any(finding.level is Level.FAIL for finding in findings)
    if as_json:
        print_json({"healthy": not failed, "findings": findings})
    return 1 if failed else 0
