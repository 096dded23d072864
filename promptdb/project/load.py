"""Reads, parses and checks the prompt files of a view. Needs no database."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from promptdb.domain.git_refs import RefRules
from promptdb.domain.layout import ALIASES_FILE, IGNORE_FILE
from promptdb.domain.prompt_id import PromptId
from promptdb.errors import ConfigError, Guard, PromptNotFound
from promptdb.git.tree_place import PlacedEntries
from promptdb.progress import Progress
from promptdb.project.check_files import Checked
from promptdb.project.desired import DesiredTree, collect
from promptdb.project.placing import Wanted
from promptdb.project.read_file import LoadedFile, Loader
from promptdb.project.view import WORK_TREE, OpenView, Origin, View, open_view
from promptdb.python_gc import collecting_rarely
from promptdb.settings import AppSettings


@dataclass(frozen=True)
class LoadedTree:
    """The prompt files of a view, and their origin. `placed` converts their paths to those from the top of the repository.

    `dirty_paths` are the files that differ from the commit. `ignored_paths` are those among them that git ignores.
    """

    desired: DesiredTree
    origin: Origin
    placed: PlacedEntries
    dirty_paths: frozenset[str] = frozenset()
    ignored_paths: frozenset[str] = frozenset()

    @property
    def some_dirty(self) -> str:
        """The first dirty paths and the number of the others, for messages."""
        dirty = [
            f"{path} (git ignores it)" if path in self.ignored_paths else path for path in sorted(self.dirty_paths)
        ]
        return ", ".join(dirty[:3]) + (f" and {len(dirty) - 3} more" if len(dirty) > 3 else "")

    def on_ref(self, ref: str | None) -> Self:
        """Return the tree of a commit without a name as that of a branch or tag; None changes nothing.

        Raises:
            ConfigError: the commit has another name, or there is no commit.
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
    """Read the prompt files of a view. Problems of files are in the result. Golden tests run if `run_tests`.

    Raises:
        ConfigError: there is no such folder, commit or repository.
        StorageError: git cannot read the repository around the files.
    """
    opened = open_view(settings, view)
    refs = RefRules.of(opened.settings.refs, opened.settings.main_ref)
    desired = collect(opened.found, opened.tree, opened.rules, progress, run_tests=run_tests, refs=refs)
    named = {ALIASES_FILE, IGNORE_FILE, *desired.named_files()}
    ignored = frozenset(filter(opened.is_ignored, named)) if opened.is_ignored is not None else frozenset[str]()
    dirty = opened.dirty_paths | ignored
    origin = replace(opened.origin, refs=refs, is_dirty=bool(dirty))
    return LoadedTree(desired, origin, opened.placed, dirty, ignored)


def check_tree(
    settings: AppSettings, progress: Progress | None = None, view: View = WORK_TREE, only: Sequence[Wanted] = ()
) -> Checked:
    """Parse the files of the tree and run their tests. Arguments and errors as in `load_tree`.

    Args:
        only: check these prompts. By default, all of them and the declared aliases.

    Raises:
        PromptNotFound: there is no file for one of `only`.
    """
    if not only:
        desired = load_tree(settings, progress, view, run_tests=True).desired
        return Checked(len(desired.items), desired.tests, tuple(desired.problems), blank=desired.blank)
    opened = open_view(settings, view)
    loader = Loader(opened.tree, opened.rules, run_tests=True)
    candidates = opened.found.candidates
    found = [each for each in candidates if any(one.has(each.prompt, each.path) for one in only)]
    problems = [problem for problem in opened.found.problems if any(one.holds(problem.path) for one in only)]
    for one in only:
        if not any(one.has(each.prompt, each.path) for each in found) and not any(
            one.holds(each.path) for each in problems
        ):
            hint = "'promptdb check' reads all prompt files"
            raise PromptNotFound(f"{view} has no prompt file for {one.text}", hint)
    files = [loader(candidate) for candidate in found]
    problems += [problem for file in files for problem in file.problems]
    return Checked.of(files, problems)


def load_prompt(settings: AppSettings, prompt: PromptId, view: View = WORK_TREE) -> tuple[str, LoadedFile] | None:
    """Read the file of one prompt. Return its path and content, or None without a file. Errors as in `load_tree`."""
    return prompt_in(open_view(settings, view), prompt)


def prompt_in(opened: OpenView, prompt: PromptId) -> tuple[str, LoadedFile] | None:
    """Read the file of one prompt from an open view, as `load_prompt` does."""
    candidate = next((found for found in opened.found.candidates if found.prompt == prompt), None)
    if candidate is None:
        return None
    file = Loader(opened.tree, opened.rules)(candidate)
    return None if file.blank else (candidate.path, file)


def require_clean(loaded: LoadedTree, audience: str | None = None) -> None:
    """Refuse a tree with a file that differs from the commit that is checked out.

    Args:
        audience: the other people who would get the changes, in words after "everyone".

    Raises:
        Guard: there are uncommitted changes.
    """
    if loaded.dirty_paths:
        hint = "commit them, or pass --allow-dirty"
        if audience is not None:
            hint = f"commit them; with --allow-dirty, everyone {audience} gets them"
        raise Guard(f"there are uncommitted changes: {loaded.some_dirty}", hint)
