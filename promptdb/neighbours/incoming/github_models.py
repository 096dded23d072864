"""Prompt files of GitHub Models, `*.prompt.yml`.

Source: https://docs.github.com/en/github-models/use-github-models/storing-prompts-in-github-repositories
"""

from typing import Any

from promptdb.neighbours.foreign import Fields, ForeignPrompt, NotHeld, compact, message
from promptdb.neighbours.incoming.braces import require_names
from promptdb.neighbours.reading import json_in, yaml_in

SUFFIXES = (".prompt.yml", ".prompt.yaml")


def read(data: bytes) -> list[ForeignPrompt]:
    """Read one prompt. Rows of test data become golden tests of the render."""
    found = Fields(yaml_in(data))
    messages = found.take("messages", list) or []
    require_names(messages, "messages", found)
    written = [_message(item, f"messages[{at}]") for at, item in enumerate(messages)]
    if not written:
        raise NotHeld("messages: there are none")
    settings = found.take("modelParameters", dict) or {}
    metadata = compact(title=found.text("name"), description=found.text("description"))
    rows = found.take("testData", list) or []
    cases = {f"test data {at}": _values(row, at, found) for at, row in enumerate(rows, 1)}
    fields = compact(
        template_format="mustache",
        metadata=metadata,
        messages=written,
        model={**compact(name=found.text("model")), **settings},
        response_schema=_response_schema(found),
    )
    if found.text("responseFormat") not in (None, "text", "json_schema"):
        found.lose("responseFormat", "write a response_schema")
    return [ForeignPrompt(None, fields, found.rest(), cases)]


def _message(item: Any, place: str) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise NotHeld(f"{place} is not a message")
    return message(item.get("role"), item.get("content"), place)


def _values(row: Any, at: int, found: Fields) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise NotHeld(f"testData[{at - 1}] has no fields")
    if "expected" in row:
        found.lose(f"testData[{at - 1}].expected", "it is an answer of the model, and golden tests compare renders")
    return {str(name): value for name, value in row.items() if name != "expected"}


def _response_schema(found: Fields) -> Any:
    wanted = found.take("jsonSchema", (str, dict))
    if isinstance(wanted, str):
        try:
            wanted = json_in(wanted.encode())
        except NotHeld as error:
            raise NotHeld(f"jsonSchema: {error}") from error
    if not isinstance(wanted, dict) or "schema" not in wanted:
        return wanted
    # The field of the schema has its name and its strictness beside it.
    beside = Fields(wanted, "jsonSchema")
    schema = beside.take("schema", dict)
    found.losses += beside.rest()
    return schema
