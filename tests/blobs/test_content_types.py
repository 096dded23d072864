"""The content types of assets, which are part of what bundles are made of."""

import mimetypes
from collections.abc import Iterator
from pathlib import Path

import pytest

from promptdb.domain.content_types import CONTENT_TYPES, content_type
from promptdb.render.assets import IMAGE_TYPES


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.csv", "text/csv"),
        ("a/b.png", "image/png"),
        ("A.JSON", "application/json"),
        ("rows.jsonl", "application/jsonl"),
        ("a.md", "text/markdown"),
        ("a.webp", "image/webp"),
        ("12:30 a?b#c.yaml", "application/yaml"),
        ("rows.csv.gz", "application/gzip"),
        ("a", "application/octet-stream"),
        (".csv", "application/octet-stream"),
        ("a.csv/b", "application/octet-stream"),
        ("a.nosuchsuffix", "application/octet-stream"),
    ],
)
def test_the_content_type_comes_from_the_name(path: str, expected: str) -> None:
    assert content_type(path) == expected


@pytest.fixture
def odd_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One whose mime.types says other things than ours."""
    (tmp_path / "mime.types").write_text("x/y csv md webp nosuchsuffix\n")
    monkeypatch.setattr(mimetypes, "knownfiles", [str(tmp_path / "mime.types")])
    mimetypes.init()
    yield
    monkeypatch.undo()
    mimetypes.init()


@pytest.mark.usefixtures("odd_machine")
def test_the_machine_has_no_part_in_it() -> None:
    assert mimetypes.guess_type("a.csv")[0] == "x/y"
    found = [content_type(f"a.{suffix}") for suffix in ("csv", "md", "webp", "nosuchsuffix")]
    assert found == ["text/csv", "text/markdown", "image/webp", "application/octet-stream"]


def test_the_table_is_in_lower_case_and_has_types() -> None:
    assert [suffix for suffix in CONTENT_TYPES if suffix != suffix.lower() or suffix.count(".") != 1] == []
    assert [kind for kind in CONTENT_TYPES.values() if kind.count("/") != 1] == []


def test_images_have_the_types_that_they_are_rendered_with() -> None:
    assert IMAGE_TYPES.items() <= CONTENT_TYPES.items()
