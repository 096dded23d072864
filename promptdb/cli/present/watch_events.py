"""Prints the events of a watcher for people and for programs."""

from datetime import datetime
from typing import Any

import click

from promptdb.cli.present.output import plain, print_json
from promptdb.cli.present.plan import print_changes, proposals, summary
from promptdb.cli.present.problems import print_problems, problems_data
from promptdb.cli.present.text import one_line
from promptdb.watch import events

_NAMES: dict[type[events.Event], str] = {events.Failed: "error", events.Warned: "warning"}
"""Names in JSON that differ from that of the class."""


def print_event_json(event: events.Event) -> None:
    time = datetime.now().astimezone().isoformat(timespec="milliseconds")
    kind = type(event)
    data: dict[str, Any] = {"event": _NAMES.get(kind, kind.__name__.lower()), "time": time}
    if isinstance(event, events.Invalid):
        data["problems"] = problems_data(event.problems)
    else:
        data |= plain(event.applied if isinstance(event, events.Synced) else event)
    print_json(data, indent=None)


def print_event(event: events.Event, root: str) -> None:
    """Print writes to standard output, and other events to standard error. `root` precedes each path."""
    if isinstance(event, events.Synced):
        applied = event.applied
        click.echo(_at_this_time(summary(applied.plan, done=True, confirmed=len(applied.confirmed))))
        print_changes(applied.plan, done=True)
        # The registry of `watch` has the new prompt by now. Others learn of it from the commit, which is still to come.
        for proposal in proposals(applied.plan):
            click.echo(f"{proposal} in registries that sync the commit", err=True)
        return
    click.echo(_at_this_time(_sentence(event)), err=True)
    if isinstance(event, events.Invalid) and event.problems:
        print_problems(event.problems, err=True, root=root)
    if isinstance(event, events.Failed | events.Warned) and event.hint:
        click.echo(one_line(f"    hint: {event.hint}"), err=True)


def _sentence(event: events.Event) -> str:
    match event:
        case events.Started(folder, database, mode, interval, reason):
            how = f"{mode}, {reason}" if reason else mode
            return f"watching {folder} for {database} ({how}, checking every {interval:g} s)"
        case events.Invalid(problems):
            return "problems:" if problems else "no problems left"
        case events.Waiting(reason):
            return f"waiting: {reason}"
        case events.Failed(message):
            return f"error: {message}; trying again"
        case events.Warned(message):
            return f"warning: {message}"
        case events.Resumed():
            return "resumed"
        case _:
            return "stopped"


def _at_this_time(text: str) -> str:
    return one_line(f"{datetime.now().astimezone():%H:%M:%S} {text}")
