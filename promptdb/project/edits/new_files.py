"""Decides whether a new prompt file can be written in its place."""

from collections.abc import Callable
from pathlib import Path

from promptdb.domain.layout import IGNORE_FILE
from promptdb.domain.prompt_id import PromptId
from promptdb.files.ignore import ignore_file, ignore_rule
from promptdb.files.scan import is_below, is_prompt_name, scan
from promptdb.files.tree import MAX_TEXT_BYTES, size_text
from promptdb.git.worktree import open_work_tree
from promptdb.settings import AppSettings


class NewFiles:
    """The prompts root before the new files, with the names that are taken."""

    def __init__(self, settings: AppSettings, *, overwrite: bool) -> None:
        """Look at the files. Raises as `scan` and `open_work_tree` do."""
        self._root, self._overwrite = settings.prompts_path, overwrite
        self._taken: dict[str, str] = {}
        self._ignores: list[Callable[[str], bool]] = []
        if not self._root.is_dir():
            return
        work_tree = open_work_tree(self._root, settings.layout)
        git_ignores = None if work_tree is None else work_tree.ignores
        self._ignores = [ignore_rule(ignore_file(self._root), str(self._root / IGNORE_FILE))]
        self._ignores += [] if git_ignores is None else [git_ignores]
        found = scan(self._root, settings.layout, git_ignores)
        self._taken = {one.prompt.folded: one.path for one in found.candidates}

    def refusal(self, prompt: PromptId, path: str, text: str) -> str | None:
        """Return the reason why the file cannot be written. `path` starts at the prompts root."""
        file, shown = self._root / path, f"{self._root.name}/{path}"
        if not is_prompt_name(file.name) or any(is_below(path, rule) for rule in self._ignores):
            return f"{shown} would not be a prompt: files named README and ignored ones are left out"
        if link := next((one for one in self._parts(file) if one.is_symlink()), None):
            return f"{self._root.name}/{link.relative_to(self._root)} is a link, and what it leads to is never written"
        if len(text.encode()) > MAX_TEXT_BYTES:
            return f"{shown} would be larger than {size_text(MAX_TEXT_BYTES)}"
        there = self._taken.get(prompt.folded, path)
        if there != path:
            return f"{self._root.name}/{there} is the prompt {prompt} already"
        if not self._overwrite and file.exists() and file.read_bytes() != text.encode():
            return f"{shown} exists and differs; pass --force to replace it"
        return None

    def _parts(self, file: Path) -> list[Path]:
        return [file, *(folder for folder in file.parents if self._root in folder.parents)]
