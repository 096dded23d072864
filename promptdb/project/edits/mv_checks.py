"""Whether a prompt file may leave its place and go to another one. Each refusal says what is in the way."""

import os
from pathlib import Path

from promptdb.errors import Conflict, Guard
from promptdb.files.editing.relocate import PromptPath
from promptdb.files.ignore import IGNORE_FILE, ignore_file, ignore_rule
from promptdb.files.scan import Candidate
from promptdb.git.index import is_ignored
from promptdb.git.worktree import WorkTreeState, from_top
from promptdb.project.desired import DesiredTree
from promptdb.safe_paths import contained


def require_movable(candidate: Candidate, desired: DesiredTree) -> None:
    """
    Raises:
        Guard: it is a symbolic link, or other prompts are made of it.
    """
    path = candidate.path
    if candidate.target is not None:
        message = f"{path} is a symbolic link to {candidate.target}"
        raise Guard(message, "put a file of its own in the place of the link first")
    others = [str(prompt) for prompt in desired.readers(path) if prompt != candidate.prompt]
    if others:
        shown = ", ".join(others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
        message = f"{shown} {'reads' if len(others) == 1 else 'read'} {path}, which would not be there any more"
        raise Guard(message, "give them a file of their own first, for example in a folder _shared")


def require_free(old: PromptPath, new: PromptPath, desired: DesiredTree, root: Path) -> None:
    """
    Raises:
        Conflict: the file is there already, or another is.
    """
    if new.prompt == old.prompt:
        raise Conflict(f"{old.prompt} is the name of {old.path} already", "give it another one")
    taken = next((name for name in desired.names if name.folded == new.prompt.folded and name != old.prompt), None)
    if taken is not None:
        raise Conflict(f"there is a prompt {taken} already", "choose another name, or move that one first")
    if os.path.lexists(root / new.path):
        in_two_steps = "move it by way of another name" if new.prompt.folded == old.prompt.folded else None
        raise Conflict(f"there is a file {new.path} already", in_two_steps or "choose another name, or remove the file")


def require_seen(new: PromptPath, root: Path, work_tree: WorkTreeState | None) -> None:
    """
    Raises:
        Guard: a prompt in this place would not be found.
        OutsideRoot: a folder on the way is a link that leads outside.
    """
    if contained(root, new.path) != Path(os.path.realpath(root), new.path):
        raise Guard(f"a folder of {new.path} is a symbolic link, which is not followed", "choose another folder")
    parts = new.path.split("/")
    folders = ["/".join(parts[:number]) + "/" for number in range(1, len(parts))]
    blocked = next((folder for folder in folders if (root / folder[:-1]).is_file()), None)
    if blocked is not None:
        raise Guard(f"{blocked[:-1]} is a file, and {new.path} needs a folder", "choose another name")
    is_named = ignore_rule(ignore_file(root), str(root / IGNORE_FILE))
    if any(map(is_named, [*folders, new.path])):
        raise Guard(f"{new.path} would be left out: {IGNORE_FILE} names it", "choose another name")
    if work_tree is not None and is_ignored(work_tree.repository, from_top(work_tree.prefix, new.path)):
        raise Guard(f"{new.path} would be left out: git ignores it", "choose another name, or look at .gitignore")
