"""Bytes of a file -> data: encoding, suffixes, front matter, files of examples."""

import json
from typing import Any

import pytest

from promptdb.domain.file_rules import TextDefaults
from promptdb.domain.spec import TemplateFormat
from promptdb.domain.suffixes import file_suffix
from promptdb.files.findings import FileProblem, Unreadable
from promptdb.files.reading.formats import decode, read_document, read_examples, text_body
from promptdb.problems import Code


def findings(error: pytest.ExceptionInfo[Unreadable]) -> list[tuple[Code, int, int]]:
    return [(finding.code, finding.line, finding.column) for finding in error.value.findings]


@pytest.mark.parametrize(
    ("path", "suffix"),
    [
        ("a/b.yaml", ".yaml"),
        ("a/b.YAML", ".yaml"),
        ("a.b/c", ""),
        ("a.b.md", ".md"),
        (".yaml", ""),
        ("a/.yaml", ""),
        ("a.", "."),
        ("", ""),
    ],
)
def test_file_suffix(path: str, suffix: str):
    assert file_suffix(path) == suffix


@pytest.mark.parametrize(
    ("data", "text"),
    [
        pytest.param(b"", "", id="nothing"),
        pytest.param("é😀".encode(), "é😀", id="UTF-8"),
        pytest.param(b"\xef\xbb\xbfa", "a", id="byte order mark"),
        pytest.param(b"\xef\xbb\xbf\xef\xbb\xbfa", "\ufeffa", id="a second one is text"),
        pytest.param(b"a\r\nb\r\n", "a\nb\n", id="CRLF"),
        pytest.param(b"a\rb\n\r", "a\rb\n\r", id="a carriage return alone"),
        pytest.param(b"a\r\r\nb", "a\r\nb", id="a carriage return before CRLF"),
    ],
)
def test_decode(data: bytes, text: str):
    assert decode(data) == text


@pytest.mark.parametrize(
    ("data", "code", "line", "column"),
    [
        pytest.param(b"\xff", Code.NOT_UTF8, 1, 1, id="Latin-1"),
        pytest.param(b"ab\ncd\xe9e", Code.NOT_UTF8, 2, 3, id="on the second line"),
        pytest.param("é€😀".encode() + b"\xff", Code.NOT_UTF8, 1, 4, id="columns count characters"),
        pytest.param("a\r\nb".encode("utf-16"), Code.NOT_UTF8, 1, 1, id="UTF-16"),
        pytest.param(b"\xef\xbb\xbfab\n\xff", Code.NOT_UTF8, 2, 1, id="behind a byte order mark"),
        pytest.param(b"a\xed\xa0\x80", Code.NOT_UTF8, 1, 2, id="half a character"),
        pytest.param(b"a\xc0\x80", Code.NOT_UTF8, 1, 2, id="an overlong form"),
        pytest.param(b"a\n\xe2\x82", Code.NOT_UTF8, 2, 1, id="cut short"),
        pytest.param(b"a\r\nb\0", Code.BAD_CHARACTER, 2, 2, id="NUL"),
        pytest.param("é\0".encode(), Code.BAD_CHARACTER, 1, 2, id="NUL behind a letter outside ASCII"),
    ],
)
def test_decode_refuses_at_the_place(data: bytes, code: Code, line: int, column: int):
    with pytest.raises(Unreadable) as caught:
        decode(data)
    assert findings(caught) == [(code, line, column)]


@pytest.mark.parametrize(
    ("text", "body"),
    [("\n\na\n\n", "a"), ("a", "a"), ("  a  \n", "  a  "), ("\n \n", " "), ("", ""), ("a\n\nb", "a\n\nb")],
)
def test_line_breaks_at_both_ends_belong_to_the_file(text: str, body: str):
    assert text_body(text) == body


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        pytest.param(".yaml", "template: x\nmodel: {a: 1}\n", id="yaml"),
        pytest.param(".yml", "{template: x, model: {a: 1}}", id="yml"),
        pytest.param(".json", '{"template": "x", "model": {"a": 1}}', id="json"),
    ],
)
def test_a_structured_file_is_its_fields(suffix: str, text: str):
    document = read_document("a" + suffix, suffix, text.encode(), TextDefaults("jinja2"))
    assert document.data == {"template": "x", "model": {"a": 1}}
    assert document.bodies == {}


