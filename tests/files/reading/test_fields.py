"""Fields that do not fit: what is said, where, and what to do."""

from collections.abc import Callable
from typing import Any

import pytest

from promptdb.domain.prompt_file import PromptFile
from promptdb.domain.spec import Variable
from promptdb.files.reading.document import Document
from promptdb.files.reading.fields import declared_variables, validate_fields
from promptdb.problems import Code, Problem

OneProblem = Callable[..., Problem]


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "message", "hint"),
    [
        pytest.param(
            "tmplate: x",
            Code.UNKNOWN_FIELD,
            1,
            1,
            "unknown field 'tmplate'",
            "did you mean 'template'?",
            id="a misspelt field",
        ),
        pytest.param(
            "template: x\nmetadata: {titel: x}",
            Code.UNKNOWN_FIELD,
            2,
            12,
            "unknown field 'metadata.titel'",
            "did you mean 'title'?",
            id="a misspelt field at depth",
        ),
        pytest.param(
            "messages:\n- {role: human, tempalte: x}",
            Code.UNKNOWN_FIELD,
            2,
            17,
            "unknown field 'messages[0].tempalte'",
            "did you mean 'template'?",
            id="a misspelt field of a message",
        ),
        pytest.param(
            "messages:\n- {role: human, content: x, template: y}",
            Code.UNKNOWN_FIELD,
            2,
            17,
            "unknown field 'messages[0].content'",
            None,
            id="content for template",
        ),
        pytest.param(
            "template: '{a}'\nvariables: {a: {typ: string}}",
            Code.UNKNOWN_FIELD,
            2,
            17,
            "unknown field 'variables.a.typ'",
            "did you mean 'type'?",
            id="a misspelt field of a variable",
        ),
        pytest.param(
            "template: '{type}'\nvariables: {type: {descripton: x}}",
            Code.UNKNOWN_FIELD,
            2,
            20,
            "unknown field 'variables.type.descripton'",
            "did you mean 'description'?",
            id="a field of a variable that is named like a field",
        ),
        pytest.param(
            "template: x\nzzzz: 1",
            Code.UNKNOWN_FIELD,
            2,
            1,
            "unknown field 'zzzz'",
            "fields here: template,",
            id="nothing like it",
        ),
        pytest.param(
            "template: x\nassets: [{kind: attachment}]",
            Code.MISSING_FIELD,
            2,
            10,
            "'assets[0].path' is missing",
            None,
            id="missing",
        ),
        pytest.param(
            "template: 1", Code.WRONG_VALUE, 1, 11, "'template': expected text", 'quote it: "1"', id="a number for text"
        ),
        pytest.param(
            "template: true",
            Code.WRONG_VALUE,
            1,
            11,
            "'template': expected text",
            'quote it: "true"',
            id="a boolean for text",
        ),
        pytest.param(
            "template: x\nmetadata: {user_version: 1.0}",
            Code.WRONG_VALUE,
            2,
            26,
            "'metadata.user_version': expected text",
            "quote it",
            id="a number for a version",
        ),
        pytest.param(
            "template: '{x}'\nvariables: {x: {type: []}}",
            Code.WRONG_VALUE,
            2,
            23,
            "'variables.x.type': ",
            None,
            id="a list for a type",
        ),
        pytest.param("template: [x]", Code.WRONG_VALUE, 1, 11, "'template': expected text", None, id="a list for text"),
        pytest.param(
            "template: x\nmodel: gpt", Code.WRONG_VALUE, 2, 8, "'model': expected fields", None, id="text for fields"
        ),
        pytest.param(
            "template: x\nmetadata:\n",
            Code.WRONG_VALUE,
            2,
            10,
            "'metadata': expected fields",
            None,
            id="nothing for fields",
        ),
        pytest.param(
            "template: x\ntools: {}", Code.WRONG_VALUE, 2, 8, "'tools': expected a list", None, id="fields for a list"
        ),
        pytest.param(
            "template: x\nmetadata: {tags: a}",
            Code.WRONG_VALUE,
            2,
            18,
            "'metadata.tags': expected a list",
            None,
            id="text for a list",
        ),
        pytest.param(
            "template: '{a}'\nvariables: {a: {required: 1}}",
            Code.WRONG_VALUE,
            2,
            27,
            "'variables.a.required': expected true or false",
            None,
            id="a number for a boolean",
        ),
        pytest.param(
            "template: x\nkind: text", Code.WRONG_VALUE, 2, 7, "'kind': expected 'string' or 'chat'", None, id="kind"
        ),
        pytest.param(
            "messages: [{role: bot, template: x}]",
            Code.WRONG_VALUE,
            1,
            19,
            "'messages[0].role': expected 'system', 'human', 'ai', 'generic' or 'tool', or their other names user, assistant",
            None,
            id="role",
        ),
        pytest.param(
            "messages: [{role: human, template: 1}]",
            Code.WRONG_VALUE,
            1,
            36,
            "'messages[0].template': expected text or a list",
            'quote it: "1"',
            id="a number for a template of a message",
        ),
        pytest.param(
            "messages: [{role: human, template: [x]}]",
            Code.WRONG_VALUE,
            1,
            37,
            "'messages[0].template[0]': expected fields",
            None,
            id="text for a content part",
        ),
        pytest.param(
            "messages: [hello]",
            Code.WRONG_VALUE,
            1,
            12,
            "'messages[0]': expected fields",
            None,
            id="text for a message",
        ),
        pytest.param(
            "messages: [{role: generic, template: x}]",
            Code.WRONG_VALUE,
            1,
            12,
            "role 'generic' needs a 'role_name'",
            None,
            id="generic",
        ),
        pytest.param(
            "template: x\nvariables: {a: {default: 1, required: true}}",
            Code.WRONG_VALUE,
            2,
            16,
            "a variable with a 'default' cannot be 'required: true'",
            None,
            id="a required default",
        ),
        pytest.param(
            "template: x\nmetadata: {user_version: latest}",
            Code.WRONG_VALUE,
            2,
            26,
            "not usable as a selector",
            None,
            id="user_version",
        ),
        pytest.param(
            "template: '{examples}'\nfew_shot: {string_template: x}",
            Code.WRONG_VALUE,
            2,
            11,
            "give one of 'examples', 'examples_file' and 'examples_asset'",
            None,
            id="no examples",
        ),
        pytest.param(
            "template: '{examples}'\nfew_shot: {examples: [{q: 1}], string_template: x, insert_at: 1.5}",
            Code.WRONG_VALUE,
            2,
            63,
            "'few_shot.insert_at': expected text or a whole number",
            None,
            id="a fraction as insert_at",
        ),
        pytest.param(
            "template: x\ntests: [{name: a, expect: {equals: }}]",
            Code.WRONG_VALUE,
            2,
            27,
            "expect at least one of",
            None,
            id="an empty expectation",
        ),
        pytest.param(
            "template: x\ntests: [{name: a, expect: {equal: x}}]",
            Code.UNKNOWN_FIELD,
            2,
            28,
            "unknown field 'tests[0].expect.equal'",
            "did you mean 'equals'?",
            id="a misspelt expectation",
        ),
        pytest.param(
            "template: x\ntests: [{name: a, expect: {contains: 3}}]",
            Code.WRONG_VALUE,
            2,
            38,
            "'tests[0].expect.contains': expected text or a list",
            'quote it: "3"',
            id="a number for text or a list",
        ),
        pytest.param(
            "template: x\ntests:\n- {name: a, expect: {equals: x}}\n- {name: a, expect: {equals: x}}",
            Code.WRONG_VALUE,
            3,
            1,
            "two tests are named 'a'",
            None,
            id="two tests of one name",
        ),
    ],
)
def test_a_field_that_does_not_fit(
    parse: Callable[..., Any], text: str, code: Code, line: int, column: int, message: str, hint: str | None
):
    problem = parse("a.yaml", text + "\n").problems[0]
    assert (problem.code, problem.line, problem.column) == (code, line, column)
    assert message in problem.message
    assert hint is None or hint in (problem.hint or "")


