"""Imports point downwards in the house: the table of docs/architecture.md, held over every module of the package."""

import ast
import re
from collections.abc import Iterator

import pytest
from sources import MODULES, PACKAGE, ROOT, imports, module_files, module_name, syntax

GROUND = {"errors", "problems", "progress", "python_gc", "safe_paths", "tls", "version", "web"}
"""Imported by every room; among themselves they stand in this order."""

GROUND_ORDER = ("version", "progress", "python_gc", "problems", "errors", "safe_paths", "tls", "web")
OUTSIDE_WORLD = {"db", "blobs", "files", "git"}
DOORS = {"cli", "api", "dashboard", "integrations", "client"}
"""Use a handle; `client/sources/` also reads a registry itself."""

PURE = ("domain", "render")
ACTING = {
    *("os", "sys", "time", "random", "secrets", "socket", "subprocess", "shutil", "tempfile", "pathlib", "glob"),
    *("logging", "threading", "asyncio", "locale", "getpass", "platform", "sqlalchemy", "sqlmodel", "git", "click"),
}
"""Modules that a pure one has no use for."""


def table() -> dict[str, set[str]]:
    """The rooms with what each may import directly, as the page says."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = [
        line.split("|")[1:-1]
        for line in page.partition("## Rooms")[2].partition("\n## ")[0].splitlines()
        if "|" in line
    ]
    return {row[0].strip(" `"): set(re.findall(r"`([a-z_]+)`", row[2])) for row in rows[2:]}


ROOMS = table()


def reachable(room: str) -> set[str]:
    """What a room may import: the ground, its row of the table, and what the rooms in that row may import."""
    found, waiting = set(GROUND), [room]
    while waiting:
        new = ROOMS[waiting.pop()] - found
        found |= new
        waiting += new
    return found - OUTSIDE_WORLD if room in DOORS else found


def room(module: str) -> str:
    below = module.split(".")[1:]
    return below[0] if below else "__init__"


def inner_imports() -> Iterator[tuple[str, int, str]]:
    """Every import of one room from another. The public names and `python -m promptdb` are above the house."""
    for file in module_files():
        for line, target in imports(file):
            source = module_name(file)
            if target.split(".")[0] == "promptdb" and room(source) not in (room(target), "__init__", "__main__"):
                yield source, line, target


def is_allowed(source: str, target: str) -> bool:
    one, other = room(source), room(target)
    if one in GROUND:
        return other in GROUND and GROUND_ORDER.index(other) < GROUND_ORDER.index(one)
    return other in reachable(one)


def test_each_room_is_in_the_table_and_no_other() -> None:
    rooms = {room(name) for name in MODULES} - GROUND - {"__init__", "__main__"}
    assert rooms == ROOMS.keys()


def test_no_room_can_reach_itself() -> None:
    """Otherwise the table would allow circles, and with them everything."""
    assert [name for name in ROOMS if name in reachable(name)] == []


def test_the_wings_do_not_reach_one_another() -> None:
    assert "registry" not in reachable("project")
    assert reachable("registry") & {"project", "files", "git"} == set()


def test_the_walk_sees_imports_of_every_kind() -> None:
    """At the top, in a function, under TYPE_CHECKING, of a module from its package, and by name."""
    seen = {(source, target) for source, _, target in inner_imports()}
    assert {
        ("promptdb.sync.apply", "promptdb.db.runs"),
        ("promptdb.workspace", "promptdb.sync.sync_tree"),
        ("promptdb.cli.opening", "promptdb.service"),
        ("promptdb.cli.present.problems", "promptdb.problems"),
    } <= seen
    assert "promptdb.render.jinja.engine" in {name for _, name in imports(MODULES["promptdb.render.formats"])}


def test_imports_point_downwards() -> None:
    wrong = [
        f"{source}:{line} imports {target}"
        for source, line, target in inner_imports()
        if not is_allowed(source, target)
    ]
    assert wrong == []


def test_the_client_reaches_a_registry_through_its_sources_only() -> None:
    wrong = [
        f"{source}:{line} imports {target}"
        for source, line, target in inner_imports()
        if room(source) == "client"
        and not source.startswith("promptdb.client.sources.")
        and room(target) not in (*GROUND, "domain", "render")
        and not is_for_types(source, line)
    ]
    assert wrong == []


def is_for_types(module: str, line: int) -> bool:
    return any(
        isinstance(node, ast.If)
        and ast.unparse(node.test) == "TYPE_CHECKING"
        and node.lineno < line <= (node.end_lineno or 0)
        for node in ast.walk(syntax(MODULES[module]))
    )


def test_a_door_reaches_another_one_only_to_start_it() -> None:
    doors = DOORS - {"client"}
    found = {
        source
        for source, _, target in inner_imports()
        if {room(source), room(target)} <= doors and room(source) != room(target)
    }
    assert found == {f"promptdb.cli.commands.{command}" for command in ("dashboard", "mcp", "serve")}


def test_the_folder_of_commands_holds_commands_only() -> None:
    """One command a module. What several of them use is beside the folder."""
    wrong = [
        name
        for name, file in MODULES.items()
        if name.startswith("promptdb.cli.commands.")
        and "command" not in {node.name for node in syntax(file).body if isinstance(node, ast.FunctionDef)}
    ]
    assert wrong == []


@pytest.mark.parametrize("name", PURE)
def test_pure_code_imports_nothing_that_acts(name: str) -> None:
    wrong = [
        f"{module_name(file)}:{line} imports {target}"
        for file in module_files()
        if room(module_name(file)) == name
        for line, target in imports(file)
        if target.split(".")[0] in ACTING
    ]
    assert wrong == []


@pytest.mark.parametrize("name", PURE)
def test_pure_code_neither_opens_files_nor_reads_the_clock(name: str) -> None:
    wrong = [
        f"{module_name(file)}:{node.lineno}"
        for file in module_files()
        if room(module_name(file)) == name
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
        ("streamlit", {"dashboard"}),
        ("urllib3", {"blobs", "client", "neighbours", "web"}),
    ],
)
def test_a_library_is_known_to_one_room_only(library: str, homes: set[str]) -> None:
    users = {room(module_name(f)) for f in module_files() for _, name in imports(f) if name.split(".")[0] == library}
    assert users == homes


def test_nothing_but_the_package_lies_beside_it_under_its_name() -> None:
    """`alembic/` at the top must not become a package: it would shadow the library."""
    assert not (PACKAGE.parent / "alembic" / "__init__.py").exists()
    assert (PACKAGE.parent / "alembic" / "env.py").is_file()
