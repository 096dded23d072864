"""Pages of long lists. A cursor holds the key of the last item, so that nothing is skipped or repeated while the list grows."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

from fastapi import Query, Request, Response

from promptdb.api.problems import wrong_value
from promptdb.domain.json_fields import Wrong, typed

_CHECK = 8
"""Bytes of a checksum, which also ties a cursor to its list and its filters."""

MAX_NUMBER = 2**31 - 1

Limit = Annotated[int, Query(ge=1, le=1000, description="the most items of the page")]
Cursor = Annotated[str | None, Query(max_length=4096, description="`next` of the page before")]
DEFAULT_LIMIT = 100

_T = TypeVar("_T")
_Key = TypeVar("_Key")


def key_in(request: Request, cursor: str | None, read: Callable[[list[Any]], _Key]) -> _Key | None:
    """Read the key in a cursor. None without a cursor.

    Raises:
        Refusal: the cursor was changed, or is of another list.
    """
    if cursor is None:
        return None
    try:
        data = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        check, text = data[:_CHECK], data[_CHECK:]
        if _encode(data) != cursor or check != _check(request, text):
            raise Wrong("it was changed, or is of another list")
        return read(typed(json.loads(text), list))
    # The checksum has no secret, so anyone can make a cursor.
    except (ValueError, TypeError, IndexError, RecursionError, Wrong) as error:
        hint = "pass next of the page before, with the same filters"
        raise wrong_value("query.cursor", "not one of this list", hint) from error


def page(
    request: Request, response: Response, found: Sequence[_T], limit: int, key_of: Callable[[_T], list[Any]]
) -> dict[str, Any]:
    """Make the page of at most `limit` items. `found` has one more if the list goes on."""
    items, following = found[:limit], None
    if len(found) > limit:
        text = json.dumps(key_of(items[-1]), separators=(",", ":")).encode()
        following = _encode(_check(request, text) + text)
        query = [pair for pair in request.query_params.multi_items() if pair[0] != "cursor"]
        response.headers["Link"] = f'<?{urlencode([*query, ("cursor", following)])}>; rel="next"'
    return {"items": items, "next": following}


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _check(request: Request, text: bytes) -> bytes:
    filters = sorted(pair for pair in request.query_params.multi_items() if pair[0] not in ("cursor", "limit"))
    scope = json.dumps([request.scope["path"], filters]).encode()
    return sha256(sha256(scope).digest() + text).digest()[:_CHECK]
