"""The forms of writes: registrations, aliases and their moves, exports."""

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from promptdb.api.schemas import Body, Digest, PromptName, Text, Time, VersionView
from promptdb.api.split_schemas import Split
from promptdb.domain.alias_condition import Expected
from promptdb.domain.changes import ContractKind
from promptdb.domain.refs import MAX_REVISION
from promptdb.domain.splits import MAX_ARMS, MAX_TOTAL

_BREAKING = "move a protected alias even if that breaks its callers; the history records the breaking changes"


class _Conditional(Body):
    expected: int | None = Field(
        default=None,
        ge=1,
        le=MAX_REVISION,
        description="the revision that the alias must point at now, or null: it must not exist; omit it for no condition",
    )

    @property
    def expects(self) -> Expected:
        return self.expected if "expected" in self.model_fields_set else "any"


class RegisterBody(_Conditional):
    """A prompt to register, and maybe an alias to point at the version in the same transaction."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {"prompt": "support/triage", "spec": {"template": "Sort this ticket: {ticket}"}},
                {
                    "prompt": "support/triage",
                    "spec": {"messages": [{"role": "user", "template": "{ticket}"}]},
                    "alias": "staging",
                    "reason": "shorter",
                },
            ]
        },
    )

    prompt: PromptName
    spec: dict[str, Any] = Field(description="the fields of a prompt file that does not refer to other files")
    alias: Text | None = None
    reason: Text | None = None
    allow_breaking: bool = Field(default=False, description=_BREAKING)


class Registered(BaseModel):
    version: VersionView
    created: bool = Field(description="the newest version did not have this content before")
    revived: bool = Field(description="the prompt was archived before")
    alias: str | None


class MoveBody(_Conditional):
    """The version that an alias will point at."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {"selector": "staging", "reason": "evaluated"},
                {"selector": "rev:4", "expected": 3},
                {"selector": "rev:1", "expected": None},
            ]
        },
    )

    selector: Text = Field(description="as for `resolve`, among the versions of the same prompt")
    reason: Text | None = None
    allow_breaking: bool = Field(default=False, description=_BREAKING)


class ArmBody(Body):
    selector: Text = Field(description="a version, by any selector")
    weight: int = Field(ge=1, le=MAX_TOTAL, description="its part of the sum of the weights")


class SplitBody(_Conditional):
    """The arms of a traffic split. The first is the control, for lookups without a key."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [{"arms": [{"selector": "rev:3", "weight": 90}, {"selector": "staging", "weight": 10}]}]
        },
    )

    arms: list[ArmBody] = Field(min_length=2, max_length=MAX_ARMS)
    reason: Text | None = None
    allow_breaking: bool = Field(default=False, description=_BREAKING)


class RollbackBody(_Conditional):
    """A rollback needs no body."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"examples": [{"reason": "wrong language", "expected": 4}]}
    )

    reason: Text | None = None


class ReleaseBody(Body):
    """A release needs no body."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [{"reason": "fixed in git"}]})

    reason: Text | None = None


class Alias(BaseModel):
    """The target of an alias. `generation` counts its moves."""

    prompt: PromptName
    alias: str
    revision: int
    version_id: UUID
    generation: int
    updated_at: Time
    split: Split | None = Field(description="its traffic split, whose control is the revision")
    held: bool = Field(description="it was moved by hand away from where git has it, and syncs leave it there")


class Aliases(BaseModel):
    items: list[Alias]
    next: None = None


class BreakingChange(BaseModel):
    kind: ContractKind
    name: str
    message: str


class MadeMove(BaseModel):
    """A move of an alias. `to_revision` is null if the alias was deleted."""

    prompt: PromptName
    alias: str
    action: Literal["promote", "split", "rollback", "delete"]
    moved: bool = Field(description="false if the alias was there already")
    from_revision: int | None
    to_revision: int | None
    from_split: Split | None
    to_split: Split | None
    from_version: UUID | None
    to_version: UUID | None
    generation: int = Field(description="counts the moves of the alias, with this one")
    breaking: list[BreakingChange] = Field(description="the changes that break callers, of a protected alias")
    held: bool = Field(description="git has the alias elsewhere, and syncs leave it where it is")


class Release(BaseModel):
    """The end of a hold. The next sync moves the alias to `git_revision`."""

    prompt: PromptName
    alias: str
    revision: int | None
    git_revision: int


class Export(BaseModel):
    """A version that can be exported. `bundle` identifies its spec and assets."""

    version: VersionView
    bundle: Digest
    assets: int = Field(description="the number of its files")
    byte_size: int = Field(description="the size of its files")
