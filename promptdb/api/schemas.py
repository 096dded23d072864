"""The forms of answers and bodies, for the OpenAPI document and for the check of bodies."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Text = Annotated[str, StringConstraints(max_length=1024, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""One line."""

Generation = Annotated[str, Field(examples=["6f1c9c5e-0a52-4a7f-9a3b-0d1f4a5b6c7d:42"])]
PromptName = Annotated[str, Field(examples=["support/triage"])]
Digest = Annotated[str, Field(pattern="^sha256:[0-9a-f]{64}$")]


class Body(BaseModel):
    """The body of a request."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ErrorDetail(BaseModel):
    model_config = ConfigDict(extra="allow")

    message: str
    place: str | None = Field(default=None, description="the parameter, or the field of the body")


class Problem(BaseModel):
    """An answer that is not a success (RFC 9457)."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "type": "urn:promptdb:prompt-not-found",
                "title": "Prompt not found",
                "status": 404,
                "detail": "there is no prompt support/traige",
                "code": "prompt-not-found",
                "hint": "did you mean support/triage?",
            }
        },
    )

    type: str
    title: str
    status: int
    detail: str
    code: str = Field(description="names the kind of error, for programs")
    hint: str | None = Field(default=None, description="the remedy")
    errors: list[ErrorDetail] | None = None
    names: list[str] | None = Field(default=None, description="missing or unknown variables")
    line: int | None = None
    column: int | None = None
    request_id: str | None = None


class Asset(BaseModel):
    kind: str
    path: str | None
    content_type: str
    byte_size: int
    checksum_sha256: str = Field(pattern="^[0-9a-f]{64}$")


class VersionView(BaseModel):
    """A version without its content."""

    id: UUID
    prompt: PromptName
    revision: int
    spec_hash: Digest
    user_version: str | None
    created_by: str
    created_at: datetime
    is_recorded: bool


class Version(VersionView):
    """A version with its content."""

    archived: bool = Field(description="the prompt has no file any more")
    alias: str | None = Field(description="the alias that the selector names")
    commit_id: str | None = Field(description="the first known commit with this version")
    spec: dict[str, Any]
    assets: list[Asset]


class PreloadBody(Body):
    """Either an alias, or references."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"alias": "production"}, {"refs": ["support/triage:production"]}]},
    )

    alias: Text | None = Field(
        default=None, description="an alias, or `latest`; `production` if there are no references"
    )
    namespace: Text | None = Field(default=None, description="only the prompts in this namespace and below it")
    refs: list[Text] | None = Field(default=None, max_length=1000)


class Answered(BaseModel):
    """The version of a reference, or the reason why there is none."""

    ref: str
    version: Version | None = None
    problem: Problem | None = None


class Preloaded(BaseModel):
    """`versions` of an alias, or `answers` to references in their order."""

    generation: Generation | None
    versions: list[Version] | None = None
    answers: list[Answered] | None = None


class Changes(BaseModel):
    """The prompts that changed since a generation."""

    generation: Generation | None
    everything: bool = Field(description="any prompt may have changed")
    prompts: list[PromptName]


class State(BaseModel):
    status: Literal["ok", "ready"]
