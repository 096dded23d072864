"""`PromptService`: registering, looking up, exporting."""

import getpass
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from registries import dump, on_postgresql, on_sqlite, rows, settings_for, write

from promptdb.domain.digest import Digest
from promptdb.domain.plan import Policy
from promptdb.domain.spec import PromptSpec
from promptdb.errors import (
    ConfigError,
    Conflict,
    Guard,
    IntegrityFailure,
    InvalidPrompts,
    InvalidRef,
    NotFound,
    PromptDBError,
    StorageError,
)
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.sync.alias_moves import Pointing
from promptdb.sync.apply import Applied
from promptdb.sync.sync_tree import sync_tree

CHECKOUT = Path(__file__).resolve().parents[1]

CHAT: dict[str, Any] = {
    "messages": [
        {"role": "system", "template": "You sort tickets for {team}."},
        {"variable_name": "history", "optional": True},
        {"role": "user", "template": "{ticket}"},
    ],
    "variables": {"team": {"type": "string", "default": "support"}, "ticket": {"type": "string"}},
    "model": {"name": "some-model", "temperature": 0.5},
    "metadata": {"title": "Triage", "user_version": "1.0"},
}


@on_sqlite
def test_it_is_a_context_manager(service: PromptService) -> None:
    with service as opened:
        assert opened is service
        pool = service.engine.pool
    assert service.engine.pool is not pool  # as `Engine.dispose` leaves it


@on_sqlite
@pytest.mark.parametrize("ref", [None, 3, b"a/one"])
def test_a_reference_that_is_not_text_is_a_type_error(service: PromptService, ref: Any) -> None:
    for verb in (service.get, service.resolve, service.log, service.list_versions):
        with pytest.raises(TypeError, match=r"is text such as 'support/triage.*, not "):
            verb(ref)


# Registering


def test_a_text_becomes_a_version(service: PromptService) -> None:
    done = service.register_text("support/triage", "Sort {ticket}")
    assert done.created
    version = done.version
    assert (str(version.prompt), version.revision, version.user_version) == ("support/triage", 1, None)
    assert version.created_by == "tester"
    assert service.get("support/triage").render_text(ticket="x") == "Sort x"


def test_the_same_content_twice_is_one_version(service: PromptService) -> None:
    first = service.register_spec("a/one", CHAT)
    before = dump(service.engine)
    again = service.register_spec("a/one", dict(reversed(CHAT.items())))
    assert (first.created, again.created) == (True, False)
    assert again.version == first.version
    assert dump(service.engine) == before


def test_a_registration_moves_an_alias_in_the_same_transaction(service: PromptService) -> None:
    for number, text in enumerate(("Hi {name}", "Hello {name}"), 1):
        done = service.register_text("a/one", text, alias=Pointing("production", reason="first try"))
        assert service.resolve("a/one:production") == done.version
        assert done.version.revision == number
    moves = [(move.action, move.from_revision, move.to_revision, move.reason) for move in service.alias_log("a/one")]
    assert moves == [("register", 1, 2, "first try"), ("register", None, 1, "first try")]
    before = dump(service.engine)
    assert not service.register_text("a/one", "Hello {name}", alias="production").created
    assert dump(service.engine) == before


def test_the_newest_version_as_it_is_can_get_an_alias(service: PromptService) -> None:
    service.register_text("a/one", "Hi")
    assert not service.register_text("a/one", "Hi", alias="staging").created
    assert service.resolve("a/one:staging").revision == 1


@pytest.mark.parametrize(
    ("alias", "error"),
    [("latest", InvalidRef), ("No", InvalidRef), ("production", Guard)],
)
def test_a_registration_whose_alias_cannot_move_writes_nothing(
    service: PromptService, alias: Pointing | str, error: type[PromptDBError]
) -> None:
    service.register_text("a/one", "Hi {name}", alias="production")
    before = dump(service.engine)
    with pytest.raises(error):
        service.register_text("a/one", "Hi {name} of {place}", alias=alias)
    assert dump(service.engine) == before


