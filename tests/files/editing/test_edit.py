"""Putting a value into a prompt file: it reads back, and nothing else of the file changes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from sampling import sampled
from specs import AWKWARD_TEXTS, texts

from promptdb.domain.file_rules import TextDefaults
from promptdb.domain.prompt_file import Expectation
from promptdb.domain.suffixes import SUFFIXES, TEXT_FORMATS, file_suffix
from promptdb.files.editing.edit import edited as fields_edited
from promptdb.files.editing.edit import with_value
from promptdb.files.findings import NoPlace
from promptdb.files.reading.formats import decode, fields_span, read_document
from promptdb.files.reading.parse import parse_file
from promptdb.files.tree import WorkTree

EQUALS = ("tests", 0, "expect", "equals")
MESSAGES = ("tests", 0, "expect", "messages")
NO_FILES = WorkTree(Path("/nonexistent"))


def expectation(suffix: str, data: bytes) -> Expectation:
    result = parse_file("a" + suffix, data, NO_FILES, TextDefaults())
    assert result.prompt is not None, f"{list(map(str, result.problems))}\n{data.decode()}"
    return result.prompt.tests[0].expect


def edited(suffix: str, before: str, value: Any, path: tuple[str | int, ...] = EQUALS) -> str:
    data = with_value(suffix, before.encode(), path, value)
    found = expectation(suffix, data)
    if path == EQUALS:
        assert found.equals == value
    else:
        assert [message.model_dump() for message in found.messages or ()] == value
    return data.decode()


def in_test(lines: str) -> str:
    """A YAML file with comments around one expectation."""
    return f"# first\ntemplate: x\ntests:  # the tests\n  - name: a\n    expect:\n{lines}    # behind\n# last\n"


# One text, block style


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        pytest.param("      equals: old\n", "new", "      equals: new\n", id="plain"),
        pytest.param("      equals: 'old'\n", "it's", "      equals: 'it''s'\n", id="single quotes"),
        pytest.param('      equals: "old"\n', "new", '      equals: "new"\n', id="double quotes"),
        pytest.param("      equals:   old   # why\n", "new", "      equals: new     # why\n", id="comment beside"),
        pytest.param('      equals: "a\n        b"\n', "new", '      equals: "new"\n', id="quotes over two lines"),
        pytest.param("      equals: a\n        b\n", "new", "      equals: new\n", id="plain over two lines"),
        pytest.param("      equals:\n        old\n", "new", "      equals: new\n", id="on a line of its own"),
        pytest.param("      equals: old\n", "no", '      equals: "no"\n', id="a boolean of YAML 1.1"),
        pytest.param("      equals: old\n", "2026-04-01", '      equals: "2026-04-01"\n', id="a date of YAML 1.1"),
        pytest.param("      equals: old\n", "1:30", '      equals: "1:30"\n', id="a number of YAML 1.1"),
        pytest.param("      equals: old\n", "=", '      equals: "="\n', id="a value of YAML 1.1"),
        pytest.param("      equals: old\n", "0o17", '      equals: "0o17"\n', id="a number of YAML 1.2"),
        pytest.param("      equals: old\n", "null", '      equals: "null"\n', id="null"),
        pytest.param("      equals: old\n", "", '      equals: ""\n', id="nothing"),
        pytest.param("      equals: old\n", "a: b", "      equals: 'a: b'\n", id="a colon"),
        pytest.param("      equals: old\n", "a #b", "      equals: 'a #b'\n", id="a hash"),
        pytest.param("      equals: old\n", " a ", '      equals: " a "\n', id="spaces around"),
        pytest.param("      equals: 'old'\n", "a\tb", '      equals: "a\\tb"\n', id="a tab is made visible"),
        pytest.param("      equals: old\n", "\x1b[31m", '      equals: "\\e[31m"\n', id="a control character"),
        pytest.param("      equals: old\n", "a\u2028b", '      equals: "a\\Lb"\n', id="a line break of YAML 1.1"),
        pytest.param("      equals: 'old'\n", "Grüße 😀", "      equals: 'Grüße 😀'\n", id="unicode"),
        pytest.param("      equals: é  # ü😀\n", "new", "      equals: new # ü😀\n", id="unicode around"),
        pytest.param("      equals: old\n", "a\r\nb", '      equals: "a\\r\\n\\\n        b"\n', id="a carriage return"),
        pytest.param('      equals: "old\\n"\n', "new\n", '      equals: "new\\n"\n', id="one line with its break"),
        pytest.param("      equals: old\n", "a\nb", "      equals: |-\n        a\n        b\n", id="block, no break"),
        pytest.param("      equals: old\n", "a\nb\n", "      equals: |\n        a\n        b\n", id="block, one break"),
        pytest.param(
            "      equals: old\n", "a\n\n\n", "      equals: |+\n        a\n\n\n", id="block, several line breaks"
        ),
        pytest.param(
            "      equals: old\n", "\n\na\nb", "      equals: |2-\n\n\n        a\n        b\n", id="empty lines first"
        ),
        pytest.param(
            "      equals: old\n",
            "  a\nb",
            "      equals: |2-\n          a\n        b\n",
            id="spaces on the first line",
        ),
        pytest.param(
            "      equals: old\n", "\ta\nb", "      equals: |2-\n        \ta\n        b\n", id="a tab on the first line"
        ),
        pytest.param(
            "      equals: old\n",
            "a\u2028b\n  c\n\n",
            '      equals: "a\\Lb\\n\\\n        \\  c\\n\\\n        \\n"\n',
            id="a line break of YAML 1.1 in one of several lines",
        ),
        pytest.param(
            "      equals: old\n",
            "a  \n  \nb",
            "      equals: |-\n        a  \n          \n        b\n",
            id="trailing spaces",
        ),
        pytest.param(
            "      equals: old\n",
            "---\na: b # c\n...\n",
            "      equals: |\n        ---\n        a: b # c\n        ...\n",
            id="what looks like YAML",
        ),
        pytest.param("      equals: old\n", "\n\n", '      equals: "\\n\\n"\n', id="line breaks alone"),
        pytest.param(
            "      equals: |-\n        a\n        b\n", "", '      equals: ""\n', id="a block becomes nothing"
        ),
        pytest.param(
            "      equals: old # why\n",
            "a\nb",
            "      equals: |-  # why\n        a\n        b\n",
            id="comment goes along",
        ),
        pytest.param(
            "      equals: |-  # why\n            a\n            b\n\n\n",
            "c\nd\n",
            "      equals: |  # why\n            c\n            d\n\n\n",
            id="a block keeps comment, column and the empty lines behind it",
        ),
        pytest.param(
            "      equals: |\n        a\n        b\n",
            "a\nc\n",
            "      equals: |\n        a\n        c\n",
            id="one line of many",
        ),
        pytest.param("      equals: |-\n        a\n", "b", "      equals: |-\n        b\n", id="a block of one line"),
        pytest.param("      equals: >-\n        a\n        b\n", "c", "      equals: |-\n        c\n", id="folded"),
        pytest.param(
            "      equals: >\n        a\n        b\n",
            "c\nd\n",
            "      equals: |\n        c\n        d\n",
            id="folded no more",
        ),
        pytest.param(
            "      equals: |+\n        a\n\n\n",
            "a\nb\n",
            "      equals: |\n        a\n        b\n",
            id="empty lines kept no more",
        ),
        pytest.param(
            "      equals: |4-\n           a\n          b\n",
            "c\nd",
            "      equals: |-\n          c\n          d\n",
            id="an indentation indicator",
        ),
        pytest.param("      equals: &a old\n", "new", "      equals: &a new\n", id="an anchor that nothing uses"),
        pytest.param(
            "      equals: &a\n        'old'  # why\n",
            "new",
            "      equals: &a 'new' # why\n",
            id="anchor on a line of its own",
        ),
        pytest.param('      "equals": old\n', "new", '      "equals": new\n', id="a quoted key"),
        pytest.param("      ? equals\n      : old\n", "new", "      equals: new\n", id="a key in the long form"),
    ],
)
def test_only_the_lines_of_the_value_change(before: str, value: str, after: str):
    assert edited(".yaml", in_test(before), value) == in_test(after)


# One text, other layouts


@pytest.mark.parametrize(
    ("suffix", "before", "value", "after"),
    [
        pytest.param(
            ".yml",
            "tests: [{name: a, expect: {equals: old, contains: o}}]  # why\ntemplate: x\n",
            "a\nb",
            'tests: [{name: a, expect: {equals: "a\\nb", contains: o}}] # why\ntemplate: x\n',
            id="flow style",
        ),
        pytest.param(
            ".yaml",
            "tests: [{name: a, expect: {equals: old}}]\ntemplate: x\n",
            "a, b",
            "tests: [{name: a, expect: {equals: 'a, b'}}]\ntemplate: x\n",
            id="a comma in flow style",
        ),
        pytest.param(
            ".yaml",
            "tests:\n        -   name: a\n            expect:\n                equals: old\ntemplate:   x\n",
            "a\nb",
            "tests:\n        -   name: a\n            expect:\n                equals: |-\n                    a\n"
            "                    b\ntemplate:   x\n",
            id="the indentation of the mapping",
        ),
        pytest.param(
            ".yaml",
            "template: x\ntests:\n- name: a\n  expect:\n   equals: old",
            "a\nb\n",
            "template: x\ntests:\n- name: a\n  expect:\n   equals: |\n     a\n     b\n",
            id="odd indentation, and no line break at the end",
        ),
        pytest.param(
            ".yaml",
            "template: x\ntests:\n- name: a\n  expect:\n    equals: |-\n      old",
            "a\nb",
            "template: x\ntests:\n- name: a\n  expect:\n    equals: |-\n      a\n      b\n",
            id="the last line gets its line break",
        ),
        pytest.param(
            ".yaml",
            "---\ntemplate: x\ntests: [{name: a, expect: {equals: old}}]\n...\n",
            "new",
            "---\ntemplate: x\ntests: [{name: a, expect: {equals: new}}]\n...\n",
            id="document markers",
        ),
        pytest.param(
            ".yaml",
            "template: x\r\ntests:\r\n- name: a\r\n  expect:\r\n    equals: old\r\n    contains: x\r\n",
            "a\nb",
            "template: x\r\ntests:\r\n- name: a\r\n  expect:\r\n    equals: |-\r\n      a\r\n      b\r\n    contains: x\r\n",
            id="CRLF",
        ),
        pytest.param(
            ".yaml",
            "# a\r\ntemplate: x\ntests:\n- name: a\n  expect:\n    equals: old\n    contains: x\r\n",
            "a\nb",
            "# a\r\ntemplate: x\ntests:\n- name: a\n  expect:\n    equals: |-\n      a\n      b\n    contains: x\r\n",
            id="mixed line ends",
        ),
        pytest.param(
            ".yaml",
            "\ufefftests: [{name: a, expect: {equals: old}}]\ntemplate: x\n",
            "new",
            "\ufefftests: [{name: a, expect: {equals: new}}]\ntemplate: x\n",
            id="a byte order mark",
        ),
        pytest.param(
            ".md",
            "---\ntests:\n  - name: a\n    expect:\n      equals: old\n---  \n\n---\nequals: old\r\n\x85 body \n\n",
            "a\n---\nb",
            "---\ntests:\n  - name: a\n    expect:\n      equals: |-\n        a\n        ---\n        b\n---  \n\n---\nequals: old\r\n"
            "\x85 body \n\n",
            id="front matter",
        ),
        pytest.param(
            ".mustache",
            "\ufeff---\r\ntests:\r\n- name: a\r\n  expect:\r\n    equals: |-\r\n      old\r\n---\r\nHi\r\n",
            "a\nb\n\n",
            "\ufeff---\r\ntests:\r\n- name: a\r\n  expect:\r\n    equals: |+\r\n      a\r\n      b\r\n\r\n---\r\nHi\r\n",
            id="front matter, CRLF, a byte order mark",
        ),
        pytest.param(
            ".json",
            '{"template": "x",\n\t"tests": [\n\t\t{"name": "a", "expect": {"equals" :  "old" }}\n]}',
            'a\n"b" é\t\u2028',
            '{"template": "x",\n\t"tests": [\n\t\t{"name": "a", "expect": {"equals" :  "a\\n\\"b\\" é\\t\u2028" }}\n]}',
            id="JSON with tabs",
        ),
        pytest.param(
            ".json",
            '\ufeff{"template": "caf\\u00e9",\r\n"tests": [{"name": "a", "expect": {"equals": "old"}}]}\r\n',
            "né 😀",
            '\ufeff{"template": "caf\\u00e9",\r\n"tests": [{"name": "a", "expect": {"equals": "n\\u00e9 \\ud83d\\ude00"}}]}\r\n',
            id="JSON in ASCII",
        ),
    ],
)
def test_each_kind_of_file_keeps_what_is_around_the_value(suffix: str, before: str, value: str, after: str):
    assert edited(suffix, before, value) == after


@pytest.mark.parametrize("suffix", TEXT_FORMATS)
def test_the_body_of_every_text_prompt_stays(suffix: str):
    before = "---\ntests:\n- name: a\n  expect:\n    equals: |\n      old\n---\n\n  body\r\n---\n\n"
    assert edited(suffix, before, "a\nb\n") == before.replace("      old\n", "      a\n      b\n")


@pytest.mark.parametrize("width", range(1, 8))
def test_a_block_states_the_indentation_of_its_file(width: int):
    unit = " " * width
    before = f"template: x\ntests:\n- name: a\n  expect:\n  {unit}equals: old\nmodel:\n   a: 1\n"
    after = edited(".yaml", before, "\ta \n  b\n")
    assert re.search(r"equals: \|\d\n +\ta \n +  b\nmodel:\n   a: 1\n$", after)


# Messages

BLOCK = """\
template: x
tests:
- name: a
  expect:
    # about all
    messages:
    # about the first
    - role: user   # who
      content: Hi  # what
    # about the second
    -   content: |
          a
          b

        role: 'system'
    # behind
    contains: x
