"""The permissions that routes need, as dependencies that the OpenAPI document shows."""

from typing import Annotated, Any

from fastapi import Request, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.concurrency import run_in_threadpool

from promptdb.api.names import prompt_of
from promptdb.api.problems import Refusal
from promptdb.api.served import served
from promptdb.domain.access import Grant, needed_scope
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.scopes import Action
from promptdb.errors import PromptNotFound
from promptdb.registry.reader import RegistryReader

_MODEL = HTTPBearer(bearerFormat="pdb_...", description="A token that `promptdb token create` made.")


class Need(SecurityBase):
    """The permission that a route needs. Each route has one, and gets the grant of the request from it.

    Args:
        action: the action that the scope permits.
        everywhere: the scope must cover the whole registry, unless the path names a prompt. Otherwise the route itself asks
            for each prompt, with `require_named` or `Grant.reads`.
    """

    scheme_name = "token"

    def __init__(self, action: Action, *, everywhere: bool = False) -> None:
        self.model = _MODEL
        self.action, self.everywhere = action, everywhere

    async def __call__(self, request: Request) -> Grant:
        grant = grant_of(request)
        names = request.path_params
        if "prompt" in names:
            prompt, alias = prompt_of(names["prompt"], names.get("selector")), names.get("alias")
            require(grant, self.action, prompt, alias)
            if not grant.allows(self.action, None, alias):
                await run_in_threadpool(require_named, served(request).reader, grant, self.action, prompt, alias)
        elif self.everywhere:
            require(grant, self.action)
        return grant


def _needs(action: Action, *, everywhere: bool = False) -> Grant:
    # FastAPI's functions are typed as the values that they stand for.
    need: Grant = Security(Need(action, everywhere=everywhere), scopes=[action])
    return need


READS: Any = _needs(Action.READ)
READS_ALL: Any = _needs(Action.READ, everywhere=True)
ADMINISTERS: Any = _needs(Action.ADMIN, everywhere=True)
"""The same as `Reads`, `ReadsAll` and `Administers`, as dependencies of routes that do not need the grant itself."""

Reads = Annotated[Grant, _needs(Action.READ)]
"""To read the prompt in the path. Without one, the route shows only prompts that the grant reads."""

ReadsAll = Annotated[Grant, _needs(Action.READ, everywhere=True)]
"""To read all prompts at once."""

Writes = Annotated[Grant, _needs(Action.WRITE)]
"""To write the prompt in the path. Without one, the route requires this for the prompt in the body."""

Promotes = Annotated[Grant, _needs(Action.PROMOTE)]
"""To move the alias in the path."""

Administers = Annotated[Grant, _needs(Action.ADMIN, everywhere=True)]
"""To do what concerns the whole registry."""


SAYS_READS: dict[str, Any] = {"security": [{Need.scheme_name: [str(Action.READ)]}]}
"""A route that calls `reads` itself says so in the document with this. FastAPI takes long to call a dependency."""


def reads(request: Request) -> tuple[Grant, PromptId]:
    """Do as `Reads`, and return the prompt in the path too. The route calls `require_found` with what it found."""
    grant, prompt = grant_of(request), prompt_of(request.path_params["prompt"])
    require(grant, Action.READ, prompt)
    return grant, prompt


def grant_of(request: Request) -> Grant:
    """Return the grant that the gate has put into the state of the request."""
    grant: Grant = request.state.grant
    return grant


def require(grant: Grant, action: Action, prompt: PromptId | None = None, alias: str | None = None) -> None:
    """Require the permission for a prompt by its name, before any look at whether it exists. None means all prompts.

    Raises:
        Refusal: no scope permits it. It names the one that would.
    """
    if not grant.allows(action, prompt, alias):
        scope = needed_scope(action, prompt, alias)
        hint = f"an administrator makes a token that has it: promptdb token create NAME --scope {scope}"
        raise Refusal(403, "forbidden", f"the token lacks the scope {scope}", hint, scope=str(scope))


def require_named(
    reader: RegistryReader, grant: Grant, action: Action, prompt: PromptId, alias: str | None = None
) -> None:
    """Require the permission for a prompt by this name, and by the name that it has now, after a rename.

    Raises:
        Refusal: as in `require`.
        PromptNotFound: as in `require_found`.
    """
    require(grant, action, prompt, alias)
    if not grant.allows(action, None, alias):
        present_name(reader, grant, action, prompt, alias)


def present_name(
    reader: RegistryReader, grant: Grant, action: Action, prompt: PromptId, alias: str | None = None
) -> PromptId:
    """Find the name that a prompt has now, and require the permission for it. A prompt that does not exist has its name.

    Raises:
        PromptNotFound: as in `require_found`.
    """
    name = reader.current_name(prompt) or prompt
    if not grant.allows(action, name, alias):
        raise _absent(prompt)
    return name


def require_found(grant: Grant, asked: PromptId, found: PromptId) -> None:
    """Require the permission to read a prompt that was found under an earlier name, maybe.

    Raises:
        PromptNotFound: it was renamed out of the scope. The sender does not learn that it exists.
    """
    if not grant.reads(found):
        raise _absent(asked)


def _absent(prompt: PromptId) -> PromptNotFound:
    return PromptNotFound(f"there is no prompt {prompt}")
