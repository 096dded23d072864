"""Suffixes of prompt files, and what they say."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promptdb.domain.spec import TemplateFormat

STRUCTURED = frozenset({".yaml", ".yml", ".json"})
TEXT_FORMATS: "dict[str, TemplateFormat | None]" = {
    ".txt": None,
    ".md": None,
    ".prompt": None,
    ".jinja": "jinja2",
    ".jinja2": "jinja2",
    ".j2": "jinja2",
    ".mustache": "mustache",
}
"""The suffixes of text prompts with their template format; None means the setting `text_format`."""

SUFFIXES = STRUCTURED | TEXT_FORMATS.keys()


def file_suffix(path: str) -> str:
    """Cut the suffix from a file's name, with its dot and in lower case; empty if it has none."""
    name = path[path.rfind("/") + 1 :]
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""
