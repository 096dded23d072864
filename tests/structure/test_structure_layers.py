"""Which way imports point: the table of architecture.md, held over every module of the package."""

import ast
from collections.abc import Iterator

import pytest
from sources import MODULES, PACKAGE, imports, module_files, module_name, syntax

LAYERS = {
    "problems": 0,
    "python_gc": 0,
    "streams": 1,
    "progress": 0,
    "errors": 0,
    "version": 0,
    "safe_paths": 0,
    "domain": 1,
    "render": 1,
    "settings": 1,
    "files": 2,
    "git": 2,
    "db": 2,
    "blobs": 2,
    "sync": 3,
    "transfer": 3,
    "lookups": 3,
    "workspace": 4,
    "service": 4,
    "client": 4,
    "watch": 4,
    "cli": 5,
    "integrations": 5,
    "__init__": 6,  # the public names, each loaded on first use
    "__main__": 6,
}
"""The first part of a module's name below `promptdb` -> its layer. A module imports from layers below its own."""

WITHIN = {
    *(("problems", "errors"), ("errors", "safe_paths")),
    *(
        ("domain", "render"),
        ("domain", "settings"),
        ("domain", "streams"),
        ("sync", "transfer"),
        ("lookups", "sync"),
        ("sync", "lookups"),
        ("service", "client"),
        ("service", "workspace"),
        ("workspace", "watch"),
    ),
}
"""Inside one layer: the first may be imported by the second, never the other way round."""

PURE = ("domain", "render")
ACTING = {
    *("os", "sys", "time", "random", "secrets", "socket", "subprocess", "shutil", "tempfile", "pathlib", "glob"),
    *("logging", "threading", "asyncio", "locale", "getpass", "platform", "sqlalchemy", "sqlmodel", "git", "click"),
}
"""Modules that a pure one has no use for."""


def part(module: str) -> str:
    below = module.split(".")[1:]
    return below[0] if below else "__init__"


def inner_imports() -> Iterator[tuple[str, int, str]]:
    for file in module_files():
        for line, target in imports(file):
            if target.split(".")[0] == "promptdb":
                yield module_name(file), line, target


def allowed(source: str, target: str) -> bool:
    one, other = part(source), part(target)
    return one == other or LAYERS[one] > LAYERS[other] or (other, one) in WITHIN


def test_every_part_of_the_package_has_a_layer_and_no_other_has() -> None:
    assert {part(name) for name in MODULES} == LAYERS.keys()


def test_the_walk_sees_imports_of_every_kind() -> None:
    """At the top, in a function, under TYPE_CHECKING, of a module from its package, and by name."""
    seen = {(source, target) for source, _, target in inner_imports()}
    assert {
        ("promptdb.sync.apply", "promptdb.db.engine"),
        ("promptdb.workspace", "promptdb.sync.tree"),
        ("promptdb.cli.opening", "promptdb.service"),
        ("promptdb.cli.problems", "promptdb.errors"),
        ("promptdb.render.engine", "promptdb.render.jinja.engine"),
    } <= seen


def test_imports_point_to_lower_layers() -> None:
    wrong = [
        f"{source}:{line} imports {target}" for source, line, target in inner_imports() if not allowed(source, target)
    ]
    assert wrong == []


@pytest.mark.parametrize("name", PURE)
def test_pure_code_imports_nothing_that_acts(name: str) -> None:
    wrong = [
        f"{module_name(file)}:{line} imports {target}"
        for file in module_files()
        if part(module_name(file)) == name
        for line, target in imports(file)
        if target.split(".")[0] in ACTING
    ]
    assert wrong == []


@pytest.mark.parametrize("name", PURE)
def test_pure_code_neither_opens_files_nor_reads_the_clock(name: str) -> None:
    wrong = [
        f"{module_name(file)}:{node.lineno}"
        for file in module_files()
        if part(module_name(file)) == name
        for node in ast.walk(syntax(file))
        if (isinstance(node, ast.Call) and ast.unparse(node.func) in ("open", "print", "input", "eval", "exec"))
        or (isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today", "environ", "getenv"))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("name", "home"), [("create_engine", "promptdb.db.engine"), ("create_all", None), ("drop_all", None)]
)
def test_the_schema_and_the_engine_have_one_home(name: str, home: str | None) -> None:
    users = {
        module_name(file)
        for file in module_files()
        for node in ast.walk(syntax(file))
        if (isinstance(node, ast.Attribute) and node.attr == name) or (isinstance(node, ast.Name) and node.id == name)
    }
    assert users == ({home} if home else set())


@pytest.mark.parametrize(
    ("library", "homes"),
    [
        ("git", {"git"}),
        ("sqlmodel", {"db"}),
        ("alembic", {"db"}),
        ("yaml", {"files"}),
        ("ruamel", {"files"}),
        ("jinja2", {"render"}),
        ("click", {"cli"}),
        ("rich", {"cli"}),
        ("watchdog", {"watch"}),
        ("minio", {"blobs"}),
        ("urllib3", {"blobs"}),
    ],
)
def test_a_library_is_known_to_one_part_only(library: str, homes: set[str]) -> None:
    users = {part(module_name(f)) for f in module_files() for _, name in imports(f) if name.split(".")[0] == library}
    assert users == homes


def test_nothing_but_the_package_lies_beside_it_under_its_name() -> None:
    """`alembic/` at the top must not become a package: it would shadow the library."""
    assert not (PACKAGE.parent / "alembic" / "__init__.py").exists()
    assert (PACKAGE.parent / "alembic" / "env.py").is_file()
