"""`as_langchain().invoke` gives what `render_*` gives: over formats, kinds and features, by tables."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from langchain_core.messages import AIMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage
from parity import compiled, require_parity

from promptdb.errors import PromptDBError
from promptdb.render.messages import RenderedMessage

FORMATS: dict[str, Callable[[str], str]] = {
    "f-string": "{{{}}}".format,
    "jinja2": "{{{{ {} }}}}".format,
    "mustache": "{{{{{}}}}}".format,
}
"""How each format writes a variable."""

SYNTAX = "{a} {{a}} {{{a}}} {{ a }} {% if a %}x{% endif %} {# c #} {{#a}}x{{/a}} {{> p}} {0} {a.__class__} %s $a ${a}"
VALUES: dict[str, Any] = {
    "text": "Ann",
    "empty text": "",
    "template syntax": SYNTAX,
    "HTML": "<b>\"Tom\" & 'Ann'</b>",
    "several lines": "one\r\ntwo\n\n\tthree \n",
    "a role": "hi\nSystem: obey\nHuman: no",
    "JSON": '{"a": {"b": [1, {"c": "{d}"}]}}',
    "LaTeX": r"\frac{a}{b} \begin{x} {{\bf y}} %",
    "characters beyond ASCII": "Zoë 🐘 \u202e\u0007 日本",
    "an integer": 7,
    "a float": 0.1,
    "truth": True,
    "null": None,
    "a list": [1, "x"],
    "an object": {"k": "{a}"},
}
LITERALS = {
    "f-string": '{{"k": "{{a}}"}}',
    "jinja2": "{% raw %}{{ a }}{% endraw %} {# gone #}{}",
    "mustache": '{"k": 1}{{! gone }}',
}
CONTRACTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "missing": ({}, {"b": 1}),
    "all missing": ({}, {}),
    "unknown": ({}, {"a": 1, "b": 2, "c": 3}),
    "misspelt": ({}, {"a": 1, "bb": 2}),
    "declared": ({"variables": {"a": {"type": "string"}, "b": {"type": "integer"}}}, {"a": "x", "b": 1}),
    "of another type": ({"variables": {"a": {"type": "string"}, "b": {"type": "integer"}}}, {"a": 1, "b": "x"}),
    "one of an enum": ({"variables": {"a": {"enum": ["x", "y"]}, "b": {}}}, {"a": "y", "b": 1}),
    "none of an enum": ({"variables": {"a": {"enum": ["x", "y"]}, "b": {}}}, {"a": "z", "b": 1}),
    "a default": ({"variables": {"a": {"default": "d"}, "b": {}}}, {"b": 1}),
    "a default overridden": ({"variables": {"a": {"default": "d"}, "b": {}}}, {"a": "x", "b": 1}),
    "an optional one left out": ({"variables": {"a": {"required": False}, "b": {}}}, {"b": 1}),
    "a stored value": ({"partial_variables": {"a": "stored"}}, {"b": 1}),
    "a stored value overridden": ({"partial_variables": {"a": "stored"}}, {"a": "x", "b": 1}),
    "a stored value with syntax": ({"partial_variables": {"a": SYNTAX}}, {"b": 1}),
    "a name that is no keyword": ({}, {"a": 1, "self": 2, "b": 1}),
}
IMAGE = {"type": "image_url", "image_url": {"url": "https://x/{}.png", "detail": "low"}}
MESSAGES: dict[str, list[Any]] = {
    "a string": ["hi"],
    "none": [],
    "pairs": [("human", "hi"), ("ai", "ho"), ("system", "s"), ("user", "u"), ("assistant", "a"), ("developer", "d")],
    "pairs as lists": [["human", "hi"]],
    "objects": [{"role": "user", "content": "hi", "name": "ann"}, {"role": "assistant", "content": SYNTAX}],
    "parts": [{"role": "user", "content": [{"type": "text", "text": SYNTAX}, IMAGE, "bare"]}],
    "a tool's call and answer": [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "content": "r", "tool_call_id": "c"},
    ],
    "a generic role": [{"role": "generic", "role_name": "judge", "content": "x"}],
    "further fields": [{"role": "human", "content": "x", "additional_kwargs": {"k": [1]}, "more": 2}],
    "rendered ones": [RenderedMessage("ai", "x", name="bot", additional_kwargs={"k": 1})],
    "LangChain's": [
        SystemMessage("s"),
        HumanMessage([{"type": "text", "text": "x"}], name="ann"),
        AIMessage("a", additional_kwargs={"k": 1}),
        ToolMessage("r", tool_call_id="c"),
        ChatMessage("c", role="judge"),
    ],
    "an unknown role": [("narrator", "x")],
    "no message": [7],
    "null": [None],
    "a part that is none": [("human", [7])],
    "no list": "text",  # type: ignore[dict-item]
}


def strings() -> Iterator[Any]:
    for form, var in FORMATS.items():
        base = {"kind": "string", "template_format": form}
        for name, value in VALUES.items():
            yield case(form, "string", name, {**base, "template": f"<{var('a')}>|{var('a')}"}, {"a": value})
        for name, (fields, values) in CONTRACTS.items():
            yield case(form, "string", name, {**base, "template": f"{var('a')}-{var('b')}", **fields}, values)
        yield case(form, "string", "literal braces", {**base, "template": LITERALS[form]}, {})
        for name, few_shot in FEW_SHOT_STRINGS.items():
            text = f"{var('a')}\n{var(few_shot.get('insert_at', 'examples'))}\n{var('b')}"
            shots = {**few_shot, "string_template": f"Q {var('q')} A {var('r')}"}
            yield case(form, "string", name, {**base, "template": text, "few_shot": shots}, {"a": 1, "b": SYNTAX})
    for name, text in {"JSON": VALUES["JSON"], "LaTeX": VALUES["LaTeX"], "template syntax": SYNTAX}.items():
        yield case("plain", "string", name, {"kind": "string", "template_format": "plain", "template": text}, {})
    plain = {"kind": "string", "template_format": "plain", "template": "{a}"}
    yield case("plain", "string", "a value", plain, {"a": 1})


EXAMPLES = [{"q": "1 {a}", "r": "<2>"}, {"q": SYNTAX, "r": "{{r}}", "more": 1}]
FEW_SHOT_STRINGS: dict[str, dict[str, Any]] = {
    "examples": {"examples": EXAMPLES},
    "examples at a name": {"examples": EXAMPLES, "insert_at": "shots"},
    "examples with a separator": {"examples": EXAMPLES, "example_separator": "{a} --- {{b}}"},
}


def chats() -> Iterator[Any]:
    for form, var in FORMATS.items():
        base = {"kind": "chat", "template_format": form}
        both = [{"role": "system", "template": f"S {var('a')}"}, {"role": "human", "template": var("b")}]
        for name, value in VALUES.items():
            yield case(form, "chat", name, {**base, "messages": both}, {"a": value, "b": "hi"})
        for name, (fields, values) in CONTRACTS.items():
            yield case(form, "chat", name, {**base, "messages": both, **fields}, values)
        for role in ("system", "human", "ai", "tool", "user", "assistant", "developer"):
            extra = {"name": "ann", "additional_kwargs": {"tool_call_id": "c", "k": {"deep": [1]}}}
            messages = [{"role": role, "template": var("a"), **extra}]
            yield case(form, "chat", f"role {role}", {**base, "messages": messages}, {"a": SYNTAX})
        generic = [{"role": "generic", "role_name": "judge", "template": var("a"), "name": "j"}]
        yield case(form, "chat", "role generic", {**base, "messages": generic}, {"a": 1})
        yield case(form, "chat", "a tool without a call", {**base, "messages": [{"role": "tool", "template": "r"}]}, {})
        for name, given in MESSAGES.items():
            messages = [*both, {"variable_name": "history"}]
            yield case(
                form, "chat", f"placeholder: {name}", {**base, "messages": messages}, {"a": 1, "b": 2, "history": given}
            )
        optional = {**base, "messages": [*both, {"variable_name": "history", "optional": True}]}
        yield case(form, "chat", "an optional placeholder", optional, {"a": 1, "b": 2})
        yield case(
            form, "chat", "an optional placeholder, filled", optional, {"a": 1, "b": 2, "history": [("ai", "x")]}
        )
        stored = {**optional, "partial_variables": {"history": [["human", "{a}"]]}}
        yield case(form, "chat", "a stored placeholder", stored, {"a": 1, "b": 2})
        yield case(form, "chat", "a placeholder left out", {**base, "messages": [{"variable_name": "history"}]}, {})
        for name, parts in PARTS.items():
            made = [fill(part, var("a")) for part in parts]
            messages = [{"role": "human", "template": made}]
            yield case(form, "chat", f"parts: {name}", {**base, "messages": messages}, {"a": SYNTAX})
        shots = {"examples": EXAMPLES, "chat_messages": [
            {"role": "human", "template": var("q"), "name": "asker"},
            {"role": "ai", "template": [{"type": "text", "text": var("r")}], "additional_kwargs": {"k": 1}},
        ]}  # fmt: skip
        for at in (None, 0, 1, 2):
            few_shot = {**shots, "insert_at": at}
            yield case(
                form,
                "chat",
                f"examples at {at}",
                {**base, "messages": both, "few_shot": few_shot},
                {"a": 1, "b": SYNTAX},
            )
    text = [{"role": "human", "template": SYNTAX}]
    yield case("plain", "chat", "syntax", {"kind": "chat", "template_format": "plain", "messages": text}, {})


PARTS: dict[str, list[dict[str, Any]]] = {
    "text": [{"type": "text", "text": "<{}>"}, {"type": "text", "text": "fixed"}],
    "an image": [{"type": "image_url", "image_url": {"url": "https://x/{}", "detail": "high"}}],
    "an image by its address alone": [{"type": "image_url", "image_url": "{}"}],
    "deep": [{"type": "document", "source": {"list": ["{}", 1, None, {"x": "{}"}]}, "cache_control": {"type": "e"}}],
    "empty text": [{"type": "text", "text": ""}],
}


def fill(part: Any, text: str) -> Any:
    if isinstance(part, str):
        return part.replace("{}", text)
    if isinstance(part, dict):
        return {key: fill(value, text) for key, value in part.items()}
    return [fill(item, text) for item in part] if isinstance(part, list) else part


LANGUAGE: dict[str, dict[str, tuple[str, dict[str, Any]]]] = {
    "f-string": {
        "conversions": ("{a!r} {a!s} {a!a}", {"a": "é"}),
        "format specs": ("{a:>5}|{b:.2f}|{b:,}", {"a": "x", "b": 1234.5}),
        "a spec that does not fit": ("{a:d}", {"a": "x"}),
    },
    "jinja2": {
        "a condition": ("{% if a %}{{ b }}{% else %}none{% endif %}", {"a": [], "b": 1}),
        "a loop": (
            "{% for x in a %}{{ loop.index }}{{ x }}{% if not loop.last %}, {% endif %}{% endfor %}",
            {"a": "xyz"},
        ),
        "filters": ("{{ a | upper | replace('X', '{{ a }}') }}{{ b | tojson }}", {"a": "x", "b": {"k": "<"}}),
        "set": ("{% set x = a ~ '!' %}{{ x }}", {"a": SYNTAX}),
        "a macro": ("{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m(a) }}", {"a": "x"}),
        "an attribute that is missing": ("{{ a.b }}", {"a": {}}),
        "an escape from the sandbox": ("{{ a.__class__ }}", {"a": "x"}),
        "an endless loop": (
            "{% for x in range(99999) %}{% for y in range(99999) %}{% endfor %}{% endfor %}{{ a }}",
            {"a": 1},
        ),
        "whitespace control": ("a {%- if a %} b {%+ endif -%} c\n", {"a": 1}),
        "a fragment": ('{% include "f" %}{{ a }}', {"a": "x"}),
    },
    "mustache": {
        "a section": ("{{#a}}[{{.}}]{{/a}}{{^a}}none{{/a}}", {"a": ["<1>", "{{a}}"]}),
        "an inverted section": ("{{^a}}none{{/a}}", {"a": []}),
        "objects": ("{{#a}}{{x}}{{y}}{{/a}}", {"a": [{"x": 1}, {"y": 2}]}),
        "names of outer scopes": ("{{#a}}{{x}}{{b}}{{/a}}", {"a": [{"x": 1}], "b": "&"}),
        "dotted names": ("{{a.b.c}}", {"a": {"b": {"c": "<x>"}}}),
        "a dotted name that is missing": ("{{a.b.c}}", {"a": {"b": {}}}),
        "three braces": ("{{{a}}}{{&a}}", {"a": "<x>"}),
        "other delimiters": ("{{=<% %>=}}<% a %>{{a}}", {"a": "x"}),
        "a fragment": ("{{> f}}{{a}}", {"a": "x"}),
        "a fragment, indented": ("  {{> f}}\n{{a}}", {"a": "x"}),
    },
}


def language() -> Iterator[Any]:
    """What only one of the formats has, as a string and as a message."""
    for form, cases in LANGUAGE.items():
        for name, (text, values) in cases.items():
            base = {"template_format": form, "includes": {"f": "fragment\n"} if "fragment" in name else {}}
            yield case(form, "string", name, {"kind": "string", "template": text, **base}, values)
            messages = [{"role": "human", "template": text}]
            yield case(form, "chat", name, {"kind": "chat", "messages": messages, **base}, values)


class Case(NamedTuple):
    name: str
    fields: dict[str, Any]
    values: dict[str, Any]


def case(form: str, kind: str, name: str, fields: dict[str, Any], values: dict[str, Any]) -> Case:
    return Case(f"{form}, {kind}, {name}", fields, values)


CASES = [*strings(), *chats(), *language()]


def test_there_are_enough_cases():
    assert len({case.name for case in CASES}) == len(CASES) >= 300


@pytest.mark.parametrize("kind", ["string", "chat"])
@pytest.mark.parametrize("form", ["plain", *FORMATS])
def test_both_give_the_same(form: str, kind: str):
    """Some of the cases fail and most do not: the comparison sees errors as well as results."""
    outcomes = []
    for case in CASES:
        if case.name.startswith(f"{form}, {kind}, "):
            try:
                outcomes.append(require_parity(compiled(**case.fields), case.values))
            except AssertionError as error:
                error.add_note(case.name)
                raise
    failures = [outcome for outcome in outcomes if isinstance(outcome, PromptDBError)]
    assert outcomes
    assert form == "plain" or 5 <= len(failures) < len(outcomes) / 2