def test_a_reason_that_no_database_can_store_is_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="the reason contains characters that cannot be stored"):
        Pointing("production", reason="\0")


def test_a_protected_alias_moves_over_a_breaking_change_if_that_is_allowed(service: PromptService) -> None:
    service.register_text("a/one", "Hi {name}", alias="production")
    service.register_text("a/one", "Hi {name} of {place}", alias=Pointing("production", allow_breaking=True))
    [newest, _] = service.alias_log("a/one")
    assert [change.name for change in newest.breaking] == ["place"]


def test_old_content_is_a_new_version_where_it_is_not_the_newest(service: PromptService) -> None:
    revisions = [service.register_text("a/one", text) for text in ("one", "two", "one")]
    assert [(done.version.revision, done.created) for done in revisions] == [(1, True), (2, True), (3, True)]
    assert revisions[2].version.spec_hash == revisions[0].version.spec_hash


def test_fields_of_a_prompt_file_go_along_with_a_text(service: PromptService) -> None:
    service.register_text(
        "a/one",
        "{{ name }} {{ place }}",
        template_format="jinja2",
        variables={"name": {"type": "string"}, "place": {"default": "here"}},
        metadata={"tags": ["x"]},
    )
    prompt = service.get("a/one")
    assert prompt.render_text(name="Ann") == "Ann here"
    assert prompt.spec.metadata.tags == ["x"]


def test_a_spec_and_its_fields_are_the_same_content(service: PromptService) -> None:
    service.register_spec("a/one", CHAT)
    spec = service.get("a/one").spec
    assert not service.register_spec("a/one", spec).created
    assert service.register_spec("a/two", spec).version.spec_hash == spec.digest()


def test_a_name_without_a_namespace_is_in_the_default_one(service: PromptService) -> None:
    assert str(service.register_text("hello", "Hello").version.prompt) == "default/hello"
    assert service.get("hello").version == service.get("default/hello").version


def test_a_file_becomes_a_version_with_what_it_names(service: PromptService, tmp_path: Path) -> None:
    write(
        tmp_path / "drafts",
        {
            "grade.j2": (
                '---\nassets: [{path: data/rows.csv, kind: example_dataset}]\n---\n{% include "_tone.md" %} {{ answer }}\n'
            ),
            "_tone.md": "Strictly.",
            "data/rows.csv": "a,b\n",
        },
    )
    done = service.register_file(tmp_path / "drafts/grade.j2")
    assert str(done.version.prompt) == "default/grade"
    assert service.get("grade").render_text(answer="x") == "Strictly. x"
    assert [(asset.kind, asset.path) for asset in service.assets(done.version)] == [
        ("bundle", None),
        ("example_dataset", "data/rows.csv"),
    ]
    assert not service.register_file(tmp_path / "drafts/grade.j2").created
    named = service.register_file(str(tmp_path / "drafts/grade.j2"), "exams/grade")
    assert named.version.spec_hash == done.version.spec_hash


def test_a_file_below_the_prompts_root_finds_the_fragments_of_the_root(
    service: PromptService, tree: Path, tmp_path: Path
) -> None:
    write(tree, {"team/grade.j2": '{% include "_shared/tone.md" %} {{ answer }}', "_shared/tone.md": "Strictly."})
    done = service.register_file(tree / "team/grade.j2")
    assert service.get(str(done.version.prompt)).render_text(answer="x") == "Strictly. x"


def test_a_file_and_a_sync_of_it_give_the_same_version(
    service: PromptService, tree: Path, sync: Callable[..., Applied]
) -> None:
    write(tree, {"one.yaml": json.dumps(CHAT)})
    write(tree, {"team/two.txt": "2"})
    names = [str(service.register_file(tree / path).version.prompt) for path in ("one.yaml", "team/two.txt")]
    assert names == ["default/one", "team/two"]
    assert sync().plan.is_empty


