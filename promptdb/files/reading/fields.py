"""Validates the fields of a prompt file, and reports each wrong one with code, place and remedy."""

from typing import Any

from pydantic import BaseModel, ValidationError

from promptdb.domain.field_path import FieldPath
from promptdb.domain.file_rules import ROLE_SYNONYMS
from promptdb.domain.prompt_file import (
    NO_TEMPLATE,
    SCHEMA_FIELD,
    AssetInFile,
    Expectation,
    ExpectedMessage,
    FewShotInFile,
    GoldenTest,
    MessageInFile,
    PromptFile,
)
from promptdb.domain.spec import Message, Metadata, Placeholder, Variable
from promptdb.files.reading.advice import for_unknown_field, for_wrong_value, is_foreign
from promptdb.files.reading.document import Document
from promptdb.problems import MAX_LISTED, Code, Problem

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


def validate_fields(document: Document) -> tuple[PromptFile | None, list[Problem]]:
    """Validate the fields. Return None and all problems if one of them is more than an unknown field at the top."""
    document.data.pop(SCHEMA_FIELD, None)
    try:
        return PromptFile.model_validate(document.data), []
    except ValidationError as error:
        if is_foreign(document.data, PromptFile.model_fields):
            message = "not a prompt: it has none of 'template', 'messages' and 'template_file'"
            hint = "if it is something else, name it in .promptdbignore, or start its name with '_'"
            return None, [document.problem((), Code.MISSING_FIELD, message, hint)]
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
    misfits = (
        (p, each) for p, each in found.items() if p not in inner or [kind for kind, _ in each] != ["string_type"]
    )
    return [
        _problem(document, path, each, is_listed=number < MAX_LISTED) for number, (path, each) in enumerate(misfits)
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


def _problem(document: Document, path: FieldPath, misfits: list[tuple[str, str]], *, is_listed: bool) -> Problem:
    # Each branch of a union is a misfit of its own. One problem sums them up.
    kind, message = misfits[0]
    code = _CODES.get(kind, Code.WRONG_VALUE)
    name = _dotted(document.moved.get(path, path))
    if code is Code.UNKNOWN_FIELD:
        known = _known_fields(path[:-1])
        hint = for_unknown_field(path, _value_at(document.data, path), known) if is_listed else None
        return document.problem(path, code, f"unknown field {name}", hint, key=True)
    if code is Code.MISSING_FIELD:
        return document.problem(path[:-1], code, f"{name} is missing")
    expected = [_EXPECTED[kind] for kind, _ in misfits if kind in _EXPECTED]
    text = f"expected {' or '.join(expected)}" if expected else _plain(message)
    if path[-1:] == ("role",) and kind == "literal_error":
        text += f", or their other names {', '.join(ROLE_SYNONYMS)}"
    advice = for_wrong_value(path, _value_at(document.data, path), expected)
    return document.problem(path, code, f"{name}: {text}" if path else text, advice)


def _plain(message: str) -> str:
    message = message.removeprefix("Value error, ")
    return message.replace("Input should be", "expected").replace("should have", "must have")


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
