"""`promptdb watch`."""

import logging
import signal
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import click

from promptdb.cli.opening import load_settings, root_prefix
from promptdb.cli.options import json_option
from promptdb.cli.present.watch_events import print_event, print_event_json

if TYPE_CHECKING:
    from promptdb.watch.loop import Watcher


def _seconds(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    if value is not None and not 0.1 <= value <= 3600:  # nan, too, which a FloatRange lets pass
        raise click.BadParameter(f"{value:g} is not in the range from 0.1 to 3600")
    return value


@click.command("watch")
@click.option(
    "--interval",
    type=float,
    callback=_seconds,
    metavar="SECONDS",
    help="Check so often for changes that no event told: by default every 5 seconds, 2 when polling.",
)
@click.option("--polling", is_flag=True, help="Use no events of the file system, only these checks.")
@json_option
def command(interval: float | None, polling: bool, as_json: bool) -> int:
    """Keep a local registry in step with the files.

    Syncs at the start and after each change, until it is stopped: by ^C (exit code 130) or SIGTERM (0). Valid prompts are
    written, whatever else is wrong; prompts whose files are gone stay. While git is at a merge or a rebase, it waits.

    Writes to SQLite only. Exit code 5 if another process watches the same prompts.
    """
    from promptdb.watch.events import Stopped
    from promptdb.watch.loop import Watcher

    logging.getLogger("watchdog").setLevel(logging.CRITICAL)  # of lost events, say: they cost time only
    settings = load_settings()
    tell = print_event_json if as_json else partial(print_event, root=root_prefix(settings))
    watcher = Watcher(settings, tell, interval=interval, polling=polling)
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
    tell(Stopped())
    return code


class _Terminated(BaseException):
    """SIGTERM came. A sync that runs is given up: it is one transaction."""


def _terminate(watcher: "Watcher", _: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough
    watcher.stop()  # should the exception be lost, as in a finalizer
    raise _Terminated
