"""Renames keys of a YAML file in place. Everything else stays, comments included."""

import codecs
from collections.abc import Iterator
from typing import Any

import yaml

from promptdb.domain.prompt_id import PromptId
from promptdb.errors import InvalidRef
from promptdb.files.editing.json_edit import as_json
from promptdb.files.findings import NoPlace, Unreadable
from promptdb.files.reading.formats import decode
from promptdb.files.reading.yaml import compose, construct


def with_prompt_renamed(data: bytes, old: PromptId, new: PromptId) -> tuple[bytes, tuple[str, ...]]:
    """Rename a prompt in the content of `_aliases.yaml`. Return the new content, and the aliases that name the prompt.

    Raises:
        Unreadable: the file is not YAML.
        NoPlace: the layout of the file is unusual, or an alias names both prompts.
    """
    root = compose(decode(data))
    found = list(_keys_of(root, old)) if root is not None else []
    if root is None or not found:
        return data, ()
    aliases = tuple(alias for alias, _ in found)
    both = {alias for alias, _ in _keys_of(root, new)}.intersection(aliases)
    if both:
        raise NoPlace(f"{sorted(both)[0]} already names {new}")
    bom = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    lines = data.removeprefix(bom).decode().split("\n")
    places = {(key.start_mark.line, key.start_mark.column, key.end_mark.column) for _, key in found}
    for line, start, end in sorted(places, reverse=True):
        lines[line] = lines[line][:start] + str(new) + lines[line][end:]
    changed = bom + "\n".join(lines).encode()
    if as_json(_read(changed)) != as_json(_renamed(construct(root), old, new)):
        raise NoPlace("the file is laid out in an unusual way")
    return changed, aliases


def _keys_of(root: yaml.Node, prompt: PromptId) -> Iterator[tuple[str, yaml.Node]]:
    """Yield each alias that names a prompt, and the key with that name."""
    for alias, names in root.value if isinstance(root, yaml.MappingNode) else ():
        for key, _ in names.value if isinstance(names, yaml.MappingNode) else ():
            if is_name_of(prompt, key.value):
                yield str(alias.value), key


def is_name_of(prompt: PromptId, text: Any) -> bool:
    """Compare a value in a file with a prompt, whose namespace may be left out if it is `default`."""
    try:
        return isinstance(text, str) and PromptId.parse(text) == prompt
    except InvalidRef:
        return False


def _read(data: bytes) -> Any:
    try:
        root = compose(decode(data))
        return construct(root) if root is not None else None
    except Unreadable:
        return None


def _renamed(data: Any, old: PromptId, new: PromptId) -> Any:
    return {
        alias: {str(new) if is_name_of(old, name) else name: selector for name, selector in names.items()}
        if isinstance(names, dict)
        else names
        for alias, names in data.items()
    }
