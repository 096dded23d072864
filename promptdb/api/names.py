"""The names and references in the paths and queries of requests."""

from typing import Annotated
from urllib.parse import unquote

from fastapi import Path, Query, Request

from promptdb.api.openapi import parameter
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.wire.paths import prompt_path
from promptdb.errors import InvalidRef

_PROMPT = "`namespace/name`, with slashes or with `%2F`. A name with the word of a route needs `%2F`."
_SELECTOR = "`latest`, an alias, a `user_version`, `rev:3`, `sha256:ab12cd34`, `git:COMMIT` or the UUID of a version."

_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)+$"
ALIAS_PATTERN = "^[a-z][a-z0-9._-]{0,127}$"
"""For the document only: FastAPI would compare the first with the encoded segment, and give neither its hint."""

PromptSegment = Annotated[
    str, Path(description=_PROMPT, examples=["support/triage"], json_schema_extra={"pattern": _PATTERN})
]
"""The name of a prompt as `routed_path` gives it: one segment that is still encoded."""

AliasSegment = Annotated[
    str,
    Path(description="The name of an alias.", examples=["production"], json_schema_extra={"pattern": ALIAS_PATTERN}),
]

SelectorSegment = Annotated[str, Path(description=f"{_SELECTOR} Slashes need `%2F`.", examples=["production"])]
"""A selector in a path, as `routed_path` gives it: its slashes are still encoded."""

Selector = Annotated[str, Query(description=_SELECTOR, examples=["production"])]

PROMPT = parameter("prompt", "path", _PROMPT, "support/triage", required=True, pattern=_PATTERN)
SELECTOR = parameter("selector", "query", _SELECTOR, "production", default="latest")

KEY = parameter("key", "query", "Identifies a user or the like, for an alias with a traffic split.", "user-1")


def prompt_of(segment: str, selector: str | None = None) -> PromptId:
    """Read the name of a prompt in a path.

    Args:
        segment: the name, still encoded.
        selector: what follows it in the path of an export. It may be the end of the name.

    Raises:
        InvalidRef: it is not the name of a prompt with its namespace.
    """
    name = unquote(segment)
    if "/" not in name and selector is not None:
        ways = f"write {name}/{selector}/latest for the prompt {name}/{selector}, or default/{name}/{selector}"
        raise InvalidRef("the path lacks a namespace or a selector", ways)
    if "/" not in name:
        raise InvalidRef(f"{name!r} is not the name of a prompt in a path", f"add its namespace: default/{name}")
    return PromptId.parse(name)


def address(request: Request, area: str, prompt: PromptId, rest: str) -> str:
    """Write the path of something below a prompt, as the sender of a request reaches it."""
    root, prefix = request.scope.get("root_path", ""), request.app.state.served.settings.api_prefix
    return f"{root}{prefix}/{area}/{prompt_path(prompt)}/{rest}"
