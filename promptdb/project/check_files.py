"""Checks single prompt files without a walk over the tree, git or a database, for editors."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from promptdb.files.scan import identify, is_prompt_name
from promptdb.files.tree import WorkTree
from promptdb.problems import Problem, in_order
from promptdb.project.placing import is_hidden, is_prompt_file, placed
from promptdb.project.read_file import Loader
from promptdb.settings import AppSettings


@dataclass(frozen=True)
class Updated:
    """A golden test that was rewritten: the path of its file, its name, and the rewritten fields of `expect`."""

    path: str
    test: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Checked:
    """The number of valid prompts, the number of golden tests that ran, and the problems, sorted by place."""

    prompts: int
    tests: int
    problems: tuple[Problem, ...]
    updated: tuple[Updated, ...] = ()


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
    prompts = tests = 0
    for file in files:
        root, path = placed(file, settings)
        found: list[Problem] = []
        for candidate in identify([path], found).candidates:
            loaded = Loader(WorkTree(root), settings.file_rules, run_tests=True)(candidate)
            prompts, tests = prompts + loaded.is_valid, tests + loaded.tests
            found += loaded.problems
        start = Path(os.path.relpath(root, settings.prompts_path))
        problems += [replace(one, path=(start / one.path).as_posix()) for one in found]
    return Checked(prompts, tests, tuple(in_order(problems)))
