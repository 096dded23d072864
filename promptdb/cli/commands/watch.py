"""`promptdb watch`."""

import logging
import signal
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import click

from promptdb.cli.opening import root_prefix
from promptdb.cli.options import json_option
from promptdb.cli.present.watch_events import print_event, print_event_json
from promptdb.settings import load_settings

if TYPE_CHECKING:
    from promptdb.watch.loop import Watcher


def _seconds(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    if value is not None and not 0.1 <= value <= 3600:  # also refuses nan, which a FloatRange accepts
        raise click.BadParameter(f"{value:g} is not in the range from 0.1 to 3600")
    return value


@click.command("watch")
@click.option(
    "--interval",
    type=float,
    callback=_seconds,
    metavar="SECONDS",
    help="Check this often for changes that had no event (default: 5, or 2 with --polling).",
)
@click.option("--polling", is_flag=True, help="Check at this interval only, without events of the file system.")
@json_option
def command(interval: float | None, polling: bool, as_json: bool) -> int:
    """Sync a local registry whenever prompt files change.

    Syncs at the start and after each change, until it is stopped by ^C (exit status 130) or SIGTERM (status 0). Valid prompts
    are written even if others are invalid, and prompts whose files are gone are kept. During a merge or a rebase, it waits.

    Needs a local registry (SQLite and a folder). Exits with status 5 if another process watches the same prompts.
    """
    from promptdb.watch.events import Stopped
    from promptdb.watch.loop import Watcher

    logging.getLogger("watchdog").setLevel(logging.CRITICAL)  # lost events only delay a sync
    settings = load_settings()
    report = print_event_json if as_json else partial(print_event, root=root_prefix(settings))
    watcher = Watcher(settings, report, interval=interval, polling=polling)
    previous = signal.signal(signal.SIGTERM, lambda _, frame: _terminate(watcher, frame))
    try:
        watcher.run()
        code = 0
    except _Terminated:
        code = 0
    except KeyboardInterrupt:
        code = 130
    finally:
        signal.signal(signal.SIGTERM, previous)
    report(Stopped())
    return code


class _Terminated(BaseException):
    """SIGTERM arrived. It abandons a running sync, which is one transaction."""


def _terminate(watcher: "Watcher", _: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not interrupt the clean-up
    watcher.stop()  # in case the exception is lost, as in a finalizer
    raise _Terminated