def test_the_old_name_of_a_renamed_prompt_is_not_registered(
    service: PromptService, tree: Path, sync: Callable[..., Applied]
) -> None:
    """A new prompt would take the name from the redirect, and its aliases would have no guard."""
    write(tree, {"a/old.txt": "Hello {name}"})
    sync()
    service.promote("a/old", "production")
    (tree / "a/old.txt").unlink()
    write(tree, {"a/new.txt": "---\nrenamed_from: [a/old]\n---\nHello {name}"})
    sync()
    before = dump(service.engine)
    with pytest.raises(Conflict, match=r"a/old is the old name of a/new") as refused:
        service.register_text("a/old", "Hello {first} {last}", alias="production")
    assert "register it as a/new" in str(refused.value.hint)
    assert dump(service.engine) == before
    assert service.get("a/old:production").render_text(name="Ann") == "Hello Ann"
    # The guard of the alias holds under the present name.
    with pytest.raises(Guard):
        service.register_text("a/new", "Hello {first} {last}", alias="production")


INVALID: dict[str, Any] = {
    "no template": {},
    "a stray brace": {"template": "{"},
    "an unknown field": {"template": "x", "tempalte": "y"},
    "an undeclared variable": {"template": "{x}", "variables": {}},
    "a file of its own": {"template_file": "x.txt"},
    "an asset": {"template": "x", "assets": [{"path": "x.csv"}]},
    "an include": {"template": '{% include "x.md" %}', "template_format": "jinja2"},
    "no number of JSON": {"template": "x", "model": {"temperature": float("nan")}},
    "half a character": {"template": "\ud800"},
    "a number of too many digits": {"template": "x", "model": {"x": 10**5000}},
    "a key of half a character": {"template": "x", "model": {"\ud800": 1}},
    "an object of Python": {"template": "x", "model": {"x": object()}},
    "a key that is no text": {"template": "x", 1: 2},
    "a label that is a selector": {"template": "x", "metadata": {"user_version": "rev:1"}},
}


@on_sqlite
@pytest.mark.parametrize("fields", INVALID.values(), ids=INVALID.keys())
def test_an_invalid_spec_is_refused_with_its_problems(service: PromptService, fields: dict[str, Any]) -> None:
    before = dump(service.engine)
    with pytest.raises(InvalidPrompts) as caught:
        service.register_spec("a/one", fields)
    assert caught.value.problems
    assert dump(service.engine) == before


def test_a_spec_with_assets_cannot_be_registered_without_the_files(service: PromptService, tmp_path: Path) -> None:
    write(tmp_path, {"one.yaml": "template: x\nassets: [{path: rows.csv}]\n", "rows.csv": "1"})
    service.register_file(tmp_path / "one.yaml")
    with pytest.raises(InvalidPrompts, match="a spec with assets needs the files"):
        service.register_spec("a/two", service.get("one").spec)


@on_sqlite
@pytest.mark.parametrize(
    "fields",
    [{"template": "{"}, {"template": "x", "model": {"x": float("inf")}}, {"template": "\ud800"}],
    ids=["template", "number", "half a character"],
)
def test_a_spec_that_was_made_in_code_is_checked_too(service: PromptService, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidPrompts):
        service.register_spec("a/one", PromptSpec(kind="string", **fields))


@pytest.mark.parametrize("act", ["register_text", "list_versions", "log", "aliases", "alias_log"])
def test_a_name_that_is_none_is_refused(recorder: PromptService, act: str) -> None:
    rest = ["text"] if act == "register_text" else []
    for name in ("", "a//b", "/a", "a/", "_a/b", "a/.b", "a b", "a/b:rev:1", "a" * 129, "ä/b", "../a"):
        with pytest.raises(InvalidRef):
            getattr(recorder, act)(name, *rest)


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory, migrated_database: Callable[..., str]) -> Any:
    """For what never comes to the database, whichever it is."""
    folder = tmp_path_factory.mktemp("registry")
    service = PromptService(settings_for(migrated_database("sqlite", folder), folder))
    yield service
    service.close()


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("missing.yaml", None, StorageError, "cannot read .*missing.yaml: No such file"),
        ("x.toml", "x", ConfigError, "x.toml does not have the suffix of a prompt file"),
        ("x", "x", ConfigError, "x does not have the suffix of a prompt file"),
        ("x.yaml", "template: {", InvalidPrompts, "x.yaml"),
        ("x.txt", "y" * (1024 * 1024 + 1), StorageError, "larger than 1,024 KiB"),
        ("my prompt.txt", "x", InvalidRef, "my prompt"),
        ("x.yaml", "template_file: ../outside.txt", InvalidPrompts, "outside"),
    ],
)
def test_a_file_that_cannot_be_registered_is_told_as_such(
    recorder: PromptService,
    tmp_path: Path,
    name: str,
    content: str | None,
    error: type[PromptDBError],
    message: str,
) -> None:
    write(tmp_path, {"outside.txt": "x", **({f"in/{name}": content} if content is not None else {})})
    with pytest.raises(error, match=message):
        recorder.register_file(tmp_path / "in" / name)


