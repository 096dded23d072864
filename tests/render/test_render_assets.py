"""Images and datasets of assets, read when a prompt is rendered."""

import pickle
from base64 import b64encode
from io import BytesIO
from typing import Any, BinaryIO

import pytest

from promptdb.domain.digest import Digest, digest_of
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.spec import PromptSpec
from promptdb.errors import StorageError
from promptdb.render.compiled import CompiledPrompt
from promptdb.render.renderable import RenderablePrompt

PNG = b"\x89PNG {not_a_variable} \0"
URL = f"data:image/png;base64,{b64encode(PNG).decode()}"
ROWS = b'{"q": "a{b}", "n": 1.0}\r\n\n{"q": "c", "n": 2}'


def asset(path: str, data: bytes, kind: str = "attachment") -> dict[str, str]:
    return {"path": path, "kind": kind, "digest": digest_of(data)}


def prompt(unique: str = "", **fields: Any) -> tuple[RenderablePrompt, list[Digest]]:
    """A prompt whose assets can be read, and what was read of them."""
    rows = ROWS + unique.encode()
    read: list[Digest] = []
    blobs = {digest_of(data): data for data in (PNG + unique.encode(), rows)}

    def open_blob(digest: Digest) -> BinaryIO:
        read.append(digest)
        return BytesIO(blobs[digest])

    assets = [asset("_a/x.png", PNG + unique.encode()), asset("rows.jsonl", rows, "example_dataset")]
    spec = PromptSpec.model_validate({"assets": assets, **fields})
    spec_json = spec.canonical().decode()
    compiled = CompiledPrompt(spec).reading(open_blob)
    return RenderablePrompt(prompt=PromptId("a", "b"), spec_json=spec_json, _compiled=compiled), read


def image_chat(url: Any = "asset:_a/x.png") -> dict[str, Any]:
    parts = [{"type": "text", "text": "{x}"}, {"type": "image_url", "image_url": url}]
    return {"kind": "chat", "messages": [{"role": "human", "template": parts}]}


@pytest.mark.parametrize("as_object", [False, True])
def test_an_image_is_a_data_url_in_every_form(as_object: bool):
    found, _ = prompt(**image_chat({"url": "asset:_a/x.png", "detail": "low"} if as_object else "asset:_a/x.png"))
    [message] = found.render_messages(x="asset:_a/x.png")
    image = {"url": URL, "detail": "low"} if as_object else URL
    assert message.content == [{"type": "text", "text": "asset:_a/x.png"}, {"type": "image_url", "image_url": image}]
    [of_langchain] = found.invoke({"x": "1"}).to_messages()
    assert of_langchain.content[1] == {"type": "image_url", "image_url": image}
    [of_openai] = found.to_openai(x="1")["messages"]
    assert of_openai["content"][1]["image_url"]["url"] == URL
    [of_anthropic] = found.to_anthropic(x="1")["messages"]
    source = {"type": "base64", "media_type": "image/png", "data": b64encode(PNG).decode()}
    assert of_anthropic["content"][1] == {"type": "image", "source": source}


def test_a_value_never_reads_an_asset():
    found, read = prompt("value", **image_chat("{x}"))
    assert found.render_messages(x="asset:_a/x.png")[0].content[1]["image_url"] == "asset:_a/x.png"  # type: ignore[index]
    assert read == []


STRING = {
    "kind": "string",
    "template": "{examples}\n{x}",
    "few_shot": {"string_template": "{q}:{n}", "examples": [], "examples_asset": "rows.jsonl"},
}
CHAT = {
    "kind": "chat",
    "messages": [{"role": "system", "template": "s"}, {"role": "human", "template": "{x}"}],
    "few_shot": {
        "chat_messages": [{"role": "ai", "template": "{q}:{n}"}],
        "examples": [],
        "examples_asset": "rows.jsonl",
    },
}


@pytest.mark.parametrize(
    ("fields", "text"),
    [(STRING, "a{b}:1\n\nc:2\n{q}"), (CHAT, "System: s\nAI: a{b}:1\nAI: c:2\nHuman: {q}")],
    ids=["string", "chat"],
)
def test_examples_come_from_the_dataset(fields: dict[str, Any], text: str):
    found, _ = prompt(**fields)
    assert found.render_text(x="{q}") == text
    assert found.invoke({"x": "{q}"}).to_string() == text
    examples = [{"q": "a{b}", "n": 1}, {"q": "c", "n": 2}]
    inline = {**fields, "few_shot": {k: v for k, v in fields["few_shot"].items() if k != "examples_asset"}}
    inline["few_shot"]["examples"] = examples
    assert prompt(**inline)[0].render_messages(x="{q}") == found.render_messages(x="{q}")


@pytest.mark.parametrize("fields", [STRING, CHAT, image_chat()], ids=["string", "chat", "image"])
def test_an_asset_is_read_when_it_is_needed_and_once(fields: dict[str, Any], request: pytest.FixtureRequest):
    unique = f'\n{{"q": "{request.node.name}", "n": 1}}'
    found, read = prompt(unique, **fields)
    assert found.variables.keys() == {"x"}
    assert read == []
    again, read_again = prompt(unique, **fields)
    assert found.render_messages(x="1") == found.render_messages(x="1") == again.render_messages(x="1")
    assert (len(read), read_again) == (1, [])


@pytest.mark.parametrize("fields", [STRING, CHAT, image_chat()], ids=["string", "chat", "image"])
def test_without_a_way_to_read_it_the_error_says_what_to_do(fields: dict[str, Any], request: pytest.FixtureRequest):
    found, _ = prompt(f'\n{{"q": "{request.node.name}", "n": 1}}', **fields)
    pickled = pickle.loads(pickle.dumps(found))
    assert pickled == found
    with pytest.raises(StorageError, match="no connection to read the asset") as raised:
        pickled.render_messages(x="1")
    assert raised.value.hint is not None


def test_a_prompt_that_renders_no_asset_stays_the_object_it_is():
    compiled = CompiledPrompt(PromptSpec.model_validate({"kind": "string", "template": "x"}))
    assert compiled.reading(lambda _: BytesIO()) is compiled


def test_the_new_field_is_in_the_canonical_json_only_where_it_is_set():
    few_shot = {"string_template": "{q}", "examples": [{"q": 1}]}
    before = PromptSpec.model_validate({"kind": "string", "template": "{examples}", "few_shot": few_shot})
    assert b"examples_asset" not in before.canonical()
    after = PromptSpec.model_validate(STRING)
    assert b'"examples":[],"examples_asset":"rows.jsonl"' in after.canonical()
    assert PromptSpec.from_canonical(after.canonical()) == after
