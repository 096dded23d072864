"""The rights of whoever asks."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from promptdb.api.auth import Reads
from promptdb.api.openapi import problems
from promptdb.api.strict_bodies import StrictRoute

router = APIRouter(tags=["tokens"], route_class=StrictRoute)


class Me(BaseModel):
    """The token of a request."""

    actor: str | None = Field(description="the author of its writes; null without a token", examples=["token:ann"])
    scopes: list[str] = Field(examples=[["read", "promote:staging@support"]])


@router.get("/me", response_model=Me, responses=problems())
def me(grant: Reads) -> dict[str, Any]:
    """Describe the token of the request. Without tokens, a request may do everything."""
    return {"actor": grant.actor, "scopes": list(map(str, grant.scopes))}
