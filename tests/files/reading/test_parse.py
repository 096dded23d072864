"""One prompt file -> one spec, whatever form the file has."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptdb.domain.file_rules import TextDefaults
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.spec import Message, Placeholder, PromptSpec, Variable
from promptdb.domain.suffixes import SUFFIXES
from promptdb.files.reading.document import Document
from promptdb.files.reading.parse import ParsedPrompt, ParseResult, parse_document, parse_file
from promptdb.files.tree import WorkTree
from promptdb.problems import Code, Problem
from promptdb.render.compiled import CompiledPrompt

Parse = Callable[..., ParseResult]


def parsed(result: ParseResult) -> ParsedPrompt:
    assert result.prompt is not None, list(map(str, result.problems))
    return result.prompt


@pytest.mark.parametrize(
    ("path", "text", "fields"),
    [
        pytest.param("a.yaml", "template: Hi {x}\n", {"kind": "string", "template": "Hi {x}"}, id="yaml"),
        pytest.param("a.json", '{"template": "Hi {x}"}', {"kind": "string", "template": "Hi {x}"}, id="json"),
        pytest.param("a.md", "Hi {x}\n", {"kind": "string", "template": "Hi {x}"}, id="md"),
        pytest.param("a.MD", "Hi {x}\n", {"kind": "string", "template": "Hi {x}"}, id="an upper-case suffix"),
        pytest.param(
            "a.j2", "Hi {{ x }}\n", {"kind": "string", "template": "Hi {{ x }}", "template_format": "jinja2"}, id="j2"
        ),
        pytest.param(
            "a.mustache",
            "Hi {{x}}",
            {"kind": "string", "template": "Hi {{x}}", "template_format": "mustache"},
            id="mustache",
        ),
        pytest.param(
            "a.yaml",
            "messages:\n- {role: user, template: Hi}\n- {variable_name: h}\n",
            {"kind": "chat", "messages": [Message(role="human", template="Hi"), Placeholder(variable_name="h")]},
            id="messages mean a chat",
        ),
        pytest.param(
            "a.md",
            "---\nrole: system\n---\nBe kind.\n",
            {"kind": "chat", "messages": [Message(role="system", template="Be kind.")], "template": None},
            id="role in front matter means a chat",
        ),
        pytest.param("a.yaml", "kind: string\ntemplate: x\n", {"kind": "string"}, id="kind spelled out"),
        pytest.param(
            "a.yaml",
            "template: '{a}{b}'\ninput_variables: [a]\noptional_variables: [b]\n",
            {"variables": {"a": Variable(), "b": Variable(required=False)}},
            id="shorthand for variables",
        ),
        pytest.param("a.yaml", "template: '{a}'\n", {"variables": None}, id="nothing declared"),
        pytest.param(
            "a.yaml", "template: '{a}'\nmodel: {t: 1.0}\n", {"model": {"t": 1}}, id="a float without a fraction"
        ),
        pytest.param(
            "a.yaml",
            "template: x\nmetadata: {labels: {no: 'on'}}\n",
            {"metadata": {"labels": {"no": "on"}}},
            id="YAML 1.2",
        ),
    ],
)
def test_the_spec_of_a_file(parse: Parse, path: str, text: str, fields: dict[str, Any]):
    spec = parsed(parse(path, text)).spec
    assert type(spec) is PromptSpec
    expected = PromptSpec.model_validate(
        {**spec.model_dump(), **{name: _plain(value) for name, value in fields.items()}}
    )
    assert spec == expected
    assert PromptSpec.from_canonical(spec.canonical()) == spec


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [item.model_dump() if hasattr(item, "model_dump") else item for item in value]
    if isinstance(value, dict):
        return {key: item.model_dump() if hasattr(item, "model_dump") else item for key, item in value.items()}
    return value


@pytest.mark.parametrize(
    ("text_format", "rendered"), [("f-string", "f-string"), ("plain", "plain"), ("jinja2", "jinja2")]
)
def test_the_configured_format_is_that_of_text_files_only(parse: Parse, text_format: str, rendered: str):
    assert parsed(parse("a.md", "Hi", text_format=text_format)).spec.template_format == rendered
    assert parsed(parse("a.yaml", "template: Hi", text_format=text_format)).spec.template_format == "f-string"
    assert parsed(parse("a.mustache", "Hi", text_format=text_format)).spec.template_format == "mustache"


def test_earlier_names(parse: Parse):
    result = parse("s/a.yaml", "template: x\nrenamed_from: [s/b, c]\n")
    assert parsed(result).renamed_from == (PromptId("s", "b"), PromptId("default", "c"))


@pytest.mark.parametrize("path", ["s/a.yaml", "a.yaml"])
def test_a_prompt_is_not_renamed_from_itself(one_problem: Callable[..., Problem], path: str):
    name = path.removesuffix(".yaml")
    problem = one_problem(path, f"template: x\nrenamed_from: [other, {name}]\n")
    assert (problem.code, problem.line, problem.column) == (Code.RENAME, 2, 23)
    assert problem.message == f"'{name}' is this prompt itself"


def test_golden_tests_are_no_part_of_the_spec(parse: Parse):
    text = "template: Hi {x}\n"
    tests = "tests:\n- {name: greets, variables: {x: Ann}, expect: {equals: Hi Ann}}\n"
    with_tests, without = parsed(parse("a.yaml", text + tests)), parsed(parse("b.yaml", text))
    assert [test.name for test in with_tests.tests] == ["greets"]
    assert with_tests.spec.digest() == without.spec.digest()


@pytest.mark.parametrize(
    "more",
    [
        pytest.param("# a comment\n", id="a comment"),
        pytest.param("renamed_from: [s/b]\n", id="an earlier name"),
        pytest.param("kind: string\n", id="the kind that it has anyway"),
        pytest.param("metadata: {}\n", id="empty metadata"),
        pytest.param("variables:\n", id="no variables"),
    ],
)
def test_what_makes_no_other_version(parse: Parse, more: str):
    text = "template: Hi\n"
    assert parsed(parse("a.yaml", text + more)).spec.digest() == parsed(parse("x/b.yaml", text)).spec.digest()


def test_a_warning_comes_along_with_the_prompt(parse: Parse):
    result = parse("a.yaml", "template: x\nvariables:\n  a: {}\n")
    assert parsed(result).spec.template == "x"
    [problem] = result.problems
    assert (problem.code, problem.line, problem.column, problem.is_error) == (Code.UNUSED_VARIABLE, 3, 3, False)


def test_an_error_leaves_no_prompt(parse: Parse):
    assert parse("a.yaml", "template: '{'\n").prompt is None


def test_problems_are_in_the_order_of_the_file(parse: Parse):
    text = "variables:\n  b: {type: string, default: 1}\ntemplate: '{'\nrenamed_from: [a b]\n"
    assert [(p.line, p.code) for p in parse("a.yaml", text).problems] == [
        (2, Code.CONTRACT),
        (3, Code.TEMPLATE_SYNTAX),
        (4, Code.BAD_NAME),
    ]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        pytest.param(
            "template: '{'\nassets: [{path: nope.csv}]\n",
            [Code.TEMPLATE_SYNTAX, Code.FILE_MISSING],
            id="a broken template and a missing file",
        ),
        pytest.param(
            "template: '{a}'\nvariables: {}\nassets: [{path: nope.csv}]\n",
            [Code.UNDECLARED_VARIABLE, Code.FILE_MISSING],
            id="an undeclared variable and a missing file",
        ),
        pytest.param(
            "template: '{'\nbogus: 1\n",
            [Code.TEMPLATE_SYNTAX, Code.UNKNOWN_FIELD],
            id="a broken template and an unknown field",
        ),
        pytest.param(
            "template: x\nmodel: {a: 1, a: 2}\nbogus: 1\n",
            [Code.DUPLICATE_KEY, Code.UNKNOWN_FIELD],
            id="a duplicate key and an unknown field",
        ),
    ],
)
def test_every_problem_of_a_file_is_told_in_one_run(parse: Parse, text: str, codes: list[Code]):
    assert [problem.code for problem in parse("a.yaml", text).problems] == codes


PIECES = [
    "template: ", "messages:\n", "- role: human\n", "  template: ", "variables: {", "a: {type: string",
    "default: 1", "few_shot: {", "examples: [", "string_template: ", "tests:\n- name: t\n  expect: {",
    "equals: ", "partial_variables: ", "template_format: ", "jinja2", "mustache", "plain", "kind: chat",
    "kind: string", "metadata: ", "renamed_from: [", "assets: [{path: ", "x", "{x}", "{{x}}", "{{#x}}",
    "{{/x}}", "{% if x %}", "{% endif %}", "{% include 'x' %}", "---\n", "\n", "  ", "- ", ": ", ", ", "}",
    "]", "'", '"', "|\n  ", ">\n  ", "&a ", "*a", "!t ", "# ", "null", "1e999", "\t", "\u2028", "\x00",
    "\xe9", '{"template": "', '"}', "\\u0000",
]  # fmt: skip
"""What prompt files are made of, to be put together at random."""


@given(
    st.sampled_from(sorted(SUFFIXES)),
    st.lists(st.sampled_from(PIECES), max_size=25).map("".join) | st.text(max_size=40),
)
@pytest.mark.slow
def test_any_text_is_a_prompt_or_has_problems_that_lie_inside_it(suffix: str, text: str):
    result = parse_file("a" + suffix, text.encode(errors="replace"), WorkTree(Path("/nonexistent")), TextDefaults())
    assert (result.prompt is None) is any(problem.is_error for problem in result.problems)
    for problem in result.problems:
        assert problem.path == "a" + suffix
        assert 1 <= problem.line <= text.count("\n") + 2  # libyaml tells of the end in the line behind
        assert problem.column >= 1
        assert problem.message
    if result.prompt is not None:
        assert PromptSpec.from_canonical(result.prompt.spec.canonical()) == result.prompt.spec


@given(st.sampled_from(sorted(SUFFIXES)), st.binary(max_size=60))
def test_any_bytes_are_a_prompt_or_have_problems(suffix: str, data: bytes):
    result = parse_file("a" + suffix, data, WorkTree(Path("/nonexistent")), TextDefaults())
    assert (result.prompt is None) is any(problem.is_error for problem in result.problems)


def test_fields_that_never_were_a_file(tmp_path: Any):
    result = parse_document(Document("support/triage", {"template": "Hi {x}"}), WorkTree(tmp_path))
    assert parsed(result).spec == PromptSpec(kind="string", template="Hi {x}")


def test_bytes_that_are_no_file(tmp_path: Any):
    result = parse_file("a.yaml", b"\xff", WorkTree(tmp_path), TextDefaults())
    assert [str(problem) for problem in result.problems] == ["a.yaml:1:1: PDB102 not UTF-8"]


def test_what_is_not_in_any_other_file_reads_nothing(parse: Parse):
    prompt = parsed(parse("a.yaml", "template: x\n"))
    assert (prompt.reads, prompt.stored) == ({}, {})


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "template_format: jinja2\n"
            "template: '{% for key in o %}{{ key }}{% endfor %}'\n"
            "partial_variables: {o: {b: 1, a: 2}}\n",
            id="a stored value",
        ),
        pytest.param("template: '{o}'\nvariables: {o: {default: {b: 1, a: 2}}}\n", id="a default"),
        pytest.param(
            "template: '{examples}'\nfew_shot: {string_template: '{o}', examples: [{o: {b: 1, a: 2}}]}\n",
            id="an example",
        ),
    ],
)
def test_a_prompt_renders_from_its_file_as_it_does_from_the_store(parse: Parse, text: str):
    """The order of keys is no part of a version, so it cannot show in what the version renders."""
    spec = parsed(parse("a.yaml", text)).spec
    stored = PromptSpec.from_canonical(spec.canonical())
    assert CompiledPrompt(spec).render_text({}) == CompiledPrompt(stored).render_text({})
