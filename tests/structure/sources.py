"""The source of the package as the structure tests look at it: modules, what they import, and where."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "promptdb"


def tracked() -> list[Path]:
    """The files of the repository, and those that are about to join it."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def module_files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def module_name(file: Path) -> str:
    """`promptdb.files.scan`; a package by its own name."""
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_name(file): file for file in module_files()}


@cache
def syntax(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


@cache
def imports(file: Path) -> list[tuple[int, str]]:
    """Line and full name of everything a module imports: at the top, in a function, or for the type checker only.

    `from promptdb import errors` names the module `promptdb.errors`, and `import_module` with a fixed name counts.
    """
    return list(_imports(file))


def _imports(file: Path) -> Iterator[tuple[int, str]]:
    here = module_name(file).split(".")
    package = here if file.name == "__init__.py" else here[:-1]
    for node in ast.walk(syntax(file)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                full = f"{source}.{alias.name}"
                yield node.lineno, full if full in MODULES else source
        elif isinstance(node, ast.Constant) and node.value in MODULES and node.value != "promptdb":
            yield node.lineno, str(node.value)  # for import_module
