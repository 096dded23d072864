"""The types of settings that need more than a type of Python: each checks one value."""

from typing import Annotated, Any

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from promptdb.domain.git_refs import short_ref
from promptdb.domain.refs import parse_alias
from promptdb.errors import InvalidRef


def _require_alias(text: str) -> str:
    try:
        return parse_alias(text)
    except InvalidRef as error:
        # The hint is the rule. The message shows the value.
        raise PydanticCustomError("alias", error.hint or "") from None


def _ref_pattern(text: str) -> str:
    pattern = short_ref(text)
    if not pattern or any(not character.isprintable() or character.isspace() for character in pattern):
        raise PydanticCustomError("ref", "a ref is a branch such as main or release/*, or a tag such as tags/v*")
    return pattern


def require_text(value: Any) -> Any:
    # A CI job passes an unset variable as an empty one, and an empty path would be the current folder.
    if isinstance(value, str) and not value.strip():
        raise PydanticCustomError("empty", "it is empty")
    return value


AliasName = Annotated[str, AfterValidator(_require_alias)]
RefPattern = Annotated[str, AfterValidator(_ref_pattern)]
