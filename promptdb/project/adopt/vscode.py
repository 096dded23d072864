"""The files that make Visual Studio Code complete and check prompt files."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from promptdb.project.prompt_schema import prompt_schema

SCHEMA_FILE = ".vscode/promptdb.schema.json"
SETTINGS_FILE = ".vscode/settings.json"
_STRUCTURED = ("yaml", "yml", "json")


def vscode_files(base: Path, roots: Sequence[str]) -> tuple[dict[Path, str], list[str]]:
    """Find the missing files and their text, and the steps that are left to a person.

    Args:
        base: the folder that is opened in the editor.
        roots: the folders of prompts and their patterns, relative to it.
    """
    schema, settings = base / SCHEMA_FILE, base / SETTINGS_FILE
    text = f"{json.dumps(prompt_schema(), indent=2)}\n"
    writes: dict[Path, str] = {}
    advice: list[str] = []
    if (folder := schema.parent).is_symlink():
        return {}, [f"{folder.name} is a link: write the output of promptdb schema where you want it"]
    if not schema.exists():
        writes[schema] = text
    elif schema.read_text(encoding="utf-8", errors="replace") != text:
        advice.append(f"promptdb schema > {SCHEMA_FILE} updates the schema, which is of another release")
    wanted = _settings(roots)
    if not settings.exists():
        writes[settings] = f"{json.dumps(wanted, indent=2)}\n"
    elif SCHEMA_FILE not in settings.read_text(encoding="utf-8", errors="replace"):
        # It may have comments, which a program would lose.
        advice += [f"add to {SETTINGS_FILE}: {json.dumps({name: value})[1:-1]}" for name, value in wanted.items()]
    return writes, advice


def modeline(path: str) -> str:
    """Write the comment that names the schema in the prompt file at a path from the same folder."""
    return f"# yaml-language-server: $schema={'../' * path.count('/')}{SCHEMA_FILE}\n"


def _settings(roots: Sequence[str]) -> dict[str, Any]:
    starts = ["" if root == "." else f"{root}/" for root in roots]
    # Fragments, assets and declared aliases are other files.
    others = [f"!{start}**/_*{end}" for start in starts for end in ("", "/**")]
    yaml, yml, json_ = ([f"{start}**/*.{suffix}" for start in starts] for suffix in _STRUCTURED)
    address = f"./{SCHEMA_FILE}"
    return {
        "yaml.schemas": {address: [*yaml, *yml, *others]},
        "json.schemas": [{"fileMatch": [*json_, *others], "url": address}],
    }
