"""Work that does not grow with the number of prompts: a statement reads or writes many of them."""

from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from registries import NewRegistry, write

from promptdb.domain.plan import Policy
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.sync.sync_tree import sync_tree
from promptdb.transfer.export import export_registry

WORK: dict[str, Callable[[PromptService, Path], object]] = {
    "first sync": lambda service, _: sync_tree(service.registry, load_tree(service.settings), Policy()),
    "second sync": lambda service, _: sync_tree(service.registry, load_tree(service.settings), Policy()),
    "list": lambda service, _: service.list_prompts(),
    "promote all": lambda service, _: service.promote_all("latest", "production"),
    "alias list": lambda service, _: service.aliases(),
    "export": lambda service, folder: export_registry(service.registry, folder / f"{id(service)}.zip"),
}


def test_ten_times_as_many_prompts_need_no_more_statements(new_registry: NewRegistry, tmp_path: Path) -> None:
    """`benchmarks/scale.py` measures what they take."""
    few, many = (_statements(new_registry(), prompts, tmp_path) for prompts in (40, 400))
    # The first registry of a process asks for more.
    assert all(many[name] <= few[name] for name in WORK), (few, many)


def _statements(service: PromptService, prompts: int, folder: Path) -> dict[str, int]:
    files = {f"many/p{number}.txt": f"Prompt {number}\n" for number in range(prompts)}
    write(service.settings.prompts_path, files)
    statements: list[str] = []
    sa.event.listen(service.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    counted = {}
    for name, work in WORK.items():
        statements.clear()
        work(service, folder)
        counted[name] = len(statements)
    return counted
