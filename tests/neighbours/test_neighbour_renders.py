"""Imported prompts render as their own tools render them."""

import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.load import dumpd
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_core.prompts import (
    AIMessagePromptTemplate,
    ChatPromptTemplate,
    FewShotPromptTemplate,
    HumanMessagePromptTemplate,
    MessagesPlaceholder,
    PromptTemplate,
    SystemMessagePromptTemplate,
)
from langfuse.model import TemplateParser

from promptdb.neighbours.incoming import langchain, langfuse
from promptdb.project.single_file import content_from_spec
from promptdb.render.compiled import CompiledPrompt

VECTORS = Path(__file__).parents[1] / "vectors" / "prompty" / "render_golden.json"

EXAMPLES = FewShotPromptTemplate(
    examples=[{"q": "1", "a": "one"}, {"q": "2", "a": "two"}],
    example_prompt=PromptTemplate.from_template("{q} is {a}"),
    prefix="Count. {note}",
    suffix="{x} is",
    input_variables=["note", "x"],
    example_separator="\n--\n",
)
TEXTS: list[tuple[Any, dict[str, str]]] = [
    (PromptTemplate.from_template("Hi {x}, {{literal}} {x!r:>8}"), {"x": "Ada"}),
    (PromptTemplate.from_template("{% if x %}Hi {{ x }}{% endif %}", template_format="jinja2"), {"x": "Ada"}),
    (
        PromptTemplate.from_template("{{#x}}Hi {{x}}{{/x}} & {{{y}}}", template_format="mustache"),
        {"x": "Ada", "y": "<b>"},
    ),
    (PromptTemplate.from_template("{a} {b}", partial_variables={"a": "1"}), {"b": "2"}),
    (PromptTemplate.from_template("{a} {b}", partial_variables={"a": {"lc": 1}}), {"b": "2"}),
]
CHATS: list[tuple[ChatPromptTemplate, dict[str, str]]] = [
    (ChatPromptTemplate([("system", "Be {how}."), ("human", "{x}"), ("ai", "ok")]), {"how": "kind", "x": "{}"}),
    (
        ChatPromptTemplate(
            [
                SystemMessage("Write {json} {{as is}}."),
                SystemMessagePromptTemplate.from_template("Be {how}."),
                AIMessagePromptTemplate.from_template("ok"),
                HumanMessagePromptTemplate.from_template("{x}"),
                MessagesPlaceholder("history", optional=True),
            ]
        ),
        {"how": "kind", "x": "why"},
    ),
    (ChatPromptTemplate([("human", "{{ x }}")], template_format="jinja2"), {"x": "why"}),
    (
        ChatPromptTemplate(
            [
                SystemMessage([{"type": "text", "text": "as {is}"}]),
                HumanMessage(["plain {x}", {"type": "image_url", "image_url": {"url": "https://a/{b}"}}]),
                (
                    "human",
                    [
                        {"type": "text", "text": "Look, {x}"},
                        {"type": "image_url", "image_url": {"url": "{address}", "detail": "low"}},
                        {"type": "text", "text": "{x}", "cache_control": {"type": "ephemeral"}},
                    ],
                ),
            ]
        ),
        {"x": "why", "address": "https://a/b"},
    ),
]


def compiled(fields: dict[str, Any]) -> CompiledPrompt:
    return CompiledPrompt(content_from_spec(fields).spec)


@pytest.mark.parametrize(("prompt", "values"), TEXTS)
def test_a_text_of_langchain(prompt: Any, values: dict[str, str]) -> None:
    [found] = langchain.read(json.dumps(dumpd(prompt)).encode())
    escapes = ["kwargs.template_format"] if prompt.template_format == "mustache" else []
    assert [loss.place for loss in found.losses] == escapes
    assert compiled(found.fields).render_text(values) == prompt.format(**values)


@pytest.mark.parametrize("prefix", ["Count. {note}", ""])
def test_examples_of_langchain(prefix: str) -> None:
    """Its older files have them. `dumpd` does not write them."""
    prompt = EXAMPLES.model_copy(update={"prefix": prefix})
    names = ("examples", "prefix", "suffix", "example_separator", "input_variables")
    data = {"_type": "few_shot", **{name: getattr(prompt, name) for name in names}}
    data["example_prompt"] = {"_type": "prompt", "template": "{q} is {a}", "input_variables": ["q", "a"]}
    [found] = langchain.read(json.dumps(data).encode())
    values = {"note": "Now", "x": "3"} if prefix else {"x": "3"}
    assert found.losses == ()
    assert compiled(found.fields).render_text(values) == prompt.format(**values)


@pytest.mark.parametrize(("prompt", "values"), CHATS)
def test_a_chat_of_langchain(prompt: ChatPromptTemplate, values: dict[str, str]) -> None:
    [found] = langchain.read(json.dumps(dumpd(prompt)).encode())
    assert found.losses == ()
    assert "partial_variables" not in found.fields
    messages = compiled(found.fields).render_messages(values)
    expected = [(message.type, _parts(message.content)) for message in prompt.format_messages(**values)]
    assert [(message.role, message.content) for message in messages] == expected


def _parts(content: Any) -> Any:
    """LangChain also takes a bare text for a content part."""
    if isinstance(content, str):
        return content
    return [{"type": "text", "text": part} if isinstance(part, str) else part for part in content]


@pytest.mark.parametrize(
    "text",
    [
        "Hi {{x}}, {{ y }}.",
        '{"a": {"b": "{{x}}"}, "c": {}}',
        "{x} {% y %} {#x#} $x",
        "a\n{{x}}\n  {{y}}\n",
        "{ {{x}} } }}",
    ],
)
def test_a_text_of_langfuse(text: str) -> None:
    [found] = langfuse.read(json.dumps([{"name": "a", "prompt": text}]).encode())
    values = {"x": "<{{y}}> & \"'", "y": "{x}\n"}
    assert found.losses == ()
    assert compiled(found.fields).render_text(values, ignore_extra=True) == TemplateParser.compile_template(
        text, values
    )


# How promptdb differs from Prompty, with its reason.
AS_PYTHON = {
    "b2_bool_true_lowercase": "True",
    "b2_bool_false_lowercase": "False",
    "b2_float_integral_minimal": "1.0",
    "b2_null_renders_empty": "[None]",
}
"""jinja2 prints values of Python; Prompty prints them as JSON does, so that all its languages agree."""

STRICT = {"strict_forged_boundary_throws", "strict_multiline_boundary_throws"}
"""Prompty splits the rendered text into messages, and must refuse a value that looks like a role. promptdb splits before."""


@pytest.mark.parametrize("golden", json.loads(VECTORS.read_text()), ids=lambda golden: golden["name"])
def test_the_golden_renders_of_prompty(golden: dict[str, Any]) -> None:
    if golden["name"] in STRICT:
        assert golden["throws"] == "StrictViolation"
        return
    optional = {"missing": {"required": False}} if "missing" in golden["template"] else None
    fields = {
        "template_format": "jinja2",
        "undefined": "lenient",
        "template": golden["template"],
        "variables": optional,
    }
    found = compiled({name: value for name, value in fields.items() if value is not None})
    expected = AS_PYTHON.get(golden["name"], golden["rendered"])
    assert found.render_text(golden["inputs"], ignore_extra=True) == expected
    assert expected == golden["rendered"] or golden["name"] in AS_PYTHON
