"""Decides which template format the texts of a repository have, by the braces in them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from promptdb.errors import TemplateError
from promptdb.render.formats import engine

_SINGLE = re.compile(r"(?<!\{)\{[A-Za-z_]\w*\}(?!\})")
_DOUBLE = re.compile(r"(?<!\{)\{\{ *[A-Za-z_]\w* *\}\}(?!\})")
_FEW = 4


@dataclass(frozen=True)
class Braces:
    """Braces of one text: `{name}`, `{{name}}`, and those that are errors in an f-string or in mustache."""

    is_single: bool
    is_double: bool
    is_broken: bool = False
    is_not_mustache: bool = False


def braces(text: str, *, is_broken: bool = False) -> Braces:
    """Describe the braces of a text. It `is_broken` if it is not a valid f-string."""
    return Braces(bool(_SINGLE.search(text)), bool(_DOUBLE.search(text)), is_broken, not _is_mustache(text))


def literal_names(text: str, template_format: str) -> list[str]:
    """Return which of `{name}` and `{{name}}` are in a text and look like variables, but are none in this format."""
    found = [("{name}", _SINGLE, "f-string"), ("{{name}}", _DOUBLE, "mustache")]
    return [shape for shape, pattern, form in found if form != template_format and pattern.search(text)]


def chosen_format(texts: Sequence[Braces]) -> tuple[dict[str, Any], str] | None:
    """Choose the setting `text_format`, with the fact behind it. Return None if all texts are valid f-strings."""
    broken = sum(1 for text in texts if text.is_broken)
    single = sum(1 for text in texts if text.is_single and not text.is_broken)
    double = sum(1 for text in texts if text.is_double and not text.is_not_mustache)
    others = sum(1 for text in texts if text.is_not_mustache)
    if double and double >= _FEW * (single + others):
        return {
            "text_format": "mustache"
        }, f'{double} of {len(texts)} texts have {{{{name}}}}: text_format = "mustache"'
    if not broken:
        return None
    fact = f"{broken} of {len(texts)} texts have braces that are not f-string variables"
    if single > broken:
        return {}, f"{fact}, and {single} have {{name}}: text_format stays f-string"
    return {"text_format": "plain"}, f'{fact}: text_format = "plain"'


def _is_mustache(text: str) -> bool:
    try:
        engine("mustache").compile_template(text, {})
    except TemplateError:
        return False
    return True
