"""Checks single prompt files without a walk over the tree, git or a database, for editors."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from promptdb.errors import InvalidPrompts
from promptdb.files.scan import Candidate, identify, is_prompt_name
from promptdb.files.tree import WorkTree
from promptdb.problems import Code, Problem, in_order
from promptdb.project.placing import is_hidden, is_prompt_file, parts_of, placed
from promptdb.project.read_file import LoadedFile, Loader
from promptdb.settings import AppSettings


@dataclass(frozen=True)
class Updated:
    """A golden test that was rewritten: the path of its file, its name, and the rewritten fields of `expect`."""

    path: str
    test: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Checked:
    """The number of valid prompts, the number of golden tests that ran, and the problems, sorted by place.

    `blank` counts the chat folders without any text, which are not prompts.
    """

    prompts: int
    tests: int
    problems: tuple[Problem, ...]
    updated: tuple[Updated, ...] = ()
    blank: int = 0

    @classmethod
    def of(cls, files: Sequence[LoadedFile], problems: Sequence[Problem]) -> "Checked":
        """Count files that were read one by one. `problems` are those of the tree and of the files."""
        valid, tests = sum(file.is_valid for file in files), sum(file.tests for file in files)
        return cls(valid, tests, tuple(in_order(problems)), blank=sum(file.blank for file in files))


def are_single_files(texts: Sequence[str], settings: AppSettings) -> bool:
    """Report whether all texts are paths of files that can be checked one by one."""
    return bool(texts) and all(
        is_prompt_file(text, settings)
        and Path(text).is_file()
        and is_prompt_name(Path(text).name)
        and not is_hidden(Path(text), settings)
        for text in texts
    )


def check_files(files: Sequence[Path], settings: AppSettings) -> Checked:
    """Parse files and run their golden tests. Paths of problems start at the prompts root, perhaps with `..`."""
    problems: list[Problem] = []
    # Several files may be one chat.
    done: dict[tuple[Path, Candidate], LoadedFile] = {}
    for file in files:
        root, _, layout = placed(file, settings)
        found: list[Problem] = []
        try:
            candidates = identify(parts_of(file, settings), found, layout).candidates
        except InvalidPrompts as error:
            candidates, found = (), list(error.problems)
        # The other names of the settings are not in question.
        found = [problem for problem in found if problem.code is not Code.NAME_WITHOUT_FILE]
        for candidate in candidates:
            if (root, candidate) not in done:
                loader = Loader(WorkTree(root, layout=layout), settings.file_rules, run_tests=True)
                done[root, candidate] = loader(candidate)
                found += done[root, candidate].problems
        start = Path(os.path.relpath(root, settings.prompts_path))
        problems += [replace(one, path=(start / one.path).as_posix()) for one in found]
    return Checked.of(list(done.values()), problems)