@pytest.mark.parametrize(
    ("suffix", "text_format", "expected"),
    [
        (".txt", "f-string", "f-string"),
        (".md", "f-string", "f-string"),
        (".prompt", "f-string", "f-string"),
        (".txt", "plain", "plain"),
        (".md", "jinja2", "jinja2"),
        (".jinja", "plain", "jinja2"),
        (".jinja2", "plain", "jinja2"),
        (".j2", "plain", "jinja2"),
        (".mustache", "plain", "mustache"),
    ],
)
def test_the_format_of_a_text(suffix: str, text_format: TemplateFormat, expected: str):
    document = read_document("a" + suffix, suffix, b"x\n", TextDefaults(text_format))
    assert document.data == {"template": "x", "template_format": expected}


TEXT: dict[str, Any] = {"template_format": "f-string"}


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        pytest.param("x", {"template": "x"}, id="no front matter"),
        pytest.param("", {"template": ""}, id="nothing"),
        pytest.param("\n\n", {"template": ""}, id="blank"),
        pytest.param("---\nmodel: {a: 1}\n---\nx\n", {"model": {"a": 1}, "template": "x"}, id="front matter"),
        pytest.param(
            "---\nmodel: {a: 1}\n---\n\n\nx\n\ny\n\n",
            {"model": {"a": 1}, "template": "x\n\ny"},
            id="empty lines around",
        ),
        pytest.param(
            "---  \nmodel: {a: 1}\n---\t\nx", {"model": {"a": 1}, "template": "x"}, id="white space behind the dashes"
        ),
        pytest.param("---\r\nmodel: {a: 1}\r\n---\r\nx\r\n", {"model": {"a": 1}, "template": "x"}, id="CRLF"),
        pytest.param("\ufeff---\nmodel: {a: 1}\n---\nx", {"model": {"a": 1}, "template": "x"}, id="byte order mark"),
        pytest.param("---\n---\nx", {"template": "x"}, id="empty front matter"),
        pytest.param("---\n# nothing\n---\nx", {"template": "x"}, id="only a comment"),
        pytest.param("---\nmodel: {a: 1}\n---", {"model": {"a": 1}, "template": ""}, id="no body"),
        pytest.param(
            "---\nmodel: {a: 1}\n---\na\n---\nb\n",
            {"model": {"a": 1}, "template": "a\n---\nb"},
            id="dashes in the body",
        ),
        pytest.param("a\n---\nb: c\n---\nd", {"template": "a\n---\nb: c\n---\nd"}, id="dashes further down are text"),
        pytest.param("\n---\nb: c\n---\nd", {"template": "---\nb: c\n---\nd"}, id="dashes on the second line are text"),
        pytest.param("----\nx", {"template": "----\nx"}, id="four dashes are text"),
        pytest.param("--- x\ny", {"template": "--- x\ny"}, id="dashes with words are text"),
        pytest.param(
            "---\nmetadata: {title: a --- b}\n---\nx",
            {"metadata": {"title": "a --- b"}, "template": "x"},
            id="dashes in a value",
        ),
        pytest.param(
            "---\nmodel:\n  a: |\n    ---\n---\nx", {"model": {"a": "---\n"}, "template": "x"}, id="indented dashes"
        ),
        pytest.param(
            "---\ntemplate_format: plain\n---\nx", {"template": "x", "template_format": "plain"}, id="its own format"
        ),
        pytest.param(
            "---\nrole: system\n---\nx", {"messages": [{"role": "system", "template": "x"}]}, id="one message"
        ),
        pytest.param(
            "---\nrole: generic\nrole_name: judge\nname: j\n---\nx",
            {"messages": [{"role": "generic", "role_name": "judge", "name": "j", "template": "x"}]},
            id="one generic message",
        ),
        pytest.param(
            "---\nmessages: [{role: ai, template: x}]\n---\n",
            {"messages": [{"role": "ai", "template": "x"}]},
            id="messages, no body",
        ),
        pytest.param("---\ntemplate: x\n---\n\n", {"template": "x"}, id="template, no body"),
        pytest.param("---\ntemplate_file: x.md\n---\n", {"template_file": "x.md"}, id="template_file, no body"),
    ],
)
def test_front_matter(text: str, fields: dict[str, Any]):
    assert read_document("a.md", ".md", text.encode(), TextDefaults()).data == {**TEXT, **fields}


CHAT = {"messages": [{"role": "system", "template": "x"}]}


