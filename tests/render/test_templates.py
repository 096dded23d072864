"""Where the templates of a spec are."""

from typing import Any

import pytest

from promptdb.domain.spec import PromptSpec
from promptdb.render.templates import compile_templates, map_strings, templates, used_names

CHAT: dict[str, Any] = {
    "kind": "chat",
    "messages": [
        {"role": "system", "template": "{a}"},
        {"variable_name": "history"},
        {"role": "human", "template": [{"type": "text", "text": "{b}"}, {"type": "x", "deep": [1, {"u": "{c}"}]}]},
    ],
    "few_shot": {
        "examples": [{"q": 1}],
        "chat_messages": [{"role": "human", "template": "{q}"}, {"role": "ai", "template": [{"text": "{r}"}]}],
    },
}


@pytest.mark.parametrize(
    ("data", "found"),
    [
        pytest.param({"kind": "string", "template": "{a}"}, [(("template",), "{a}")], id="a string prompt"),
        pytest.param({"kind": "string", "template": ""}, [(("template",), "")], id="an empty one"),
        pytest.param({"kind": "string"}, [], id="none"),
        pytest.param(
            {"kind": "string", "template": "a", "few_shot": {"examples": [], "string_template": "{q}"}},
            [(("template",), "a"), (("few_shot", "string_template"), "{q}")],
            id="examples of a string prompt",
        ),
        pytest.param(
            CHAT,
            [
                (("messages", 0, "template"), "{a}"),
                (("messages", 2, "template", 0, "text"), "{b}"),
                (("messages", 2, "template", 1, "deep", 1, "u"), "{c}"),
                (("few_shot", "chat_messages", 0, "template"), "{q}"),
                (("few_shot", "chat_messages", 1, "template", 0, "text"), "{r}"),
            ],
            id="a chat",
        ),
    ],
)
def test_templates(data: dict[str, Any], found: list[tuple[tuple[str | int, ...], str]]):
    assert list(templates(PromptSpec.model_validate(data)).items()) == found


def test_used_names_have_the_path_of_their_first_use_and_leave_examples_out():
    compiled, errors = compile_templates(PromptSpec.model_validate(CHAT))
    assert errors == []
    assert list(used_names(compiled).items()) == [
        ("a", ("messages", 0, "template")),
        ("b", ("messages", 2, "template", 0, "text")),
        ("c", ("messages", 2, "template", 1, "deep", 1, "u")),
    ]


def test_every_broken_template_is_told_with_its_path():
    spec = PromptSpec.model_validate(
        {"kind": "chat", "messages": [{"role": "ai", "template": text} for text in ("{", "ok", "a\n}")]}
    )
    compiled, errors = compile_templates(spec)
    assert [(path, error.line, error.column) for path, error in errors] == [
        (("messages", 0, "template"), 1, 1),
        (("messages", 2, "template"), 2, 1),
    ]
    assert list(compiled) == [("messages", 1, "template")]


def test_map_strings_leaves_types_and_other_values_alone():
    part = {"type": "t", "a": ["b", 1, None, {"c": "d", "type": "e"}]}
    mapped = map_strings(part, ("p",), lambda path, text: f"{text}@{'.'.join(map(str, path))}")
    assert mapped == {"type": "t", "a": ["b@p.a.0", 1, None, {"c": "d@p.a.3.c", "type": "e"}]}
    assert part == {"type": "t", "a": ["b", 1, None, {"c": "d", "type": "e"}]}
