"""Files that are damaged, or made to do harm: each is refused with its place, and nothing is written."""

import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from registries import NewRegistry, dump, on_sqlite

from promptdb.domain.splits import Arm, Split, split_text
from promptdb.errors import ConfigError, IntegrityFailure, StorageError
from promptdb.service import PromptService
from promptdb.transfer.copy import import_file
from promptdb.transfer.export import export_registry

pytestmark = [on_sqlite, pytest.mark.usefixtures("backend")]

Members = dict[str, bytes]
Change = Callable[[Members], object]


def unpacked(file: Path) -> Members:
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(file: Path, members: Members, method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file


def lines(members: Members, table: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in members[f"tables/{table}.jsonl"].splitlines()]


def edited(table: str, **values: Any) -> Change:
    """The first row with other values; a field with the value `...` is taken out."""

    def change(members: Members) -> None:
        rows = lines(members, table)
        rows[0] = {name: value for name, value in {**rows[0], **values}.items() if value is not ...}
        members[f"tables/{table}.jsonl"] = b"".join(json.dumps(row).encode() + b"\n" for row in rows)

    return change


def appended(table: str, data: bytes) -> Change:
    return lambda members: members.update({f"tables/{table}.jsonl": members[f"tables/{table}.jsonl"] + data})


def head(**values: Any) -> Change:
    return lambda members: members.update(
        {"registry.json": json.dumps({**json.loads(members["registry.json"]), **values}).encode()}
    )


def doubled(members: Members) -> None:
    rows = members["tables/alias_events.jsonl"].splitlines(keepends=True)
    members["tables/alias_events.jsonl"] = b"".join([rows[0], *rows[:-1]])


def a_blob(members: Members) -> str:
    return next(name for name in members if name.startswith("sha256/"))


def cut(table: str, count: int) -> Change:
    return lambda members: members.update({f"tables/{table}.jsonl": members[f"tables/{table}.jsonl"][:-count]})


SPLIT = split_text(Split.of([Arm(1, 1), Arm(2, 1)]))
ZERO = "00000000-0000-0000-0000-000000000000"
CASES: dict[str, tuple[Change, str]] = {
    "a path that leads out": (lambda m: m.update({"../../evil": b"x"}), r"an unknown entry '\.\./\.\./evil'"),
    "an absolute path": (lambda m: m.update({"/etc/evil": b"x"}), "an unknown entry '/etc/evil'"),
    "a blob under a name that is no digest": (
        lambda m: m.update({"sha256/ab/../../x": b"x"}),
        "an unknown entry 'sha256/ab",
    ),
    "a blob in another folder": (lambda m: m.update({"sha256/00/" + "f" * 64: b"x"}), "an unknown entry 'sha256/00"),
    "a table is missing": (lambda m: m.pop("tables/prompts.jsonl"), "no entry 'tables/prompts.jsonl'"),
    "other bytes of a blob": (lambda m: m.update({a_blob(m): b"x" * len(m[a_blob(m)])}), "does not have the digest"),
    "a blob is missing": (lambda m: m.pop(a_blob(m)), r"it has \d+ blobs and should have \d+"),
    "a blob that nobody names": (lambda m: m.update({"sha256/ab/ab" + "0" * 62: b""}), r"it has \d+ blobs"),
    "a newer format": (head(version=2), "registry.json: version 2 of the format, of a newer promptdb"),
    "a version that is no whole number": (head(version=1.0), "registry.json: version is not the number"),
    "a version that is a flag": (head(version=True), "registry.json: version is not the number"),
    "a count that is no whole number": (head(blobs=1.5), "registry.json: blobs is not a number"),
    "an outcome that is none": (edited("sync_runs", outcome="lost"), "sync_runs.jsonl:1: outcome is none of applied"),
    "a ref with a control character": (edited("sync_runs", git_ref="a\x1bb"), "1: git_ref has a control character"),
    "a kind with a line break": (edited("prompt_assets", kind="a\nb"), "1: kind has a control character"),
    "a time in the future": (edited("prompts", created_at="2999-01-01T00:00:00Z"), "1: created_at is in the future"),
    "another format": (head(format="x"), "registry.json: not of the format 'promptdb-registry'"),
    "an unknown field of the head": (head(extra=1), "registry.json: unknown field 'extra'"),
    "an unknown field of a row": (
        edited("prompts", colour="red"),
        "prompts.jsonl:1: colour: Extra inputs are not permitted",
    ),
    "a field is missing": (edited("prompts", name=...), "prompts.jsonl:1: name: Field required"),
    "a row is no object": (appended("prompts", b"[]\n"), r"prompts.jsonl:\d+: Input should be an object"),
    "a row is no JSON": (appended("prompts", b"{\n"), r"prompts.jsonl:\d+: not valid JSON"),
    "a row is no UTF-8": (appended("prompts", b"\xff\n"), r"prompts.jsonl:\d+: not valid JSON"),
    "deep JSON": (appended("prompts", b"[" * 100_000 + b"\n"), r"prompts.jsonl:\d+: JSON nested too deeply"),
    "a key twice": (appended("prompts", b'{"id": 1, "id": 2}\n'), r"prompts.jsonl:\d+: a key appears twice"),
    "a line without its end": (cut("prompts", 1), r"prompts.jsonl:\d+ is cut off"),
    "a row less": (cut("prompt_redirects", 300), r"prompt_redirects.jsonl"),
    "a row twice": (doubled, "alias_events.jsonl:2: its key does not come after"),
    "a null": (edited("prompts", name=None), "prompts.jsonl:1: name: Input should be a valid string"),
    "a text that is too long": (edited("prompts", name="x" * 129), "name: String should have at most 128 characters"),
    "a text that PostgreSQL cannot hold": (edited("sync_runs", root="a\0b"), "root: String should match"),
    "half a character": (edited("sync_runs", root="\ud800"), "sync_runs.jsonl:1: Invalid JSON"),
    "a number as a text": (edited("prompt_versions", revision="1"), "revision: Input should be a valid integer"),
    "a flag as a number": (edited("sync_runs", is_dirty=1), "is_dirty: Input should be a valid boolean"),
    "a number that is too large": (edited("prompt_assets", id=2**40), "id: Input should be less than 2147483648"),
    "a time without an offset": (
        edited("prompts", created_at="2026-01-01T00:00:00"),
        "created_at: Input should have timezone info",
    ),
    "a name that is none": (edited("prompts", name="../x"), "prompts.jsonl:1: "),
    "an alias that is none": (edited("prompt_aliases", alias="latest"), "'latest' cannot be an alias"),
    "an edited spec": (edited("prompt_versions", spec_json="{}"), "1: its spec has the digest"),
    "an id that does not follow": (edited("prompt_versions", id=ZERO), r"1: its id is not that of its prompt"),
    "another label": (edited("prompt_versions", user_version="9"), "1: its user_version is not that of its spec"),
    "a key of another blob": (
        edited("prompt_assets", object_key="sha256/../x"),
        "the rows of its blobs do not fit its spec",
    ),
    "a size that is wrong": (edited("prompt_assets", byte_size=1), r"the blob sha256:\w+ of 1 bytes is not in it"),
    "an event of nobody": (edited("alias_events", prompt_id=ZERO), "a row of alias_events names a missing row"),
    "an alias that no event explains": (edited("prompt_aliases", generation=9), "it is not where its log ends"),
    "a split that is none": (edited("prompt_aliases", split_json="{}"), "1: the stored split '{}' cannot be read"),
    "a split that no event explains": (edited("prompt_aliases", split_json=SPLIT), "it is not where its log ends"),
    "changes that are none": (edited("alias_events", breaking_json='[{"a": 1}]'), "breaking_json is not a list"),
}

LATE = (
    *("a key of another blob", "an event of nobody", "an alias that no event explains"),
    "a split that no event explains",
)
"""What the database finds: blobs are stored by then, as garbage that no row names."""


@pytest.fixture
def exported(filled: PromptService, tmp_path: Path) -> Path:
    export_registry(filled.registry, tmp_path / "all.zip")
    return tmp_path / "all.zip"


def refused(service: PromptService, file: Path, message: str, error: type[Exception] = IntegrityFailure) -> None:
    before = dump(service.engine)
    with pytest.raises(error, match=message) as caught:
        import_file(service.registry, file)
    assert "\n" not in str(caught.value)
    assert str(file) in str(caught.value)
    assert caught.value.hint  # type: ignore[attr-defined]
    assert dump(service.engine) == before


@pytest.mark.slow
def test_every_way_of_being_hostile_is_refused(exported: Path, new_registry: NewRegistry, tmp_path: Path) -> None:
    members, target = unpacked(exported), new_registry()
    import_file(target.registry, pack(tmp_path / "same.zip", members))
    target = new_registry()
    for number, (name, (change, message)) in enumerate(CASES.items()):
        changed = dict(members)
        change(changed)
        refused(target, pack(tmp_path / f"bad-{number}.zip", changed), message)
        assert name in LATE or not list(target.blobs.list()), name
        target.blobs.delete([blob.digest for blob in target.blobs.list()])


def test_an_entry_twice_is_refused(exported: Path, new_registry: NewRegistry) -> None:
    with zipfile.ZipFile(exported, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("registry.json", b"{}")
    refused(new_registry(), exported, "'registry.json' is in it twice")


def test_a_symbolic_link_is_refused(exported: Path, new_registry: NewRegistry) -> None:
    members = unpacked(exported)
    link = zipfile.ZipInfo("registry.json")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(exported, "w") as archive:
        archive.writestr(link, "/etc/passwd")
        for name in members.keys() - {"registry.json"}:
            archive.writestr(name, members[name])
    refused(new_registry(), exported, "not valid JSON")


@pytest.mark.slow
def test_what_unpacks_to_a_thousand_times_its_size_is_refused(exported: Path, new_registry: NewRegistry) -> None:
    members = unpacked(exported)
    members["tables/prompts.jsonl"] = b" " * 100_000_000
    refused(new_registry(), pack(exported, members, zipfile.ZIP_DEFLATED), "would unpack to 100,000,000 bytes")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_only_what_promptdb_uses_is_unpacked(exported: Path, new_registry: NewRegistry, method: int) -> None:
    refused(
        new_registry(), pack(exported, unpacked(exported), method), "is compressed in a way that promptdb does not use"
    )


def test_a_truncated_file_is_refused_wherever_it_ends(exported: Path, new_registry: NewRegistry) -> None:
    data, target = exported.read_bytes(), new_registry()
    for part in range(1, 8):
        exported.write_bytes(data[: len(data) * part // 8])
        refused(target, exported, "is damaged, or not a zip")


@pytest.mark.slow
def test_a_flipped_bit_is_refused_wherever_it_is(exported: Path, new_registry: NewRegistry) -> None:
    """A bit that nobody looks at, as in a time of the zip, may pass: then all has come in as it was."""
    data, target = exported.read_bytes(), new_registry()
    before, accepted = dump(target.engine), 0
    for place in range(0, len(data), len(data) // 50):
        exported.write_bytes(data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :])
        try:
            import_file(target.registry, exported)
        except (IntegrityFailure, StorageError):
            assert dump(target.engine) == before or accepted
        else:
            accepted += 1
    assert accepted < 25


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.txt", "Hello {name}"),
        ("x.YAML", "template: hi"),
        ("x.json", '{"template": "hi"}'),
        ("x.yaml", '{"template": "hi"}'),
        ("x.md", ""),
    ],
)
def test_a_prompt_file_is_told_where_it_belongs(
    new_registry: NewRegistry, tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match="is a prompt file, which import does not read") as caught:
        import_file(new_registry().registry, tmp_path / name)
    assert f"promptdb register-file {tmp_path / name}" in str(caught.value.hint)


@pytest.mark.slow
def test_a_newer_format_has_one_remedy(exported: Path, new_registry: NewRegistry) -> None:
    members = unpacked(exported)
    head(version=2)(members)
    with pytest.raises(IntegrityFailure, match="version 2 of the format") as caught:
        import_file(new_registry().registry, pack(exported, members))
    assert caught.value.hint == "upgrade promptdb"


def test_names_as_git_may_have_them_come_back(exported: Path, new_registry: NewRegistry) -> None:
    members, target = unpacked(exported), new_registry()
    odd = {"author": "J\u00fcrgen \u202e\t\U0001f600", "path": "a\nb.txt", "committed_at": "2999-01-01T00:00:00+00:00"}
    edited("version_sources", **odd)(members)
    import_file(target.registry, pack(exported, members))
    first = dump(target.engine)["version_sources"][0]
    assert {name: str(first[name]) for name in ("author", "path")} == {name: odd[name] for name in ("author", "path")}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not valid JSON"),
        (b"\x89PNG", "not valid JSON"),
        (b"PK\x03\x04", "is damaged, or not a zip"),
        (b"[]", "not of the format"),
        (b'{"format": "promptdb-version", "version": 9}', "of a newer promptdb"),
    ],
)
def test_what_is_no_export_is_told_so(new_registry: NewRegistry, tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "x").write_bytes(data)
    refused(new_registry(), tmp_path / "x", message)
