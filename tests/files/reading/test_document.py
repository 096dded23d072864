"""From a path in the data back to line and column, for every way in which a file can be written."""

from collections.abc import Callable

import pytest

from promptdb.domain.file_rules import TextDefaults
from promptdb.files.reading.document import Body, Document
from promptdb.files.reading.formats import read_document
from promptdb.problems import Code, Problem


def place(document: Document, path: tuple[str | int, ...], *, key: bool = False) -> tuple[str, int, int]:
    problem = document.problem(path, Code.CONTRACT, "m", "h", key=key)
    assert (problem.code, problem.message, problem.hint) == (Code.CONTRACT, "m", "h")
    return problem.path, problem.line, problem.column


def inside(
    document: Document, path: tuple[str | int, ...], line: int | None, column: int | None
) -> tuple[str, int, int]:
    problem = document.problem(path, Code.TEMPLATE_SYNTAX, "m", "h", line=line, column=column)
    assert (problem.code, problem.message[:1], problem.hint) == (Code.TEMPLATE_SYNTAX, "m", "h")
    return problem.path, problem.line, problem.column


YAML = "template: x\nmodel:\n  name: y\n  stop: [a, b]\ntools:\n- name: f\n"
JSON = (
    '{\n\t"template": "\\ud83d\\ude00", "model":\t{"name": "y",\n\t\t"stop": ["a", "b"]},\n"tools": [\n{"name": "f"}]}'
)


@pytest.mark.parametrize(
    ("suffix", "text", "path", "key", "line", "column"),
    [
        (".yaml", YAML, (), False, 1, 1),
        (".yaml", YAML, ("template",), False, 1, 11),
        (".yaml", YAML, ("template",), True, 1, 1),
        (".yaml", YAML, ("model",), False, 3, 3),
        (".yaml", YAML, ("model",), True, 2, 1),
        (".yaml", YAML, ("model", "name"), True, 3, 3),
        (".yaml", YAML, ("model", "stop", 1), False, 4, 13),
        (".yaml", YAML, ("tools", 0, "name"), False, 6, 9),
        (".yaml", YAML, ("nope",), False, 1, 1),
        (".yaml", YAML, ("model", "nope"), False, 3, 3),
        (".json", JSON, ("template",), False, 2, 14),
        (".json", JSON, ("model",), True, 2, 30),
        (".json", JSON, ("model", "stop", 1), False, 3, 17),
        (".json", JSON, ("tools", 0, "name"), False, 5, 10),
        (".md", "---\nmodel:\n  name: y\n---\nbody\n", ("model", "name"), False, 3, 9),
        (".md", "---\n\n# c\nmodel: {}\n---\nbody\n", ("model",), True, 4, 1),
        (".md", "---\nmodel: {}\n---\n\n\nbody\n", ("template",), False, 6, 1),
        (".md", "body\n", ("template",), False, 1, 1),
        (".md", "\n\nbody\n", ("template",), False, 3, 1),
        (".md", "---\nrole: system\nname: n\n---\nbody\n", ("messages", 0, "role"), False, 2, 7),
        (".md", "---\nrole: system\nname: n\n---\nbody\n", ("messages", 0, "name"), True, 3, 1),
        (".md", "---\nrole: system\n---\nbody\n", ("messages", 0, "template"), False, 4, 1),
        (".yaml", "a: &x {b: 1}\nc: *x\n", ("c", "b"), False, 1, 11),
        (".yaml", "é€😀: 1\nb: {é: ü, c: 2}\n", ("b", "c"), False, 2, 14),
        (".yaml", "\ufefftemplate: x\n", ("template",), True, 1, 1),
        (".yaml", "a: 1\r\nb: 2\r\n", ("b",), False, 2, 4),
    ],
)
def test_the_place_of_a_value_or_its_key(
    suffix: str, text: str, path: tuple[str | int, ...], key: bool, line: int, column: int
):
    document = read_document("a" + suffix, suffix, text.encode(), TextDefaults())
    assert place(document, path, key=key) == ("a" + suffix, line, column)


BLOCK = "model: {}\ntemplate: |  # why\n  one\n    two\n\n  three\n"


