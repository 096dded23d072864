"""What must hold between the fields of a spec, each finding at its path."""

from typing import Any

import pytest

from promptdb.domain.spec import PromptSpec
from promptdb.problems import Code
from promptdb.render.validation import SpecProblem, validate_spec

HUMAN = {"role": "human", "template": "x"}
STRING_SHOTS = {"examples": [{"q": "1"}], "string_template": "{q}"}
CHAT_SHOTS = {"examples": [{"q": "1"}], "chat_messages": [{"role": "human", "template": "{q}"}]}


def findings(**fields: Any) -> list[SpecProblem]:
    kind = "chat" if "messages" in fields else "string"
    return validate_spec(PromptSpec.model_validate({"kind": kind, **fields}))[0]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"template": "x"}, id="a text"),
        pytest.param({"template": "{a}"}, id="inferred variables"),
        pytest.param({"template": "{a}", "variables": {"a": {}}}, id="declared variables"),
        pytest.param({"template": "{a}", "variables": {}, "partial_variables": {"a": 1}}, id="a stored value declares"),
        pytest.param({"messages": [HUMAN]}, id="a chat"),
        pytest.param({"messages": [{"variable_name": "h"}], "variables": {}}, id="a placeholder declares"),
        pytest.param(
            {"messages": [{"variable_name": "h"}], "variables": {"h": {"type": "messages"}}},
            id="a declared placeholder",
        ),
        pytest.param(
            {"messages": [{"variable_name": "h"}], "variables": {"h": {}}}, id="a placeholder declared without type"
        ),
        pytest.param({"template": "{examples}", "few_shot": STRING_SHOTS}, id="examples in a string prompt"),
        pytest.param(
            {"template": "{examples}", "few_shot": STRING_SHOTS, "variables": {}}, id="examples need no declaration"
        ),
        pytest.param(
            {"template": "{s}", "few_shot": {**STRING_SHOTS, "insert_at": "s"}}, id="examples at another name"
        ),
        pytest.param({"messages": [HUMAN], "few_shot": CHAT_SHOTS}, id="examples in a chat"),
        pytest.param({"messages": [HUMAN], "few_shot": {**CHAT_SHOTS, "insert_at": 1}}, id="examples at the end"),
        pytest.param({"template": "{", "template_format": "plain"}, id="braces in plain text"),
        pytest.param(
            {"template": "{{#a}}{{b}}{{/a}}", "template_format": "mustache", "variables": {"a": {}, "b": {}}},
            id="a declared name that a section mentions",
        ),
        pytest.param(
            {"template": "{{#a}}{{b}}{{/a}}", "template_format": "mustache", "variables": {"a": {}}},
            id="a name that belongs to the items of a section",
        ),
        pytest.param(
            {
                "template": "{% include '_a.md' %}",
                "template_format": "jinja2",
                "includes": {"_a.md": "{{ x }}"},
                "variables": {"x": {}},
            },
            id="a variable used in a fragment",
        ),
        pytest.param({"template": "{{a}} {b}"}, id="literal braces beside a variable"),
    ],
)
def test_nothing_is_wrong_with(fields: dict[str, Any]):
    assert findings(**fields) == []