"""
FIRST, SECOND = {"role": "user", "content": "Hi"}, {"role": "system", "content": "a\nb\n"}
NEW = {"role": "ai", "content": "c\nd"}


@pytest.mark.parametrize(
    ("value", "old", "new"),
    [
        pytest.param([{"role": "user", "content": "Ho"}, SECOND], "Hi  # what", "Ho  # what", id="a content"),
        pytest.param([FIRST, {"role": "ai", "content": "a\nb\n"}], "'system'", "'ai'", id="a role"),
        pytest.param(
            [FIRST, {"role": "system", "content": "a\nc\n"}], "          b\n", "          c\n", id="a line of a content"
        ),
        pytest.param(
            [FIRST, SECOND, NEW],
            "'system'\n",
            "'system'\n    -   role: ai\n        content: |-\n          c\n          d\n",
            id="one more",
        ),
        pytest.param(
            [NEW, FIRST, SECOND],
            "    # about the first\n",
            "    - role: ai\n      content: |-\n        c\n        d\n    # about the first\n",
            id="one more at the front",
        ),
        pytest.param(
            [FIRST, {"role": "ai", "content": "q"}, SECOND],
            "Hi  # what\n",
            "Hi  # what\n    - role: ai\n      content: q\n",
            id="one more between them",
        ),
        pytest.param([SECOND], "    - role: user   # who\n      content: Hi  # what\n", "", id="the first gone"),
        pytest.param(
            [FIRST], BLOCK[BLOCK.index("    -   content") : BLOCK.index("    # behind")], "", id="the last gone"
        ),
        pytest.param(
            [],
            BLOCK[BLOCK.index("    messages:") : BLOCK.index("    # behind")],
            "    messages: []\n",
            id="all gone",
        ),
        pytest.param(
            [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}, SECOND],
            "      content: Hi  # what\n",
            "      content:     # what\n      - type: text\n        text: Hi\n",
            id="text becomes parts",
        ),
    ],
)
def test_messages_in_block_style_change_one_by_one(value: list[Any], old: str, new: str):
    assert BLOCK.count(old) == 1
    assert edited(".yaml", BLOCK, value, MESSAGES) == BLOCK.replace(old, new)


FLOW = "template: x\ntests: [{name: a, expect: {messages: [{role: user, content: 'Hi'}, {role: ai, content: Yes?}]}}]\n"
LINES = """\
template: x
tests:
  - name: a
    expect:
      messages:
        - {role: user, content: "Hi"}   # who
