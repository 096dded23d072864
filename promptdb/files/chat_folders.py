"""The files of a tree that are one chat together, by their folders."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from promptdb.domain.layout import CHAT_ROLES, Layout
from promptdb.problems import Code, Problem


@dataclass(frozen=True)
class Chats:
    """`folders` maps the first file of each chat folder to all its files, in the order of the messages.

    `parts` are the other files. The first files of folders with two files for one message are `unclear`.
    """

    folders: dict[str, tuple[str, ...]] = field(default_factory=dict)
    parts: frozenset[str] = frozenset()
    unclear: frozenset[str] = frozenset()


def chat_folders(paths: Sequence[str], layout: Layout, problems: list[Problem]) -> Chats:
    """Find the chat folders among sorted paths. Add a problem for each folder with two files for one message."""
    found: dict[str, dict[str, str]] = {}
    twice = dict[str, str]()
    for path in paths:
        if (role := layout.chat_role(path)) is None:
            continue
        folder = path.rpartition("/")[0]
        other = found.setdefault(folder, {}).setdefault(role, path)
        if other != path:
            twice[path] = folder
            message = f"{other} and {path} are both the {role} message of the chat {folder}"
            problems.append(Problem(path, 1, 1, Code.SAME_IDENTITY, message, "remove one of them"))
    chats = {folder: tuple(files[role] for role in CHAT_ROLES if role in files) for folder, files in found.items()}
    return Chats(
        {parts[0]: parts for parts in chats.values()},
        frozenset(part for parts in chats.values() for part in parts[1:]).union(twice),
        frozenset(chats[folder][0] for folder in twice.values()),
    )