@pytest.mark.parametrize(
    ("fields", "code", "path", "message"),
    [
        pytest.param({}, Code.MISSING_FIELD, (), "a string prompt needs a 'template'", id="no template"),
        pytest.param({"messages": []}, Code.MISSING_FIELD, (), "a chat prompt needs 'messages'", id="no messages"),
        pytest.param(
            {"kind": "string", "template": "x", "messages": [HUMAN]},
            Code.CONFLICTING_FIELDS,
            ("messages",),
            "a string prompt cannot have 'messages'",
            id="messages in a string prompt",
        ),
        pytest.param(
            {"template": "x", "messages": [HUMAN]},
            Code.CONFLICTING_FIELDS,
            ("template",),
            "a chat prompt cannot have a 'template' of its own",
            id="template in a chat",
        ),
        pytest.param({"template": ""}, Code.EMPTY_TEMPLATE, ("template",), "the template is empty", id="empty"),
        pytest.param({"template": " \n"}, Code.EMPTY_TEMPLATE, ("template",), "the template is empty", id="blank"),
        pytest.param(
            {"messages": [HUMAN, {"role": "ai", "template": ""}]},
            Code.EMPTY_TEMPLATE,
            ("messages", 1, "template"),
            "the template is empty",
            id="an empty message",
        ),
        pytest.param(
            {"template": "{{name}}"},
            Code.LITERAL_NAME,
            ("template",),
            "{{name}} is not a variable in an f-string, but literal text",
            id="mustache in an f-string",
        ),
        pytest.param(
            {"template": "x", "few_shot": {"examples": [{"q": 1}]}},
            Code.MISSING_FIELD,
            ("few_shot",),
            "few_shot of a string prompt needs 'string_template'",
            id="few_shot without a template",
        ),
        pytest.param(
            {"messages": [HUMAN], "few_shot": {"examples": [{"q": 1}], "chat_messages": []}},
            Code.MISSING_FIELD,
            ("few_shot",),
            "few_shot of a chat prompt needs 'chat_messages'",
            id="few_shot of a chat without messages",
        ),
        pytest.param(
            {"template": "{examples}", "few_shot": {**STRING_SHOTS, **CHAT_SHOTS}},
            Code.CONFLICTING_FIELDS,
            ("few_shot", "chat_messages"),
            "few_shot of a string prompt cannot have 'chat_messages'",
            id="chat_messages in a string prompt",
        ),
        pytest.param(
            {"template": "{examples}", "few_shot": {**STRING_SHOTS, "insert_at": 0}},
            Code.FEW_SHOT,
            ("few_shot", "insert_at"),
            "must be the name of a variable",
            id="an index in a string prompt",
        ),
        pytest.param(
            {"messages": [HUMAN], "few_shot": {**CHAT_SHOTS, "insert_at": "x"}},
            Code.FEW_SHOT,
            ("few_shot", "insert_at"),
            "must be an index of 'messages'",
            id="a name in a chat",
        ),
        pytest.param(
            {"messages": [HUMAN], "few_shot": {**CHAT_SHOTS, "insert_at": 2}},
            Code.FEW_SHOT,
            ("few_shot", "insert_at"),
            "insert_at is not between 0 and 1",
            id="an index beyond the messages",
        ),
        pytest.param(
            {"messages": [HUMAN], "few_shot": {**CHAT_SHOTS, "insert_at": -1}},
            Code.FEW_SHOT,
            ("few_shot", "insert_at"),
            "insert_at is not between 0 and 1",
            id="a negative index",
        ),
        pytest.param(
            {"template": "{examples}", "few_shot": {**STRING_SHOTS, "examples": []}},
            Code.FEW_SHOT,
            ("few_shot",),
            "few_shot has no examples",
            id="no examples",
        ),
        pytest.param(
            {"template": "x", "few_shot": STRING_SHOTS},
            Code.FEW_SHOT,
            ("few_shot",),
            "the template does not use 'examples'",
            id="examples that are not used",
        ),
        pytest.param(
            {"template": "{examples}", "few_shot": {**STRING_SHOTS, "examples": [{"q": 1}, {"a": 1}]}},
            Code.FEW_SHOT,
            ("few_shot", "examples", 1),
            "example 2 has no value for q",
            id="an example without a value",
        ),
        pytest.param(
            {"template": "{examples}", "few_shot": {"examples": [{"q": "x"}], "string_template": "{q:.2f}"}},
            Code.FEW_SHOT,
            ("few_shot", "examples", 0),
            "example 1 does not render: a value does not fit '{",
            id="an example that does not render",
        ),
        pytest.param(
            {"template": "{examples}", "few_shot": STRING_SHOTS, "variables": {"examples": {}}},
            Code.CONTRACT,
            ("few_shot",),
            "'examples' is filled by few_shot and cannot be declared",
            id="declared examples",
        ),
        pytest.param(
            {"template": "{a}", "variables": {"a": {"type": "string", "default": 1}}},
            Code.CONTRACT,
            ("variables", "a", "default"),
            "default of 'a': expected string, got integer",
            id="default of another type",
        ),
        pytest.param(
            {"template": "{a}", "variables": {"a": {"default": "z", "enum": ["x", "y"]}}},
            Code.CONTRACT,
            ("variables", "a", "default"),
            "default of 'a': not one of 'x', 'y'",
            id="default outside the enum",
        ),
        pytest.param(
            {"template": "{a}", "variables": {"a": {"type": "integer", "enum": [1, "2"]}}},
            Code.CONTRACT,
            ("variables", "a", "enum", 1),
            "enum of 'a': expected integer, got string",
            id="enum of another type",
        ),
        pytest.param(
            {"template": "{a}", "variables": {"a": {"type": "string"}}, "partial_variables": {"a": 1}},
            Code.CONTRACT,
            ("partial_variables", "a"),
            "partial variable 'a': expected string, got integer",
            id="stored value of another type",
        ),
        pytest.param(
            {"messages": [{"variable_name": "h"}], "variables": {"h": {"type": "string"}}},
            Code.CONTRACT,
            ("variables", "h"),
            "'h' is a placeholder for messages, but declared as string",
            id="placeholder declared as text",
        ),
        pytest.param(
            {"messages": [{"variable_name": "h"}, {"role": "human", "template": "{h}"}]},
            Code.CONTRACT,
            ("messages", 0),
            "'h' is both a placeholder and used as text",
            id="placeholder used as text",
        ),
        pytest.param(
            {"messages": [{"variable_name": "h"}], "partial_variables": {"h": "text"}},
            Code.CONTRACT,
            ("partial_variables", "h"),
            "expected messages, got string",
            id="stored text for a placeholder",
        ),
        pytest.param(
            {"template": "x", "variables": {"a": {}}},
            Code.UNUSED_VARIABLE,
            ("variables", "a"),
            "the variable 'a' is declared but not used",
            id="unused",
        ),
        pytest.param(
            {"template": "x", "partial_variables": {"a": 1}},
            Code.UNUSED_VARIABLE,
            ("partial_variables", "a"),
            "the variable 'a' is declared but not used",
            id="unused stored value",
        ),
        pytest.param(
            {"template": "{examples}", "few_shot": STRING_SHOTS, "variables": {"q": {}}},
            Code.UNUSED_VARIABLE,
            ("variables", "q"),
            "the variable 'q' is declared but not used",
            id="used by examples only",
        ),
        pytest.param(
            {"template": "{% include '_a.md' %}", "template_format": "jinja2", "includes": {}},
            Code.INCLUDE,
            ("template",),
            "_a.md",
            id="a fragment that is not there",
        ),
    ],
)
def test_one_finding(fields: dict[str, Any], code: Code, path: tuple[str | int, ...], message: str):
    [finding] = findings(**fields)
    assert (finding.code, finding.path) == (code, path)
    assert message in finding.message


