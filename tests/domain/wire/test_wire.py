"""What the HTTP API writes is what its clients read, and nothing else gets through."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from promptdb import errors
from promptdb.domain.blob import object_key
from promptdb.domain.delivery import Changes, Generation
from promptdb.domain.digest import Digest, canonical_json, digest_of
from promptdb.domain.json_fields import Wrong
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.views import AssetView, PromptVersionView, StoredVersion
from promptdb.domain.wire.changes import changes_fields, decode_changes, generation_text, parse_generation
from promptdb.domain.wire.problem import code_of, error_of, http_problem, problem_fields
from promptdb.domain.wire.versions import (
    asset_fields,
    decode_asset,
    decode_version,
    decode_view,
    encode_version,
    view_fields,
)
from promptdb.errors import PromptDBError
from promptdb.problems import Code, Problem

REGISTRY = UUID("6f1c9c5e-0a52-4a7f-9a3b-0d1f4a5b6c7d")
SPEC = canonical_json({"kind": "string", "template": "Grüße, {name} \u2028", "scale": 1.5}).decode()
VIEW = PromptVersionView(
    UUID("5b0e3bb7-f3f8-56de-9b6d-643316620af6"),
    PromptId("support/eu", "triage"),
    3,
    digest_of(SPEC.encode()),
    None,
    "ci",
    datetime(2026, 11, 30, 12, tzinfo=UTC),
)
CHECKSUM = "ab" * 32
ASSET = AssetView("attachment", object_key(Digest(f"sha256:{CHECKSUM}")), "image/png", 12, CHECKSUM, "a/b.png")
STORED = StoredVersion(VIEW, SPEC, archived=True, alias="production", commit_id="c" * 40)


def decoded(value: object) -> StoredVersion:
    return decode_version(value, lambda _, files: files)


def read(stored: StoredVersion, *assets: AssetView) -> tuple[StoredVersion, tuple[AssetView, ...]]:
    found = decoded(json.loads(encode_version(stored, lambda _: assets)))
    return found, found.assets


@pytest.mark.parametrize(
    "stored",
    [
        STORED,
        StoredVersion(VIEW, SPEC),
        StoredVersion(replace(VIEW, user_version="1.0"), SPEC),
        StoredVersion(replace(VIEW, revision=0, is_recorded=False), SPEC, commit_id="d" * 40),
    ],
)
def test_a_version_is_read_as_it_was_written(stored: StoredVersion) -> None:
    assert read(stored, ASSET) == (stored, (ASSET,))
    assert read(stored) == (stored, ())
    assert decode_view(view_fields(stored.view)) == stored.view
    assert decode_asset(asset_fields(ASSET)) == ASSET


def test_unknown_fields_of_a_version_are_ignored_because_a_newer_server_may_send_them() -> None:
    value = json.loads(encode_version(STORED, lambda _: [ASSET]))
    more = {**value, "new": {}, "assets": [{**value["assets"][0], "new": 1}]}
    assert decoded(more) == STORED


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[(name, missing) for name in ("id", "prompt", "spec_hash", "created_at", "spec") for missing in (None, 7, "")],
        ("revision", 0),
        ("revision", True),
        ("revision", 2**31),
        ("created_at", "2026-11-30T12:00:00"),
        ("created_at", "9999-12-31T23:59:59-14:00"),
        ("prompt", "../etc/passwd"),
        ("spec_hash", f"sha256:{'0' * 64}"),
        ("spec", {}),
        ("spec", {"template": float("nan")}),
        ("spec", {"template": "\ud800"}),
        ("archived", "no"),
        ("alias", 1),
        ("assets", {}),
        ("assets", [{**asset_fields(ASSET), "checksum_sha256": "../x"}]),
        ("assets", [{**asset_fields(ASSET), "byte_size": -1}]),
    ],
)
def test_what_is_not_a_version_is_refused(field: str, value: object) -> None:
    with pytest.raises(Wrong):
        decoded({**json.loads(encode_version(STORED, lambda _: [ASSET])), field: value})


@pytest.mark.parametrize("value", [None, [], "", 1, {}])
def test_what_is_not_an_object_is_refused(value: object) -> None:
    for decode in (decoded, decode_view, decode_asset, decode_changes, error_of):
        with pytest.raises(Wrong):
            decode(value)


NOW = Generation(REGISTRY, 41)


@pytest.mark.parametrize(
    "changes",
    [
        Changes(NOW, frozenset()),
        Changes(NOW, frozenset({PromptId("support", "triage"), PromptId("default", "a")})),
        Changes(NOW),
        Changes(),
    ],
)
def test_changes_are_read_as_they_were_written(changes: Changes) -> None:
    assert decode_changes(json.loads(json.dumps(changes_fields(changes)))) == changes


@pytest.mark.parametrize(
    "text",
    [
        "",
        "41",
        str(REGISTRY),
        f"{REGISTRY}:",
        f"{REGISTRY}:-1",
        f"{REGISTRY}:041",
        f"{REGISTRY}:4 1",
        f"{REGISTRY}:{2**63}",
        "x:1",
    ],
)
def test_what_is_not_a_generation_is_refused(text: str) -> None:
    with pytest.raises(Wrong):
        parse_generation(text)


def test_a_generation_is_one_text() -> None:
    assert parse_generation(generation_text(NOW)) == NOW


def tree(kind: type[PromptDBError] = PromptDBError) -> list[type[PromptDBError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in tree(child))]


def made(kind: type[PromptDBError]) -> PromptDBError:
    if issubclass(kind, errors.InvalidPrompts):
        return kind([Problem("a.yaml", 3, 4, Code.NOT_UTF8, "it is not UTF-8", "save it as UTF-8", "a\nb")])
    if issubclass(kind, errors.MissingVariables | errors.UnknownVariables):
        return kind(["b", "a"], "pass them")
    if issubclass(kind, errors.TemplateError):
        return kind("a brace is open", "close it", line=2, column=7)
    if issubclass(kind, errors.NotInRoots):
        return kind("a.yaml")
    return kind("it failed", "do this")


@pytest.mark.parametrize("kind", tree(), ids=lambda kind: kind.__name__)
def test_every_error_is_read_as_it_was_written(kind: type[PromptDBError]) -> None:
    error = made(kind)
    found = error_of(json.loads(json.dumps(problem_fields(error, 409))))
    assert found is not None
    assert type(found) is (errors.OutsideRoot if kind is errors.NotInRoots else kind)
    assert vars(found) | {"__notes__": []} == vars(error) | {"__notes__": []}
    assert str(found) == str(error)


def test_codes_are_class_names_in_kebab_case() -> None:
    assert code_of(errors.PromptNotFound) == "prompt-not-found"
    assert code_of(PromptDBError) == "promptdb-error"
    assert len({code_of(kind) for kind in tree()}) == len(tree())


def test_a_problem_of_http_itself_is_no_error_of_promptdb() -> None:
    fields = http_problem("method-not-allowed", 405, "POST is not possible here")
    assert fields["title"] == "Method not allowed"
    assert fields["type"] == "urn:promptdb:method-not-allowed"
    assert error_of(fields) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"code": "invalid-prompts", "detail": "x"},
        {"code": "invalid-prompts", "detail": "x", "errors": [{}]},
        {"code": "missing-variables", "detail": "x", "names": [1]},
        {"code": "template-error", "detail": "x", "line": 0},
        {"code": "guard", "detail": "x", "hint": 1},
        {"code": "guard"},
    ],
)
def test_what_is_not_a_problem_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(Wrong):
        error_of(fields)