@pytest.mark.parametrize(
    ("suffix", "text", "fields"),
    [
        pytest.param(".md", "x", CHAT, id="no front matter"),
        pytest.param(".j2", "x", CHAT | {"template_format": "jinja2"}, id="another text suffix"),
        pytest.param(".md", "---\nmodel: {a: 1}\n---\nx", CHAT | {"model": {"a": 1}}, id="front matter without a role"),
        pytest.param(
            ".md", "---\nrole: user\n---\nx", {"messages": [{"role": "user", "template": "x"}]}, id="a role of its own"
        ),
        pytest.param(".md", "---\nkind: string\n---\nx", {"kind": "string", "template": "x"}, id="kind: string"),
        pytest.param(".md", "---\nkind: chat\n---\nx", {"kind": "chat"} | CHAT, id="kind: chat"),
        pytest.param(".md", "---\nname: a\n---\nx", {"name": "a"} | CHAT, id="a name is not that of the message"),
        pytest.param(".md", "---\ntemplate: x\n---\n", {"template": "x"}, id="template, no body"),
    ],
)
def test_the_configured_role_makes_a_text_one_message(suffix: str, text: str, fields: dict[str, Any]):
    document = read_document("a" + suffix, suffix, text.encode(), TextDefaults(role="system"))
    assert document.data == {"template_format": "f-string", **fields}


def test_the_configured_role_changes_no_structured_file():
    assert read_document("a.yaml", ".yaml", b"template: x\n", TextDefaults(role="system")).data == {"template": "x"}


@pytest.mark.parametrize(
    ("suffix", "text", "finding"),
    [
        pytest.param(".yaml", "", (Code.NOT_A_MAPPING, 1, 1), id="an empty yaml"),
        pytest.param(".yaml", "- a\n", (Code.NOT_A_MAPPING, 1, 1), id="a list"),
        pytest.param(".yaml", "Hello\n", (Code.NOT_A_MAPPING, 1, 1), id="a text"),
        pytest.param(".yaml", "3\n", (Code.NOT_A_MAPPING, 1, 1), id="a number"),
        pytest.param(".json", "[]", (Code.NOT_A_MAPPING, 1, 1), id="a JSON list"),
        pytest.param(".json", "null", (Code.NOT_A_MAPPING, 1, 1), id="JSON null"),
        pytest.param(".json", "", (Code.SYNTAX, 1, 1), id="an empty json"),
        pytest.param(".md", "---\nmodel: {}\nx", (Code.SYNTAX, 1, 1), id="front matter that does not end"),
        pytest.param(".md", "---\nmodel: {}\n --- \nx", (Code.SYNTAX, 1, 1), id="front matter that ends indented"),
        pytest.param(".md", "---\n- a\n---\nx", (Code.NOT_A_MAPPING, 2, 1), id="a list as front matter"),
        pytest.param(".md", "---\nx\n---\ny", (Code.NOT_A_MAPPING, 2, 1), id="a text as front matter"),
        pytest.param(".md", "---\na: 1\na: 2\n---\nx", (Code.DUPLICATE_KEY, 3, 1), id="duplicate key in front matter"),
        pytest.param(".md", "---\na: b: c\n---\nx", (Code.SYNTAX, 2, 5), id="bad front matter"),
        pytest.param(".md", "---\ntemplate: a\n---\nx", (Code.CONFLICTING_FIELDS, 2, 1), id="template and a body"),
        pytest.param(
            ".md", "---\nmodel: {}\nmessages: []\n---\nx", (Code.CONFLICTING_FIELDS, 3, 1), id="messages and a body"
        ),
        pytest.param(
            ".md", "---\ntemplate_file: a\n---\nx", (Code.CONFLICTING_FIELDS, 2, 1), id="template_file and a body"
        ),
    ],
)
def test_what_is_no_prompt(suffix: str, text: str, finding: tuple[Code, int, int]):
    with pytest.raises(Unreadable) as caught:
        read_document("a" + suffix, suffix, text.encode(), TextDefaults())
    assert findings(caught) == [finding]


@pytest.mark.parametrize(
    ("text", "found"),
    [("", "nothing"), ("~", "nothing"), ("- a", "list"), ("Hello", "text")],
)
def test_what_was_found_instead_of_fields_in_words(text: str, found: str):
    with pytest.raises(Unreadable) as caught:
        read_document("a.yaml", ".yaml", text.encode(), TextDefaults())
    [finding] = caught.value.findings
    assert finding.message == f"expected fields, found {found}"
    assert finding.hint is not None
    assert ".txt or .md" in finding.hint


