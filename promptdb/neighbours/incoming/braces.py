"""Templates of tools that fill `{{name}}` and nothing else, as templates of mustache."""

import re
from typing import Any

from promptdb.neighbours.foreign import Fields, NotHeld

_MARK = re.compile(r"\{\{\{|\{\{\s*[#^!=>&/.]")
_DOTTED = re.compile(r"\{\{\s*([A-Za-z_]\w*(?:\.\w+)+)\s*\}\}")


def require_names(content: object, place: str, found: Fields) -> None:
    """Require that a text, or each text of content parts, has no mark of mustache. Lose what a dot means there.

    Raises:
        NotHeld: it has a mark, which is text for the other tool.
    """
    if isinstance(content, list):
        for at, item in enumerate(content):
            require_names(item, f"{place}[{at}]", found)
        return
    for text in _texts(content):
        if (mark := _MARK.search(text)) is not None:
            raise NotHeld(f"{place}: {mark[0]!r} is text there, and a mark of mustache here")
        if (dotted := _DOTTED.search(text)) is not None:
            found.lose(place, f"{dotted[1]!r} is one name there; here it is a field of {dotted[1].partition('.')[0]!r}")


def _texts(content: Any) -> list[str]:
    if isinstance(content, str):
        return [content]
    if isinstance(content, dict):
        return [text for item in content.values() for text in _texts(item)]
    return [text for item in content for text in _texts(item)] if isinstance(content, list) else []
