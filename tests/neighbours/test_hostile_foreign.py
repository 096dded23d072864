"""Foreign files that someone made to do harm, or that are merely wrong: nothing runs, and nothing outside the root is touched."""

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_incoming import ONE, front

from promptdb.errors import PromptDBError
from promptdb.neighbours.foreign import NotHeld
from promptdb.neighbours.formats import INCOMING
from promptdb.project.edits.import_foreign import plan_import
from promptdb.settings import AppSettings

DEEP = "[" * 5_000 + "]" * 5_000
BOMB = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefghijklmnopqrst", "bcdefghijklmnopqrstu", strict=True)
)
ESCAPE = "{{ ''.__class__.__mro__[1].__subclasses__() }}{% for a in range(10**9) %}x{% endfor %}"
NAMES = [
    "../../outside",
    "/etc/passwd",
    "..\\..\\outside",
    "a/../../b",
    "con",
    "\u202eevil",
    "\x1b[31mred",
    "x" * 5_000,
    "a\0b",
    "~root",
]

PAYLOADS: dict[str, bytes] = {
    "nothing": b"",
    "binary": bytes(range(256)) * 10,
    "a NUL": b'{"name": "a\\u0000", "prompt": "x\x00"}',
    "half a character": b'{"name": "\\ud800", "prompt": "\\udfff", "messages": [{"role": "user", "content": "\\ud800"}]}',
    "deep JSON": DEEP.encode(),
    "deep fields": ('{"messages": ' * 3_000 + "1" + "}" * 3_000).encode(),
    "a bomb of anchors": BOMB.encode(),
    "a tag that makes an object": b"messages: !!python/object/apply:os.system ['touch outside']\n",
    "a tag in front matter": b"---\nmodel: !!python/name:os.system\n---\nx",
    "a circle": b"messages: &m [*m]\n",
    "numbers without end": b'{"name": "a", "prompt": "x", "config": {"a": 1e999, "b": ' + b"9" * 5_000 + b"}}",
    "a key twice": b'{"name": "a", "name": "b", "prompt": "x"}',
    "a list of lists": b"[[[[]]]]",
    "a secret of LangChain": b'{"lc": 1, "type": "secret", "id": ["OPENAI_API_KEY"]}',
    "a class of LangChain": b'{"lc": 1, "type": "constructor", "id": ["os", "system"], "kwargs": {"command": "touch outside"}}',
    "a file of LangChain": b"_type: prompt\ntemplate_path: /etc/passwd\n",
    "a file of Prompty": b"---\nmodel: {id: '${file:/etc/passwd}', connection: '${env:HOME}'}\n---\nuser:\n![x](/etc/passwd)\n",
    "a file of promptfoo": b"prompts: [file:///etc/passwd, exec:touch outside]\n",
    "an attack on jinja2": f"user:\n{ESCAPE}\n".encode(),
    "an attack on jinja2 in a chat": json.dumps([{"role": "user", "content": ESCAPE}]).encode(),
    "braces that are not closed": b"---\n---\n" + b"{{" * 50_000,
    "many headings": b"user:\n" * 15_000,
    "many columns": b"prompt," + b"," * 50_000 + b"\nx\n",
    "many rows": b"prompt\n" + b"x\n" * 15_000,
    "fences alone": b"---\n---\n---\n",
}


def plan(name: str, folder: Path, data: bytes, suffix: str = "") -> None:
    """Import a file, and write what comes of it."""
    (folder / "prompts").mkdir(exist_ok=True)
    source = folder / f"one{suffix or INCOMING[name].suffixes[0]}"
    source.write_bytes(data)
    before = {path for path in folder.parent.rglob("*") if path.is_file()}
    try:
        found = plan_import(name, [source], AppSettings(base=folder))
        found.write(overwrite=True)
    except PromptDBError as error:
        assert "\n" not in error.message  # noqa: PT017
        return
    for one in found.imported:
        assert (folder / "prompts" / one.path).resolve().is_relative_to(folder / "prompts")
    new = {path for path in folder.parent.rglob("*") if path.is_file()} - before
    assert all(path.is_relative_to(folder / "prompts") for path in new)


@pytest.mark.parametrize(("name", "suffix"), [*((name, "") for name in INCOMING), ("promptfoo", ".txt")])
def test_hostile_files_are_refused_or_harmless(
    name: str, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for data in PAYLOADS.values():
        plan(name, folder, data, suffix)


def test_names_stay_below_the_root(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    plan("langfuse", folder, json.dumps([{"name": name, "prompt": "x"} for name in NAMES if "\0" not in name]).encode())
    plan("mlflow", folder, json.dumps([{"name": name, "template": "x"} for name in NAMES if "\0" not in name]).encode())
    rows = "".join(f"{name},x\n" for name in NAMES if "\0" not in name and "\\" not in name)
    plan("csv", folder, f"name,prompt\n{rows}".encode())


VALUES: list[Any] = [1, "x", [], [1], [{}], {}, {"a": [None]}]


def changed(data: Any) -> Iterator[Any]:
    """Documents that differ from a valid one in one value."""
    for path in paths(data):
        for value in VALUES:
            found = copy.deepcopy(data)
            inner = found
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = value
            yield found


def paths(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield (*path, key)
        yield from paths(value, (*path, key))


@pytest.mark.parametrize(("name", "data"), [row[1:3] for row in ONE], ids=[row[0] for row in ONE])
def test_a_wrong_value_in_any_place_is_lost_or_refused(name: str, data: Any) -> None:
    """It ends in no other error."""
    if isinstance(data, str) and not data.startswith("---"):
        return
    body = ""
    if isinstance(data, str):
        head, _, body = data.removeprefix("---\n").partition("---\n")
        data = yaml.safe_load(head)
    for wrong in changed(data):
        text = front(wrong, body) if body else json.dumps(wrong)
        with suppress(NotHeld):
            assert all(isinstance(one.fields, dict) for one in INCOMING[name].read(text.encode()))
