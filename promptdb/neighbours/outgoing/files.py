"""Items of exported prompts as the text of a file."""

import json
from collections.abc import Sequence
from typing import Any

from promptdb.files.editing.write import yaml_text


def json_of_one(items: Sequence[Any]) -> str:
    """Write one item as JSON."""
    return _json(items[0])


def json_of_all(items: Sequence[Any]) -> str:
    """Write all items as a JSON array."""
    return _json(items)


def yaml_of_one(items: Sequence[dict[str, Any]]) -> str:
    """Write one item as YAML."""
    return yaml_text(items[0])


def text_of_one(items: Sequence[str]) -> str:
    """Write one item that is text already."""
    return items[0]


def with_front_matter(fields: dict[str, Any], body: str) -> str:
    """Write a text below its fields."""
    return f"---\n{yaml_text(fields)}---\n{body}\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
