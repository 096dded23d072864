"""Which file of the tree `mv` means, and where it goes: names, or paths from the current folder."""

import os
import posixpath
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from promptdb.domain.prompt_id import DEFAULT_NAMESPACE, PromptId
from promptdb.domain.suffixes import SUFFIXES, file_suffix
from promptdb.errors import InvalidRef, PromptNotFound
from promptdb.files.editing.relocate import PromptPath
from promptdb.files.scan import Candidate, is_prompt_name
from promptdb.project.desired import DesiredTree


@dataclass(frozen=True)
class NamedFile:
    """The file that was meant. `is_path`: whether it was named by its path from the current folder, and not by its name."""

    candidate: Candidate
    is_path: bool


def named_file(text: str, desired: DesiredTree, root: Path, here: Path) -> NamedFile:
    """The prompt file that `text` names: a path from `here`, a path from the root, or the name of a prompt.

    Raises:
        InvalidRef: neither a path nor a name.
        PromptNotFound: there is no such file; the hint names similar ones.
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
        raise PromptNotFound(f"{text} is a folder", "move its prompts, one by one")
    if (now := next((item.prompt for item in desired.items if prompt in item.renamed_from), None)) is not None:
        raise PromptNotFound(f"there is no file for a prompt {prompt}", f"it is {now} now")
    near = get_close_matches(text, [str(name).removeprefix(f"{DEFAULT_NAMESPACE}/") for name in candidates], 3, 0.7)
    hint = f"did you mean {' or '.join(near)}?" if near else "name one prompt, by its name or its file"
    raise PromptNotFound(f"there is no file for a prompt {prompt}", hint)


def new_place(text: str, old: NamedFile, root: Path, here: Path) -> PromptPath:
    """Where the file goes: `text` is read as the old name was; one that ends with `/` is a folder.

    Args:
        text: a name or path, with the suffix of the file or without.
        old: the file.
        root: the prompts root.
        here: the current folder.

    Raises:
        InvalidRef: no prompt can have this name.
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
        stem = _without_suffix(text, suffix)
        folder, _, rest = stem.partition("/")
        if rest and folder == DEFAULT_NAMESPACE and not (root / folder).is_dir():
            stem = rest
    prompt = PromptId.from_segments(stem.split("/"))
    if not is_prompt_name(posixpath.basename(stem) + suffix):
        raise InvalidRef(f"{stem}{suffix} would be no prompt", "files named README are left out; choose another name")
    return PromptPath(prompt, stem + suffix)


def _without_suffix(text: str, suffix: str) -> str:
    given = file_suffix(text)
    if given not in SUFFIXES:
        return text
    if given != suffix.lower():
        raise InvalidRef(f"{text!r} has another suffix than the file", f"leave it out: the file keeps {suffix}")
    return text[: -len(given)]


def _below(text: str, root: Path, here: Path) -> str | None:
    """A path from `here` as one from the root, with `/`; None outside of it. Links are not followed, as in a scan."""
    path = os.path.relpath(os.path.abspath(here / text), os.path.abspath(root))  # noqa: PTH100
    return None if path.startswith("..") or os.path.isabs(path) else path.replace(os.sep, "/")  # noqa: PTH117
