"""Finds the file and the new place that the arguments of `mv` name, and checks that the file can move there."""

import os
import posixpath
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from promptdb.domain.layout import IGNORE_FILE, Layout
from promptdb.domain.prompt_id import DEFAULT_NAMESPACE, PromptId
from promptdb.domain.suffixes import SUFFIXES, file_suffix
from promptdb.errors import Conflict, Guard, InvalidRef, PromptNotFound
from promptdb.files.editing.relocate import PromptPath
from promptdb.files.ignore import ignore_file, ignore_rule
from promptdb.files.scan import Candidate, is_below, is_prompt_name
from promptdb.git.index import is_ignored
from promptdb.git.worktree import WorkTreeState
from promptdb.project.desired import DesiredTree
from promptdb.safe_paths import contained


@dataclass(frozen=True)
class NamedFile:
    """A file that an argument names, by its path from the current folder if `is_path`, or by its name."""

    candidate: Candidate
    is_path: bool


def named_file(text: str, desired: DesiredTree, root: Path, here: Path) -> NamedFile:
    """Find the prompt file for a path from `here`, a path from the root, or the name of a prompt.

    Raises:
        InvalidRef: the text is neither a path nor a name.
        PromptNotFound: there is no such file. The hint names similar prompts.
    """
    candidates = desired.candidates
    paths = {candidate.path: candidate for candidate in candidates.values()}
    below = _below(text, root, here)
    if file_suffix(text) in SUFFIXES and below in paths and (here / text).exists():
        return NamedFile(paths[below], is_path=True)
    if text in paths:
        return NamedFile(paths[text], is_path=False)
    prompt = PromptId.parse(text)
    if prompt in candidates:
        return NamedFile(candidates[prompt], is_path=False)
    if (root / text).is_dir():
        raise PromptNotFound(f"{text} is a folder", "move its prompts one by one")
    if (now := next((item.prompt for item in desired.items if prompt in item.renamed_from), None)) is not None:
        raise PromptNotFound(f"there is no file for a prompt {prompt}", f"its name is {now} now")
    near = get_close_matches(text, [str(name).removeprefix(f"{DEFAULT_NAMESPACE}/") for name in candidates], 3, 0.7)
    hint = f"did you mean {' or '.join(near)}?" if near else "name one prompt, by its name or its file"
    raise PromptNotFound(f"there is no file for a prompt {prompt}", hint)


def new_place(text: str, old: NamedFile, root: Path, here: Path, layout: Layout) -> PromptPath:
    """Find the new place of a file: a path from `here` if `old` was named so, or a name. A folder may end with `/`.

    Raises:
        InvalidRef: no prompt can have this name, or no prompts root can hold it.
    """
    is_folder = text.endswith("/")
    if old.is_path:
        is_folder = is_folder or (here / text).is_dir()
        found = _below(text, root, here)
        if found is None:
            raise InvalidRef(f"{text} is not below the prompts root", f"name a path in {root}")
        text = found
    text = text.strip("/") if is_folder else text
    old_path = old.candidate.path
    suffix = old_path[old_path.rindex(".") :]
    if is_folder:
        stem = posixpath.join("" if text == "." else text, posixpath.basename(old_path).removesuffix(suffix))
    else:
        given = file_suffix(text)
        if given in SUFFIXES and given != suffix.lower():
            raise InvalidRef(f"{text!r} has another suffix than the file", f"leave it out: the file keeps {suffix}")
        stem = text[: -len(given)] if given in SUFFIXES else text
        folder, _, rest = stem.partition("/")
        if rest and folder == DEFAULT_NAMESPACE and not (root / folder).is_dir():
            stem = rest
    prompt, path = _in_root(stem, suffix, old, layout)
    if not is_prompt_name(posixpath.basename(stem) + suffix):
        raise InvalidRef(
            f"{stem}{suffix} would not be a prompt", "files named README are left out; choose another name"
        )
    return PromptPath(prompt, path)


