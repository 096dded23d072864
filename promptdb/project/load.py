"""The prompt files of a view, read and parsed, and where they come from. Needs no database."""

from dataclasses import dataclass, replace
from typing import Self

from promptdb.domain.git_refs import RefRules
from promptdb.domain.prompt_id import PromptId
from promptdb.errors import ConfigError, Guard
from promptdb.progress import Progress
from promptdb.project.desired import DesiredTree, collect
from promptdb.project.read_file import LoadedFile, Loader
from promptdb.project.view import WORK_TREE, OpenView, Origin, View, open_view
from promptdb.python_gc import collecting_rarely
from promptdb.settings import AppSettings


@dataclass(frozen=True)
class LoadedTree:
    """The prompt files as a view has them, and where they are. `dirty_paths` are those that no commit has like this."""

    desired: DesiredTree
    origin: Origin
    dirty_paths: frozenset[str] = frozenset()

    def on_ref(self, ref: str | None) -> Self:
        """Return the tree of a commit without a name as that of a branch or tag; None changes nothing.

        Raises:
            ConfigError: the commit has another name, or there is none.
        """
        origin = self.origin.standing_for(ref)
        if ref is not None and origin.git_ref != ref:
            where = f"this is the ref {origin.git_ref}" if origin.git_ref else "there is no commit"
            raise ConfigError(f"--ref is for a commit without a name, but {where}", "leave out --ref")
        return replace(self, origin=origin)


@collecting_rarely()
def load_tree(
    settings: AppSettings, progress: Progress | None = None, view: View = WORK_TREE, *, run_tests: bool = False
) -> LoadedTree:
    """Read the prompts root. Problems of files are collected in the result.

    Args:
        settings: say where it is and how to read it.
        progress: is told how far it got.
        view: which state of the files to read.
        run_tests: run the golden tests; files that have not changed are parsed for that, too.

    Raises:
        ConfigError: there is no such folder, commit or repository.
        StorageError: git cannot read the repository around it.
    """
    opened = open_view(settings, view)
    text_format, rules = opened.settings.text_format, RefRules.of(opened.settings.refs)
    desired = collect(opened.found, opened.tree, text_format, progress, run_tests=run_tests, rules=rules)
    return LoadedTree(desired, replace(opened.origin, refs=rules), opened.dirty_paths)


def load_prompt(settings: AppSettings, prompt: PromptId, view: View = WORK_TREE) -> tuple[str, LoadedFile] | None:
    """The file of one prompt, by its path and what is in it; None where there is none. Errors as in `load_tree`."""
    return prompt_in(open_view(settings, view), prompt)


def prompt_in(opened: OpenView, prompt: PromptId) -> tuple[str, LoadedFile] | None:
    """The same for a view that is open."""
    candidate = next((found for found in opened.found.candidates if found.prompt == prompt), None)
    if candidate is None:
        return None
    return candidate.path, Loader(opened.tree, opened.settings.text_format)(candidate)


def require_clean(loaded: LoadedTree) -> None:
    """Refuse files that differ from the commit they stand on.

    Raises:
        Guard: they do; the message names some files.
    """
    dirty = sorted(loaded.dirty_paths)
    if dirty:
        shown = ", ".join(dirty[:3]) + (f" and {len(dirty) - 3} more" if len(dirty) > 3 else "")
        raise Guard(f"there are uncommitted changes: {shown}", "commit them, or pass --allow-dirty")
