"""The error tree: drawn where it says, and mapped to exit codes without a gap."""

import ast
import re
from importlib import import_module

import pytest
from sources import MODULES, imports, syntax

from promptdb import errors
from promptdb.cli.exit_codes import exit_code
from promptdb.errors import PromptDBError

for _name in MODULES:  # so that subclasses in other modules are known
    if not _name.endswith("__main__"):
        import_module(_name)

EXIT_CODES = {
    "PromptDBError": 1,
    "ConfigError": 1,
    "MissingExtra": 1,
    "InvalidPrompts": 4,
    "InvalidRef": 1,
    "NotFound": 1,
    "PromptNotFound": 1,
    "VersionNotFound": 1,
    "RenderError": 1,
    "MissingVariables": 1,
    "TemplateError": 1,
    "Conflict": 5,
    "StalePlan": 5,
    "DivergedHistory": 5,
    "Guard": 5,
    "LockTimeout": 6,
    "IntegrityFailure": 7,
    "StorageError": 1,
}
"""The table of architecture.md, section 5."""


def tree(error: type[PromptDBError] = PromptDBError) -> list[type[PromptDBError]]:
    return [error, *(found for child in error.__subclasses__() for found in tree(child))]


def drawn() -> dict[str, str | None]:
    """The tree in the docstring of errors.py: name -> name of the parent."""
    parents: dict[str, str | None] = {}
    path: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"(?P<indent>    [ │├└─]*)(?P<name>[A-Z]\w+)", line)
        if match is None:
            continue
        indent = len(match["indent"])
        path = [(depth, name) for depth, name in path if depth < indent]
        parents[match["name"]] = path[-1][1] if path else None
        path.append((indent, match["name"]))
    return parents


def test_the_docstring_draws_the_tree_as_it_is() -> None:
    assert drawn() == {
        error.__name__: None if error is PromptDBError else error.__bases__[0].__name__
        for error in tree()
        if error.__module__ == errors.__name__
    }


@pytest.mark.parametrize("error", tree(), ids=lambda error: error.__name__)
def test_every_error_is_drawn_in_the_docstring(error: type[PromptDBError]) -> None:
    assert error.__name__ in drawn()


@pytest.mark.parametrize("error", tree(), ids=lambda error: error.__name__)
def test_every_error_has_the_exit_code_of_the_table(error: type[PromptDBError]) -> None:
    nearest = next(kind.__name__ for kind in error.__mro__ if kind.__name__ in EXIT_CODES)
    assert exit_code(error.__new__(error)) == EXIT_CODES[nearest]


def test_the_table_names_no_error_that_is_gone() -> None:
    assert EXIT_CODES.keys() - {error.__name__ for error in tree()} == set()


def test_errors_know_no_exit_code_and_no_http_status() -> None:
    fields = {name for error in tree() for name in vars(error)}
    assert {"exit_code", "status", "status_code", "code"} & fields == set()


def test_no_handler_swallows_every_exception() -> None:
    """`except Exception` or bare `except` without raising again."""
    wrong = [
        f"{name}:{node.lineno}"
        for name, file in MODULES.items()
        for node in ast.walk(syntax(file))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")))
        and not any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
    ]
    assert wrong == []


def test_an_error_raised_while_handling_another_names_its_cause() -> None:
    wrong = [
        f"{name}:{inner.lineno}"
        for name, file in MODULES.items()
        for node in ast.walk(syntax(file))
        if isinstance(node, ast.ExceptHandler)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Raise) and inner.exc is not None and inner.cause is None
    ]
    assert wrong == []


def test_only_the_command_line_ends_the_process() -> None:
    wrong = {
        f"{name}:{node.lineno}"
        for name, file in MODULES.items()
        if not name.startswith("promptdb.cli.")
        for node in ast.walk(syntax(file))
        if (isinstance(node, ast.Attribute) and node.attr in ("exit", "_exit"))
        or (isinstance(node, ast.Name) and node.id in ("SystemExit", "exit", "quit"))
    }
    assert wrong == set()
    assert any(target == "sys" for _, target in imports(MODULES["promptdb.cli.app"]))
