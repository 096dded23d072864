"""YAML: the core schema of version 1.2, read strictly and without harm."""

import json
from typing import Any

import pytest
from hypothesis import given
from specs import json_data

from promptdb.domain.digest import canonical_json, normalized
from promptdb.files.findings import Unreadable
from promptdb.files.reading.json import read_json
from promptdb.files.reading.yaml import MAX_DEPTH, MAX_DIGITS, compose, construct, node_at, reads_as_text
from promptdb.problems import Code


def read(text: str) -> Any:
    root = compose(text)
    return construct(root) if root is not None else "EMPTY"


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        # https://yaml.org/spec/1.2.2/#1032-tag-resolution
        ("null", None),
        ("Null", None),
        ("NULL", None),
        ("~", None),
        ("true", True),
        ("True", True),
        ("TRUE", True),
        ("false", False),
        ("False", False),
        ("FALSE", False),
        ("0", 0),
        ("-19", -19),
        ("+3", 3),
        ("007", 7),
        ("0o14", 12),
        ("0x1F", 31),
        ("0xff", 255),
        ("0.", 0.0),
        ("-0.0", -0.0),
        (".5", 0.5),
        ("+12e03", 12000.0),
        ("-2E+05", -200000.0),
        ("1e3", 1000.0),
        ("1.5e-3", 0.0015),
        # text, though YAML 1.1 or other readers think otherwise
        ("no", "no"),
        ("No", "No"),
        ("yes", "yes"),
        ("on", "on"),
        ("Off", "Off"),
        ("y", "y"),
        ("n", "n"),
        ("nULL", "nULL"),
        ("tRUE", "tRUE"),
        ("2026-04-01", "2026-04-01"),
        ("2026-04-01T12:00:00Z", "2026-04-01T12:00:00Z"),
        ("12:30:45", "12:30:45"),
        ("190:20:30", "190:20:30"),
        ("1_000", "1_000"),
        ("0b101", "0b101"),
        ("0o8", "0o8"),
        ("0O14", "0O14"),
        ("-0x1F", "-0x1F"),
        ("0xG", "0xG"),
        ("1,000", "1,000"),
        (".", "."),
        ("..", ".."),
        ("-", None),
        ("--", "--"),
        ("+", "+"),
        ("1e", "1e"),
        ("e3", "e3"),
        ("1.2.3", "1.2.3"),
        ("infinity", "infinity"),
        ("nan", "nan"),
        (".Nan", ".Nan"),
        ("+.nan", "+.nan"),
        ("=", "="),
        ("Nope", "Nope"),
        ("\u0661", "\u0661"),
        # quoted is always text
        ("'null'", "null"),
        ('"true"', "true"),
        ("'1'", "1"),
        ('""', ""),
        ('"\\u00e9\\n"', "\u00e9\n"),
        ("'it''s'", "it's"),
    ],
)
def test_core_schema(scalar: str, value: Any):
    if scalar == "-":
        value = [None]  # a list of one null
    result = read(scalar)
    assert (result, type(result)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("a:\nb: ", {"a": None, "b": None}, id="nothing is null"),
        pytest.param("a: 1 # comment\n# another\n", {"a": 1}, id="comments"),
        pytest.param(
            "1: a\ntrue: b\n~: c\nnull: d\n1.0: e\n",
            {"1": "a", "true": "b", "~": "c", "null": "d", "1.0": "e"},
            id="keys are text as written",
        ),
        pytest.param("?\n: a", {"": "a"}, id="an empty key"),
        pytest.param("? a\n: b", {"a": "b"}, id="an explicit key"),
        pytest.param("'a': 1\n\"b\": 2", {"a": 1, "b": 2}, id="quoted keys"),
        pytest.param("a: |\n  x\n   y\n\n", {"a": "x\n y\n"}, id="literal block"),
        pytest.param("a: |-\n  x\n", {"a": "x"}, id="literal block, stripped"),
        pytest.param("a: |+\n  x\n\n", {"a": "x\n\n"}, id="literal block, kept"),
        pytest.param("a: >\n  x\n  y\n\n  z\n", {"a": "x y\nz\n"}, id="folded block"),
        pytest.param("a: x\n  y\n", {"a": "x y"}, id="plain over two lines"),
        pytest.param("{a: [1, {b: c}], d: }", {"a": [1, {"b": "c"}], "d": None}, id="flow"),
        pytest.param('{"a":1,"b":[true,null]}', {"a": 1, "b": [True, None]}, id="JSON"),
        pytest.param("a: &x {b: 1}\nc: *x\nd: *x", {"a": {"b": 1}, "c": {"b": 1}, "d": {"b": 1}}, id="anchors"),
        pytest.param("a: &x text\n*x : 1", {"a": "text", "text": 1}, id="an alias as a key"),
        pytest.param("'<<': 1", {"<<": 1}, id="a quoted << is a key like any other"),
        pytest.param("---\na: 1\n", {"a": 1}, id="document start"),
        pytest.param("%YAML 1.2\n---\na: 1\n...\n", {"a": 1}, id="directive and document end"),
        pytest.param("", "EMPTY", id="nothing"),
        pytest.param("# only a comment\n", "EMPTY", id="only a comment"),
        pytest.param("a: é €😀", {"a": "é €😀"}, id="Unicode"),
    ],
)
def test_documents(text: str, value: Any):
    assert read(text) == value


