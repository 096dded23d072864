"""What changes inside of a prompt file that goes to another place, and what does not."""

import pytest

from promptdb.domain.prompt_id import PromptId
from promptdb.files.editing.relocate import Mended, PromptPath, relocated
from promptdb.files.findings import NoPlace, Unreadable


def place(path: str) -> PromptPath:
    return PromptPath(PromptId.from_segments(path.rpartition(".")[0].split("/")), path)


def moved(data: str, old: str, new: str) -> str:
    return relocated(data.encode(), place(old), place(new)).data.decode()


@pytest.mark.parametrize(
    ("old", "new", "before", "after"),
    [
        pytest.param(
            "a/b.yaml",
            "a/c.yaml",
            "# why\ntemplate: x  # y\n",
            "# why\ntemplate: x  # y\nrenamed_from:\n- a/b\n",
            id="yaml",
        ),
        pytest.param(
            "a/b.json",
            "a/c.json",
            '{\n  "template": "x"\n}\n',
            '{\n  "template": "x",\n  "renamed_from": [\n    "a/b"\n  ]\n}\n',
            id="json",
        ),
        pytest.param(
            "b.md", "c.md", "Hi {name}\n", "---\nrenamed_from:\n- default/b\n---\nHi {name}\n", id="text without fields"
        ),
        pytest.param(
            "b.j2",
            "c.j2",
            "---\nrole: user\n---\nHi\n",
            "---\nrole: user\nrenamed_from:\n- default/b\n---\nHi\n",
            id="front matter",
        ),
        pytest.param("b.txt", "c.txt", "", "---\nrenamed_from:\n- default/b\n---\n", id="an empty text"),
        pytest.param(
            "b.md",
            "c.md",
            "Hi\r\nyou\r\n",
            "---\r\nrenamed_from:\r\n- default/b\r\n---\r\nHi\r\nyou\r\n",
            id="CRLF stays",
        ),
        pytest.param(
            "n/b.yaml",
            "n/c.yaml",
            "renamed_from: [n/a]  # 2025\ntemplate: x\n",
            "renamed_from: [n/a, n/b] # 2025\ntemplate: x\n",
            id="a chain",
        ),
        pytest.param(
            "n/b.yaml",
            "n/a.yaml",
            "renamed_from: [n/a]\ntemplate: x\n",
            "renamed_from: [n/b]\ntemplate: x\n",
            id="back: no prompt was renamed from itself",
        ),
        pytest.param(
            "b.yaml",
            "n/c.yaml",
            "renamed_from: [x/y, b]\ntemplate: x\n",
            "renamed_from: [x/y, default/b]\ntemplate: x\n",
            id="each name once, however it is written",
        ),
    ],
)
def test_the_earlier_name_is_recorded(old: str, new: str, before: str, after: str) -> None:
    assert moved(before, old, new) == after


@pytest.mark.parametrize(
    ("old", "new", "name", "expected"),
    [
        ("a/b.yaml", "a/c/b.yaml", "_t.md", "../_t.md"),
        ("a/b.yaml", "b.yaml", "_t.md", "a/_t.md"),
        ("a/b.yaml", "c/b.yaml", "../_shared/t.md", "../_shared/t.md"),
        ("a/b.yaml", "a/c.yaml", "./_t.md", "./_t.md"),
        ("b.yaml", "a/b.yaml", "a/_t.md", "_t.md"),
        ("a/b.yaml", "c/d/b.yaml", "./../a/_t.md", "../../a/_t.md"),
    ],
)
def test_relative_paths_lead_to_the_same_file(old: str, new: str, name: str, expected: str) -> None:
    data = f"template_file: {name}\nfew_shot: {{examples_file: {name}}}\nassets: [{{path: {name}}}, {{path: {name}}}]\n"
    found = relocated(data.encode(), place(old), place(new))
    assert found.data.decode().startswith(data.replace(name, expected))
    fields = ("template_file", "few_shot.examples_file", "assets[0].path", "assets[1].path")
    assert found.mended == (() if name == expected else tuple(Mended(field, name, expected) for field in fields))


def test_fragments_are_relative_to_the_root_and_stay() -> None:
    text = '{% include "_shared/tone.md" %}\n'
    assert moved(text, "b.j2", "a/b.j2").endswith(f"---\n{text}")


@pytest.mark.parametrize("fields", ["assets: [1, {path: 2}, {}]\nfew_shot: x\ntemplate_file: [a]\n", "assets: x\n"])
def test_an_invalid_file_moves_with_its_mistakes(fields: str) -> None:
    assert moved(fields, "b.yaml", "a/b.yaml") == f"{fields}renamed_from:\n- default/b\n"


@pytest.mark.parametrize(
    ("path", "data", "error"),
    [
        ("b.yaml", "renamed_from: x\n", NoPlace),
        ("b.yaml", "renamed_from: [1]\n", NoPlace),
        ("b.yaml", "- x\n", NoPlace),
        ("b.json", "[1]", NoPlace),
        ("b.yaml", "a: [\n", Unreadable),
        ("b.md", "---\na: 1\n", Unreadable),
    ],
)
def test_what_cannot_be_edited_is_refused(path: str, data: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        moved(data, path, f"a/{path}")


def test_what_names_an_asset_by_its_path_names_it_in_the_new_place() -> None:
    text = """\
messages:
- role: human
  template:
  - {type: image_url, image_url: {url: "asset:_a/x.png"}}
  - {type: image_url, image_url: asset:_a/y.png}
  - {type: text, text: asset:_a/x.png}
few_shot: {examples_asset: _a/z.jsonl, chat_messages: []}
assets: [{path: _a/x.png}, {path: _a/z.jsonl}]
"""
    found = moved(text, "b.yaml", "n/b.yaml")
    assert 'url: "asset:../_a/x.png"' in found
    assert "image_url: asset:_a/y.png" in found
    assert "text: asset:_a/x.png" in found
    assert "examples_asset: ../_a/z.jsonl" in found