"""
JSON = """\
{
    "template": "x",
    "tests": [{"name": "a", "expect": {"messages": [
        {
            "role": "user",
            "content": "Hi"
        }
    ]}}]
}
"""
SHORT = '{"template": "x", "tests": [{"name": "a", "expect": {"messages": [ {"role": "user", "content": "Hi"} ]}}]}'


@pytest.mark.parametrize(
    ("suffix", "before", "value", "old", "new"),
    [
        pytest.param(".yaml", FLOW, [FIRST], ", {role: ai, content: Yes?}", "", id="flow, one less"),
        pytest.param(
            ".yaml",
            FLOW,
            [{"role": "ai", "content": "Yes?"}],
            "{role: user, content: 'Hi'}, ",
            "",
            id="flow, the first gone",
        ),
        pytest.param(
            ".yaml",
            FLOW,
            [FIRST, {"role": "ai", "content": "Yes?"}, {"role": "user", "content": "a, b"}],
            "Yes?}",
            "Yes?}, {role: user, content: 'a, b'}",
            id="flow, one more",
        ),
        pytest.param(
            ".yaml",
            FLOW,
            [],
            "[{role: user, content: 'Hi'}, {role: ai, content: Yes?}]",
            "[]",
            id="flow, all gone",
        ),
        pytest.param(
            ".yaml",
            LINES,
            [FIRST, NEW],
            "# who\n",
            '# who\n        - {role: ai, content: "c\\nd"}\n',
            id="an item in flow style, one more",
        ),
        pytest.param(
            ".json",
            JSON,
            [FIRST, NEW],
            '"Hi"\n        }',
            '"Hi"\n        },\n        {\n            "role": "ai",\n            "content": "c\\nd"\n        }',
            id="JSON, one more",
        ),
        pytest.param(
            ".json",
            JSON,
            [NEW, FIRST],
            '        {\n            "role"',
            '        {\n            "role": "ai",\n            "content": "c\\nd"\n        },\n        {\n            "role"',
            id="JSON, one more at the front",
        ),
        pytest.param(
            ".json",
            SHORT,
            [FIRST, NEW],
            '[ {"role": "user", "content": "Hi"} ]',
            '[{"role": "user", "content": "Hi"}, {"role": "ai", "content": "c\\nd"}]',
            id="JSON on one line, one more",
        ),
        pytest.param(".json", SHORT, [], '[ {"role": "user", "content": "Hi"} ]', "[]", id="JSON, all gone"),
    ],
)
def test_messages_in_flow_style_and_json(suffix: str, before: str, value: list[Any], old: str, new: str):
    assert before.count(old) == 1
    assert edited(suffix, before, value, MESSAGES) == before.replace(old, new)


def test_messages_that_were_none_are_a_block():
    before = "template: x\ntests:\n- name: a\n  expect:\n    messages: []  # none\n"
    after = before.replace(
        "[]  # none",
        "    # none\n    - role: user\n      content: Hi\n    - role: ai\n      content: |-\n        c\n        d",
    )
    assert edited(".yaml", before, [FIRST, NEW], MESSAGES) == after


# What is left


@pytest.mark.parametrize(
    "fields",
    [
        "metadata: {title: &a old}\ntests: [{name: a, expect: {equals: *a}}]\n",
        "tests: [{name: a, expect: {equals: &a old}}, {name: b, expect: {equals: *a}}]\n",
        "tests: [{name: a, expect: &e {equals: old}}, {name: b, expect: *e}]\n",
        "tests: [&t {name: a, expect: {equals: old}}]\nmodel: {x: *t}\n",
    ],
    ids=["an alias", "an anchor that is used", "an anchor around it", "an anchor farther around it"],
)
def test_a_text_that_stands_for_several_is_left(fields: str):
    with pytest.raises(NoPlace, match="an alias uses the same text in another place"):
        with_value(".yaml", f"template: x\n{fields}".encode(), EQUALS, "new")


def test_other_aliases_in_the_file_do_not_matter():
    before = (
        "template: x\nmodel: &m {a: [1]}\ntests: [{name: a, variables: {}, expect: {equals: old}}]\ntools: [*m, *m]\n"
    )
    assert edited(".yaml", before, "new") == before.replace("old", "new")


@pytest.mark.parametrize("text", ["a\0b", "half \ud83d"], ids=ascii)
@pytest.mark.parametrize(
    ("suffix", "before"),
    [
        (".yaml", "template: x\ntests: [{name: a, expect: {equals: old}}]\n"),
        (".json", '{"template": "x", "tests": [{"name": "a", "expect": {"equals": "old"}}]}'),
    ],
    ids=["yaml", "json"],
)
def test_a_text_that_no_file_holds_is_refused(suffix: str, before: str, text: str):
    with pytest.raises(NoPlace, match="no prompt file can hold this text"):
        with_value(suffix, before.encode(), EQUALS, text)


# Any text, any layout

AROUND = [
    (".yaml", "template: x # é\ntests:\n- name: a\n  expect:\n    equals: ", "\n    contains: [o]  # 😀\n"),
    (".yaml", "template: x\r\ntests:\r\n  - name: a\r\n    expect:\r\n        equals: ", "\r\n\r\n# behind\r\n"),
    (".yml", "\ufefftemplate: x\ntests:\n- expect:\n    equals:   ", "\n\n\n  name: a\n"),
    (".yaml", "template: x\ntests:\n- name: a\n  expect:\n    equals: ", ""),
    (".md", "---\ntests:\n  - name: a\n    expect:\n      equals: ", "\n---\nbody {x}\n---\n"),
    (".jinja2", "---\r\ntests:\r\n- name: a\r\n  expect:\r\n    equals: ", "\r\n\r\n---\r\n\r\nbody"),
]
STYLES = [
    "old",
    "'old'",
    '"old"',
    "|-\n          old\n          er",
    ">\n          old",
    "|+\n          old\n\n",
    "&a old",
]


def same_for_others(suffix: str, data: bytes, text: str) -> None:
    """Readers of YAML 1.1 and of YAML 1.2 find the same text."""
    whole = decode(data)
    fields = whole[slice(*fields_span(suffix, whole))]
    for read in (yaml.safe_load, YAML(typ="safe", pure=True).load, YAML().load):
        assert read(fields)["tests"][0]["expect"]["equals"] == text


@sampled(few=[STYLES[0], AROUND[0]])
@pytest.mark.slow
@pytest.mark.parametrize("style", STYLES, ids=repr)
@pytest.mark.parametrize("around", AROUND)
def test_awkward_texts_in_any_place(around: tuple[str, str, str], style: str):
    """A third of the texts in each place: every text meets every surrounding and every style."""
    for text in AWKWARD_TEXTS[(AROUND.index(around) + STYLES.index(style)) % 3 :: 3]:
        check_any(*around, style, text)


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(AROUND), st.sampled_from(STYLES), texts() | st.text("ab \n\t-:#", max_size=12))
@example(AROUND[3], "old", "a\n\n")
def test_any_text_in_any_place(around: tuple[str, str, str], style: str, text: str):
    check_any(*around, style, text)


def check_any(suffix: str, before: str, after: str, style: str, text: str) -> None:
    written = before + (style.replace("\n", "\r\n") if "\r" in before else style) + after
    if expectation(suffix, written.encode()).equals == text:
        return
    data = with_value(suffix, written.encode(), EQUALS, text)
    assert expectation(suffix, data).equals == text
    assert data.decode().startswith(before.rstrip(" "))
    assert data.decode().endswith(after.lstrip("\r\n"))
    assert ("\r\n" in before) == ("\r\n" in data.decode())
    same_for_others(suffix, data, text)
    assert with_value(suffix, data, EQUALS, text) == data


@given(texts(), st.sampled_from([None, 2, "\t"]), st.booleans())
def test_any_text_in_json(text: str, indent: int | str | None, ascii_only: bool):
    value = {"tests": [{"name": "é", "expect": {"equals": "old", "contains": ["o"]}}], "template": "x"}
    before = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert edited(".json", before, text) == before.replace('"old"', json.dumps(text, ensure_ascii=ascii_only))


MESSAGE_LISTS = st.lists(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["human", "user", "ai"]),
            "content": texts()
            | st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": texts()}), max_size=2),
        }
    ),
    max_size=4,
)


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(MESSAGE_LISTS, MESSAGE_LISTS, st.sampled_from(["block", "flow", "json", "front matter"]))
@example([], [{"role": "human", "content": "? a"}], "flow")
@example([{"role": "human", "content": " #"}], [{"role": "human", "content": ""}], "flow")
def test_any_messages_in_any_style(old: list[Any], new: list[Any], style: str):
    fields = {
        "template": "x",
        "tests": [{"name": "a", "expect": {"contains": ["o"], "messages": old}, "variables": {}}],
    }
    if style == "json":
        edited(".json", json.dumps(fields, indent=2), new, MESSAGES)
    elif style == "front matter":
        del fields["template"]
        edited(".txt", f"---\n{yaml.safe_dump(fields, default_flow_style=False)}---\nx\n", new, MESSAGES)
    else:
        edited(".yaml", yaml.safe_dump(fields, default_flow_style=style == "flow"), new, MESSAGES)


# Other changes

OLD_NAME = {"renamed_from": ["support/hello"]}


@pytest.mark.parametrize(
    ("suffix", "before", "after"),
    [
        pytest.param(
            ".yaml",
            "# first\ntemplate: x   # what\nmetadata:\n    # in it\n    tags: [a,b]\n",
            "# first\ntemplate: x   # what\nmetadata:\n    # in it\n    tags: [a,b]\nrenamed_from:\n- support/hello\n",
            id="at the end",
        ),
        pytest.param(
            ".yaml",
            "template: x\ntools:\n  - name: a\n\n# last\n",
            "template: x\ntools:\n  - name: a\nrenamed_from:\n  - support/hello\n\n# last\n",
            id="above the comments at the end, lists indented as in the file",
        ),
        pytest.param(
            ".yaml",
            "role: user\r\ntemplate: x",
            "role: user\r\ntemplate: x\r\nrenamed_from:\r\n- support/hello\r\n",
            id="CRLF, no line break at the end",
        ),
        pytest.param(".yml", "{template: x}\n", "{template: x, renamed_from: [support/hello]}\n", id="flow style"),
        pytest.param(
            ".md",
            "---\nrole: user # who\n---\nHi\n",
            "---\nrole: user # who\nrenamed_from:\n- support/hello\n---\nHi\n",
        ),
        pytest.param(".md", "---\n# empty\n---\nHi\n", "---\nrenamed_from:\n- support/hello\n# empty\n---\nHi\n"),
        pytest.param(
            ".j2", "---\n---\nHi\n", "---\nrenamed_from:\n- support/hello\n---\nHi\n", id="empty front matter"
        ),
        pytest.param(".txt", "\n Hi\n", "---\nrenamed_from:\n- support/hello\n---\n\n Hi\n", id="no front matter"),
        pytest.param(
            ".txt", "\ufeffHi\r\n", "\ufeff---\r\nrenamed_from:\r\n- support/hello\r\n---\r\nHi\r\n", id="none, CRLF"
        ),
        pytest.param(
            ".json",
            '{\n\t"template": "x"\n}\n',
            '{\n\t"template": "x",\n\t"renamed_from": [\n\t\t"support/hello"\n\t]\n}\n',
            id="JSON",
        ),
        pytest.param(".json", '{"template":"x"}', '{"template":"x", "renamed_from": ["support/hello"]}', id="one line"),
    ],
)
def test_a_field_can_be_added(suffix: str, before: str, after: str):
    assert fields_edited(suffix, before.encode(), lambda fields: fields.update(OLD_NAME)).decode() == after


def test_fields_added_to_json_come_in_their_order():
    before = '{\n  "template": "x",\n  "metadata": {"title": "é"}\n}\n'
    after = (
        '{\n  "template": "y",\n  "metadata": {"title": "é", "labels": {}},\n  "ö": null,\n  "a": [\n    1\n  ]\n}\n'
    )

    def change(fields: dict[str, Any]) -> None:
        fields |= {"template": "y", "ö": None, "a": [1]}
        fields["metadata"]["labels"] = {}

    assert fields_edited(".json", before.encode(), change).decode() == after


ALIASES = """\
# Reviewed by the platform team.
production:
    support/triage: rev:3     # frozen until May
    # the EU
    support/eu/withdrawal: rev:1