def test_aliases_give_copies():
    data = read("a: &x [1]\nb: *x")
    data["a"].append(2)
    assert data["b"] == [1]


@pytest.mark.parametrize("digits", [1, 20, MAX_DIGITS])
def test_integers_keep_all_their_digits(digits: int):
    assert read("9" * digits) == int("9" * digits)


def problem(text: str) -> tuple[Code, int, int, str]:
    with pytest.raises(Unreadable) as caught:
        read(text)
    [finding] = caught.value.findings
    return finding.code, finding.line, finding.column, finding.message


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "fragment"),
    [
        # numbers that JSON cannot hold
        pytest.param("a: .inf", Code.WRONG_VALUE, 1, 4, ".inf is not a number", id=".inf"),
        pytest.param("a: -.INF", Code.WRONG_VALUE, 1, 4, "-.INF is not a number", id="-.INF"),
        pytest.param("a: .nan", Code.WRONG_VALUE, 1, 4, ".nan is not a number", id=".nan"),
        pytest.param("a:\n  - 1e400", Code.WRONG_VALUE, 2, 5, "1e400 is not a number", id="a float beyond all floats"),
        pytest.param(
            "a: " + "9" * (MAX_DIGITS + 1), Code.WRONG_VALUE, 1, 4, "more than 300 digits", id="a huge integer"
        ),
        pytest.param("a: 0x" + "f" * 100_000, Code.WRONG_VALUE, 1, 4, "more than 300 digits", id="a huge hexadecimal"),
        pytest.param("a: " + "9" * 1_000_000, Code.WRONG_VALUE, 1, 4, "more than 300 digits", id="a million digits"),
        # keys
        pytest.param("a: 1\nb: 2\na: 3", Code.DUPLICATE_KEY, 3, 1, "the key 'a' appears twice", id="duplicate"),
        pytest.param("{a: 1, a: 2}", Code.DUPLICATE_KEY, 1, 8, "the key 'a' appears twice", id="duplicate in flow"),
        pytest.param("a: 1\n'a': 2", Code.DUPLICATE_KEY, 2, 1, "the key 'a' appears twice", id="duplicate in quotes"),
        pytest.param(
            "x:\n  a: 1\n  b: 2\n  a: 3", Code.DUPLICATE_KEY, 4, 3, "the key 'a' appears twice", id="duplicate at depth"
        ),
        pytest.param("? [a]\n: b", Code.YAML_FEATURE, 1, 3, "a key must be text", id="a list as a key"),
        pytest.param("x: {{a: 1}: b}", Code.YAML_FEATURE, 1, 5, "a key must be text", id="an object as a key"),
        pytest.param("{{ name }}", Code.YAML_FEATURE, 1, 2, "a key must be text", id="a template that is not quoted"),
        pytest.param("a: &x {b: 1}\nc:\n  <<: *x\n", Code.YAML_FEATURE, 3, 3, "merge keys (<<)", id="merge key"),
        pytest.param(
            "a: &x [1]\n? *x\n: b", Code.YAML_FEATURE, 1, 4, "a key must be text", id="an alias of a list as a key"
        ),
        pytest.param('"a\\0b": 1', Code.BAD_CHARACTER, 1, 1, "U+0000", id="NUL in a key"),
        # tags
        pytest.param("a: !!str x", Code.YAML_FEATURE, 1, 4, "the tag !!str is not allowed", id="!!str"),
        pytest.param("a: !!int '3'", Code.YAML_FEATURE, 1, 4, "the tag !!int is not allowed", id="!!int"),
        pytest.param("a: !!binary aGk=", Code.YAML_FEATURE, 1, 4, "the tag !!binary", id="!!binary"),
        pytest.param("a: !!set {b}", Code.YAML_FEATURE, 1, 4, "the tag !!set", id="!!set"),
        pytest.param("a: !include x.yaml", Code.YAML_FEATURE, 1, 4, "the tag !include", id="a tag of somebody"),
        pytest.param(
            "!!python/object/apply:os.system ['true']", Code.YAML_FEATURE, 1, 1, "the tag !!python", id="python"
        ),
        pytest.param("!!str a: 1", Code.YAML_FEATURE, 1, 1, "the tag !!str", id="a tag on a key"),
        pytest.param("a: !!map {b: 1}", Code.YAML_FEATURE, 1, 4, "the tag !!map", id="!!map"),
        pytest.param("%TAG ! tag:x,2000:\n---\na: !b c", Code.YAML_FEATURE, 3, 4, "the tag tag:x,2000:b", id="%TAG"),
        # text
        pytest.param('a: "x\\0y"', Code.BAD_CHARACTER, 1, 4, "U+0000", id="an escaped NUL"),
        pytest.param("a: x\ab", Code.BAD_CHARACTER, 1, 5, "U+0007", id="a control character"),
        pytest.param("é: é\nb: \x1b[0m", Code.BAD_CHARACTER, 2, 4, "U+001B", id="an escape sequence"),
        pytest.param("a: \ufffe", Code.BAD_CHARACTER, 1, 4, "U+FFFE", id="a noncharacter"),
        pytest.param('a: "\\ud800"', Code.SYNTAX, 1, 7, "invalid Unicode character escape", id="half a character"),
        # syntax
        pytest.param("a: b: c", Code.SYNTAX, 1, 5, "mapping values are not allowed", id="two colons"),
        pytest.param("a: 'x", Code.SYNTAX, 1, 6, "while scanning a quoted scalar", id="an open quotation"),
        pytest.param("a: *x", Code.SYNTAX, 1, 4, "undefined alias", id="an alias of nothing"),
        pytest.param("a: @x", Code.SYNTAX, 1, 4, "cannot start any token", id="an at sign"),
        pytest.param("a:\n\tb: 1", Code.SYNTAX, 2, 1, "cannot start any token", id="a tab as indentation"),
        pytest.param("a: [1, 2\n", Code.SYNTAX, 2, 1, "did not find expected ',' or ']'", id="an open list"),
        pytest.param("a: {b: 1\n", Code.SYNTAX, 2, 1, "did not find expected ',' or '}'", id="an open object"),
        pytest.param(
            "a: {x} y", Code.SYNTAX, 1, 8, "did not find expected key", id="a template that starts with a brace"
        ),
        pytest.param("a: 1\n b: 2", Code.SYNTAX, 2, 3, "mapping values are not allowed", id="wrong indentation"),
        pytest.param('a: "\\q"', Code.SYNTAX, 1, 5, "unknown escape character", id="unknown escape"),
        pytest.param("a: 1\n---\nb: 2\n", Code.NOT_A_MAPPING, 2, 1, "more than one YAML document", id="two documents"),
        pytest.param(
            "--- a\n--- b\n--- c\n", Code.NOT_A_MAPPING, 2, 1, "more than one YAML document", id="three documents"
        ),
        # what would take all the memory or crash the interpreter
        pytest.param("a: &x [*x]", Code.TOO_COMPLEX, 1, 4, "nested deeper than 64 levels", id="a list in itself"),
        pytest.param("a: &x {b: *x}", Code.TOO_COMPLEX, 1, 4, "nested deeper than 64 levels", id="an object in itself"),
        pytest.param("[" * 100_000, Code.TOO_COMPLEX, 1, 65, "nested deeper than 64 levels", id="100,000 lists"),
        pytest.param("[" * 65 + "]" * 65, Code.TOO_COMPLEX, 1, 65, "nested deeper than 64 levels", id="65 lists"),
        pytest.param("- " * 100_000, Code.TOO_COMPLEX, 1, 129, "nested deeper than 64 levels", id="100,000 dashes"),
        pytest.param(
            "? " * 100_000, Code.TOO_COMPLEX, 1, 129, "nested deeper than 64 levels", id="100,000 question marks"
        ),
        pytest.param("{a: " * 100_000, Code.TOO_COMPLEX, 1, 257, "nested deeper than 64 levels", id="100,000 objects"),
        pytest.param("{" * 100_000, Code.TOO_COMPLEX, 1, 65, "nested deeper than 64 levels", id="100,000 braces"),
        pytest.param(
            "[{a: " * 50_000, Code.TOO_COMPLEX, 1, 161, "nested deeper than 64 levels", id="lists and objects"
        ),
    ],
)
def test_refuses_at_the_place(text: str, code: Code, line: int, column: int, fragment: str):
    found = problem(text)
    assert found[:3] == (code, line, column)
    assert fragment in found[3]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: " * 100_000, id="keys side by side"),
        pytest.param("\n".join(" " * depth + "a:" for depth in range(3_000)), id="3,000 levels of indentation"),
        pytest.param("\n".join(" " * depth + "-" for depth in range(3_000)), id="3,000 levels of dashes"),
        pytest.param("!a " * 100_000, id="tags"),
        pytest.param("&a " * 100_000, id="anchors"),
        pytest.param("'" * 100_001, id="quotes"),
        pytest.param("[" * 500 + "]" * 500, id="500 lists"),
        pytest.param("a: &x " + "[" * 60 + "]" * 60 + "\nb: &y [*x, *x]\nc: [[[[[*y]]]]]", id="depth through aliases"),
    ],
)
def test_what_could_exhaust_the_stack_is_refused(text: str):
    with pytest.raises(Unreadable) as caught:
        read(text)
    assert {finding.code for finding in caught.value.findings} <= {Code.SYNTAX, Code.TOO_COMPLEX}