def test_a_user_version_that_names_other_content_is_a_conflict(service: PromptService) -> None:
    service.register_spec("a/one", CHAT)
    before = dump(service.engine)
    with pytest.raises(Conflict, match=r"a/one: user_version '1\.0' already names revision 1, which differs"):
        service.register_text("a/one", "other", metadata={"user_version": "1.0"})
    assert dump(service.engine) == before


def test_registering_leaves_no_trace_of_a_sync(service: PromptService) -> None:
    service.register_text("a/one", "text")
    assert rows(service.engine, "sync_runs") == rows(service.engine, "version_sources") == []
    [entry] = service.log("a/one")
    assert entry.source is None


# Lists


def test_a_summary_shows_the_newest_revision_and_where_the_aliases_point(service: PromptService) -> None:
    for text in ("one", "two"):
        service.register_text("a/one", text)
    service.promote("a/one:rev:1", "production")
    service.promote("a/one", "staging")
    [summary] = service.list_prompts()
    newest = service.get("a/one").version
    assert (summary.revision, summary.version_id, summary.spec_hash) == (2, newest.id, newest.spec_hash)
    assert summary.aliases == {"production": 1, "staging": 2}
    assert summary.updated_at == newest.created_at


@pytest.mark.parametrize(("limit", "expected"), [(None, [3, 2, 1]), (2, [3, 2]), (1, [3]), (9, [3, 2, 1])])
@pytest.mark.slow
def test_versions_come_newest_first_and_not_more_than_asked(
    service: PromptService, limit: int | None, expected: list[int]
) -> None:
    for text in ("one", "two", "three"):
        service.register_text("a/one", text)
    assert [version.revision for version in service.list_versions("a/one", limit)] == expected
    assert [entry.version.revision for entry in service.log("a/one", limit)] == expected


# Export


def exported(service: PromptService, ref: str, file: Path) -> bool:
    """Whether the exported file, read again, has the digest of the version."""
    service.export_to_file(ref, file)
    return service.register_file(file, "test/again").version.spec_hash == service.get(ref).version.spec_hash


@on_sqlite
@pytest.mark.parametrize("suffix", [".yaml", ".yml", ".json"])
def test_an_exported_version_reads_back_to_the_same_digest(service: PromptService, tmp_path: Path, suffix: str) -> None:
    service.register_spec("a/one", CHAT)
    assert exported(service, "a/one", tmp_path / f"out{suffix}")


@on_sqlite
@pytest.mark.parametrize(
    ("suffix", "template_format", "text"),
    [
        (".txt", "f-string", "Hello {name}"),
        (".md", "jinja2", "Hello {{ name }}"),
        (".prompt", "plain", "{ no template }"),
        (".j2", "jinja2", "{% if x %}{{ x }}{% endif %}"),
        (".mustache", "mustache", "Hello {{name}}"),
        (".mustache", "f-string", "Hello {name}"),
        (".txt", "f-string", "---\nlooks like front matter\n---\n"),
        (".yaml", "f-string", "\nblank lines\n\n\n"),
    ],
)
def test_a_text_can_be_exported_as_a_text_file(
    service: PromptService, tmp_path: Path, suffix: str, template_format: Any, text: str
) -> None:
    service.register_text("a/one", text.strip("\n") if suffix != ".yaml" else text, template_format=template_format)
    assert exported(service, "a/one", tmp_path / f"out{suffix}")


