"""`sync --history`: the first-parent history of the prompts root as versions, in the order of the commits."""

from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from registries import dump, on_sqlite, rows, settings_for, write
from repositories import Git
from sampling import sampled

from promptdb.domain.plan import Policy
from promptdb.domain.refs import PromptRef
from promptdb.errors import ConfigError, Conflict, DivergedHistory, InvalidPrompts, StorageError
from promptdb.maintenance.gc import collect_garbage
from promptdb.maintenance.verify import verify
from promptdb.problems import Code
from promptdb.progress import UPLOADING, Progress, ShowProgress
from promptdb.project.load import load_tree
from promptdb.project.view import View
from promptdb.service import PromptService
from promptdb.sync.history import RecordedHistory, record_history
from promptdb.sync.sync_tree import sync_tree
from promptdb.workspace import Workspace

pytestmark = pytest.mark.slow

Record = Callable[..., RecordedHistory]


@pytest.fixture
def record(service: PromptService, git: Git) -> Record:
    def run(rev: str = "HEAD") -> RecordedHistory:
        return record_history(service.registry, service.settings, rev)

    return run


@pytest.fixture
def at(git: Git, tree: Path) -> Callable[..., str]:
    """Make a commit by an author at a time; a file of None is deleted. Gives its id."""

    def commit(files: dict[str, str | None], author: str = "Ann", time: int = 1_700_000_000) -> str:
        for path, content in files.items():
            if content is None:
                (tree / path).unlink()
        write(tree, {path: content for path, content in files.items() if content is not None})
        git("add", "--all")
        who = {"GIT_AUTHOR_NAME": author, "GIT_AUTHOR_EMAIL": f"{author.lower()}@example.com"}
        when = {"GIT_AUTHOR_DATE": f"{time} +0000", "GIT_COMMITTER_DATE": f"{time} +0000"}
        git("commit", "--quiet", "--allow-empty", "--message", "change", **who, **when)
        return git("rev-parse", "HEAD")

    return commit


def told(service: PromptService, prompt: str) -> list[tuple[int, str | None, str | None]]:
    """Revision, commit and author of each version, the oldest first."""
    return [
        (entry.version.revision, entry.source and entry.source.commit_id, entry.source and entry.source.author)
        for entry in reversed(service.log(prompt))
    ]


def text(service: PromptService, ref: str) -> str | None:
    return service.get(ref).spec.template


def second_sync(service: PromptService, rev: str | None = "HEAD") -> None:
    """Nothing is left to write, neither for the commit nor for its checkout."""
    before = dump(service.engine)
    for view in (View(rev=rev), View()):
        applied = sync_tree(service.registry, load_tree(service.settings, None, view), Policy(prune=True))
        assert (applied.run_id, applied.plan.changes) == (None, ())
    assert dump(service.engine) == before


