"""Updates the content of a prompt file that moves: its earlier names, and the relative paths of other files."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from promptdb.domain.prompt_id import PromptId
from promptdb.domain.suffixes import file_suffix
from promptdb.files.editing.edit import edited
from promptdb.files.editing.rename_key import is_name_of
from promptdb.files.findings import NoPlace
from promptdb.files.tree import beside


@dataclass(frozen=True)
class PromptPath:
    """A prompt, and the path of its file from the prompts root."""

    prompt: PromptId
    path: str


@dataclass(frozen=True)
class Mended:
    """A field with the relative path of another file, before and after the move."""

    field: str
    old: str
    new: str


@dataclass(frozen=True)
class Relocated:
    """The content for the new place, the new `renamed_from`, and the fields that changed with it."""

    data: bytes
    renamed_from: tuple[str, ...]
    mended: tuple[Mended, ...]


def relocated(data: bytes, old: PromptPath, new: PromptPath) -> Relocated:
    """Rewrite a file for its new place. Comments and layout stay, as `edited` keeps them.

    Raises:
        Unreadable: the file does not hold fields.
        NoPlace: the file cannot be edited.
    """
    names: list[str] = []
    mended: list[Mended] = []

    def change(fields: Any) -> None:
        if not isinstance(fields, dict):
            raise NoPlace("it does not hold fields")
        names.extend(_earlier_names(fields.get("renamed_from"), old.prompt, new.prompt))
        fields["renamed_from"] = names
        for field, owner, key in _named_files(fields):
            name = owner[key]
            target = beside(old.path, name)
            if beside(new.path, name) != target:
                owner[key] = posixpath.relpath(target, posixpath.dirname(new.path) or ".")
                mended.append(Mended(field, name, owner[key]))
        renamed = {done.old: done.new for done in mended if done.field.startswith("assets[")}
        for owner, key, prefix in _uses_of_assets(fields):
            if (name := owner[key].removeprefix(prefix)) in renamed:
                owner[key] = prefix + renamed[name]

    return Relocated(edited(file_suffix(old.path), data, change), tuple(names), tuple(mended))


def _earlier_names(names: Any, old: PromptId, new: PromptId) -> list[str]:
    names = [] if names is None else names
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise NoPlace("its 'renamed_from' is not a list of names")
    # The new name must go: a prompt cannot be renamed from itself.
    return [name for name in names if not is_name_of(old, name) and not is_name_of(new, name)] + [str(old)]


def _named_files(fields: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Find fields with relative paths. Yield the name of each, the mapping that holds it, and its key there."""
    assets, messages = fields.get("assets"), fields.get("messages")
    places: list[tuple[str, Any, str]] = [
        ("template_file", fields, "template_file"),
        ("few_shot.examples_file", fields.get("few_shot"), "examples_file"),
        *(
            (f"messages[{i}].template_file", message, "template_file")
            for i, message in enumerate(messages if isinstance(messages, list) else [])
        ),
        *((f"assets[{i}].path", asset, "path") for i, asset in enumerate(assets if isinstance(assets, list) else [])),
    ]
    for field, owner, key in places:
        if isinstance(owner, dict) and isinstance(owner.get(key), str):
            yield field, owner, key


def _uses_of_assets(fields: dict[str, Any]) -> Iterator[tuple[Any, Any, str]]:
    """Find paths of assets outside of `assets`. Yield the mapping that holds each, its key, and the prefix of the path."""
    few_shot = fields.get("few_shot")
    if isinstance(few_shot, dict) and isinstance(few_shot.get("examples_asset"), str):
        yield few_shot, "examples_asset", ""
    lists = [fields.get("messages"), few_shot.get("chat_messages") if isinstance(few_shot, dict) else None]
    messages = [message for found in lists if isinstance(found, list) for message in found if isinstance(message, dict)]
    for parts in (message.get("template") for message in messages):
        for part in parts if isinstance(parts, list) else []:
            owner, key = part, "image_url"
            if isinstance(part, dict) and isinstance(part.get("image_url"), dict):
                owner, key = part["image_url"], "url"
            if isinstance(owner, dict) and isinstance(owner.get(key), str) and owner[key].startswith("asset:"):
                yield owner, key, "asset:"
