"""Prompts: all of them by filters, and one with its aliases."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from promptdb.api.alias_schemas import Prompt
from promptdb.api.auth import READS, Reads
from promptdb.api.names import PromptSegment, prompt_of
from promptdb.api.openapi import problems
from promptdb.api.paging import DEFAULT_LIMIT, Cursor, Limit, key_in, page
from promptdb.api.schemas import ListedPrompt, Page, Text
from promptdb.api.served import served
from promptdb.api.strict_bodies import StrictRoute
from promptdb.domain import listing
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.splits import split_fields
from promptdb.registry.listings import find_prompt, list_prompts

router = APIRouter(tags=["prompts"], route_class=StrictRoute)

Filter = Annotated[Text | None, Query()]


@router.get("/prompts", response_model=Page[ListedPrompt], responses=problems(422))
def prompts(
    request: Request,
    response: Response,
    grant: Reads,
    *,
    namespace: Annotated[Text | None, Query(description="only prompts in it and below it")] = None,
    tag: Filter = None,
    owner: Filter = None,
    q: Annotated[Text | None, Query(description="a part of the name, title, description or templates")] = None,
    fragment: Annotated[Text | None, Query(description="a fragment that it includes, as a template names it")] = None,
    behind: Annotated[
        Text | None, Query(description="an alias of it that does not point at the newest version")
    ] = None,
    archived: Annotated[bool, Query(description="archived prompts too")] = False,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """List the prompts, sorted by name."""
    wanted = listing.PromptFilter(namespace, tag, owner, q or None, fragment, behind, archived)
    after = key_in(request, cursor, lambda key: PromptId.parse("/".join(key)))
    found = list_prompts(served(request).reader.registry, wanted, grant.reads, after, limit + 1)
    answer = page(request, response, found, limit, lambda listed: list(listed.summary.prompt))
    return {**answer, "items": [{**_fields(listed), "splits": _splits(listed)} for listed in answer["items"]]}


def _splits(listed: listing.ListedPrompt) -> dict[str, Any]:
    return {alias: split_fields(split) for alias, split in listed.summary.splits.items()}


@router.get("/prompts/{prompt}", response_model=Prompt, dependencies=[READS], responses=problems(404, 422))
def prompt(request: Request, prompt: PromptSegment) -> dict[str, Any]:
    """Find a prompt, with its aliases and the versions that they point at."""
    reader = served(request).reader
    found = find_prompt(reader.registry, prompt_of(prompt))
    return {**_fields(found), "aliases": reader.aliases(str(found.summary.prompt))}


def _fields(listed: listing.ListedPrompt) -> dict[str, Any]:
    names = ("prompt", "version_id", "revision", "spec_hash", "updated_at", "archived", "aliases")
    more = ("title", "description", "tags", "owners")
    return {
        **{name: getattr(listed.summary, name) for name in names},
        **{name: getattr(listed, name) for name in more},
    }
