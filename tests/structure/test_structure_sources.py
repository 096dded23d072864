"""What holds for every file of the repository."""

import ast
import re
import tempfile
from pathlib import Path

import pytest
from sources import MODULES, PACKAGE, ROOT, syntax, tracked

MAX_LINES = 300
MIGRATIONS = sorted((ROOT / "alembic").rglob("*.py"))
HOMES = re.compile(r"(?<![\w.~}$])/(?:work|root|home/[a-z]\w*|Users/\w+|tmp/\w+|private/var)(?:/|\b)")
"""Folders as they are called on somebody's machine."""

MADE_UP = re.compile(r"/home/(?:you|user|me|ann)\b|/Users/(?:you|user|me|ann)\b")


def test_a_module_is_read_in_one_sitting() -> None:
    lines = {
        str(file.relative_to(ROOT)): len(file.read_text(encoding="utf-8").splitlines())
        for file in [*MODULES.values(), *MIGRATIONS]
    }
    assert len(lines) > len(MIGRATIONS) > 0
    assert {name: count for name, count in lines.items() if count > MAX_LINES} == {}


def test_a_module_opens_by_saying_what_it_is_for() -> None:
    openings = {name: ast.get_docstring(syntax(file)) or "" for name, file in MODULES.items() if file.stat().st_size}
    wrong = [name for name, text in openings.items() if not 1 <= len(text.split("\n\n")[0].splitlines()) <= 4]
    assert wrong == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("see {}work/main/x.py", True),
        ('"{}root/.cache"', True),
        ("{}tmp/pytest-of-me/x", True),
        ("cd {}home/jim/prompts", True),
        ("frame{}work/main", False),
        ("a folder below {}tmp", False),
        ("$HOME{}work/x", False),
    ],
)
def test_a_path_of_a_machine_is_recognised(line: str, found: bool) -> None:
    assert (HOMES.search(line.format("/")) is not None) == found


def test_no_line_holds_a_path_of_this_machine() -> None:
    here = re.compile(
        "|".join(re.escape(str(path)) for path in (ROOT, Path.home(), Path(tempfile.gettempdir()) / "pytest-of"))
    )
    wrong = []
    for file in tracked():
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if here.search(line) or HOMES.search(MADE_UP.sub("", line)):
                wrong.append(f"{file.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert wrong == []


def test_no_file_names_forbidden_helpers() -> None:
    """Nouns that say nothing: the architecture does without them."""
    names = {
        node.name
        for file in MODULES.values()
        for node in ast.walk(syntax(file))
        if isinstance(node, ast.ClassDef) and re.search(r"Manager|Helper|Utils?$", node.name)
    }
    files = {file.stem for file in MODULES.values() if file.stem in ("utils", "helpers", "common", "misc")}
    assert names | files == set()


def test_the_marker_of_typed_packages_is_there() -> None:
    assert (PACKAGE / "py.typed").is_file()


def test_tests_have_names_of_their_own() -> None:
    """Without packages, two test modules of one name cannot be collected together."""
    names = [file.name for file in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