def _in_root(stem: str, suffix: str, old: NamedFile, layout: Layout) -> tuple[PromptId, str]:
    """Find the prompt and its path for a new path without its suffix, or for a name."""
    if layout.is_plain:
        return PromptId.from_segments(stem.split("/")), stem + suffix
    if old.is_path:
        if layout.place(posixpath.dirname(stem)) is None:
            raise InvalidRef(f"{stem}{suffix} is not in a prompts root", "name a path in one of them")
        return layout.prompt(stem + suffix), stem + suffix
    prompt = PromptId.from_segments(stem.split("/"))
    path = layout.path(prompt, suffix, old.candidate.path)
    if path is None:
        roots = ", ".join(map(str, layout.roots))
        raise InvalidRef(f"no prompts root can hold {prompt}", f"the roots are {roots}; their wildcards begin the name")
    return prompt, path


def require_movable(candidate: Candidate, desired: DesiredTree, layout: Layout) -> None:
    """Refuse to move a symbolic link, a chat folder, a file that the settings name, or one that other prompts read."""
    path = candidate.path
    by_hand = f"add 'renamed_from: [{candidate.prompt}]' to {path}"
    if layout.given(candidate.named_path) is not None:
        raise Guard(f"[names] in the settings names {candidate.named_path}", f"change the name there, and {by_hand}")
    if candidate.parts:
        raise Guard(f"{candidate.named_path} is a chat folder", f"move it with 'git mv', and {by_hand}")
    if candidate.target is not None:
        message = f"{path} is a symbolic link to {candidate.target}"
        raise Guard(message, "replace the link by a file first")
    others = [str(prompt) for prompt in desired.readers(path) if prompt != candidate.prompt]
    if others:
        shown = ", ".join(others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
        message = f"{shown} {'reads' if len(others) == 1 else 'read'} {path}, which would no longer exist"
        raise Guard(message, "move the shared text to a file of its own first, for example in a folder _shared")


def require_free(old: PromptPath, new: PromptPath, desired: DesiredTree, root: Path) -> None:
    """Refuse a name that a prompt or file has already."""
    if new.prompt == old.prompt:
        raise Conflict(f"{old.path} already has the name {old.prompt}", "choose another name")
    taken = next((name for name in desired.names if name.folded == new.prompt.folded and name != old.prompt), None)
    if taken is not None:
        raise Conflict(f"there is a prompt {taken} already", "choose another name, or move that prompt first")
    if os.path.lexists(root / new.path):
        in_two_steps = "move it to another name first" if new.prompt.folded == old.prompt.folded else None
        raise Conflict(f"there is a file {new.path} already", in_two_steps or "choose another name, or remove the file")


def require_seen(new: PromptPath, root: Path, work_tree: WorkTreeState | None) -> None:
    """Refuse a place where the scan would not find the file.

    Raises:
        Guard: a folder is a link or a file, or the new path is ignored.
        OutsideRoot: a folder is a link that leads outside.
    """
    if contained(root, new.path) != Path(os.path.realpath(root), new.path):
        raise Guard(f"a folder of {new.path} is a symbolic link, which is not followed", "choose another folder")
    parts = new.path.split("/")
    folders = ["/".join(parts[:number]) + "/" for number in range(1, len(parts))]
    blocked = next((folder for folder in folders if (root / folder[:-1]).is_file()), None)
    if blocked is not None:
        raise Guard(f"{blocked[:-1]} is a file, but {new.path} needs a folder", "choose another name")
    is_named = ignore_rule(ignore_file(root), str(root / IGNORE_FILE))
    if is_below(new.path, is_named):
        raise Guard(f"{new.path} would be left out: {IGNORE_FILE} names it", "choose another name")
    if work_tree is not None and is_ignored(work_tree.repository, work_tree.place.from_top(new.path)):
        raise Guard(f"{new.path} would be left out: git ignores it", "choose another name, or change .gitignore")


def _below(text: str, root: Path, here: Path) -> str | None:
    """Convert a path from `here` to one from the root, with `/`, or None outside the root."""
    # Links are not followed, as in a scan.
    path = os.path.relpath(os.path.abspath(here / text), os.path.abspath(root))  # noqa: PTH100
    return None if path.startswith("..") or os.path.isabs(path) else path.replace(os.sep, "/")  # noqa: PTH117
