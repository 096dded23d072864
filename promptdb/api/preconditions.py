"""The conditions of requests that move an alias (RFC 9110, RFC 6585), and the keys of those that may be repeated."""

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Annotated

from fastapi import Header, Request

from promptdb.api.problems import Refusal, wrong_value
from promptdb.domain.alias_condition import ANY_STATE, Condition, Expected
from promptdb.domain.kept_answer import MAX_KEY, RequestKey
from promptdb.registry.stores import Registry

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_LIST = rf"{_TAG}(?:[ \t]*,[ \t]*{_TAG})*"
_TAGS = re.compile(_LIST)
_VISIBLE = rf"[\x21-\x7e]{{1,{MAX_KEY}}}"
_KEY = re.compile(_VISIBLE)
_HELD = "-held"

IfMatch = Annotated[
    str | None,
    Header(
        description="Move the alias only if this is its `ETag`, or `*`: only if it exists.",
        examples=['"3-0d1f4a5b6c7d8e9f"'],
        json_schema_extra={"pattern": rf"^(?:\*|{_LIST})$"},
    ),
]
IfNoneMatch = Annotated[
    str | None,
    Header(
        description="`*`: only if the alias does not exist.", examples=["*"], json_schema_extra={"pattern": r"^\*$"}
    ),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        description=f"A text of your choice, at most {MAX_KEY} visible ASCII characters. For 24 hours, the same request with "
        "the same key gets the same answer, and moves nothing again.",
        examples=["8e03978e-40d5-43dd-bc93-6894a57f9324"],
        json_schema_extra={"pattern": f"^{_VISIBLE}$"},
    ),
]


def condition_of(request: Request, expected: Expected) -> Condition:
    """Read the condition of a move from its headers, or take the expected revision.

    Raises:
        Refusal: a header is malformed, or there are both.
    """
    states, none_of = (_tags(request, name) for name in ("If-Match", "If-None-Match"))
    if none_of not in (None, frozenset((ANY_STATE,))):
        raise Refusal(
            400, "bad-request", "If-None-Match is possible with * only", "If-Match names the state of an alias"
        )
    found = Condition(expected, states, absent=none_of is not None)
    if found.names_state and expected != "any":
        place = "query.expected" if request.method == "DELETE" else "body.expected"
        message = "cannot be combined with If-Match or If-None-Match"
        raise wrong_value(place, message, "send one of them: the headers compare the state, expected the revision")
    return found


def lacks_condition(registry: Registry, alias: str, condition: Condition) -> bool:
    """Check for a protected alias that would move without a condition, so that no one moves it without knowing where it is."""
    return alias in registry.protected_aliases and not condition.is_given


def unconditional(alias: str, hint: str) -> Refusal:
    """Make the refusal of a move that lacks its condition."""
    detail = f"the alias {alias} is protected, so its moves need a condition"
    return Refusal(428, "precondition-required", detail, hint)


def refuse_headers_of_moves(request: Request, instead: Mapping[str, str]) -> None:
    """Refuse the headers of conditions and of repetitions, with what a route has instead of them.

    Raises:
        Refusal: the request has one.
    """
    for name, hint in instead.items():
        if name.lower() in request.headers:
            raise wrong_value(f"header.{name}", "this route does not have this header", hint)


async def key_of(request: Request, token_id: int) -> RequestKey | None:
    """Read the key of a request that may be repeated. None if it has none.

    Raises:
        Refusal: the key is malformed, or there are several.
    """
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        return None
    if len(keys) != 1 or _KEY.fullmatch(keys[0]) is None:
        detail = f"Idempotency-Key must be one text of at most {MAX_KEY} visible ASCII characters"
        raise Refusal(400, "bad-request", detail, "for example a UUID")
    conditions = [request.headers.getlist(name) for name in ("if-match", "if-none-match")]
    said = repr((request.method, request.scope["path"], request.url.query, conditions, await request.body()))
    return RequestKey(token_id, keys[0], sha256(said.encode()).hexdigest())


def etag_of(state: str, *, held: bool) -> str:
    """Write the state of an alias as a tag. A hold changes what the alias reads as, so it changes the tag too."""
    return f'"{state}{_HELD if held else ""}"'


def _tags(request: Request, name: str) -> frozenset[str] | None:
    """Read the tags of a header, without quotes. None if there is no such header."""
    values: Sequence[str] = request.headers.getlist(name)
    if not values:
        return None
    text = ", ".join(values).strip()
    if text == ANY_STATE:
        return frozenset((ANY_STATE,))
    if _TAGS.fullmatch(text) is None:
        raise Refusal(
            400, "bad-request", f"{name} is not * or a list of ETags", 'an ETag is in quotes: "3-0d1f4a5b6c7d8e9f"'
        )
    # A weak one never matches, and neither does a quoted star. A hold that began or ended is not a move.
    tags = (tag[1:-1] for tag in re.findall(_TAG, text) if not tag.startswith("W/"))
    return frozenset(tag.removesuffix(_HELD) for tag in tags) - {ANY_STATE}