@pytest.mark.parametrize(
    ("fields", "path", "line", "column"),
    [
        pytest.param({"template": "a {b} {c}", "variables": {"b": {}}}, ("template",), 1, 8, id="first line"),
        pytest.param({"template": "a\n  {c!r:>3}", "variables": {}}, ("template",), 2, 4, id="second line"),
        pytest.param({"template": "{cc} {c}", "variables": {"cc": {}}}, ("template",), 1, 7, id="behind a longer name"),
        pytest.param(
            {"template": "{{c}} {c}", "variables": {}}, ("template",), 1, 8, id="behind a literal of that name"
        ),
        pytest.param(
            {"template": "c {% if b and c %}{% endif %}", "template_format": "jinja2", "variables": {"b": {}}},
            ("template",),
            1,
            15,
            id="in a condition",
        ),
        pytest.param(
            {"template": "{# c #}\n{{ c }}", "template_format": "jinja2", "variables": {}},
            ("template",),
            2,
            4,
            id="behind a comment of that name",
        ),
        pytest.param(
            {"template": "{{b}}\n{{#c}}{{/c}}", "template_format": "mustache", "variables": {"b": {}}},
            ("template",),
            2,
            4,
            id="a section",
        ),
        pytest.param(
            {"messages": [HUMAN, {"role": "ai", "template": [{"type": "text", "text": "\n{c}"}]}], "variables": {}},
            ("messages", 1, "template", 0, "text"),
            2,
            2,
            id="in a content part",
        ),
    ],
)
def test_an_undeclared_variable_is_told_where_it_is_used(
    fields: dict[str, Any], path: tuple[str | int, ...], line: int, column: int
):
    [finding] = findings(**fields)
    assert (finding.code, finding.path, finding.line, finding.column) == (Code.UNDECLARED_VARIABLE, path, line, column)
    assert finding.message == "the variable 'c' is used but not declared"


