"""Webhooks, and the log of their deliveries."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from promptdb.api.auth import ADMINISTERS, Administers
from promptdb.api.openapi import problems, problems_of_body
from promptdb.api.paging import DEFAULT_LIMIT, MAX_NUMBER, Cursor, Limit, key_in, page
from promptdb.api.problems import wrong_value
from promptdb.api.schemas import Body, Page, Time
from promptdb.api.served import served
from promptdb.api.strict_bodies import StrictRoute
from promptdb.domain.json_fields import number
from promptdb.domain.namespace_glob import PATTERN, NamespaceGlob
from promptdb.domain.prompt_id import MAX_IDENTITY
from promptdb.domain.webhooks.events import EVENT_TYPES
from promptdb.domain.webhooks.subscriptions import MAX_URL, require_event_types
from promptdb.errors import InvalidRef
from promptdb.registry import webhooks

router = APIRouter(prefix="/webhooks", tags=["webhooks"], route_class=StrictRoute)

_URL = r"^https?://[!$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+$"

# A type that does not exist is refused with a hint, below.
EventType = Annotated[str, Field(max_length=64, json_schema_extra={"enum": [*EVENT_TYPES]})]
WebhookId = Annotated[int, Path(ge=1, le=MAX_NUMBER)]
Ids = Annotated[list[Annotated[int, Field(ge=1, le=MAX_NUMBER)]], Field(min_length=1, max_length=1000)]


class Webhook(BaseModel):
    """A receiver of events, without its secret."""

    id: int
    url: str = Field(examples=["https://hooks.example.com/promptdb"])
    events: list[str] = Field(description="empty for all types", examples=[["alias.moved"]])
    namespace: str = Field(examples=["support"])
    created_by: str
    created_at: Time
    rests_until: Time | None = Field(description="until then nothing is sent, as the receiver was down")
    disabled_at: Time | None
    disabled_reason: str | None
    pending: int = Field(description="the number of deliveries that wait")
    failed: int


class WebhookBody(Body):
    """Where to send which events."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"url": "https://hooks.example.com/promptdb", "events": ["alias.moved"]}]},
    )

    # The patterns are for the document only: such values are refused with a sentence, below.
    url: str = Field(max_length=MAX_URL, json_schema_extra={"pattern": _URL})
    events: list[EventType] = Field(default=[], max_length=100, description="by default all types, also later ones")
    namespace: str = Field(
        default="*",
        max_length=MAX_IDENTITY,
        json_schema_extra={"pattern": PATTERN},
        description="a pattern of the namespaces whose prompts it gets events of",
    )


class NewWebhook(BaseModel):
    """A webhook with its secret, which no other answer has."""

    webhook: Webhook
    secret: str = Field(examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"])


class Delivery(BaseModel):
    """One event for one webhook, with the result of the newest attempt."""

    id: int
    webhook_id: int
    message_id: str = Field(description="the header `webhook-id`")
    event: str = Field(examples=["alias.moved"])
    prompt: str | None
    state: Literal["pending", "delivered", "failed"]
    attempts: int
    created_at: Time
    attempted_at: Time | None
    due_at: Time | None
    status: int | None
    error: str | None


class ReplayBody(Body):
    """Deliveries to send again, by default all that failed."""

    deliveries: Ids | None = None


class Replayed(BaseModel):
    deliveries: int = Field(description="the number that are due again")


@router.get("", response_model=Page[Webhook], dependencies=[ADMINISTERS], responses=problems(422))
def list_webhooks(
    request: Request, response: Response, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
) -> dict[str, Any]:
    """List the webhooks, the oldest first."""
    after = key_in(request, cursor, lambda key: number(key[0], 1, MAX_NUMBER)) or 0
    found = [found for found in webhooks.list_webhooks(served(request).reader.registry) if found.id > after]
    return page(request, response, found[: limit + 1], limit, lambda found: [found.id])


@router.post("", status_code=201, response_model=NewWebhook, responses=problems_of_body())
def add_webhook(request: Request, grant: Administers, body: WebhookBody) -> webhooks.WebhookSecret:
    """Add a webhook. The answer alone has its secret."""
    here = served(request)
    registry, private = here.service_for(grant).registry, here.settings.webhook_networks
    with _at("body.events"):
        require_event_types(body.events)
    with _at("body.namespace"):
        NamespaceGlob.parse(body.namespace)
    with _at("body.url"):
        return webhooks.add_webhook(registry, body.url, body.events, body.namespace, private)


@contextmanager
def _at(place: str) -> Iterator[None]:
    """Name the field that an error is about. The library raises InvalidRef, which over HTTP stands for prompts and aliases."""
    try:
        yield
    except InvalidRef as error:
        raise wrong_value(place, error.message, error.hint) from error


@router.delete("/{webhook}", status_code=204, dependencies=[ADMINISTERS], responses=problems(404, 422))
def remove_webhook(request: Request, webhook: WebhookId) -> None:
    """Remove a webhook with its deliveries."""
    webhooks.remove_webhook(served(request).reader.registry, webhook)


@router.get(
    "/{webhook}/deliveries", response_model=Page[Delivery], dependencies=[ADMINISTERS], responses=problems(404, 422)
)
def list_deliveries(
    request: Request,
    response: Response,
    webhook: WebhookId,
    state: Annotated[Literal["pending", "delivered", "failed"] | None, Query()] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """List the deliveries of a webhook, the newest first."""
    before = key_in(request, cursor, lambda key: number(key[0], 1, MAX_NUMBER))
    found = webhooks.list_deliveries(served(request).reader.registry, webhook, state, before, limit + 1)
    return page(request, response, found, limit, lambda found: [found.id])


@router.post(
    "/{webhook}/replay", response_model=Replayed, dependencies=[ADMINISTERS], responses=problems_of_body(404, 409)
)
def replay(request: Request, webhook: WebhookId, body: ReplayBody) -> dict[str, int]:
    """Send deliveries again, with their message ids."""
    return {"deliveries": webhooks.replay(served(request).reader.registry, webhook, body.deliveries)}
