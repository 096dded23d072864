"""The error tree: drawn where it says, and mapped to exit codes without a gap."""

import ast
import re
from importlib import import_module

from pages import page, rows, section
from sources import MODULES, imports, syntax

from promptdb import errors
from promptdb.cli.exit_codes import exit_code
from promptdb.errors import PromptDBError

for _name in MODULES:  # so that subclasses in other modules are known
    if not _name.endswith("__main__"):
        import_module(_name)


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


def test_every_error_is_drawn_in_the_docstring() -> None:
    assert {error.__name__ for error in tree()} - drawn().keys() == set()


def test_every_error_has_the_exit_code_that_the_documentation_gives_it_or_its_parent() -> None:
    documented = {
        name: int(code)
        for code, (names, _) in rows(section(page("errors.md"), "Exit codes")).items()
        for name in re.findall(r"`(\w+)`", names)
    }
    assert documented.keys() <= {error.__name__ for error in tree()}
    for error in tree():
        nearest = next(kind.__name__ for kind in error.__mro__ if kind.__name__ in documented)
        assert exit_code(error.__new__(error)) == documented[nearest], error


def test_errors_know_no_exit_code_and_no_http_status() -> None:
    fields = {name for error in tree() for name in vars(error)}
    assert {"exit_code", "status", "status_code", "code"} & fields == set()


def test_no_handler_swallows_every_exception() -> None:
    """`except Exception` or bare `except`, where the error is neither raised again nor handed on."""
    wrong = [
        f"{name}:{node.lineno}"
        for name, file in MODULES.items()
        for node in ast.walk(syntax(file))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")))
        and not any(isinstance(inner, ast.Raise) or _is_handed_on(inner) for inner in ast.walk(node))
    ]
    assert wrong == []


def _is_handed_on(node: ast.AST) -> bool:
    # To a `Future`, to the log with its traceback, or to the health of a client, which does that.
    return isinstance(node, ast.Attribute) and node.attr in ("set_exception", "exception", "unexpected")


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
        if not name.startswith("promptdb.cli")
        for node in ast.walk(syntax(file))
        if (isinstance(node, ast.Attribute) and node.attr in ("exit", "_exit"))
        or (isinstance(node, ast.Name) and node.id in ("SystemExit", "exit", "quit"))
    }
    assert wrong == set()
    assert any(target == "sys" for _, target in imports(MODULES["promptdb.cli.app"]))
