"""Prompt files for typed code: those of its page, hostile ones, and their contracts."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from registries import write

from promptdb.codegen.contract import Contract, contract_of
from promptdb.project.load import load_tree
from promptdb.settings import AppSettings

DIST = "pyright/dist/index.js"
"""Of the package pyright, which brings all of it but node."""

PAGE = Path(__file__).resolve().parents[2] / "docs" / "codegen.md"
HOSTILE = 'end"""\nclass A: pass \\ */ ${x} `y` \\u0041 \u202e\u2028\u00a0 \x1b[0m é 日本 "'
_KEYS = ["class", "self", "list", "__init__", "名前", "ﬁ", "a-b", "None", "variables", "x" * 90, 'q"', "*/"]
_VALUES = ['"""', "'", "\\", "*/", "a\nb", "${x}", "é", "\u202e", 1, True, None]


def page_files() -> dict[str, str]:
    """The prompt files that the page shows, by their paths below the root."""
    text = PAGE.read_text(encoding="utf-8")
    return dict(re.findall(r"^\$ cat prompts/(\S+)\n((?:(?!\$ |```).*\n)+)", text, re.MULTILINE))


def page_code(language: str) -> str:
    """All code of the page in one language, as one module."""
    return "\n".join(re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))


def contracts(folder: Path, files: Mapping[str, str], *aliases: str) -> list[Contract]:
    """The contracts of valid prompt files, by their paths below the root."""
    write(folder / "prompts", files)
    return contracts_of_tree(folder, *aliases)


def contracts_of_tree(folder: Path, *aliases: str) -> list[Contract]:
    desired = load_tree(AppSettings(base=folder)).desired
    desired.require_valid()
    return [contract_of(item.prompt, desired.content(item).spec, aliases) for item in desired.items]


def hostile() -> dict[str, str]:
    """Files whose names, keys, values and descriptions would break out of code that quotes carelessly."""
    text = " ".join(f"{{{{{key}}}}}" for key in _KEYS if key not in ('q"', "*/"))
    kinds = ["string", "integer", "number", "boolean", "array", "object", None]
    variables = {
        key: {"type": kinds[at % 7], "required": bool(at % 2), "description": HOSTILE}
        for at, key in enumerate(_KEYS)
        if key not in ('q"', "*/")
    }
    variables["class"] = {"enum": _VALUES, "default": "\\", "description": HOSTILE}
    properties = {key: {"enum": _VALUES, "description": HOSTILE} for key in _KEYS}
    tree = {"type": "array", "items": {"$ref": "#/$defs/tree"}}
    schema = {"type": "object", "description": HOSTILE, "properties": properties, "$defs": {"tree": tree}}
    schema["properties"] |= {"tree": {"$ref": "#/$defs/tree"}, "self ": {"$ref": "#"}}
    metadata = {"title": HOSTILE, "description": HOSTILE}
    spec = {
        "template_format": "mustache",
        "template": text,
        "variables": variables,
        "response_schema": schema,
        "metadata": metadata,
    }
    whole = json.dumps(spec)
    empty = json.dumps({"template": "Hello", "metadata": metadata, "response_schema": {"enum": _VALUES}})
    return {
        **dict.fromkeys(["class.json", "1/2.json", "a-b/c.json"], whole),
        **dict.fromkeys(
            ["None.json", "True.json", "resolved.json", "a/b-c.json", f"{'n' * 100}/{'m' * 100}.json"], empty
        ),
    }
