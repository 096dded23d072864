"""The content of a prompt file that goes to another place: its earlier name, and the names of files relative to its own."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from promptdb.domain.prompt_id import PromptId
from promptdb.domain.suffixes import file_suffix
from promptdb.errors import InvalidRef
from promptdb.files.editing.edit import edited
from promptdb.files.findings import NoPlace
from promptdb.files.tree import beside


@dataclass(frozen=True)
class PromptPath:
    """A prompt, and the path of its file from the prompts root."""

    prompt: PromptId
    path: str


@dataclass(frozen=True)
class Mended:
    """A field that names another file, relative to its own: what it said, and what it says in the new place."""

    field: str
    old: str
    new: str


@dataclass(frozen=True)
class Relocated:
    """`renamed_from` is that field as it is now."""

    data: bytes
    renamed_from: tuple[str, ...]
    mended: tuple[Mended, ...]


def relocated(data: bytes, old: PromptPath, new: PromptPath) -> Relocated:
    """The file as it should be in its new place. Comments and layout stay; see `edited`.

    Args:
        data: its bytes in the old place.
        old: where it was; that name joins `renamed_from`.
        new: where it goes; that name leaves `renamed_from`, since a prompt cannot be renamed from itself.

    Raises:
        Unreadable: it holds no fields.
        NoPlace: it cannot be edited.
    """
    names: list[str] = []
    mended: list[Mended] = []

    def change(fields: Any) -> None:
        if not isinstance(fields, dict):
            raise NoPlace("it holds no fields")
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
    if names is None:
        names = []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise NoPlace("its 'renamed_from' is no list of names")
    return [name for name in names if _prompt(name) not in (old, new)] + [str(old)]


def _prompt(name: str) -> PromptId | None:
    try:
        return PromptId.parse(name)
    except InvalidRef:
        return None


def _named_files(fields: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The fields that name a file relative to this one: how they are told, in what they stand, and their key."""
    places: list[tuple[str, Any, str]] = [("template_file", fields, "template_file")]
    places.append(("few_shot.examples_file", fields.get("few_shot"), "examples_file"))
    assets = fields.get("assets")
    for index, asset in enumerate(assets if isinstance(assets, list) else []):
        places.append((f"assets[{index}].path", asset, "path"))
    for field, owner, key in places:
        if isinstance(owner, dict) and isinstance(owner.get(key), str):
            yield field, owner, key


def _uses_of_assets(fields: dict[str, Any]) -> Iterator[tuple[Any, Any, str]]:
    """Where an asset is named by its path: in what, under which key, and after which prefix."""
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