def test_an_export_brings_fragments_and_assets_along(
    service: PromptService, tree: Path, tmp_path: Path, sync: Callable[..., Applied]
) -> None:
    write(
        tree,
        {
            "data/grade.j2": '---\nassets: [{path: _in/rows.csv}]\n---\n{% include "_shared/a.md" %}{{ answer }}\n',
            "_shared/a.md": 'A {% include "_shared/b.md" %}',
            "_shared/b.md": "B\r\n",
            "data/_in/rows.csv": b"\x00\xff",
        },
    )
    sync()
    out = tmp_path / "out"
    written = service.export_to_file("data/grade", out / "grade.j2")
    assert sorted(str(path.relative_to(out)) for path in written) == [
        "_in/rows.csv",
        "_shared/a.md",
        "_shared/b.md",
        "grade.j2",
    ]
    assert (out / "_in/rows.csv").read_bytes() == b"\x00\xff"
    assert service.register_file(out / "grade.j2", "data/grade").created is False


@pytest.mark.slow
def test_every_prompt_of_this_repository_survives_an_export(
    service: PromptService, tmp_path: Path, sync: Callable[..., Applied]
) -> None:
    settings = service.settings.model_copy(update={"prompts_root": (str(CHECKOUT / "prompts"),)})
    sync_tree(service.registry, load_tree(settings), Policy())
    names = [str(summary.prompt) for summary in service.list_prompts()]
    assert len(names) > 10
    lost = [name for name in names if not exported(service, name, tmp_path / "out" / f"{name}.yaml")]
    assert lost == []


@on_sqlite
def test_an_export_replaces_nothing_unless_told_to(service: PromptService, tmp_path: Path) -> None:
    service.register_text("a/one", "new text")
    file = tmp_path / "one.txt"
    file.write_text("something of mine")
    with pytest.raises(StorageError, match=r"one\.txt exists and differs") as caught:
        service.export_to_file("a/one", file)
    assert caught.value.hint
    assert file.read_text() == "something of mine"
    service.export_to_file("a/one", file, overwrite=True)
    assert file.read_text().endswith("\nnew text\n")
    service.export_to_file("a/one", file)


@on_sqlite
def test_an_export_writes_nothing_if_one_of_its_files_is_in_the_way(service: PromptService, tmp_path: Path) -> None:
    write(tmp_path / "in", {"one.yaml": "template: x\nassets: [{path: rows.csv}]\n", "rows.csv": "1"})
    service.register_file(tmp_path / "in/one.yaml", "a/one")
    write(tmp_path / "out", {"rows.csv": "of somebody else"})
    with pytest.raises(StorageError, match=r"rows\.csv exists and differs"):
        service.export_to_file("a/one", tmp_path / "out/one.yaml")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["rows.csv"]


@on_sqlite
@pytest.mark.parametrize("name", ["rows.yaml", "sub/../rows.yaml"])
def test_an_export_does_not_write_an_asset_over_the_prompt(service: PromptService, tmp_path: Path, name: str) -> None:
    """The prompt is exported under the name of its own asset."""
    write(tmp_path / "in", {"one.yaml": f"template: x\nassets: [{{path: {name}}}]\n", "rows.yaml": "a: 1", "sub/x": ""})
    version = service.register_file(tmp_path / "in/one.yaml", "a/one").version
    with pytest.raises((StorageError, ConfigError)):
        service.export_to_file("a/one", tmp_path / "out/rows.yaml", overwrite=True)
    assert not (tmp_path / "out/rows.yaml").exists()
    assert service.get("a/one").version == version


