"""`promptdb webhook`."""

import signal
from threading import Event
from typing import TYPE_CHECKING

import click

from promptdb.cli.opening import registry
from promptdb.cli.options import json_option
from promptdb.cli.present.output import print_json, short_time
from promptdb.cli.present.text import count, one_line
from promptdb.cli.present.webhooks import print_deliveries, print_webhooks, sent_line
from promptdb.domain.webhooks.events import EVENT_TYPES
from promptdb.domain.webhooks.schedule import DELIVERED, FAILED, PENDING
from promptdb.settings import load_settings

if TYPE_CHECKING:
    from promptdb.delivery.worker import WebhookWorker
    from promptdb.registry.stores import Registry

webhook_argument = click.argument("webhook", type=click.IntRange(min=1))


@click.group("webhook")
def command() -> None:
    """Send events to other programs, as docs/webhooks.md explains."""


@command.command("add")
@click.argument("url")
@click.option(
    "--event",
    "events",
    multiple=True,
    type=click.Choice(list(EVENT_TYPES)),
    help="Send only events of this type. Repeat it for several.",
)
@click.option(
    "--namespace",
    default="*",
    metavar="PATTERN",
    help="Send only events of prompts in these namespaces and below them, such as support or */eu.",
)
@json_option
def add(url: str, events: tuple[str, ...], namespace: str, as_json: bool) -> None:
    """Add a webhook, and print its secret once.

    The receiver verifies events with the secret, which stands alone on standard output. Without --event, it gets all events.
    """
    from promptdb.registry.webhooks import add_webhook

    with registry() as opened:
        made = add_webhook(opened, url, events, namespace, load_settings().webhook_networks)
    if as_json:
        print_json({"webhook": made.webhook, "secret": made.secret})
        return
    click.echo(f"note: added webhook {made.webhook.id}; its secret is not shown again", err=True)
    click.echo(made.secret)


@command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the webhooks and how many deliveries wait."""
    from promptdb.registry.webhooks import list_webhooks

    with registry() as opened:
        found = list_webhooks(opened)
    if as_json:
        print_json(found)
    elif found:
        print_webhooks(found)
    else:
        click.echo("no webhooks; 'promptdb webhook add' adds one", err=True)


@command.command("remove")
@webhook_argument
@json_option
def remove(webhook: int, as_json: bool) -> None:
    """Remove a webhook and its deliveries."""
    from promptdb.registry.webhooks import remove_webhook

    with registry() as opened:
        removed = remove_webhook(opened, webhook)
    if as_json:
        print_json(removed)
    else:
        pending = f" and {count(removed.pending, 'pending delivery')}" if removed.pending else ""
        click.echo(one_line(f"removed webhook {removed.id} ({removed.url}){pending}"))


@command.command("rotate")
@webhook_argument
@json_option
def rotate(webhook: int, as_json: bool) -> None:
    """Give a webhook a new secret, and print it once.

    For a day both secrets sign, so that the receiver has time to change.
    """
    from promptdb.registry.webhooks import rotate_secret

    with registry() as opened:
        made = rotate_secret(opened, webhook)
    if as_json:
        print_json({"webhook": made.webhook, "secret": made.secret, "previous_until": made.previous_until})
        return
    until = short_time(made.previous_until) if made.previous_until else ""
    click.echo(f"note: the old secret signs until {until}; the new one is not shown again", err=True)
    click.echo(made.secret)


@command.command("enable")
@webhook_argument
@json_option
def enable(webhook: int, as_json: bool) -> None:
    """Send events to a disabled webhook again, from now on.

    A receiver disables its webhook by the status 410. 'promptdb webhook replay' sends the events since then.
    """
    from promptdb.registry.webhooks import enable_webhook

    with registry() as opened:
        found = enable_webhook(opened, webhook)
    if as_json:
        print_json(found)
    else:
        click.echo(f"webhook {webhook} is enabled")


@command.command("test")
@webhook_argument
@json_option
def test(webhook: int, as_json: bool) -> int:
    """Send a ping to a webhook, and show the answer.

    The event is webhook.ping. Exits with status 1 if the answer is not a success.
    """
    with registry() as opened:
        sent = _worker(opened).send_ping(webhook)
    if as_json:
        print_json(sent)
    else:
        click.echo(one_line(sent_line(sent)))
    return 0 if sent.answer.is_success else 1


@command.command("deliveries")
@click.argument("webhook", type=click.IntRange(min=1), required=False)
@click.option("--state", type=click.Choice([PENDING, DELIVERED, FAILED]), help="List only deliveries in this state.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="List at most this many.")
@json_option
def deliveries(webhook: int | None, state: str | None, limit: int, as_json: bool) -> None:
    """List the deliveries of one webhook or of all.

    The newest come first. The log keeps them for 30 days after they were delivered or have failed.
    """
    from promptdb.registry.webhooks import list_deliveries

    with registry() as opened:
        found = list_deliveries(opened, webhook, state, limit=limit)
    if as_json:
        print_json(found)
    elif found:
        print_deliveries(found)
    else:
        click.echo("no deliveries", err=True)


@command.command("replay")
@webhook_argument
@click.argument("deliveries", type=click.IntRange(min=1), nargs=-1)
@json_option
def replay(webhook: int, deliveries: tuple[int, ...], as_json: bool) -> None:
    """Send failed deliveries of a webhook again.

    With DELIVERIES, send those with these ids. They keep their message ids, so a receiver that has seen one ignores it.
    """
    from promptdb.registry import webhooks

    with registry() as opened:
        number = webhooks.replay(opened, webhook, deliveries or None)
    if as_json:
        print_json({"webhook": webhook, "deliveries": number})
    else:
        verb, them = ("is", "it") if number == 1 else ("are", "them")
        sends = f"'promptdb serve' or 'promptdb webhook deliver' sends {them}"
        click.echo(f"{count(number, 'delivery')} {verb} due again; {sends}")


@command.command("deliver")
@click.option("--watch", is_flag=True, help="Continue until ^C (exit status 130) or SIGTERM (status 0).")
@json_option
def deliver(watch: bool, as_json: bool) -> int:
    """Send what is due, once. 'promptdb serve' does this all the time.

    Several processes may send at the same time. Exits with status 0 even if receivers fail: there are more attempts.
    """
    with registry() as opened:
        worker = _worker(opened)
        if watch:
            worker.report = lambda sent: (
                print_json(sent, indent=None) if as_json else click.echo(one_line(sent_line(sent)))
            )
            return _watch(worker)
        found = worker.deliver_due()
    if as_json:
        print_json(found)
        return 0
    for sent in found:
        click.echo(one_line(sent_line(sent)))
    click.echo(f"{count(len(found), 'attempt')}, {sum(sent.answer.is_success for sent in found):,} delivered")
    return 0


def _worker(opened: "Registry") -> "WebhookWorker":
    from promptdb.delivery.worker import WebhookWorker

    return WebhookWorker(opened, load_settings().webhook_networks)


def _watch(worker: "WebhookWorker") -> int:
    terminated = Event()
    previous = signal.signal(signal.SIGTERM, lambda *_: terminated.set())
    worker.start()
    try:
        terminated.wait()
        return 0
    except KeyboardInterrupt:
        return 130
    finally:
        # Attempts that have begun are finished.
        worker.stop()
        signal.signal(signal.SIGTERM, previous)
