"""`sync --history` over a root that moved, read by today's settings: what it follows, what it cuts off, and what finds it later."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from registries import NewDatabase, settings_for, write
from repositories import Git, commit_all

from promptdb.domain.plan import Policy
from promptdb.errors import ConfigError, NotFound
from promptdb.maintenance.verify import ProvenanceCheck, Verified
from promptdb.maintenance.verify_git import with_provenance
from promptdb.problems import Code
from promptdb.project.load import load_tree
from promptdb.project.view import View
from promptdb.service import PromptService
from promptdb.sync.cut_off import CutOff
from promptdb.sync.history import RecordedHistory, record_history
from promptdb.sync.sync_tree import sync_tree

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("backend", ["sqlite"], indirect=True)]

Open = Callable[..., PromptService]

MOVED_AT, COMMITS = 150, 300
FOLDERS, WITH_USER, BLANK = 276, 47, 39
COLLECTION = {"prompts_root": "data/patterns", "chat_folders": True, "text_format": "plain"}


@pytest.fixture
def registry(new_database: NewDatabase, tmp_path: Path) -> Iterator[Open]:
    """Open the registry of the repository with some settings."""
    url, opened = new_database(), list[PromptService]()

    def open_with(**settings: Any) -> PromptService:
        opened.append(PromptService(settings_for(url, tmp_path, **settings)))
        return opened[-1]

    yield open_with
    for service in opened:
        service.close()


def edits(first: int, last: int) -> int:
    """How many commits of `collection` edit a pattern."""
    return sum(number % 5 != 0 for number in range(first, last))


@pytest.fixture
def collection(git: Git, tmp_path: Path) -> str:
    """Import the history of a collection whose root moved halfway. Gives the id of the commit that moved it.

    Each of 276 folders has a system.md, and 47 have a user.md, 39 of them empty. Every fifth commit edits no pattern.
    """
    stream = list[str]()

    def file(path: str, text: str) -> str:
        return f"M 100644 inline {path}\ndata {len(text)}\n{text}\n"

    def commit(number: int, changes: str) -> None:
        who = f"committer Ann <ann@example.com> {1_700_000_000 + number} +0000"
        stream.append(f"commit refs/heads/main\nmark :{number}\n{who}\ndata 6\nchange\n{changes}\n")

    files = [file(f"patterns/p{i}/system.md", f"Pattern {i} \n\twith {{braces}}\n") for i in range(FOLDERS)]
    files += [file(f"patterns/p{i}/user.md", "" if i < BLANK else "Input:\n") for i in range(WITH_USER)]
    commit(1, "".join([*files, file("README.md", "About\n"), file("src/app.py", "pass\n")]))
    for number in range(2, COMMITS + 1):
        root = "patterns" if number < MOVED_AT else "data/patterns"
        if number == MOVED_AT:
            commit(number, "R patterns data/patterns\n")
        elif number % 5 == 0:
            commit(number, file("src/app.py", f"x = {number}\n"))
        else:
            commit(number, file(f"{root}/p{number % FOLDERS}/system.md", f"Edited in {number}\n"))
    subprocess.run(["git", "fast-import", "--quiet"], cwd=tmp_path, input="".join(stream).encode(), check=True)
    git("reset", "--quiet", "--hard")
    return git("rev-list", "--reverse", "main").split("\n")[MOVED_AT - 1]


def record(service: PromptService, rev: str = "HEAD") -> RecordedHistory:
    return record_history(service.registry, service.settings, rev)


def require_complete(service: PromptService, sources: int) -> None:
    """Check that a sync has nothing left to write, and that every version is in git where its provenance says."""
    for view in (View(rev="HEAD"), View()):
        applied = sync_tree(service.registry, load_tree(service.settings, None, view), Policy(prune=True))
        assert (applied.run_id, applied.plan.changes) == (None, ())
    found = with_provenance(Verified(full=False), service.registry, service.settings)
    assert (found.findings, found.provenance) == ((), ProvenanceCheck(sources, 0))


def paths(service: PromptService, prompt: str) -> list[str]:
    """The recorded paths of the versions of a prompt, the oldest first."""
    return [entry.source.path for entry in reversed(service.log(prompt)) if entry.source is not None]


def test_history_over_a_moved_root_says_what_is_cut_off(collection: str, registry: Open) -> None:
    found = record(registry(**COLLECTION))
    assert found.cut_off == (CutOff("patterns", 1 + edits(2, MOVED_AT), collection, FOLDERS + WITH_USER),)
    assert found.commits == 1 + edits(MOVED_AT + 1, COMMITS + 1) + 1


@pytest.mark.soak
def test_history_follows_former_roots(git: Git, collection: str, registry: Open) -> None:
    service = registry(**COLLECTION, former_roots=["patterns"])
    found = record(service)
    changes = edits(2, COMMITS + 1)
    assert (found.cut_off, found.problems, found.moves) == ((), (), ())
    assert (found.counts["create"], found.counts["update"], found.counts["archive"]) == (FOLDERS, changes, 0)
    require_complete(service, FOLDERS + changes)
    # Edited in commit 2 before the move, and in 278 after it.
    assert paths(service, "p2") == [*["patterns/p2/system.md"] * 2, "data/patterns/p2/system.md"]
    before = git("rev-parse", f"{collection}~1")
    assert service.get(f"p2:git:{before}").version.revision == 2
    assert service.get(f"p2:git:{git('rev-list', '--max-parents=0', 'HEAD')}").version.revision == 1


def test_a_commit_that_no_sync_recorded_is_found_in_a_former_root(git: Git, collection: str, registry: Open) -> None:
    service = registry(**COLLECTION, former_roots=["patterns"])
    sync_tree(service.registry, load_tree(service.settings), Policy())
    first = git("rev-list", "--max-parents=0", "HEAD")
    found = service.get(f"p2:git:{first}")
    assert (found.version.is_recorded, found.render_messages()[0].content) == (False, "Pattern 2 \n\twith {braces}")
    with pytest.raises(NotFound, match=r"there are no files below data/patterns/"):
        registry(**COLLECTION).get(f"p2:git:{first}")


def test_history_continues_over_the_move_of_a_root(git: Git, tree: Path, tmp_path: Path, registry: Open) -> None:
    """What was recorded under the old root is the beginning of the same history."""
    write(tree, {"a.md": "one", "b.md": "b"})
    commit_all(git)
    assert record(registry()).counts["create"] == 2
    write(tree, {"a.md": "two"})
    commit_all(git)
    (tmp_path / "data").mkdir()
    git("mv", "prompts", "data/texts")
    commit_all(git)
    service = registry(prompts_root="data/texts", former_roots=["prompts"])
    found = record(service)
    assert (found.counts["create"], found.counts["update"], found.counts["archive"]) == (0, 1, 0)
    require_complete(service, 3)
    assert paths(service, "a") == ["prompts/a.md", "prompts/a.md"]


def test_files_that_move_one_by_one_stay_the_same_prompts(git: Git, tree: Path, tmp_path: Path, registry: Open) -> None:
    write(tree, {"a.j2": '{% include "_shared/tone.md" %} A', "b.md": "b", "_shared/tone.md": "Kind."})
    commit_all(git)
    (tmp_path / "texts/_shared").mkdir(parents=True)
    git("mv", "prompts/a.j2", "texts/a.j2")
    commit_all(git)
    write(tmp_path / "texts", {"a.j2": '{% include "_shared/tone.md" %} A, again'})
    git("mv", "prompts/_shared/tone.md", "texts/_shared/tone.md")
    git("mv", "prompts/b.md", "texts/b.md")
    commit_all(git)
    service = registry(prompts_root="texts", former_roots=["prompts"])
    found = record(service)
    assert (found.counts["create"], found.counts["update"], found.counts["archive"]) == (2, 1, 0)
    require_complete(service, 3)


def test_a_root_that_was_split_keeps_its_history(git: Git, tree: Path, tmp_path: Path, registry: Open) -> None:
    write(tree, {"billing/reply.md": "one", "sales/offer.md": "o", "old.md": "x"})
    commit_all(git)
    for name in ("billing", "sales"):
        (tmp_path / "app" / name).mkdir(parents=True)
        git("mv", f"prompts/{name}", f"app/{name}/prompts")
    git("rm", "--quiet", "prompts/old.md")
    commit_all(git)
    cut = record_history_of(registry(prompts_root="app/*/prompts"))
    assert [(found.folder, found.files) for found in cut] == [("prompts", 2)]


def record_history_of(service: PromptService) -> tuple[CutOff, ...]:
    return record(service).cut_off


def test_a_split_root_is_followed(git: Git, tree: Path, tmp_path: Path, registry: Open) -> None:
    write(tree, {"billing/reply.md": "one", "sales/offer.md": "o", "old.md": "x"})
    commit_all(git)
    write(tree, {"billing/reply.md": "two"})
    commit_all(git)
    for name in ("billing", "sales"):
        (tmp_path / "app" / name).mkdir(parents=True)
        git("mv", f"prompts/{name}", f"app/{name}/prompts")
    git("rm", "--quiet", "prompts/old.md")
    commit_all(git)
    service = registry(prompts_root="app/*/prompts", former_roots=["prompts"])
    found = record(service)
    assert (found.counts["create"], found.counts["update"], found.counts["archive"]) == (3, 1, 1)
    require_complete(service, 4)
    assert paths(service, "billing/reply") == ["prompts/billing/reply.md"] * 2


def test_a_former_root_that_still_has_prompts_is_an_error(git: Git, tree: Path, tmp_path: Path, registry: Open) -> None:
    write(tree, {"a.md": "a", "README.md": "moved"})
    write(tmp_path / "texts", {"b.md": "b"})
    commit_all(git)
    service = registry(prompts_root="texts", former_roots=["prompts"])
    with pytest.raises(ConfigError, match=r"prompts/a\.md is still there in commit"):
        record(service)
    git("rm", "--quiet", "prompts/a.md")
    commit_all(git)
    assert record(service).counts["create"] == 2


def test_a_new_collection_beside_an_old_one_is_not_a_move(git: Git, tree: Path, tmp_path: Path, registry: Open) -> None:
    write(tree, {f"{number}.md": str(number) for number in range(9)})
    write(tmp_path / "drafts", {"x.md": "x"})
    commit_all(git)
    git("mv", "drafts/x.md", "prompts/x.md")
    commit_all(git)
    assert record(registry()).cut_off == ()


def test_fields_that_files_had_and_have_no_more_are_ignored_in_old_commits(
    git: Git, tree: Path, registry: Open
) -> None:
    old = "_type: prompt\ninput_variables: [q]\noutput_parser: null\ntemplate: '{q}'\n"
    write(tree, {"a.yaml": old, "b.yaml": old.replace("_type", "_kind")})
    first = commit_all(git)
    write(tree, {"a.yaml": "input_variables: [q]\ntemplate: '{q}?'\n", "b.yaml": "template: '{q}'\n"})
    commit_all(git)
    service = registry(former_fields=["_type", "output_parser", "template"])
    found = record(service)
    assert [(p.commit_id, p.problem.path, p.problem.code) for p in found.problems] == [
        (first, "b.yaml", Code.UNKNOWN_FIELD)
    ]
    assert (found.counts["create"], found.counts["update"]) == (2, 1)
    require_complete(service, 3)
    assert service.get(f"a:git:{first}").spec.template == "{q}"


def test_former_fields_are_errors_in_the_files_of_today(git: Git, tree: Path, registry: Open) -> None:
    write(tree, {"a.yaml": "_type: prompt\ntemplate: x\n"})
    commit_all(git)
    for view in (View(), View(staged=True), View(rev="HEAD")):
        [problem] = load_tree(registry(former_fields=["_type"]).settings, None, view).desired.problems
        assert problem.code is Code.UNKNOWN_FIELD


def test_names_and_chat_folders_of_today_apply_to_old_commits(git: Git, tree: Path, registry: Open) -> None:
    write(tree, {"My Prompt.md": "one", "x/system.md": "s", "x/user.md": ""})
    commit_all(git)
    write(tree, {"My Prompt.md": "two", "x/user.md": "u"})
    commit_all(git)
    service = registry(names={"My Prompt.md": "my-prompt"}, chat_folders=True)
    found = record(service)
    assert (found.counts["create"], found.counts["update"], found.problems) == (2, 2, ())
    require_complete(service, 4)