@on_sqlite
@pytest.mark.parametrize(
    ("suffix", "fields"),
    [
        (".toml", {"template": "x"}),
        ("", {"template": "x"}),
        (".txt", CHAT),
        (".txt", {"template": "\nx"}),
    ],
)
def test_a_suffix_that_cannot_hold_the_prompt_is_told(
    service: PromptService, tmp_path: Path, suffix: str, fields: dict[str, Any]
) -> None:
    service.register_spec("a/one", fields)
    with pytest.raises(ConfigError):
        service.export_to_file("a/one", tmp_path / f"out{suffix}")
    assert list(tmp_path.glob("out*")) == []


@on_sqlite
def test_an_export_without_one_of_its_blobs_writes_nothing(service: PromptService, tmp_path: Path) -> None:
    write(tmp_path / "in", {"one.yaml": "template: x\nassets: [{path: rows.csv}]\n", "rows.csv": "1"})
    version = service.register_file(tmp_path / "in/one.yaml", "a/one").version
    asset = service.assets(version)[1]
    blob = service.settings.blob_path / asset.object_key
    blob.write_bytes(b"changed")
    with pytest.raises(IntegrityFailure):
        service.export_to_file("a/one", tmp_path / "out/one.yaml")
    blob.unlink()
    with pytest.raises(StorageError, match="is not in"):
        service.export_to_file("a/one", tmp_path / "out/one.yaml")
    assert not (tmp_path / "out").exists()


@on_sqlite
@pytest.mark.parametrize("target", ["file/one.txt", "folder.txt"])
def test_an_export_to_where_no_file_can_be_is_a_storage_error(
    service: PromptService, tmp_path: Path, target: str
) -> None:
    service.register_text("a/one", "x")
    write(tmp_path, {"file": "", "folder.txt/x": ""})
    with pytest.raises(StorageError, match="cannot write"):
        service.export_to_file("a/one", tmp_path / target, overwrite=True)


def test_what_is_not_there_cannot_be_exported(service: PromptService, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        service.export_to_file("a/one", tmp_path / "one.txt")


# Opening


@on_postgresql
def test_an_empty_postgresql_asks_for_an_upgrade_at_the_first_use(empty_url: str, tmp_path: Path) -> None:
    service = PromptService(settings_for(empty_url, tmp_path))
    with pytest.raises(ConfigError) as caught:
        service.list_prompts()
    service.close()
    assert str(caught.value.hint).endswith("run: promptdb db upgrade")


def test_a_service_opens_nothing_before_its_first_use(tmp_path: Path) -> None:
    PromptService(settings_for("sqlite:///registry.sqlite3", tmp_path)).close()
    PromptService(settings_for("postgresql://127.0.0.1:1/registry", tmp_path)).close()
    assert list(tmp_path.iterdir()) == []


def test_a_service_can_be_used_again_after_it_was_closed(service: PromptService) -> None:
    service.register_text("a/one", "text")
    service.close()
    assert service.get("a/one").render_text() == "text"


def test_without_an_actor_the_user_of_the_system_is_recorded(tmp_path: Path) -> None:
    settings = settings_for("sqlite:///registry.sqlite3", tmp_path).model_copy(update={"actor": None})
    service = PromptService(settings)
    assert service.register_text("a/one", "text").version.created_by == getpass.getuser()
    service.close()


def test_a_spec_that_was_changed_in_the_database_is_an_integrity_failure(tmp_path: Path) -> None:
    """Somebody who gets around the triggers cannot make us render what was never registered."""
    service = PromptService(settings_for("sqlite:///registry.sqlite3", tmp_path))
    service.register_text("a/one", "text")
    with service.engine.begin() as connection:
        connection.execute(sa.text("DROP TRIGGER prompt_versions_no_update"))
        connection.execute(sa.text("UPDATE prompt_versions SET spec_json = '{\"nonsense\": 1}'"))
    with pytest.raises(IntegrityFailure):
        service.get("a/one")
    service.close()


def test_a_bundle_can_be_read_back_as_the_spec(service: PromptService) -> None:
    version = service.register_spec("a/one", CHAT).version
    [bundle] = service.assets(version)
    whole = json.loads(service.blobs.get(Digest(f"sha256:{bundle.checksum_sha256}")))
    assert PromptSpec.from_canonical(json.dumps(whole["spec"])).digest() == version.spec_hash
