"""Items of exported prompts as the text of a file."""

import json
from collections.abc import Sequence
from typing import Any


def json_of_one(items: Sequence[Any]) -> str:
    """Write one item as JSON."""
    return _json(items[0])


def json_of_all(items: Sequence[Any]) -> str:
    """Write all items as a JSON array."""
    return _json(items)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
