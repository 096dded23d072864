"""The forms of traffic splits."""

from pydantic import BaseModel, Field

from promptdb.domain.refs import MAX_REVISION
from promptdb.domain.splits import MAX_TOTAL


class Arm(BaseModel):
    revision: int = Field(ge=1, le=MAX_REVISION)
    weight: int = Field(ge=1, le=MAX_TOTAL)


class Split(BaseModel):
    """The arms of a traffic split, the control first, and the slices of the line of all keys, as flagd takes them."""

    arms: list[Arm]
    slices: list[Arm]
