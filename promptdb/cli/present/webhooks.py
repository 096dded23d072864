"""Words for webhooks and their deliveries."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from promptdb.cli.present.output import print_table, short_time
from promptdb.domain.webhooks.schedule import PENDING
from promptdb.domain.webhooks.subscriptions import Delivery, Webhook

if TYPE_CHECKING:
    from promptdb.delivery.worker import Sent


def print_webhooks(webhooks: Sequence[Webhook]) -> None:
    has_disabled = any(found.disabled_at for found in webhooks)
    rows = [
        [
            *(str(found.id), found.url, ", ".join(found.events) or "all", found.namespace),
            *(f"{found.pending:,}", f"{found.failed:,}", "disabled" if found.disabled_at else "enabled"),
            *([found.disabled_reason or ""] if has_disabled else []),
        ]
        for found in webhooks
    ]
    headers = ["ID", "URL", "EVENTS", "NAMESPACE", "PENDING", "FAILED", "STATE"]
    print_table([*headers, "WHY"] if has_disabled else headers, rows)


def print_deliveries(deliveries: Iterable[Delivery]) -> None:
    rows = [
        [
            *(str(found.id), str(found.webhook_id), short_time(found.created_at), found.event, found.prompt or "-"),
            *(found.state, str(found.attempts), _reason(found)),
        ]
        for found in deliveries
    ]
    print_table(["ID", "HOOK", "WHEN", "EVENT", "PROMPT", "STATE", "TRIES", "WHY"], rows)


def sent_line(sent: "Sent") -> str:
    """Describe one attempt in a line."""
    answer, result = sent.answer, sent.outcome
    after = f"; next attempt at {short_time(result.due_at)}" if result.due_at is not None else ""
    after = "; the webhook is disabled" if result.disables else after
    found = f"status {answer.status}" if answer.is_success else f"{answer.error}"
    return f"delivery {sent.delivery_id} to webhook {sent.webhook_id}: {result.state}: {found}{after}"


def _reason(delivery: Delivery) -> str:
    if delivery.state != PENDING or delivery.due_at is None:
        return delivery.error or ""
    after = f"next attempt at {short_time(delivery.due_at)}"
    return f"{delivery.error}; {after}" if delivery.error else ""
