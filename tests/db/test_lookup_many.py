"""Many references at once give what each of them gives alone."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from registries import write

from promptdb.domain.plan import Policy
from promptdb.domain.refs import PromptRef
from promptdb.domain.views import StoredVersion
from promptdb.errors import NotFound, PromptDBError
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.sync.sync_tree import sync_tree

PROMPTS = 30
REFS = [
    *(f"a/p{number}:production" for number in range(PROMPTS + 2)),
    *(f"a/p{number}" for number in range(0, PROMPTS, 3)),
    *("a/p1:rev:1", "a/p1:rev:9", "a/p1:one", "a/p2:one", "a/p3:production", "a/p3:production"),
    *("a/old:production", "a/old", "none/such", "a/p4:sha256:00000000", "a/p4:git:main"),
]


@pytest.fixture
def filled(service: PromptService, tree: Path) -> PromptService:
    write(tree, {f"a/p{number}.txt": f"Text {number}" for number in range(PROMPTS)} | {"a/old.txt": "Old"})
    sync_tree(service.registry, load_tree(service.settings), Policy())
    service.promote_all("latest", "production")
    (tree / "a/old.txt").unlink()
    more = {
        "a/new.txt": "---\nrenamed_from: [a/old]\n---\nOld",
        "a/p1.txt": "---\nmetadata: {user_version: one}\n---\nMore",
    }
    write(tree, more)
    sync_tree(service.registry, load_tree(service.settings), Policy())
    return service


def alone(service: PromptService, ref: PromptRef) -> StoredVersion | PromptDBError:
    try:
        return service.reader.find(ref)
    except NotFound as error:
        return error


def shown(found: StoredVersion | PromptDBError) -> object:
    return found if isinstance(found, StoredVersion) else (type(found), found.message, found.hint)


def test_many_give_what_each_gives_alone(filled: PromptService) -> None:
    refs = [PromptRef.parse(text) for text in REFS]
    found = filled.reader.find_many(refs)
    assert [shown(one) for one in found] == [shown(alone(filled, ref)) for ref in refs]
    assert sum(isinstance(one, StoredVersion) for one in found) == len(REFS) - 7


def test_an_alias_of_many_prompts_is_one_select(filled: PromptService) -> None:
    asked: list[str] = []
    sa.event.listen(filled.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    filled.reader.find_many([PromptRef.parse(f"a/p{number}:production") for number in range(PROMPTS)])
    assert len([statement for statement in asked if statement.startswith("SELECT")]) == 1