def test_64_levels_are_enough():
    data = read("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert json.dumps(data) == "[" * MAX_DEPTH + "]" * MAX_DEPTH


@pytest.mark.slow
def test_anchors_that_multiply_are_refused():
    """The billion laughs."""
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    code, line, _, message = problem("\n".join(lines))
    assert (code, line, message) == (Code.TOO_COMPLEX, 1, "too large once its anchors are expanded")


def test_a_long_text_that_is_repeated_is_refused():
    text = "a: &a " + "x" * 100_000 + "\nb: [" + ", ".join(["*a"] * 1_000) + "]"
    assert problem(text)[0] is Code.TOO_COMPLEX


def test_a_long_key_that_is_repeated_is_refused():
    text = "a: &a\n  ? " + "x" * 100_000 + "\n  : 1\nb: [" + ", ".join(["*a"] * 1_000) + "]"
    assert problem(text)[0] is Code.TOO_COMPLEX


def test_a_large_text_without_anchors_is_fine():
    assert read("a: " + "x" * 1_000_000)["a"] == "x" * 1_000_000


def test_all_findings_are_told_at_once():
    with pytest.raises(Unreadable) as caught:
        read("a: 1\na: !t 2\nb: .nan\n<<: {}\n")
    assert [(f.code, f.line, f.column) for f in caught.value.findings] == [
        (Code.DUPLICATE_KEY, 2, 1),
        (Code.YAML_FEATURE, 2, 4),
        (Code.WRONG_VALUE, 3, 4),
        (Code.YAML_FEATURE, 4, 1),
    ]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a: b: c", "quote a value that contains ': '"),
        ("a: *x", "quote a value that starts with *"),
        ("a: * b", "quote a value that starts with *"),
        ("a: & b", "quote a value that starts with &"),
        ("a: {x", "quote a value that starts with {"),
        ("a: @x", "quote a value that starts with @, ` or %"),
        ("a: 'x", "close the quotation mark"),
        ("a: !!str x", "quote text instead"),
        ("a: .nan", "quote it if it is text"),
        ("a: {x}\n b", "check the indentation"),
    ],
)
def test_hints(text: str, hint: str):
    with pytest.raises(Unreadable) as caught:
        read(text)
    assert hint in (caught.value.findings[0].hint or "")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('a: "x\u0085y"', id="next line, in quotes"),
        pytest.param("a: |\n  x\u0085y\n", id="next line, in a block"),
        pytest.param("a: x\u0085y\n", id="next line, plain"),
        pytest.param('a: "x\u2028y"', id="line separator, in quotes"),
        pytest.param("a: |\n  x\u2028y\n", id="line separator, in a block"),
        pytest.param("a: |\n  x\u2028  y\n", id="line separator, before indentation"),
        pytest.param("a: x\u2029y\n", id="paragraph separator, plain"),
        pytest.param('a: "x\ry"', id="carriage return, in quotes"),
        pytest.param("a: |\n  x\r  y\n", id="carriage return, in a block"),
    ],
)
def test_a_character_that_only_yaml_1_1_takes_for_a_line_break_is_refused(text: str):
    """libyaml makes a line break or a space of it: then the prompt would not be what its author wrote."""
    before = text[: next(position for position, character in enumerate(text) if character in "\u0085\u2028\u2029\r")]
    code, line, column, _ = problem(text)
    assert (code, line, column) == (Code.BAD_CHARACTER, before.count("\n") + 1, len(before) - before.rfind("\n"))


