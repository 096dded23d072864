"""Webhooks as they are registered: their addresses, and the events that each of them gets."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import SplitResult, urlsplit

from promptdb.domain.namespace_glob import NamespaceGlob
from promptdb.domain.webhooks.events import EVENT_TYPES, Event
from promptdb.errors import InvalidRef

MAX_URL = 2048
"""The most characters of an address."""

_CHARACTERS = re.compile(r"[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]*")
"""The characters that an address may have by RFC 3986."""

_EXAMPLE = "write an address such as https://hooks.example.com/promptdb"


@dataclass(frozen=True, slots=True)
class Subscription:
    """The events that a webhook gets. Without `events` it gets all types, later ones too.

    `namespace` covers the prompts of the events. Events of no single prompt come to every webhook with their type.
    """

    webhook_id: int
    events: tuple[str, ...] = ()
    namespace: NamespaceGlob = field(default_factory=lambda: NamespaceGlob("*"))

    def wants(self, event: Event) -> bool:
        if self.events and event.type not in self.events:
            return False
        return event.prompt is None or self.namespace.covers(event.prompt.namespace)


@dataclass(frozen=True, slots=True)
class Webhook:
    """A registered webhook, without its secrets.

    `events` is empty for all types. Until `rests_until` nothing is sent, as its receiver was down. `disabled_reason` says why
    nothing is sent any more. `pending` and `failed` count deliveries.
    """

    id: int
    url: str
    events: tuple[str, ...]
    namespace: str
    created_by: str
    created_at: datetime
    rests_until: datetime | None = None
    disabled_at: datetime | None = None
    disabled_reason: str | None = None
    pending: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one webhook, with the result of the newest attempt.

    `message_id` is the same for all webhooks that get the event, and in all attempts. `due_at` is the time of the next attempt,
    or None. `status` is that of the answer, and `error` says what was wrong.
    """

    id: int
    webhook_id: int
    message_id: str
    event: str
    prompt: str | None
    state: str
    attempts: int
    created_at: datetime
    attempted_at: datetime | None
    due_at: datetime | None
    status: int | None
    error: str | None


def parse_url(text: str) -> SplitResult:
    """Parse the address of a receiver.

    Raises:
        InvalidRef: it is not an http or https address, or has a part that a webhook has no use for.
    """
    if not _CHARACTERS.fullmatch(text):
        raise InvalidRef("the address has characters that must be encoded", f"{_EXAMPLE}, others as %XX or xn--")
    if len(text) > MAX_URL:
        raise InvalidRef("the address is too long", f"at most {MAX_URL} characters")
    try:
        found = urlsplit(text)
        is_complete = found.scheme in ("http", "https") and bool(found.hostname) and found.port != 0
    except ValueError:
        is_complete = False
    if not is_complete:
        raise InvalidRef("the address is not that of a web server", _EXAMPLE)
    if "@" in found.netloc:
        raise InvalidRef("the address holds a user or a password", "receivers check the signature instead")
    if "#" in text:
        raise InvalidRef("the address has a fragment, which is never sent", "omit the part from # on")
    return found


def require_event_types(names: Sequence[str]) -> tuple[str, ...]:
    """Sort the types that a webhook subscribes to, each once. Raise `InvalidRef` for an unknown one."""
    for name in names:
        if name not in EVENT_TYPES:
            raise InvalidRef(f"there is no event {name[:60]!r}", f"events are {', '.join(EVENT_TYPES)}")
    return tuple(sorted(set(names)))
