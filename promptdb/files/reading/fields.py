"""Validates the fields of a prompt file, and reports each wrong one with code, place and remedy."""

import difflib
from typing import Any

from pydantic import BaseModel, ValidationError

from promptdb.domain.field_path import FieldPath
from promptdb.domain.file_rules import ROLE_SYNONYMS
from promptdb.domain.prompt_file import (
    NO_TEMPLATE,
    AssetInFile,
    Expectation,
    ExpectedMessage,
    FewShotInFile,
    GoldenTest,
    MessageInFile,
    PromptFile,
)
from promptdb.domain.spec import Message, Metadata, Placeholder, Variable
from promptdb.files.reading.document import Document
from promptdb.problems import Code, Problem

_CODES = {"extra_forbidden": Code.UNKNOWN_FIELD, "missing": Code.MISSING_FIELD, NO_TEMPLATE: Code.MISSING_FIELD}
_EXPECTED = {
    "string_type": "text",
    "dict_type": "fields",
    "model_type": "fields",
    "model_attributes_type": "fields",
    "list_type": "a list",
    "bool_type": "true or false",
    "int_type": "a whole number",
}
# The models whose fields may stand at a place. Indexes of lists are left out.
_MODELS: dict[tuple[str, ...], tuple[type[BaseModel], ...]] = {
    (): (PromptFile,),
    ("messages",): (MessageInFile, Placeholder),
    ("variables", "*"): (Variable,),
    ("few_shot",): (FewShotInFile,),
    ("few_shot", "chat_messages"): (Message,),
    ("assets",): (AssetInFile,),
    ("tests",): (GoldenTest,),
    ("tests", "expect"): (Expectation,),
    ("tests", "expect", "messages"): (ExpectedMessage,),
    ("metadata",): (Metadata,),
}
_OTHER_NAMES = {"inputs": "variables", "tags": "metadata"} | dict.fromkeys(("content", "text", "prompt"), "template")


def validate_fields(document: Document) -> tuple[PromptFile | None, list[Problem]]:
    """Validate the fields. Return None and all problems if one of them is more than an unknown field at the top."""
    try:
        return PromptFile.model_validate(document.data), []
    except ValidationError as error:
        problems = _problems(document, error)
    known = {name: value for name, value in document.data.items() if name in PromptFile.model_fields}
    try:
        return PromptFile.model_validate(known), problems
    except ValidationError:
        return None, problems


def _problems(document: Document, error: ValidationError) -> list[Problem]:
    found: dict[FieldPath, list[tuple[str, str]]] = {}
    for entry in error.errors(include_url=False, include_context=False):
        path = _path(document.data, entry["loc"], missing=entry["type"] == "missing")
        path = (*path, "template") if entry["type"] == NO_TEMPLATE else path
        found.setdefault(path, []).append((entry["type"], entry["msg"]))
    # Where a list or text may stand, pydantic reports both. The problem inside the list says more.
    inner = {path[:-1] for path in found}
    return [
        _problem(document, path, misfits)
        for path, misfits in found.items()
        if path not in inner or [kind for kind, _ in misfits] != ["string_type"]
    ]


def declared_variables(file: PromptFile) -> dict[str, Variable] | None:
    """Return the variables, those of the shorthand lists included; None if the file declares none."""
    if file.variables is None and not (file.input_variables or file.optional_variables):
        return None
    return {
        **{name: Variable() for name in file.input_variables},
        **{name: Variable(required=False) for name in file.optional_variables},
        **(file.variables or {}),
    }


def _path(data: Any, location: tuple[str | int, ...], *, missing: bool) -> FieldPath:
    # Pydantic puts tags of unions into locations. They are not in the data.
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
    if isinstance(data, dict):
        return part in data
    return isinstance(data, list) and isinstance(part, int) and part < len(data)


def _problem(document: Document, path: FieldPath, misfits: list[tuple[str, str]]) -> Problem:
    # Each branch of a union is a misfit of its own. One problem sums them up.
    kind, message = misfits[0]
    code = _CODES.get(kind, Code.WRONG_VALUE)
    name = _dotted(document.moved.get(path, path))
    if code is Code.UNKNOWN_FIELD:
        return document.problem(path, code, f"unknown field {name}", _advice(document.data, path), key=True)
    if code is Code.MISSING_FIELD:
        return document.problem(path[:-1], code, f"{name} is missing")
    expected = [_EXPECTED[kind] for kind, _ in misfits if kind in _EXPECTED]
    text = f"expected {' or '.join(expected)}" if expected else _plain(message)
    if path[-1:] == ("role",) and kind == "literal_error":
        text += f", or their other names {', '.join(ROLE_SYNONYMS)}"
    return document.problem(path, code, f"{name}: {text}" if path else text, _quoting(document.data, path, expected))


def _plain(message: str) -> str:
    message = message.removeprefix("Value error, ")
    return message.replace("Input should be", "expected").replace("should have", "must have")


def _quoting(data: Any, path: FieldPath, expected: list[str]) -> str | None:
    value = _value_at(data, path)
    if "text" not in expected or "a whole number" in expected or not isinstance(value, int | float):
        return None
    if isinstance(value, float):
        # The data no longer shows how the author wrote it: 1.10 is 1.1 here.
        return "quote it"
    return f'quote it: "{str(value).lower() if isinstance(value, bool) else value}"'


def _advice(data: Any, path: FieldPath) -> str:
    name = str(path[-1])
    if " " in name and _value_at(data, path) is None:
        return "quote a value that contains a comma"
    known = _known_fields(path[:-1])
    if name in known:
        # Messages and placeholders share a place, but not their fields.
        return "a placeholder has no role and no template"
    other = _OTHER_NAMES.get(name)
    near = [other] if other in known else difflib.get_close_matches(name, known, 1)
    return f"did you mean '{near[0]}'?" if near else f"fields here: {', '.join(known)}"


def _known_fields(path: FieldPath) -> list[str]:
    place = tuple(part for part in path if isinstance(part, str))
    if place[:1] == ("variables",):
        place = ("variables", "*")
    return [name for model in _MODELS.get(place, ()) for name in model.model_fields]


def _value_at(data: Any, path: FieldPath) -> Any:
    for part in path:
        data = data[part]
    return data


def _dotted(path: FieldPath) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return f"'{text}'"
