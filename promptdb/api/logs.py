"""The log of the server: one line for each request and each event, as JSON, or as text on a terminal."""

import json
import logging
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from promptdb.api.log_output import BatchedOutput

_access = logging.getLogger("promptdb.access")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer. Nothing in it is a secret: the route has no values, and `actor` is `token:` and its name.

    Args:
        route: the template of the path, or None if there is no such route.
        seconds: from the first look at the request to the last byte of the answer.
        sent: the bytes of the body of the answer.
        actor: the access token by its name, if there was a valid one.
    """

    request_id: str
    method: str
    route: str | None
    status: int
    seconds: float
    sent: int
    actor: str | None


def log_exchange(exchange: Exchange) -> None:
    if _access.isEnabledFor(logging.INFO):
        # Not `info`, which walks the stack to find this line.
        record = _access.makeRecord(
            _access.name, logging.INFO, "", 0, "request", (), None, extra={"exchange": exchange}
        )
        _access.handle(record)


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields: dict[str, Any] = {"time": time, "level": record.levelname.lower()}
        exchange = getattr(record, "exchange", None)
        if isinstance(exchange, Exchange):
            fields |= {"message": "request", **_fields(exchange)}
        else:
            fields |= {"logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            fields["exception"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(fields, separators=(",", ":"))


class TextLines(logging.Formatter):
    """Lines for people."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        exchange = getattr(record, "exchange", None)
        if isinstance(exchange, Exchange):
            found = exchange
            who = f" by {found.actor}" if found.actor is not None else ""
            record.message = (
                f"{found.status} {found.method} {found.route or '(no route)'} "
                f"{found.seconds * 1000:.1f} ms, {found.sent} bytes{who} [{found.request_id}]"
            )
        # A path may have the line breaks of a forged line.
        record.message = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in record.message)
        return super().formatMessage(record)


def _fields(exchange: Exchange) -> Mapping[str, Any]:
    return {
        "request_id": exchange.request_id,
        "method": exchange.method,
        "route": exchange.route,
        "status": exchange.status,
        "sent": exchange.sent,
        "actor": exchange.actor,
        "milliseconds": round(exchange.seconds * 1000, 3),
    }


def flush_log() -> None:
    """Write the lines that wait."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, BatchedOutput):
            handler.flush()


def logging_of(level: str, *, as_text: bool) -> dict[str, Any]:
    """Make the configuration of `logging.config.dictConfig` for a server."""
    lines = TextLines if as_text else JsonLines
    # The messages of uvicorn about its processes repeat what is logged here.
    uvicorn = {"level": "DEBUG" if level == "debug" else "WARNING"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": lines}},
        "handlers": {"stderr": {"()": BatchedOutput, "formatter": "lines"}},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {"promptdb": {"level": level.upper()}, "uvicorn": uvicorn, "uvicorn.access": {"level": "CRITICAL"}},
    }