def test_blobs_that_gc_removed_after_the_upload_are_uploaded_again(
    service: PromptService, at: Callable[..., str], record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    at({"a.yaml": "template: A\nassets: [{path: _x.csv}]\n", "_x.csv": "1,2"})
    at({"a.yaml": "template: A, again\nassets: [{path: _x.csv}]\n"})
    put_all, removed = service.blobs.put_all, list[int]()

    def put_then_collect(*arguments: Any) -> None:
        put_all(*arguments)
        if not removed:  # once: then the lock is held, and no gc comes in between
            removed.append(collect_garbage(service.registry, timedelta(0), 100, delete=True).deleted)

    monkeypatch.setattr(service.blobs, "put_all", put_then_collect)
    assert record().counts["update"] == 1
    assert removed == [3]
    assert verify(service.registry, full=True).findings == ()


def showing(upload: Progress) -> ShowProgress:
    return lambda title: nullcontext(upload if title == UPLOADING else None)


@on_sqlite
def test_the_progress_of_the_upload_ends_at_all_blobs_of_all(service: PromptService, at: Callable[..., str]) -> None:
    at({"a.txt": "A", "b.yaml": "template: B\nassets: [{path: _x.csv}]\n", "_x.csv": "1,2"})
    at({"a.txt": "A, again"})
    told: list[tuple[int, int]] = []
    record_history(service.registry, service.settings, progress=showing(lambda done, total: told.append((done, total))))
    assert told == [(1, 3 + 1), (2, 3 + 1), (3, 3 + 1), (4, 3 + 1)]


def test_each_change_is_a_version_with_its_author_time_and_commit(service: PromptService, at: Any, record: Record):
    first = at({"a.txt": "one", "b.txt": "x"}, "Ann", 1_600_000_000)
    at({"../other.txt": "no prompt"}, "Cid")
    second = at({"a.txt": "two"}, "Bob", 1_650_000_000)
    third = at({"a.txt": "one"}, "Ann")
    found = record()
    assert (found.commits, found.counts["create"], found.counts["update"], found.problems) == (3, 2, 2, ())
    assert told(service, "a") == [
        (1, first, "Ann <ann@example.com>"),
        (2, second, "Bob <bob@example.com>"),
        (3, third, "Ann <ann@example.com>"),
    ]
    times = [entry.source.committed_at.timestamp() for entry in service.log("a") if entry.source]  # type: ignore[union-attr]
    assert times == [1_700_000_000, 1_650_000_000, 1_600_000_000]
    assert [text(service, f"a:git:{commit}") for commit in (first, second, third)] == ["one", "two", "one"]
    second_sync(service)


def test_a_second_run_writes_nothing_and_a_third_goes_on(service: PromptService, at: Any, record: Record):
    at({"a.txt": "one", "_f.md": "f"})
    tip = at({"a.txt": "two"})
    record()
    before = dump(service.engine)
    again = record()
    assert (again.commits, again.since) == (0, tip)
    assert dump(service.engine) == before
    at({"b.j2": "{% include '_f.md' %}"})
    at({"_f.md": "F"})
    more = record()
    assert (more.commits, more.since, more.counts["create"], more.counts["update"]) == (2, tip, 1, 1)
    assert told(service, "a")[-1][0] == 2
    second_sync(service)


def test_what_a_prompt_includes_makes_versions_of_it(service: PromptService, at: Any, record: Record):
    at({"a.j2": "{% include '_f.md' %}!", "_f.md": "one", "b.txt": "b"})
    fragment = at({"_f.md": "two"}, "Bob")
    record()
    assert told(service, "a")[-1] == (2, fragment, "Bob <bob@example.com>")
    assert service.get("a").render_text() == "two!"
    assert len(service.log("b")) == 1


def test_deleted_files_archive_and_returning_ones_revive(service: PromptService, at: Any, record: Record):
    at({"a.txt": "one", "b.txt": "b"})
    gone = at({"a.txt": None})
    at({"c.txt": "c"})
    record()
    assert [str(summary.prompt) for summary in service.list_prompts()] == ["default/b", "default/c"]
    at({"a.txt": "one"})
    record()
    assert [str(summary.prompt) for summary in service.list_prompts()] == ["default/a", "default/b", "default/c"]
    assert len(service.log("a")) == 1
    with pytest.raises(Exception, match="no version"):
        service.find(PromptRef.parse(f"a:git:{gone}"))
    second_sync(service)


def test_files_that_were_invalid_are_told_and_skipped(service: PromptService, at: Any, record: Record):
    at({"a.txt": "one", "b.txt": "b"})
    bad = at({"a.txt": "{", "b.txt": "b2"})
    at({"b.txt": "b3"})
    at({"a.txt": "two"})
    found = record()
    assert [(told.commit_id, told.problem.path, told.problem.code) for told in found.problems] == [
        (bad, "a.txt", Code.TEMPLATE_SYNTAX)
    ]
    assert [text(service, f"a:rev:{revision}") for revision in (1, 2)] == ["one", "two"]
    assert len(service.log("b")) == 3
    second_sync(service)


def test_a_file_that_becomes_valid_by_another_one_is_read_again(service: PromptService, at: Any, record: Record):
    at({"a.j2": "{% include '_f.md' %}"})
    mended = at({"_f.md": "now"})
    record()
    assert told(service, "a") == [(1, mended, "Ann <ann@example.com>")]


def test_an_error_in_the_newest_commit_writes_nothing(service: PromptService, at: Any, record: Record):
    at({"a.txt": "one"})
    at({"a.txt": "{"})
    with pytest.raises(InvalidPrompts):
        record()
    assert rows(service.engine, "sync_runs") == rows(service.engine, "prompts") == []


def test_a_rename_that_is_declared_keeps_the_history(service: PromptService, at: Any, record: Record):
    at({"a.txt": "one"})
    at({"a.txt": None, "n/b.txt": "---\nrenamed_from: [a]\n---\none"})
    at({"n/b.txt": "---\nrenamed_from: [a]\n---\ntwo"})
    found = record()
    assert (found.counts["rename"], found.counts["archive"], found.moves) == (1, 0, ())
    assert [entry.version.revision for entry in service.log("a")] == [2, 1]
    second_sync(service)


def test_an_exact_move_is_proposed_and_a_later_declaration_makes_it_a_rename(
    service: PromptService, at: Any, record: Record, new_database: Any, tmp_path: Path
):
    at({"a.txt": "one"})
    moved = at({"a.txt": None, "b.txt": "one"})
    found = record()
    assert [(commit, str(old), str(new)) for commit, old, new in found.moves] == [(moved, "default/a", "default/b")]
    assert (found.counts["create"], found.counts["archive"], found.counts["rename"]) == (2, 1, 0)
    at({"b.txt": "---\nrenamed_from: [a]\n---\none"})
    other = PromptService(settings_for(new_database("again"), tmp_path))
    try:
        anew = record_history(other.registry, other.settings)
        assert (anew.counts["create"], anew.counts["rename"], anew.moves) == (1, 1, ())
        assert len(other.log("b")) == 1
    finally:
        other.close()


def test_a_merge_is_one_step_with_what_it_brought(service: PromptService, git: Git, at: Any, record: Record):
    at({"a.txt": "one"})
    git("checkout", "--quiet", "-b", "side")
    at({"b.txt": "b1"})
    at({"b.txt": "b2"})
    git("checkout", "--quiet", "main")
    at({"a.txt": "two"})
    git("merge", "--quiet", "--no-ff", "-m", "merge", "side")
    merge = git("rev-parse", "HEAD")
    found = record()
    assert found.commits == 3
    assert [commit for _, commit, _ in told(service, "b")] == [merge]
    second_sync(service)


def test_a_label_that_names_other_content_already_is_told_and_skipped(service: PromptService, at: Any, record: Record):
    label = "---\nmetadata: {{user_version: '1.0'}}\n---\n{}"
    at({"a.txt": label.format("one")})
    reused = at({"a.txt": label.format("two")})
    at({"a.txt": "three"})
    found = record()
    assert [(told.commit_id, told.problem.path) for told in found.problems] == [(reused, "a.txt")]
    assert [text(service, ref) for ref in ("a:1.0", "a")] == ["one", "three"]


def test_a_label_that_the_newest_commit_reuses_is_reported_and_skipped_too(
    service: PromptService, at: Any, record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Whether the label was recorded in the same run, or by a sync before: only this prompt is left out."""
    label = "---\nmetadata: {{user_version: '1.0'}}\n---\n{}"
    at({"a.txt": label.format("one"), "b.txt": label.format("one")})
    reused = at({"a.txt": label.format("two"), "c.txt": "new", "_aliases.yaml": "staging: {c: latest}\n"})
    monkeypatch.chdir(tmp_path)
    workspace = Workspace(service.settings)
    found, applied = record(), workspace.sync_after_history()
    assert [(each.commit_id, each.problem.path) for each in found.problems] == [(reused, "a.txt")]
    assert [str(move.prompt) for move in applied.plan.moves] == ["default/c"]
    again = at({"b.txt": label.format("three"), "c.txt": "newer"})
    found, applied = record(), workspace.sync_after_history()
    assert (again, "b.txt") in [(each.commit_id, each.problem.path) for each in found.problems]
    assert [text(service, ref) for ref in ("a", "b", "c", "c:staging")] == ["one", "one", "newer", "newer"]
    assert [prompt.archived for prompt in service.list_prompts()] == [False] * 3
    workspace.close()


def test_assets_of_old_versions_are_stored(service: PromptService, at: Any, record: Record):
    prompt = "template: x\nassets:\n- path: _t.csv\n"
    at({"a.yaml": prompt, "_t.csv": "1"})
    at({"_t.csv": "2"})
    record()
    for revision, content in ((1, b"1"), (2, b"2")):
        version = service.get(f"a:rev:{revision}")
        assert service.blobs.get(version.spec.assets[0].digest) == content


def test_the_ignore_file_of_the_newest_commit_applies_to_old_ones(service: PromptService, at: Any, record: Record):
    at({"a.txt": "a", "b.txt": "b", "c.txt": "c", ".promptdbignore": "c.txt\n"})
    at({".promptdbignore": "b.txt\n"})
    found = record()
    assert (found.counts["create"], found.counts["archive"]) == (2, 0)
    assert [str(found.prompt) for found in service.list_prompts()] == ["default/a", "default/c"]
    second_sync(service)


def test_a_registry_with_other_versions_refuses_history(service: PromptService, git: Git, at: Any, record: Record):
    at({"a.txt": "one"})
    sync_tree(service.registry, load_tree(service.settings), Policy())
    git("checkout", "--quiet", "--orphan", "other")
    at({"a.txt": "another"})
    before = dump(service.engine)
    with pytest.raises(Conflict, match="but no commit of this history"):
        record()
    assert dump(service.engine) == before


def test_history_goes_on_from_a_plain_sync(service: PromptService, at: Any, record: Record):
    at({"a.txt": "one"})
    tip = at({"a.txt": "two"})
    sync_tree(service.registry, load_tree(service.settings), Policy())
    newest = at({"a.txt": "three"})
    found = record()
    assert (found.since, found.commits) == (tip, 1)
    assert [commit for _, commit, _ in told(service, "a")] == [tip, newest]


def test_an_older_commit_than_the_recorded_one_writes_nothing(service: PromptService, at: Any, record: Record):
    at({"a.txt": "one"})
    sync_tree(service.registry, load_tree(service.settings), Policy())
    older = at({"a.txt": "two"})
    at({"a.txt": "three"})
    sync_tree(service.registry, load_tree(service.settings), Policy())
    before = dump(service.engine)
    found = record(older)
    assert (found.commits, "already, which is newer than" in str(found.superseded)) == (0, True)
    assert dump(service.engine) == before


def test_another_history_is_refused(service: PromptService, git: Git, at: Any, record: Record):
    at({"a.txt": "one"})
    record()
    git("checkout", "--quiet", "-b", "side")
    at({"a.txt": "side"})
    git("checkout", "--quiet", "main")
    at({"a.txt": "main"})
    record()
    git("reset", "--quiet", "--hard", "side")
    with pytest.raises(DivergedHistory, match="does not descend from"):
        record()


def test_a_registry_that_went_on_elsewhere_is_told(service: PromptService, git: Git, at: Any, record: Record):
    at({"a.txt": "one"})
    at({"a.txt": "two"})
    record()
    git("checkout", "--quiet", "-b", "side", "HEAD~1")
    side = at({"a.txt": "side"})
    git("checkout", "--quiet", "side")
    sync_tree(service.registry, load_tree(service.settings), Policy())
    git("checkout", "--quiet", "main")
    at({"a.txt": "three"})
    before = dump(service.engine)
    with pytest.raises(Conflict, match=f"the last sync was at {side[:12]}"):
        record()
    assert dump(service.engine) == before


def test_history_is_read_again_if_the_registry_was_written_to_meanwhile(service: PromptService, at: Any):
    at({"a.txt": "one"})
    at({"a.txt": "two"})
    texts = iter(["between"])

    def uploading(*_: int) -> None:
        for text in texts:
            service.register_text("other", text)

    assert record_history(service.registry, service.settings, progress=showing(uploading)).counts["update"] == 1
    assert [view.revision for view in service.list_versions("a")] == [2, 1]
    second_sync(service)


def test_aliases_that_the_newest_commit_asks_for_are_moved(service: PromptService, at: Any, record: Record):
    at({"a.txt": "one"})
    at({"a.txt": "two", "_aliases.yaml": "production: {a: rev:1}\n"})
    at({"a.txt": "three", "_aliases.yaml": "production: {a: rev:2}\n"})
    record()
    moved = sync_tree(service.registry, load_tree(service.settings, view=View(rev="HEAD")), Policy()).plan.moves
    assert [(str(move.prompt), move.alias, move.to_revision) for move in moved] == [("default/a", "production", 2)]
    assert service.get("a:production").render_text() == "two"
    second_sync(service)


@on_sqlite
def test_a_shallow_clone_is_refused(service: PromptService, git: Git, at: Any, tmp_path: Path):
    at({"a.txt": "one"})
    at({"a.txt": "two"})
    clone = tmp_path.with_name(f"{tmp_path.name}-clone")
    git("clone", "--quiet", "--depth=1", f"file://{tmp_path}", str(clone))
    with pytest.raises(ConfigError, match="shallow"):
        record_history(service.registry, settings_for(f"sqlite:///{clone}/r.sqlite3", clone))


def test_nothing_is_written_where_the_database_fails_at_the_end(
    service: PromptService, at: Any, record: Record, monkeypatch: pytest.MonkeyPatch
):
    at({"a.txt": "one"})
    at({"a.txt": "two"})
    fail = sa.event.listens_for(service.engine, "before_cursor_execute")

    def refuse(*arguments: Any) -> None:
        if arguments[2].startswith("INSERT INTO prompt_versions") and armed:
            calls.append(1)
            if len(calls) == 2:
                raise sa.exc.OperationalError("full", {}, Exception("disk full"))

    armed, calls = True, list[int]()
    fail(refuse)
    with pytest.raises(StorageError):
        record()
    armed = False
    assert rows(service.engine, "prompts") == rows(service.engine, "sync_runs") == []
    assert record().commits == 2


@sampled(few=range(2))
@pytest.mark.parametrize("seed", range(12))
def test_replaying_equals_syncing_commit_by_commit(
    git: Git, at: Any, tree: Path, service: PromptService, record: Record, new_database: Any, tmp_path: Path, seed: int
):
    """Random histories of edits, deletions, renames, fragments and mistakes."""
    import random

    choose = random.Random(seed)
    other = PromptService(settings_for(new_database("stepwise"), tmp_path))
    names = ["a.txt", "b.j2", "n/c.txt", "n/d.yaml"]
    try:
        for number in range(14):
            files: dict[str, str | None] = (
                {"_f.md": f"f{choose.randrange(3)}"} if choose.random() < 0.4 or not number else {}
            )
            for name in choose.sample(names, choose.randint(1, 3)):
                body = {"b.j2": "{% include '_f.md' %}", "n/d.yaml": "template: '{x}'"}.get(
                    name, f"text {choose.randrange(3)}"
                )
                there = (tree / name).exists()
                files[name] = (
                    None if there and choose.random() < 0.25 else "---\nx: [" if choose.random() < 0.1 else body
                )
            if number == 13:
                files = {name: "end" for name in names if not name.endswith("yaml")} | {"n/d.yaml": "template: end"}
            at(files)
            loaded = load_tree(other.settings)
            sync_tree(other.registry, loaded, Policy(prune=True, max_prune=100), keep_going=True)
            if loaded.desired.errors:  # which keeps everything: prune what is gone as history does
                from promptdb.sync.apply import apply

                policy = Policy(prune=True, max_prune=100)
                apply(other.registry, loaded.desired, policy, loaded.origin)
        record()
        for opened in (service, other):
            second_sync(opened)
        prompts = [str(summary.prompt) for summary in other.list_prompts(archived=True)]
        assert prompts == [str(summary.prompt) for summary in service.list_prompts(archived=True)]
        for prompt in prompts:
            assert told(service, prompt) == told(other, prompt)
            assert [e.version.id for e in service.log(prompt)] == [e.version.id for e in other.log(prompt)]
    finally:
        other.close()