def test_an_undeclared_variable_of_a_fragment_names_the_fragment():
    [finding] = findings(
        template="{% include '_a.md' %}", template_format="jinja2", includes={"_a.md": "{{ c }}"}, variables={}
    )
    assert (finding.code, finding.path) == (Code.UNDECLARED_VARIABLE, ("template",))
    assert finding.message == "the variable 'c' is used but not declared, in the fragment _a.md"


@pytest.mark.parametrize(
    ("declared", "hint"),
    [
        ({"company": {}}, "did you mean 'company'?"),
        ({}, "add 'compnay' to 'variables'"),
    ],
)
def test_the_hint_for_an_undeclared_variable(declared: dict[str, Any], hint: str):
    found = findings(template="{compnay}", variables=declared)
    assert [finding.hint for finding in found if finding.code is Code.UNDECLARED_VARIABLE] == [hint]


def test_a_broken_template_has_line_and_column():
    [finding] = findings(template="a\n {")
    assert (finding.code, finding.path, finding.line, finding.column) == (Code.TEMPLATE_SYNTAX, ("template",), 2, 2)


def test_all_broken_templates_and_values_are_told_at_once():
    found = findings(
        messages=[{"role": "human", "template": "{"}, {"role": "ai", "template": "}"}],
        variables={"a": {"type": "string", "default": 1}},
    )
    assert [finding.path for finding in found] == [
        ("messages", 0, "template"),
        ("messages", 1, "template"),
        ("variables", "a", "default"),
    ]


def test_several_undeclared_variables_are_told_each():
    found = findings(template="{a} {b}", variables={"c": {}})
    assert [(finding.code, finding.message.split("'")[1]) for finding in found] == [
        (Code.UNDECLARED_VARIABLE, "a"),
        (Code.UNDECLARED_VARIABLE, "b"),
        (Code.UNUSED_VARIABLE, "c"),
    ]


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        pytest.param({"kind": "string", "template": "x", "messages": [HUMAN]}, True, id="a field too many"),
        pytest.param(
            {"template": "{examples}", "few_shot": {**STRING_SHOTS, **CHAT_SHOTS}}, True, id="one of few_shot"
        ),
        pytest.param({"template": "x", "variables": {"a": {}}}, True, id="an unused variable"),
        pytest.param({"template": "x", "partial_variables": {"a": 1}}, True, id="an unused stored value"),
        pytest.param(
            {"template": "{a}", "variables": {"a": {"type": "string", "default": 1}}}, False, id="a bad value"
        ),
        pytest.param({"template": "{"}, False, id="a bad template"),
    ],
)
def test_the_key_is_meant_where_a_field_should_not_be_there(fields: dict[str, Any], key: bool):
    [finding] = findings(**fields)
    assert finding.key is key