def test_all_fields_that_do_not_fit_are_told_at_once(parse: Callable[..., Any]):
    text = "template: 1\nbogus: 2\nmodel: 3\nmetadata: {tags: 4, labels: {a: 5}}\n"
    assert [
        (p.code, p.line, p.column) for p in sorted(parse("a.yaml", text).problems, key=lambda p: (p.line, p.column))
    ] == [
        (Code.WRONG_VALUE, 1, 11),
        (Code.UNKNOWN_FIELD, 2, 1),
        (Code.WRONG_VALUE, 3, 8),
        (Code.WRONG_VALUE, 4, 18),
        (Code.WRONG_VALUE, 4, 33),
    ]


def test_the_problems_of_fields_come_in_the_order_of_the_file(parse: Callable[..., Any]):
    problems = parse("a.yaml", "bogus: 2\ntemplate: 1\nmodel: 3\n").problems
    assert [problem.line for problem in problems] == [1, 2, 3]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        pytest.param("tags: [a]\ntemplate: x\n", "tags", id="a field of metadata at the top"),
        pytest.param("template: x\nname: y\n", "name", id="a field of messages at the top"),
        pytest.param("role: system\ntemplate: x\n", "role", id="a field of front matter in YAML"),
        pytest.param(
            "template: x\ntests: [{name: a, equals: x, expect: {equals: x}}]\n",
            "equals",
            id="a field of expect in a test",
        ),
    ],
)
def test_a_suggestion_is_never_the_mistake_itself(one_problem: OneProblem, text: str, mistake: str):
    problem = one_problem("a.yaml", text)
    assert problem.code is Code.UNKNOWN_FIELD
    assert problem.hint is not None
    assert f"did you mean '{mistake}'" not in problem.hint


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("content: x\n", "did you mean 'template'?"),
        ("prompt: x\n", "did you mean 'template'?"),
        ("template: x\ninputs: {}\n", "did you mean 'variables'?"),
        ("template: x\ntags: [a]\n", "write 'metadata: {tags: [\"a\"]}'"),
        ("template: x\nowner: ann\n", "write 'metadata: {owners: [ann]}'"),
        ("template: x\nauthor: [ann]\n", "write 'metadata: {owners: [\"ann\"]}'"),
        ("template: x\nmodel_name: y\n", "did you mean 'model'?"),
        ("template: x\nmetadata: {title: Good, and short}\n", "quote a value that contains a comma"),
    ],
)
def test_what_a_field_of_another_tool_is_called_here(parse: Callable[..., Any], text: str, hint: str):
    problems = parse("a.yaml", text).problems
    assert [problem.hint for problem in problems if problem.code is Code.UNKNOWN_FIELD] == [hint]