ROWS = [{"q": "1", "a": 2}, {"q": "é\n", "a": None}]


@pytest.mark.parametrize(
    ("suffix", "text", "lines"),
    [
        pytest.param(".yaml", '- {q: "1", a: 2}\n- q: "é\\n"\n  a:\n', [1, 2], id="yaml"),
        pytest.param(".yml", '# c\n\n- q: "1"\n  a: 2\n\n- q: "é\\n"\n  a: ~\n', [3, 6], id="yml"),
        pytest.param(".json", '[\n{"q": "1", "a": 2},\n\n{"q": "é\\n", "a": null}]', [2, 4], id="json"),
        pytest.param(".jsonl", '{"q": "1", "a": 2}\n{"q": "é\\n", "a": null}\n', [1, 2], id="jsonl"),
        pytest.param(
            ".jsonl", '\n{"q": "1", "a": 2}\r\n  \n{"q": "é\\n", "a": null}', [2, 4], id="jsonl with empty lines"
        ),
        pytest.param(
            ".jsonl", '\ufeff{"q": "1", "a": 2}\n{"q": "é\\n", "a": null}', [1, 2], id="jsonl with a byte order mark"
        ),
    ],
)
def test_examples_with_their_lines(suffix: str, text: str, lines: list[int]):
    assert read_examples(suffix, text.encode()) == (ROWS, lines)


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e"])
def test_only_a_line_feed_ends_a_line_of_json_lines(character: str):
    text = '{"q": "a' + (character if character > "\x7f" else f"\\u{ord(character):04x}") + 'b"}\n{"q": "c"}\n'
    assert read_examples(".jsonl", text.encode()) == ([{"q": f"a{character}b"}, {"q": "c"}], [1, 2])


@pytest.mark.parametrize(
    "text",
    ['[{"q": "\x7f"}]', '[{"q": "\u2028\u0085"}]', '[{"' + "k" * 2000 + '": 1}]', '[{"q": "\\ud83d\\ude00"}]'],
    ids=ascii,
)
def test_what_is_json_but_not_for_libyaml_is_read_as_json(text: str):
    assert read_examples(".json", text.encode()) == (json.loads(text), [1])


@pytest.mark.parametrize(
    ("suffix", "text", "finding"),
    [
        pytest.param(".yaml", "- a: b: c", FileProblem(Code.SYNTAX, "not valid YAML", None, 1, 7), id="yaml"),
        pytest.param(
            ".json", '[{"a": 1},\n {"a" 1}]', FileProblem(Code.SYNTAX, "not valid JSON", None, 2, 7), id="json"
        ),
        pytest.param(
            ".json",
            '[{"a": 1, "a": 2}]',
            FileProblem(Code.DUPLICATE_KEY, "the key 'a'", None, 1, 11),
            id="json with a duplicate key",
        ),
        pytest.param(
            ".jsonl", '{"a": 1}\n{"a" 1}\n', FileProblem(Code.SYNTAX, "not valid JSON", None, 2, 6), id="jsonl"
        ),
        pytest.param(
            ".jsonl",
            '{"a": 1}\n\n{"a": 1, "a": 2}',
            FileProblem(Code.DUPLICATE_KEY, "the key 'a'", None, 3, 10),
            id="jsonl with a duplicate key",
        ),
        pytest.param(
            ".yaml", "a: 1", FileProblem(Code.WRONG_VALUE, "expected a list of examples", None, 1, 1), id="no list"
        ),
        pytest.param(
            ".json",
            '{"a": 1}',
            FileProblem(Code.WRONG_VALUE, "expected a list of examples", None, 1, 1),
            id="no JSON list",
        ),
        pytest.param(
            ".yaml", "", FileProblem(Code.WRONG_VALUE, "expected a list of examples", None, 1, 1), id="nothing"
        ),
        pytest.param(".csv", "q,a\n1,2\n", FileProblem(Code.WRONG_VALUE, "", None, 1, 1), id="another suffix"),
    ],
)
def test_examples_that_cannot_be_read(suffix: str, text: str, finding: FileProblem):
    with pytest.raises(Unreadable) as caught:
        read_examples(suffix, text.encode())
    assert findings(caught) == [(finding.code, finding.line, finding.column)]
    assert finding.message in caught.value.findings[0].message
