"""The differences between two versions of a prompt."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from promptdb.api.auth import READS
from promptdb.api.names import PromptSegment, prompt_of
from promptdb.api.openapi import problems
from promptdb.api.schemas import Diff
from promptdb.api.served import served
from promptdb.api.strict_bodies import StrictRoute
from promptdb.domain.refs import LATEST
from promptdb.project.comparison import compare

router = APIRouter(tags=["versions"], route_class=StrictRoute)

_FROM = Annotated[str, Query(alias="from", description="the selector of the older version", examples=["production"])]
_TO = Annotated[str, Query(description="the selector of the newer version", examples=["latest"])]


@router.get("/prompts/{prompt}/diff", response_model=Diff, dependencies=[READS], responses=problems(404, 422))
def diff(request: Request, prompt: PromptSegment, from_: _FROM, to: _TO = LATEST) -> dict[str, Any]:
    """Compare two versions: their texts, their settings, and what callers notice."""
    name = prompt_of(prompt)
    old, new = (served(request).prompt(f"{name}:{selector}") for selector in (from_, to))
    before, after = str(old.version), str(new.version)
    found = compare(old.spec, new.spec)
    return {
        "from": before,
        "to": after,
        "parts": found.parts,
        "diff": [f"--- {before}", f"+++ {after}", *map(str, found.lines)] if found.texts else [],
        "contract": found.contract,
    }
