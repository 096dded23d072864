"""Data of a prompt file -> `PromptFile`, each misfit told with code, place and remedy."""

import difflib
from typing import Any

from pydantic import ValidationError

from promptdb.domain.problems import Code, Problem
from promptdb.domain.prompt_file import PromptFile
from promptdb.domain.spec import Variable
from promptdb.files.document import Document, Path

_EXPECTED = {
    "string_type": "expected text",
    "dict_type": "expected fields",
    "model_type": "expected fields",
    "model_attributes_type": "expected fields",
    "list_type": "expected a list",
    "bool_type": "expected true or false",
    "int_type": "expected a whole number",
}
_CODES = {"extra_forbidden": Code.UNKNOWN_FIELD, "missing": Code.MISSING_FIELD}


def validate_fields(document: Document) -> tuple[PromptFile | None, list[Problem]]:
    """The fields, or None and every problem with them."""
    try:
        return PromptFile.model_validate(document.data), []
    except ValidationError as error:
        problems: dict[Path, Problem] = {}
        for entry in error.errors(include_url=False, include_context=False):
            path = _path(document.data, entry["loc"], missing=entry["type"] == "missing")
            problems.setdefault(path, _problem(document, path, entry["type"], entry["msg"]))
        return None, list(problems.values())


def declared_variables(file: PromptFile) -> dict[str, Variable] | None:
    """`variables` with the shorthand lists spelled out; None where the file declares nothing."""
    if file.variables is None and not (file.input_variables or file.optional_variables):
        return None
    return {
        **{name: Variable() for name in file.input_variables},
        **{name: Variable(required=False) for name in file.optional_variables},
        **(file.variables or {}),
    }


def _path(data: Any, location: tuple[str | int, ...], *, missing: bool) -> Path:
    """Pydantic's location without the tags of unions, which are not in the data."""
    path: list[str | int] = []
    for index, part in enumerate(location):
        is_last = index == len(location) - 1
        if _has(data, part):
            path.append(part)
            data = data[part]
        elif is_last and missing:
            path.append(part)
    return tuple(path)


def _has(data: Any, part: str | int) -> bool:
    return (
        part in data
        if isinstance(data, dict)
        else isinstance(data, list) and isinstance(part, int) and part < len(data)
    )


def _problem(document: Document, path: Path, kind: str, message: str) -> Problem:
    code = _CODES.get(kind, Code.WRONG_VALUE)
    name = str(path[-1]) if path else "the file"
    if code is Code.UNKNOWN_FIELD:
        near = difflib.get_close_matches(name, _known_fields(), 1)
        advice = f"did you mean '{near[0]}'?" if near else "see the fields in docs/prompt-files.md"
        return document.problem(path, code, f"unknown field {_dotted(path)}", advice, key=True)
    if code is Code.MISSING_FIELD:
        return document.problem(path[:-1], code, f"{_dotted(path)} is missing")
    text = _EXPECTED.get(kind) or message.removeprefix("Value error, ").replace("Input should be", "expected")
    value = _value_at(document.data, path)
    hint: str | None = None
    if kind == "string_type" and isinstance(value, int | float) and value is not None:
        hint = f'quote it: "{str(value).lower() if isinstance(value, bool) else value}"'
    return document.problem(path, code, f"{_dotted(path)}: {text}" if path else text, hint)


def _value_at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data


def _dotted(path: Path) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return f"'{text}'"


def _known_fields() -> list[str]:
    """Names of all fields at any depth: good enough to guess what a misspelt one meant."""
    found: dict[str, None] = {}
    schema = PromptFile.model_json_schema()
    for part in (schema, *schema["$defs"].values()):
        found |= dict.fromkeys(part.get("properties", ()))
    return list(found)