@pytest.mark.parametrize("character", ["\u0085", "\u2028", "\u2029", "\r"], ids=ascii)
def test_such_a_character_can_be_written_as_an_escape(character: str):
    assert read(f'a: "x\\u{ord(character):04x}y"') == {"a": f"x{character}y"}


@pytest.mark.parametrize(
    ("path", "key", "line", "column"),
    [
        ((), False, 1, 1),
        (("a",), False, 1, 4),
        (("a",), True, 1, 1),
        (("b", 1), False, 4, 5),
        (("b", 1, "c"), False, 4, 8),
        (("b", 1, "c"), True, 4, 5),
        (("b", 9), False, 3, 3),
        (("b", 1, "nope", "deeper"), False, 4, 5),
        (("nope",), False, 1, 1),
        (("a", "nope"), False, 1, 4),
    ],
)
def test_node_at_finds_the_value_or_the_deepest_on_the_way(
    path: tuple[str | int, ...], key: bool, line: int, column: int
):
    node = node_at(compose("a: 1\nb:\n  - x\n  - c: 2\n"), path, key=key)
    assert node is not None
    assert (node.start_mark.line + 1, node.start_mark.column + 1) == (line, column)


def test_node_at_nothing():
    assert node_at(None, ("a",)) is None


@pytest.mark.parametrize(
    ("text", "as_text"),
    [
        ("no", True),
        ("x", True),
        ("1_000", True),
        ("null", False),
        ("", False),
        ("0o17", False),
        ("1e5", False),
        (".inf", False),
    ],
)
def test_reads_as_text(text: str, as_text: bool):
    assert reads_as_text(text) is as_text


@given(json_data())
def test_json_read_as_yaml_is_the_same_data(value: Any):
    """So that a prompt has one digest in either; but YAML knows no halves of characters."""
    text = json.dumps(value, ensure_ascii=False)
    escaped = "".join(c if " " <= c <= "~" else f"\\U{ord(c):08x}" for c in text)
    assert canonical_json(normalized(read(escaped))) == canonical_json(normalized(read_json(text)))