def test_a_field_of_front_matter_is_named_as_it_was_written(one_problem: OneProblem):
    problem = one_problem("a.md", "---\nrole: bot\n---\nHi\n")
    assert (problem.line, problem.column) == (2, 7)
    assert problem.message.startswith("'role': expected 'system'")


@pytest.mark.parametrize(
    ("fields", "declared"),
    [
        pytest.param({}, None, id="nothing"),
        pytest.param({"variables": {}}, {}, id="none"),
        pytest.param({"input_variables": []}, None, id="an empty list says nothing"),
        pytest.param({"input_variables": ["a"]}, {"a": Variable()}, id="input_variables"),
        pytest.param({"optional_variables": ["a"]}, {"a": Variable(required=False)}, id="optional_variables"),
        pytest.param(
            {"input_variables": ["b"], "optional_variables": ["a"]},
            {"b": Variable(), "a": Variable(required=False)},
            id="both",
        ),
        pytest.param(
            {"input_variables": ["a", "b"], "variables": {"a": {"type": "string"}}},
            {"a": Variable(type="string"), "b": Variable()},
            id="variables win",
        ),
    ],
)
def test_declared_variables(fields: dict[str, Any], declared: dict[str, Variable] | None):
    assert declared_variables(PromptFile.model_validate(fields)) == declared


def test_only_roles_have_other_names(one_problem: OneProblem):
    assert one_problem("a.yaml", "template: x\nkind: text\n").message == "'kind': expected 'string' or 'chat'"


def test_fields_that_never_were_a_file():
    file, problems = validate_fields(Document("a/b", {"template": "x", "model": {"a": 1.0}}))
    assert problems == []
    assert file is not None
    assert (file.template, file.model) == ("x", {"a": 1})
