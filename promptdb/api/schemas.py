"""The forms of answers and bodies, for the OpenAPI document and for the check of bodies."""

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints

from promptdb.api.split_schemas import Split

Text = Annotated[str, StringConstraints(max_length=1024, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""One line."""

Generation = Annotated[str, Field(examples=["6f1c9c5e-0a52-4a7f-9a3b-0d1f4a5b6c7d:42"])]
PromptName = Annotated[str, BeforeValidator(str), Field(examples=["support/triage"])]
Alias = Annotated[str, Field(examples=["production"])]
Digest = Annotated[str, Field(pattern="^sha256:[0-9a-f]{64}$")]

Time = Annotated[
    datetime,
    PlainSerializer(datetime.isoformat, return_type=Annotated[str, Field(json_schema_extra={"format": "date-time"})]),
]
"""Everywhere in the form of `--json`: pydantic would write Z instead of +00:00."""


class Body(BaseModel):
    """The body of a request."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ErrorDetail(BaseModel):
    model_config = ConfigDict(extra="allow")

    message: str
    place: str | None = Field(default=None, description="the parameter, the header, or the field of the body")


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
    created_at: Time
    is_recorded: bool


class Version(VersionView):
    """A version with its content."""

    archived: bool = Field(description="the prompt has no file any more")
    alias: str | None = Field(description="the alias that the selector names")
    commit_id: str | None = Field(description="the first known commit with this version")
    split: Split | None
    arms: list["Version"] = Field(description="the versions of the other arms")
    spec: dict[str, Any]
    assets: list[Asset]


class Provenance(BaseModel):
    """The origin of a version when it was synced. Without git, everything but `path` is null."""

    path: str
    commit_id: str | None
    branch: str | None
    author: str | None
    committed_at: Time | None
    blob_id: str | None
    is_dirty: bool = Field(description="the file had changes that were in no commit")


class ListedVersion(VersionView):
    """A version with its origin, and the aliases that point at it."""

    source: Provenance | None
    aliases: list[Alias]


class PromptSummary(BaseModel):
    """A prompt with the metadata of its highest revision."""

    prompt: PromptName
    version_id: UUID
    revision: int
    spec_hash: Digest
    updated_at: Time
    archived: bool
    title: str | None
    description: str | None
    tags: list[str]
    owners: list[str]


class ListedPrompt(PromptSummary):
    aliases: dict[str, int] = Field(description="the revision of each alias", examples=[{"production": 3}])
    splits: dict[str, Split] = Field(description="the traffic splits; an alias has the revision of its control")


class SyncRun(BaseModel):
    id: int
    root: str
    git_ref: str | None
    commit_id: str | None
    is_dirty: bool
    outcome: str = Field(examples=["applied"])
    counts: dict[str, int] = Field(examples=[{"create": 2, "update": 1}])
    created_by: str
    started_at: Time
    finished_at: Time


T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """A part of a list. `next` is the cursor of the rest, also in the header `Link`."""

    items: list[T]
    next: str | None


class RenderBody(Body):
    """Values by the names of variables. `as` is the form of the answer, by default text and messages."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        populate_by_name=False,
        json_schema_extra={"examples": [{"variables": {"ticket": "My order is late."}, "as": "openai"}]},
    )

    variables: dict[str, Any] = Field(default={}, description="values by name")
    as_: Literal["text", "messages", "openai", "anthropic"] | None = Field(default=None, alias="as")
    key: str | None = Field(default=None, max_length=1024, description="chooses an arm of a traffic split")
    ignore_extra: bool = Field(default=False, description="ignore values that the prompt has no variable for")


class Message(BaseModel):
    role: str
    content: str | list[Any]
    role_name: str | None = None
    name: str | None = None
    additional_kwargs: dict[str, Any] | None = None


class Rendered(BaseModel):
    """A rendered version, in the form that was asked for."""

    version: VersionView
    alias: str | None
    text: str | None = None
    messages: list[Message] | None = None
    request: dict[str, Any] | None = Field(default=None, description="the arguments of a call of the provider's API")


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
