"""Values of settings that name folders and files of prompts. Messages do not show a wrong value."""

import json
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from promptdb.domain.layout import Root, based, composed
from promptdb.domain.prompt_id import PromptId
from promptdb.errors import InvalidRef
from promptdb.settings.values import require_text


def _listed(value: Any) -> Any:
    """Make a list of one folder, and read a list in an environment variable, which is JSON."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            raise PydanticCustomError("list", 'a list is JSON: ["app/prompts", "lib/prompts"]') from None
    found = value if isinstance(value, list | tuple) else [value]
    if not found:
        require_text("")
    # Code may pass a Path.
    return tuple(item.as_posix() if hasattr(item, "as_posix") else require_text(item) for item in found)


def _based(roots: tuple[str, ...]) -> tuple[str, ...]:
    try:
        based(roots)
    except ValueError as error:
        raise PydanticCustomError("root", "{reason}", {"reason": str(error)}) from None
    return roots


def _plain(folder: str) -> str:
    roots = _based((folder,))
    if Root(tuple(folder.split("/"))).is_pattern or folder.startswith("/") or ".." in folder.split("/"):
        raise PydanticCustomError("folder", "expected a folder of the repository, without wildcards")
    return based(roots)[0]


def _named(name: str) -> str:
    try:
        return str(PromptId.parse(name))
    except InvalidRef:
        raise PydanticCustomError("name", "it is not the name of a prompt, such as support/triage") from None


PromptsRoots = Annotated[tuple[str, ...], BeforeValidator(_listed), AfterValidator(_based)]
FormerRoot = Annotated[str, AfterValidator(_plain)]
PromptPath = Annotated[str, AfterValidator(lambda path: composed(path.removesuffix("/")))]
PromptName = Annotated[str, AfterValidator(_named)]