@pytest.mark.parametrize(
    ("suffix", "text", "line", "column", "expected"),
    [
        pytest.param(".yaml", BLOCK, 1, 1, (3, 3), id="block, first line"),
        pytest.param(".yaml", BLOCK, 2, 4, (4, 6), id="block, an indented line"),
        pytest.param(".yaml", BLOCK, 4, 2, (6, 4), id="block, behind an empty line"),
        pytest.param(".yaml", BLOCK, 2, None, (4, 3), id="block, no column"),
        pytest.param(".yaml", BLOCK, None, None, (2, 11), id="block, no line"),
        pytest.param(".yaml", BLOCK, 99, 1, (2, 11), id="block, a line that is not there"),
        pytest.param(".yaml", "template: |2-\n    one\n  two\n", 1, 3, (2, 5), id="block with a given indentation"),
        pytest.param(".yaml", "template: |\n\n\n  one\n", 3, 1, (4, 3), id="block that starts with empty lines"),
        pytest.param(".yaml", "template: |\n  é😀x\n", 1, 3, (2, 5), id="block, columns count characters"),
        pytest.param(".yaml", "template:\n  |\n  one\n", 1, 1, (3, 3), id="block on a line of its own"),
        pytest.param(".yaml", "template: >\n  one\n  two\n", 1, 5, (1, 11), id="folded"),
        pytest.param(".yaml", 'template: "one\\ntwo"\n', 2, 1, (1, 11), id="in quotes"),
        pytest.param(".yaml", "template: one\n", 1, 3, (1, 11), id="plain"),
        pytest.param(".json", '{"template": "one\\ntwo"}', 2, 1, (1, 14), id="JSON"),
        pytest.param(".md", "one\ntwo\n", 2, 3, (2, 3), id="text"),
        pytest.param(".md", "\n\none\n", 1, 2, (3, 2), id="text behind empty lines"),
        pytest.param(".md", "---\nmodel: {}\n---\n\none\ntwo\n", 2, 2, (6, 2), id="text behind front matter"),
        pytest.param(".md", "---\nmodel: {}\n---\none\n", None, None, (4, 1), id="text, no line"),
        pytest.param(".md", "---\ntemplate: |\n  one\n---\n", 1, 2, (3, 4), id="a block in front matter"),
        pytest.param(".md", "one\r\ntwo\r\n", 2, 3, (2, 3), id="CRLF"),
    ],
)
def test_a_place_inside_a_template(
    suffix: str, text: str, line: int | None, column: int | None, expected: tuple[int, int]
):
    document = read_document("a" + suffix, suffix, text.encode(), TextDefaults())
    assert inside(document, ("template",), line, column) == ("a" + suffix, *expected)


@pytest.mark.parametrize(
    ("suffix", "text", "message"),
    [
        (".yaml", "template: >\n  one\n\n  two\n", "x (line 2 of the text)"),
        (".yaml", 'template: "one\\ntwo"\n', "x (line 2 of the text)"),
        (".json", '{"template": "one\\ntwo"}', "x (line 2 of the text)"),
        (".yaml", "template: |\n  one\n  two\n", "x"),
        (".yaml", "template: one\n", "x"),
        (".md", "one\ntwo\n", "x"),
    ],
)
def test_a_line_that_has_no_place_in_the_file_is_in_the_message(suffix: str, text: str, message: str):
    document = read_document("a" + suffix, suffix, text.encode(), TextDefaults())
    assert document.problem(("template",), Code.TEMPLATE_SYNTAX, "x", line=2).message == message


def test_a_place_in_another_file():
    document = Document("a.yaml", {}, "template_file: b.md\n", bodies={("template",): Body("b.md", 3)})
    assert inside(document, ("template",), 2, 5) == ("b.md", 4, 5)
    assert place(document, ("template",)) == ("b.md", 3, 1)


def test_a_document_that_was_never_a_file():
    document = Document("support/triage", {"template": "x"})
    assert place(document, ("template",)) == ("support/triage", 1, 1)
    assert inside(document, ("template",), 1, 1) == ("support/triage", 1, 1)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        pytest.param(
            "messages:\n- role: human\n  template:\n  - type: text\n    text: |\n      a\n       {\n", 7, 8, id="block"
        ),
        pytest.param("messages:\n- {role: human, template: [{type: text, text: 'a {'}]}\n", 2, 47, id="flow"),
    ],
)
def test_a_place_inside_a_content_part(one_problem: Callable[..., Problem], text: str, line: int, column: int):
    problem = one_problem("a.yaml", text)
    assert (problem.code, problem.line, problem.column) == (Code.TEMPLATE_SYNTAX, line, column)
