"""The distribution is `promptdb-git`, wherever something is installed or looked up: `promptdb` on PyPI is another project."""

import re
import tomllib
from importlib.metadata import distribution, version

import pytest
from sources import ROOT, tracked

from promptdb.version import VERSION

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NAME = "promptdb-git"
# Of `promptdb` alone: a requirement with an extra or a version, an install, a page of PyPI, a look-up of metadata.
MISNAMED = re.compile(
    r"(?<![\w./-])promptdb(\[[\w,-]+\]|\s?[=~<>!]=)"
    r"|\b(pip|pipx|uv|uvx)3?\b[^\n|`]*?\b(install|add|tool run|--with|--from)\b[^\n|`]*?[ '\"]promptdb(?![\w./-])"
    r"|\buvx promptdb(?![\w-])"
    r"|pypi\.org/(p|project|simple)/promptdb(?![\w-])"
    r"|\b(version|distribution|metadata|requires|files)\(['\"]promptdb['\"]"
)
INSTALLED = re.compile(rf"\bpip install\b[^\n`]*?['\" ]{NAME}(?:\[([\w,]+)\])?")


def found(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if MISNAMED.search(line)]


def test_every_file_names_the_distribution() -> None:
    wrong = {}
    for file in tracked():
        if file.name == "test_structure_distribution.py":
            continue
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if lines := found(text):
            wrong[str(file.relative_to(ROOT))] = lines
    assert wrong == {}


@pytest.mark.parametrize(
    "line",
    [
        "pip install promptdb",
        "pip install 'promptdb[postgres]'",
        '    - pip install --quiet "promptdb[postgres]==0.1.0"',
        "uv add promptdb",
        "pipx install promptdb",
        "uvx promptdb check",
        'with: {command: plan, spec: "promptdb[postgres]==0.1.0"}',
        "additional_dependencies: [promptdb==0.1.0]",
        "https://pypi.org/project/promptdb/",
        "version('promptdb')",
    ],
)
def test_a_wrong_name_is_found(line: str) -> None:
    assert found(line) == [line.strip()]
    assert found(line.replace("promptdb", NAME)) == []


@pytest.mark.parametrize(
    "line", ["promptdb check", "promptdb sync --rev HEAD", "import promptdb", "uv run promptdb plan"]
)
def test_the_command_and_the_package_keep_their_name(line: str) -> None:
    assert found(line) == []


def test_pages_install_it_with_extras_that_exist() -> None:
    texts = [file.read_text() for file in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))]
    extras = [extra for text in texts for extra in INSTALLED.findall(text)]
    assert len(extras) > 3
    assert {extra for extra in extras if extra} <= PROJECT["optional-dependencies"].keys()


def test_the_metadata_have_its_name_and_the_command_of_the_package() -> None:
    assert PROJECT["name"] == NAME
    assert version(NAME) == VERSION
    commands = [point for point in distribution(NAME).entry_points if point.group == "console_scripts"]
    assert [(point.name, point.value) for point in commands] == [("promptdb", "promptdb.cli:main")]
