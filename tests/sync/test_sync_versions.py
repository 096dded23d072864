"""When a sync makes a version and when it does not, and that it writes all of what it should or nothing at all."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from registries import NewDatabase, dump, on_sqlite, rows, settings_for, write

from promptdb.domain.plan import Action, Policy
from promptdb.domain.spec import PromptSpec
from promptdb.errors import ConfigError, Conflict, InvalidPrompts, StalePlan
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.sync.apply import Applied
from promptdb.sync.sync_tree import plan_tree, sync_tree

pytestmark = pytest.mark.slow

Sync = Callable[..., Applied]

TRIAGE = """\
# sorts tickets
template: |
  Sort this ticket: {ticket}
variables:
  ticket: {type: string, required: true}
model: {name: some-model, temperature: 1.0}
metadata:
  title: Triage
  tags: [support, "no"]
"""

TREE: dict[str, str | bytes] = {
    "support/triage.yaml": TRIAGE,
    "support/reply.md": "---\nrole: system\n---\nAnswer politely. {question}\n",
    "support/eu/refund.j2": 'Be kind.\n{% include "_shared/tone.md" %}\n{{ amount }}\n',
    "support/eu/notice.mustache": "{{> _shared/tone.md}} {{name}}\n",
    "data/grade.yaml": "template: Grade {answer}\nassets: [{path: _assets/rows.csv, kind: example_dataset}]\n",
    "hello.txt": "Hello {name}\n",
    "_shared/tone.md": "Friendly.\n",
    "data/_assets/rows.csv": "a,b\n1,2\n",
}
PROMPTS = 6


@pytest.fixture
def filled(tree: Path) -> Path:
    write(tree, TREE)
    return tree


def changes(applied: Applied) -> list[tuple[str, str, int | None]]:
    return [(change.action.value, str(change.prompt), change.revision) for change in applied.plan.changes]


def test_the_first_sync_creates_every_prompt(service: PromptService, filled: Path, sync: Sync) -> None:
    applied = sync()
    assert changes(applied) == [
        ("create", "data/grade", 1),
        ("create", "default/hello", 1),
        ("create", "support/reply", 1),
        ("create", "support/triage", 1),
        ("create", "support/eu/notice", 1),
        ("create", "support/eu/refund", 1),
    ]
    assert applied.run_id is not None
    [run] = rows(service.engine, "sync_runs")
    counts = json.loads(run["counts_json"])
    assert {name: number for name, number in counts.items() if number} == {"create": PROMPTS}
    assert (run["outcome"], run["created_by"]) == ("applied", "tester")
    assert run["started_at"] <= run["finished_at"]


@pytest.mark.parametrize("cached", [True, False], ids=["with the cache of files", "without"])
def test_a_second_sync_writes_not_one_row(
    service: PromptService, filled: Path, sync: Sync, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cached: bool
) -> None:
    sync()
    before = dump(service.engine), _blobs(service)
    if not cached:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another cache"))
    applied = sync()
    assert (applied.plan.is_empty, applied.plan.unchanged, applied.run_id) == (True, PROMPTS, None)
    assert (dump(service.engine), _blobs(service)) == before


def test_a_plan_says_what_the_sync_then_does_and_writes_nothing(
    service: PromptService, filled: Path, sync: Sync
) -> None:
    before = dump(service.engine)
    planned = plan_tree(service.registry, load_tree(service.settings), Policy())
    assert dump(service.engine) == before
    assert not service.settings.blob_path.exists()
    assert sync().plan.changes == planned.changes
    assert plan_tree(service.registry, load_tree(service.settings), Policy()).is_empty


SAME = {
    "comments and blank lines": "# another comment\n\n\n" + TRIAGE.replace("model:", "# why\nmodel:"),
    "order of keys": (
        "metadata:\n  tags: [support, 'no']\n  title: Triage\nmodel: {temperature: 1.0, name: some-model}\n"
        "variables:\n  ticket: {required: true, type: string}\ntemplate: |\n  Sort this ticket: {ticket}\n"
    ),
    "style of scalars": (
        'template: "Sort this ticket: {ticket}\\n"\nvariables: {"ticket": {type: "string"}}\n'
        "model:\n  name: 'some-model'\n  temperature: 1\nmetadata: {'title': \"Tri\\\n  age\", tags: [support, 'no']}\n"
    ),
    "line ends": TRIAGE.replace("\n", "\r\n"),
    "byte order mark": "\ufeff" + TRIAGE,
    "defaults spelt out": TRIAGE + "kind: string\ntemplate_format: f-string\nassets: []\ntools: []\n",
    "tests": TRIAGE + "tests:\n- {name: one, variables: {ticket: x}, expect: {contains: x}}\n",
    "anchors": TRIAGE.replace("title: Triage", "title: &t Triage").replace('"no"]', '"no"]\n  description: null'),
}


@on_sqlite
@pytest.mark.parametrize("text", SAME.values(), ids=SAME.keys())
def test_an_edit_that_changes_no_content_makes_no_version(
    service: PromptService, filled: Path, sync: Sync, text: str
) -> None:
    sync()
    before = dump(service.engine)
    write(filled, {"support/triage.yaml": text})
    assert changes(sync()) == []
    assert dump(service.engine) == before


def test_yaml_turned_into_json_makes_no_version(service: PromptService, filled: Path, sync: Sync) -> None:
    sync()
    before = dump(service.engine)
    (filled / "support/triage.yaml").unlink()
    fields = {
        "metadata": {"tags": ["support", "no"], "title": "Triage"},
        "model": {"temperature": 1, "name": "some-model"},
        "template": "Sort this ticket: {ticket}\n",
        "variables": {"ticket": {"type": "string"}},
    }
    write(filled, {"support/triage.json": json.dumps(fields)})
    assert changes(sync()) == []
    assert dump(service.engine) == before


def test_a_file_that_is_touched_or_copied_makes_no_version(service: PromptService, filled: Path, sync: Sync) -> None:
    sync()
    before = dump(service.engine)
    for file in filled.rglob("*.*"):
        data = file.read_bytes()
        file.unlink()
        file.write_bytes(data)
    sync()
    assert dump(service.engine) == before


DIFFERENT = {
    "one word": ("support/triage.yaml", "Sort this", "Sort that"),
    "one blank inside the text": ("support/triage.yaml", "Sort this", "Sort  this"),
    "a model parameter": ("support/triage.yaml", "temperature: 1.0", "temperature: 0.5"),
    "metadata": ("support/triage.yaml", "title: Triage", "title: Sorting"),
    "a variable": ("support/triage.yaml", "required: true", "required: false"),
    "the body of a text file": ("support/reply.md", "politely", "briefly"),
    "its front matter": ("support/reply.md", "system", "human"),
}


@on_sqlite
@pytest.mark.parametrize(("path", "old", "new"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_a_change_of_content_makes_one_version_of_that_prompt_only(
    service: PromptService, filled: Path, sync: Sync, path: str, old: str, new: str
) -> None:
    sync()
    before = rows(service.engine, "prompt_versions")
    file = filled / path
    file.write_text(file.read_text().replace(old, new))
    name = path.partition(".")[0]
    assert changes(sync()) == [("update", name, 2)]
    after = rows(service.engine, "prompt_versions")
    assert len(after) == len(before) + 1
    assert [row for row in before if row not in after] == []
    assert changes(sync()) == []


@pytest.mark.parametrize(
    ("path", "updated"),
    [
        ("_shared/tone.md", ["support/eu/notice", "support/eu/refund"]),
        ("data/_assets/rows.csv", ["data/grade"]),
    ],
)
def test_an_edit_of_a_shared_file_makes_a_version_of_each_prompt_that_uses_it(
    service: PromptService, filled: Path, sync: Sync, path: str, updated: list[str]
) -> None:
    sync()
    write(filled, {path: "Different.\n"})
    assert changes(sync()) == [("update", name, 2) for name in updated]


def test_going_back_to_old_text_adds_a_revision_with_the_old_digest(
    service: PromptService, filled: Path, sync: Sync
) -> None:
    sync()
    for text in (TRIAGE.replace("this", "that"), TRIAGE):
        write(filled, {"support/triage.yaml": text})
        sync()
    third, second, first = service.list_versions("support/triage")
    assert [version.revision for version in (third, second, first)] == [3, 2, 1]
    assert third.spec_hash == first.spec_hash != second.spec_hash
    assert third.id != first.id
    assert service.get("support/triage").version == third
    assert changes(sync()) == []


def test_what_is_stored_is_the_canonical_json_of_the_digest(service: PromptService, filled: Path, sync: Sync) -> None:
    sync()
    for row in rows(service.engine, "prompt_versions"):
        spec = PromptSpec.from_canonical(row["spec_json"])
        assert spec.canonical().decode() == row["spec_json"]
        assert spec.digest() == row["spec_hash"]


# Invalid files


BROKEN: dict[str, str | bytes] = {
    "support/broken.yaml": "template: {unclosed\n",
    "support/worse.txt": "Hello {name\n",
}


@pytest.mark.parametrize("path", BROKEN)
def test_nothing_is_written_if_one_file_is_invalid(service: PromptService, filled: Path, sync: Sync, path: str) -> None:
    before = dump(service.engine)
    write(filled, {path: BROKEN[path]})
    with pytest.raises(InvalidPrompts) as caught:
        sync()
    assert {problem.path for problem in caught.value.problems} == {path}
    assert dump(service.engine) == before
    assert not service.settings.blob_path.exists()


def test_all_problems_of_all_files_are_told_at_once(service: PromptService, filled: Path, sync: Sync) -> None:
    write(filled, {**BROKEN, "support/eu/refund.j2": "{% if %}"})
    with pytest.raises(InvalidPrompts) as caught:
        sync()
    assert {problem.path for problem in caught.value.problems} == {*BROKEN, "support/eu/refund.j2"}


def test_with_keep_going_the_valid_files_are_written(service: PromptService, filled: Path, sync: Sync) -> None:
    write(filled, BROKEN)
    assert len(changes(sync(keep_going=True))) == PROMPTS
    assert changes(sync(keep_going=True)) == []


def test_with_keep_going_a_prompt_whose_file_became_invalid_stays_as_it_was(
    service: PromptService, filled: Path, sync: Sync
) -> None:
    sync()
    before = dump(service.engine)
    write(filled, {"support/triage.yaml": "template: {unclosed"})
    (filled / "hello.txt").unlink()
    applied = sync(keep_going=True, prune=True, max_prune=100)
    assert changes(applied) == []
    assert dump(service.engine) == before


def test_a_warning_does_not_stop_a_sync(service: PromptService, filled: Path, sync: Sync) -> None:
    write(filled, {"support/odd.yaml": "template: Hello\nvariables: {unused: {type: string}}\n"})
    assert ("create", "support/odd", 1) in changes(sync())


def test_a_folder_of_prompts_that_is_not_there_is_told(service: PromptService, tree: Path, sync: Sync) -> None:
    tree.rmdir()
    with pytest.raises(ConfigError, match="there is no prompts folder"):
        sync()


# user_version


def labelled(text: str, label: str) -> str:
    return f'template: {text}\nmetadata: {{user_version: "{label}"}}\n'


def test_a_user_version_cannot_be_given_to_other_content(service: PromptService, tree: Path, sync: Sync) -> None:
    write(tree, {"a/one.yaml": labelled("one", "1.0"), "a/two.yaml": "template: x"})
    sync()
    write(tree, {"a/one.yaml": labelled("two", "1.1")})
    sync()
    before = dump(service.engine)
    write(tree, {"a/one.yaml": labelled("three", "1.0"), "a/two.yaml": "template: y"})
    with pytest.raises(Conflict, match=r"a/one: user_version '1\.0' already names revision 1") as caught:
        sync()
    assert caught.value.hint
    assert dump(service.engine) == before, "a/two must wait, too"


def test_all_conflicts_of_user_versions_are_told_at_once(service: PromptService, tree: Path, sync: Sync) -> None:
    for text in ("one", "two"):
        write(tree, {f"a/{name}.yaml": labelled(f"{text} {name}", "1.0") for name in ("x", "y")})
        if text == "one":
            sync()
    with pytest.raises(Conflict) as caught:
        sync()
    assert "a/x:" in caught.value.message
    assert "a/y:" in caught.value.message


def test_a_revert_brings_its_user_version_back(service: PromptService, tree: Path, sync: Sync) -> None:
    for text in (labelled("one", "1.0"), labelled("two", "1.1"), labelled("one", "1.0")):
        write(tree, {"a/one.yaml": text})
        sync()
    versions = service.list_versions("a/one")
    assert [(version.revision, version.user_version) for version in versions] == [(3, "1.0"), (2, "1.1"), (1, "1.0")]


def test_two_prompts_may_have_the_same_user_version(service: PromptService, tree: Path, sync: Sync) -> None:
    write(tree, {"a/one.yaml": labelled("one", "1.0"), "a/two.yaml": labelled("two", "1.0")})
    assert len(changes(sync())) == 2


# Files that are edited while a sync runs


@pytest.mark.parametrize("cached", [True, False], ids=["known from an earlier run", "parsed in this run"])
@pytest.mark.parametrize("edit", ["template: changed\n", None], ids=["edited", "deleted"])
def test_a_file_that_is_edited_after_it_was_read_is_either_synced_as_read_or_refused(
    service: PromptService, tree: Path, cached: bool, edit: str | None
) -> None:
    """Never the new text under the old digest, and nothing at all if the old text is gone."""
    write(tree, {"a/one.yaml": "template: as read\n", "a/two.yaml": "template: two\n"})
    if cached:
        load_tree(service.settings)
    loaded = load_tree(service.settings)
    before = dump(service.engine)
    if edit is None:
        (tree / "a/one.yaml").unlink()
    else:
        write(tree, {"a/one.yaml": edit})
    if cached:
        with pytest.raises(StalePlan, match=r"a/one\.yaml was edited while it was synced") as caught:
            sync_tree(service.registry, loaded, Policy())
        assert caught.value.hint == "run the command again"
        assert dump(service.engine) == before
    else:
        sync_tree(service.registry, loaded, Policy())
        assert service.get("a/one").render_text() == "as read"


@pytest.mark.parametrize("cached", [True, False], ids=["known from an earlier run", "parsed in this run"])
@pytest.mark.parametrize("edit", [b"other", b"longer than it was", None], ids=["edited", "longer", "deleted"])
def test_an_asset_that_is_edited_after_it_was_read_stops_the_sync(
    service: PromptService, tree: Path, cached: bool, edit: bytes | None
) -> None:
    write(tree, {"a/one.yaml": "template: x\nassets: [{path: _rows.csv}]\n", "a/_rows.csv": b"as read"})
    if cached:
        load_tree(service.settings)
    loaded = load_tree(service.settings)
    before = dump(service.engine)
    if edit is None:
        (tree / "a/_rows.csv").unlink()
    else:
        write(tree, {"a/_rows.csv": edit})
    with pytest.raises(StalePlan, match=r"a/(one\.yaml|_rows\.csv) was edited while it was synced"):
        sync_tree(service.registry, loaded, Policy())
    assert dump(service.engine) == before
    assert _blobs(service) == []


def test_a_registry_that_moved_between_plan_and_sync_is_planned_anew(
    service: PromptService, tree: Path, sync: Sync
) -> None:
    """What was read earlier is compared with what is recorded now."""
    write(tree, {"a/one.yaml": "template: one\n"})
    early = load_tree(service.settings)
    service.register_text("a/one", "from elsewhere")
    applied = sync_tree(service.registry, early, Policy())
    assert changes(applied) == [("update", "a/one", 2)]
    assert sync_tree(service.registry, early, Policy()).plan.is_empty


# The same everywhere


def test_the_same_history_gives_the_same_ids_in_another_database(
    service: PromptService, filled: Path, tmp_path: Path, new_database: NewDatabase
) -> None:
    other = PromptService(settings_for(new_database("other"), tmp_path, blob_root=".blobs-other"))
    try:
        for text in (TRIAGE, TRIAGE.replace("this", "that"), TRIAGE):
            write(filled, {"support/triage.yaml": text})
            for each in (service, other):
                sync_tree(each.registry, load_tree(each.settings), Policy())
        ids = [
            {(str(row["id"]), row["revision"], row["spec_hash"]) for row in rows(each.engine, "prompt_versions")}
            for each in (service, other)
        ]
        assert ids[0] == ids[1]
        assert len(ids[0]) == PROMPTS + 2
        assert _blobs(service) == sorted(
            str(path.relative_to(tmp_path / ".blobs-other"))
            for path in (tmp_path / ".blobs-other" / "sha256").rglob("*")
            if path.is_file()
        )
    finally:
        other.close()


def test_the_prompts_of_this_repository_sync_once_and_then_no_more(service: PromptService, tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2] / "prompts"
    settings = service.settings.model_copy(update={"prompts_root": (str(root),)})
    applied = sync_tree(service.registry, load_tree(settings), Policy())
    assert applied.plan.count(Action.CREATE) == len(service.list_prompts()) > 10
    before = rows(service.engine, "prompt_versions")
    assert sync_tree(service.registry, load_tree(settings), Policy()).plan.is_empty
    assert rows(service.engine, "prompt_versions") == before
    for row in rows(service.engine, "prompt_assets"):
        data = service.blobs.get(f"sha256:{row['checksum_sha256']}")  # type: ignore[arg-type]
        assert len(data) == row["byte_size"]


def test_a_sync_of_the_whole_tree_needs_few_statements(service: PromptService, tree: Path) -> None:
    """In bulk: their number does not grow with that of the prompts."""
    write(tree, {f"many/p{number}.txt": f"Prompt {number}\n" for number in range(300)})
    loaded = load_tree(service.settings)
    registry = service.registry
    statements: list[str] = []
    sa.event.listen(service.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    sync_tree(registry, loaded, Policy())
    assert len(statements) < 25, statements


def _blobs(service: PromptService) -> list[str]:
    folder = service.settings.blob_path
    return sorted(str(path.relative_to(folder)) for path in (folder / "sha256").rglob("*") if path.is_file())