staging: {support/triage: latest}
"""


@pytest.mark.parametrize(
    ("alias", "name", "selector", "old", "new"),
    [
        pytest.param("production", "support/triage", "rev:4", "rev:3", "rev:4", id="moved"),
        pytest.param(
            "production", "support/reply", "rev:2", "rev:1\n", "rev:1\n    support/reply: rev:2\n", id="one more"
        ),
        pytest.param("staging", "support/reply", "no", "latest}", 'latest, support/reply: "no"}', id="in flow style"),
        pytest.param("staging", "support/triage", None, "{support/triage: latest}", "{}", id="the last one gone"),
        pytest.param("production", "support/triage", None, "    support/triage: rev:3     # frozen until May\n", "", id="gone"),
    ],
)  # fmt: skip
def test_a_mapping_in_another_file_changes_line_by_line(
    alias: str, name: str, selector: str | None, old: str, new: str
):
    def change(pointers: dict[str, Any]) -> None:
        if selector is None:
            del pointers[alias][name]
        else:
            pointers[alias][name] = selector

    assert ALIASES.count(old) == 1
    assert fields_edited(".yaml", ALIASES.encode(), change).decode() == ALIASES.replace(old, new)


@pytest.mark.parametrize("suffix", [".yaml", ".json", ".md"])
def test_a_file_without_a_change_stays(suffix: str):
    before = {".yaml": "a:   {b:  c}", ".json": '{"a" :1}', ".md": "Hi"}[suffix].encode()
    assert fields_edited(suffix, before, lambda _: None) == before


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param(
            "tests: [{name: a, expect: {equals: old}}]\nmodel:\n  a: |#b\n    c\n", "ruamel.yaml does not read"
        ),
        pytest.param("tests: [{name: a, expect: {equals: old}, variables: {b, c: 1}}]\n", "laid out in an unusual way"),
    ],
)
def test_what_ruamel_does_not_keep_is_left(fields: str, reason: str):
    before = f"template: x\n{fields}"
    assert expectation(".yaml", before.encode()).equals == "old"
    with pytest.raises(NoPlace, match=reason):
        with_value(".yaml", before.encode(), EQUALS, "new")


EXAMPLES = sorted(
    file
    for file in (Path(__file__).parents[3] / "prompts").rglob("*")
    if file_suffix(file.name) in SUFFIXES and not any(part.startswith("_") for part in file.parts)
)


def texts_in(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from texts_in(item, (*path, key))


@pytest.mark.slow
@sampled(few=EXAMPLES[::6])
@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_in_the_example_prompts_only_the_line_of_an_expectation_changes(file: Path):
    before, suffix = file.read_bytes(), file_suffix(file.name)
    tests = read_document(file.name, suffix, before, TextDefaults()).data.get("tests", [])
    for path, text in texts_in(tests, ("tests",)):
        after = with_value(suffix, before, path, f"New {text}")
        old, new = before.split(b"\n"), after.split(b"\n")
        line = next(index for index, (one, other) in enumerate(zip(old, new, strict=False)) if one != other)
        assert new[len(new) - len(old) + line + 1 :] == old[line + 1 :], path


def test_a_file_in_which_a_comment_would_be_lost_is_left():
    text = "template: x\ntests:\n- name: a\n  expect: {equals: old,  # explains\n    contains: new}\n"
    with pytest.raises(NoPlace, match="a comment would be lost"):
        with_value(".yaml", text.encode(), ("tests", 0, "expect", "equals"), "new")
