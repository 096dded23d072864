"""The forms of aliases, of their history, and of differences between versions."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from promptdb.api.schemas import Alias, Digest, PromptName, PromptSummary, Time
from promptdb.api.split_schemas import Split


class AliasState(BaseModel):
    alias: Alias
    revision: int
    split: Split | None = Field(description="its traffic split, whose control is the revision")
    version_id: UUID
    generation: int = Field(description="grows with each move")
    updated_at: Time
    held: bool = Field(description="it was moved by hand, and syncs leave it there")


class Prompt(PromptSummary):
    aliases: list[AliasState]


class ContractChange(BaseModel):
    """A difference that callers can notice."""

    kind: str
    name: str
    message: str
    is_breaking: bool


class Move(BaseModel):
    """A move of an alias. `run_id` is the sync that made it."""

    prompt: PromptName
    alias: Alias
    action: str
    from_revision: int | None
    to_revision: int | None
    actor: str
    reason: str | None
    created_at: Time
    breaking: list[ContractChange] = Field(description="breaking changes that were allowed")
    run_id: int | None
    split: Split | None = Field(description="the traffic split of the alias after the move")


class Blame(BaseModel):
    """The version that an alias pointed at, and the move that had brought it there."""

    prompt: PromptName
    alias: Alias
    version_id: UUID
    revision: int
    spec_hash: Digest
    commit_id: str | None
    action: str
    actor: str
    reason: str | None
    moved_at: Time
    run_id: int | None
    split: Split | None


class Diff(BaseModel):
    """The differences between two versions."""

    model_config = ConfigDict(populate_by_name=True)

    from_: str = Field(alias="from", examples=["support/triage:rev:1"])
    to: str = Field(examples=["support/triage:rev:2"])
    parts: list[str] = Field(examples=[["template"]])
    diff: list[str] = Field(description="the lines of a unified diff of the texts; empty if they are equal")
    contract: list[ContractChange]
