"""The texts of the files that `promptdb init` writes."""

import json
import re
from typing import Any

from promptdb.domain.suffixes import file_suffix
from promptdb.project.adopt.reading import Reading

_MANY = 20


def ignore_text(reading: Reading) -> str:
    """Write the ignore file: a list of files by their reasons, or of the suffixes to keep if that is shorter."""
    lines = ["# Files that are not prompts, in gitignore syntax.\n"]
    kept = {file_suffix(path) for prompt in reading.prompts for path in prompt.parts or (prompt.path,)}
    is_allow_list = len(reading.left_out) > _MANY and kept.isdisjoint(map(file_suffix, reading.left_out))
    # `!*/` would bring back a folder that is left out.
    is_allow_list = is_allow_list and not any(path.endswith("/") for path in reading.left_out)
    for reason, files in reading.reasons:
        lines.append(f"\n# {len(files)} {'file' if len(files) == 1 else 'files'}: {' '.join(reason.split())}\n")
        if not is_allow_list:
            lines += [f"/{_escaped(path)}\n" for path in files]
    if is_allow_list:
        lines += ["\n*\n!*/\n", *(f"!*{suffix}\n" for suffix in sorted(kept))]
    return "".join(lines)


def settings_text(settings: dict[str, Any]) -> str:
    """Write settings as TOML."""
    lines = []
    for name, value in settings.items():
        if name == "prompts_root" and len(value) == 1:
            value = value[0]
        if not isinstance(value, dict):
            lines.append(f"{name} = {_toml(value)}\n")
    for name, value in settings.items():
        if isinstance(value, dict):
            lines.append(f"\n[{name}]\n")
            lines += [f"{_toml(key)} = {_toml(item)}\n" for key, item in value.items()]
    return "".join(lines)


def _toml(value: Any) -> str:
    # Texts, lists and booleans are written as in JSON, except for U+007F.
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _escaped(path: str) -> str:
    return re.sub(r"([\\*?\[\]!#])", r"\\\1", path).rstrip() + ("\\ " if path.endswith(" ") else "")
