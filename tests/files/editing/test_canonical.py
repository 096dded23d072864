"""The canonical form of a prompt file: the same prompt, every comment, and nothing more to change."""

import json
import re
from pathlib import Path
from random import Random

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from odd_yaml import OddYaml
from specs import AWKWARD_TEXTS, chat_prompts, string_prompts

from promptdb.domain.file_rules import TextDefaults
from promptdb.domain.prompt_file import SCHEMA_FIELD, PromptFile
from promptdb.domain.spec import PromptSpec
from promptdb.domain.suffixes import SUFFIXES
from promptdb.errors import ConfigError
from promptdb.files.editing.canonical import formatted
from promptdb.files.editing.field_order import FIELD_ORDER
from promptdb.files.editing.write import prompt_file_text
from promptdb.files.findings import NoPlace, Unreadable
from promptdb.files.reading.formats import read_document
from promptdb.files.reading.parse import ParsedPrompt, parse_file
from promptdb.files.tree import WorkTree

NO_FILES = WorkTree(Path("/nonexistent"))
LONG = "a sentence that is far too long for one line, since it goes on and on with words until nobody reads it any more, ever"


def fmt(text: str, suffix: str = ".yaml") -> str:
    once = formatted(suffix, text.encode())
    assert formatted(suffix, once) == once
    return once.decode()


def prompt_of(suffix: str, data: bytes) -> ParsedPrompt:
    result = parse_file("a" + suffix, data, NO_FILES, TextDefaults())
    assert result.prompt is not None, f"{list(map(str, result.problems))}\n{data.decode()}"
    return result.prompt


def assert_same_prompt(suffix: str, before: bytes) -> bytes:
    """Format a file. Only its form may change, and the form of the form is itself."""
    after = formatted(suffix, before)
    old, new = prompt_of(suffix, before), prompt_of(suffix, after)
    assert new.spec.digest() == old.spec.digest()
    assert (new.tests, new.renamed_from, new.document.data) == (old.tests, old.renamed_from, old.document.data)
    assert formatted(suffix, after) == after
    return after


# One rule in each


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            "template: a\nmetadata: {}\nkind: string\n", "kind: string\nmetadata: {}\ntemplate: a\n", id="order"
        ),
        pytest.param(
            "kind: string\ntemplate: 'a'", "kind: string\ntemplate: a\n", id="quotes, and the end of the file"
        ),
        pytest.param("template: '{a}'\n", 'template: "{a}"\n', id="double quotes by default"),
        pytest.param('template: "say \\"hi\\""\n', 'template: say "hi"\n', id="no escapes where none are needed"),
        pytest.param('template: "{\\"a\\": 1}"\n', "template: '{\"a\": 1}'\n", id="single quotes around double ones"),
        pytest.param("template: 'no'\n", 'template: "no"\n', id="text that other readers take for a boolean"),
        pytest.param("template: no\n", "template: no\n", id="an author who knows YAML 1.2"),
        pytest.param("template: '12'\n", 'template: "12"\n', id="text like a number"),
        pytest.param(
            "model: {n: 1.50, x: 0x1F, t: True, z: ~, e: }\n",
            "model: {n: 1.50, x: 0x1F, t: True, z: ~, e: null}\n",
            id="numbers as they are written",
        ),
        pytest.param('template: "a\\nb"\n', "template: |-\n  a\n  b\n", id="lines as a block"),
        pytest.param('template: "a\\nb\\n\\n"\n', "template: |+\n  a\n  b\n\n", id="lines that end with empty ones"),
        pytest.param('template: "a \\n\\tb  \\n"\n', "template: |\n  a \n  \tb  \n", id="spaces at the ends, and tabs"),
        pytest.param('template: "a\\n"\n', 'template: "a\\n"\n', id="one line with its end"),
        pytest.param('template: "\\n a\\nb"\n', 'template: "\\n a\\nb"\n', id="a space in front"),
        pytest.param(
            f'template: "\\n {LONG}"\n', f"template: |2-\n\n   {LONG}\n", id="a space in front of a long text"
        ),
        pytest.param('template: "a\\nb\\u2028"\n', 'template: "a\\nb\\L"\n', id="what a block cannot hold"),
        pytest.param(f"template: '{LONG}: x'\n", f"template: |-\n  {LONG}: x\n", id="a long text that needs quotes"),
        pytest.param(f"template: {LONG}\n", f"template: {LONG}\n", id="a long text that needs none"),
        pytest.param("template:\n  a word\n  or two\n", "template: a word or two\n", id="a wrapped text that fits"),
        pytest.param(
            f"template:\n  {LONG}\n  more\n", f"template: >-\n  {LONG}\n  more\n", id="a wrapped text that does not fit"
        ),
        pytest.param(
            "template: >\n    a\n    b\n\n      c\n\n\n",
            "template: >\n  a\n  b\n\n    c\n",
            id="folded text keeps its lines",
        ),
        pytest.param(
            "template: >2-\n    a\n    b\n",
            "template: |-\n    a\n    b\n".replace("|-", "|2-"),
            id="folded, stated indent",
        ),
        pytest.param(
            "template: |+\n   a\n\n\nkind: string\n", "kind: string\n\ntemplate: |+\n  a\n\n\n", id="kept line ends"
        ),
        pytest.param(
            "renamed_from: [ a/b , 'c/d' ]\ntemplate: x\n", "template: x\nrenamed_from: [a/b, c/d]\n", id="one line"
        ),
        pytest.param(
            "renamed_from: [a/b,\n  c/d]\n", "renamed_from:\n  - a/b\n  - c/d\n", id="brackets over several lines"
        ),
        pytest.param(
            f"tests: [{{name: a, expect: {{contains: ['{LONG}']}}}}]\n",
            f"tests:\n  - name: a\n    expect:\n      contains:\n        - {LONG}\n",
            id="brackets on a long line",
        ),
        pytest.param(
            'messages: [{role: user, template: "a\\nb"}]\n',
            "messages:\n  - role: user\n    template: |-\n      a\n      b\n",
            id="lines in brackets",
        ),
        pytest.param(
            "messages:\n- template: x\n  role: user\n-\n      role: ai\n      template: y\n",
            "messages:\n  - role: user\n    template: x\n  - role: ai\n    template: y\n",
            id="indentation",
        ),
        pytest.param('{"template": "a", "kind": "string"}', "kind: string\ntemplate: a\n", id="JSON as YAML"),
        pytest.param("? template\n: a\n", "template: a\n", id="a key with a question mark"),
        pytest.param("template:   a\n\n\n\nmodel:\n\n  a: 1\n", "model:\n  a: 1\n\ntemplate: a\n", id="empty lines"),
        pytest.param("# x\n---\ntemplate:   a\n", "# x\n---\ntemplate: a\n", id="the start of a document"),
        pytest.param(
            "\ufefftemplate:  a\r\nkind: string\r\n", "\ufeffkind: string\r\ntemplate: a\r\n", id="BOM and CRLF"
        ),
        pytest.param(
            "template:  a\nmodel:\n  b: 1\n  a: 2\n  c: {z: 1, y: 2}\n",
            "model:\n  b: 1\n  a: 2\n  c: {z: 1, y: 2}\ntemplate: a\n",
            id="mappings of the author keep their order",
        ),
        pytest.param(
            "variables:\n  description: {type: string}\n  a: {description: x, type: string}\ntemplate: x\n",
            "variables:\n  description: {type: string}\n  a: {type: string, description: x}\ntemplate: x\n",
            id="a variable named as a field",
        ),
    ],
)
def test_a_rule(before: str, after: str) -> None:
    assert fmt(before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            "template: a # x\n#y\nkind: string\n", "#y\nkind: string\ntemplate: a  # x\n", id="they go with their field"
        ),
        pytest.param(
            "# the file\n\ntemplate: a\nkind: string\n", "# the file\n\nkind: string\ntemplate: a\n", id="of the file"
        ),
        pytest.param(
            "# either\ntemplate: a\nkind: string\n",
            "# either\ntemplate: a\nkind: string\n",
            id="of the file or its field",
        ),
        pytest.param(
            f'template: # a\n  "x\\n\\\n  {LONG}\\a" # b\n',
            f'# a\ntemplate:  # b\n  "x\\n\\\n  {LONG}\\a"\n',
            id="of quotes over several lines",
        ),
        pytest.param(
            f'renamed_from:\n  - "x\\n\\\n    {LONG}\\a" # b\n',
            f'renamed_from:\n  # b\n  - "x\\n\\\n    {LONG}\\a"\n',
            id="of such quotes behind a dash",
        ),
        pytest.param(
            "# yaml-language-server: $schema=x\ntemplate: a\nkind: string\n",
            "# yaml-language-server: $schema=x\nkind: string\ntemplate: a\n",
            id="for editors",
        ),
        pytest.param("template: a\n# end\n", "template: a\n# end\n", id="at the end"),
        pytest.param(
            "model:\n    a: 1\n    # inside\n# outside\ntemplate: x\n",
            "model:\n  a: 1\n  # inside\n# outside\ntemplate: x\n",
            id="at the end of a block",
        ),
        pytest.param(
            "template: | # b\n    # text\n    a # text\n", "template: |  # b\n  # text\n  a # text\n", id="of a block"
        ),
        pytest.param(
            "messages: # all\n  # one\n- # two\n  # three\n  role: ai # four\n  template: x\n  # five\n",
            "messages:  # all\n  # one\n  # two\n  # three\n  - role: ai  # four\n    template: x\n    # five\n",
            id="around a dash",
        ),
        pytest.param(
            "messages:\n  - # b\n    template: x\n    # a\n    role: ai\n",
            "messages:\n  # b\n  # a\n  - role: ai\n    template: x\n",
            id="of a field that moves behind a dash",
        ),
        pytest.param(
            "tests: [ # a\n  {name: x}, # b\n  # c\n] # d\n",
            "# a\ntests:  # d\n  - {name: x}  # b\n  # c\n",
            id="in brackets",
        ),
        pytest.param("template:\n  # a\n  x # b\n", "# a\ntemplate: x  # b\n", id="before a text"),
        pytest.param(
            "template: x #y\nmodel: {a: 'x #y'} # z\n",
            'model: {a: "x #y"}  # z\ntemplate: x  #y\n',
            id="beside brackets",
        ),
        pytest.param("renamed_from: [\n  # none\n]\n", "# none\nrenamed_from: []\n", id="in empty brackets"),
    ],
)
def test_a_comment(before: str, after: str) -> None:
    assert fmt(before) == after


@pytest.mark.parametrize(
    ("before", "after", "suffix"),
    [
        (
            "---\nrole:   system\n---  \n\n  Body \n---\nrole:   x\n\n\n",
            "---\nrole: system\n---\n\n  Body \n---\nrole:   x\n",
            ".md",
        ),
        ("---\nmodel: {}\nkind: string\n---", "---\nkind: string\nmodel: {}\n---\n", ".md"),
        ("Hi {{  x  }}  ", "Hi {{  x  }}  \n", ".j2"),
        ("Hi\r\n\r\n", "Hi\r\n", ".txt"),
        ("---\r\nmodel:  {}\r\n---\r\na\r\nb", "---\r\nmodel: {}\r\n---\r\na\r\nb\r\n", ".md"),
        ("\n\n", "\n\n", ".txt"),
        ("---\n# none\n---\nx", "---\n# none\n---\nx\n", ".txt"),
        (
            '{"template":"\\u00e9 \\/","model":{"b":1.50,"a":[]}}',
            '{\n  "model": {\n    "b": 1.50,\n    "a": []\n  },\n  "template": "\\u00e9 \\/"\n}\n',
            ".json",
        ),
    ],
)
def test_other_files(before: str, after: str, suffix: str) -> None:
    assert fmt(before, suffix) == after


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("template: &a x\nmodel: {b: *a}\n", "it has anchors, aliases or tags"),
        ("template: ! 1\n", "it has anchors, aliases or tags"),
        ("template:   &a x\n", "it has anchors, aliases or tags"),
        ("%YAML 1.2\n---\ntemplate:   x\n", "it is laid out in an unusual way"),
        (f"model: {{{'k' * 1001}:   1}}\n", "it has a very long key"),
        (f'model:\n  ? "{"k" * 1100}"\n  : 1\n', "it has a very long key"),
        ("--- # x\n[]\n", "it is laid out in an unusual way"),
    ],
)
def test_what_stays_as_it_is(text: str, reason: str) -> None:
    with pytest.raises(NoPlace, match=re.escape(reason)):
        formatted(".yaml", text.encode())


@pytest.mark.parametrize(
    "text",
    ["a:  1\na: 2\n", "a: 1\n- b\n", "a: 1\n---\nb: 2\n", "a: [\n", "---\na: 1", '{"a": 1,}', "{[1]: 2}", "\xff"],
)
def test_what_cannot_be_read(text: str) -> None:
    suffix = ".json" if text[0] == "{" else ".md" if text[0] == "-" else ".yaml"
    with pytest.raises(Unreadable):
        formatted(suffix, text.encode("latin-1"))


# Any file


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_awkward_texts(suffix: str) -> None:
    for text in AWKWARD_TEXTS:
        spec = {
            "kind": "string",
            "template": text,
            "template_format": "plain",
            "metadata": {"title": text, "tags": [text]},
        }
        try:
            written = prompt_file_text(
                PromptSpec.model_validate(spec | {"model": {text: [text, {text: text}]}}), suffix
            )
        except ConfigError:
            continue
        assert_same_prompt(suffix, written.encode())


NASTY = (
    "template:\tx\nkind:\tstring\n",
    "template : x\nmodel: {a, b: , c: ~,}\n",
    'model: {"": 1, "a: b":  1, "c #d": 2, "[x]": 3}\ntemplate: x\n',
    "model:\n  a b c: 1\n  -x: 2\n  ?y: 3\n  http://x: 4\n  a[b]: 5\n  null: 2\n  1: 3\ntemplate:  x\n",
    "model:\n  ? |\n    a\n    b\n  : 1\ntemplate: x\n",
    "model: {a: [b: 1, c]}\ntemplate:  x\n",
    "model:\n  a:\n  - - - 1\n      - 2\n    -\n      - 3\n  - []\n  - - {}\ntemplate: x\n",
    "template: |\n  a\n # one\n# two\nkind: string\n",
    "template: |\n\n\nkind: string\n",
    "template: |+\n\n\nkind: string\n",
    "template: |\n  a\n   \n  \nkind: string\n",
    "kind: string\ntemplate: |+\n  a",
    "template: >\n\n\n  a\n  b\n\n    c\n  d\n\n\n  e\nkind:   string\n",
    "template: >+\n  a \n  b  \n   \n\nkind: string\n",
    "template: >-\n  \u00a0a\n  b\nkind: string\n",
    "template: |-1 # c\n  a\nkind: string\n",
    'template: "a\\\n  b\\x41\\u00e9\\U0001F600\\/\\e"\nkind: string\n',
    'template: "a   \n\n  b\n  c\n"\nkind: string\n',
    "template: a#b\n  c#d\n\n  e # x\nkind: string\n",
    'model:\n  a: "\n    ---\n    x"\ntemplate: x\n',
    "template: |\r\n  a\n  b\r\nkind: string\r\nmodel: {}\n",
    'template: "\\ufeffx\u200b"\nmodel: {"\u00a0a": "\\uFFFE\\x7f\\N"}\n',
    "# a\n---\n# b\ntemplate:  x\n",
    "---\n  template:  x\n  kind: string\n  # c\n # d\n# e\n",
    "template: |\n  ...\n  ---\nkind: string\n...\n",
    "template: a & b * c ! d\nkind: string\n",
    "model: { # a\n  # b\n  x: 1, # c\n  # d\n  y: [1, # e\n   2], # f\n  # g\n} # h\n# i\ntemplate: x\n",
    '{ # a\n "template": "x", # b\n # c\n "kind": "string" # d\n} # e\n# f\n',
    "model: {a: b\n c,\n d: e}\ntemplate: x\n",
    'model: [a:b, http://x, "a: b", -1, -a, "?x", .5]\ntemplate:  x\n',
    "model:\n  a:\n  - # x\n    - 1 # y\n    # z\n  - - # w\n      2\ntemplate: x\n",
    f"template: '{'x:' * 100}'\nmodel:\n  {'k' * 200}: '{'v ' * 60}'\n",
    f"template:\n  {'x' * 150}\n  y\nkind: string\n",
    f'template: "\\  a  {"w  " * 60}\n b"\nkind: string\n',
    "model: {a: 0o17, b: 1e3, c: +1, d: -0, e: .5, f: 1., g: 1_000, h: 012, i: 1:30, j: yes}\ntemplate:  x\n",
    'model: {a: "0o17", b: "1e3", g: "1_000", i: "1:30", j: "y", k: "=", l: "<<", m: "Null"}\ntemplate:  x\n',
    f"model: {'{a: ' * 62}1{'}' * 62}\ntemplate:  x\n",
)


def test_nasty_files() -> None:
    for text in NASTY:
        before = text.encode()
        after = formatted(".yaml", before)
        old, new = (read_document("a.yaml", ".yaml", data, TextDefaults()).data for data in (before, after))
        assert json.dumps(new, sort_keys=True) == json.dumps(old, sort_keys=True)
        assert (after != before, formatted(".yaml", after)) == (True, after), text


def test_odd_files() -> None:
    for seed in range(60):
        odd, suffix, newline = OddYaml(Random(seed)), [".yaml", ".yml", ".md"][seed % 3], ["\n", "\r\n"][seed % 2]
        text = f"---\n{odd.fields()}\n---\n\n  Text \n---\n# not a comment\n" if suffix == ".md" else odd.prompt()
        before = text.replace("\n", newline).encode()
        after = assert_same_prompt(suffix, before).decode()
        fields = text.split("\n---\n")[0]
        # Some of its comments are lines of texts, which a deeper indentation makes of them.
        texts = " ".join(token.value for token in yaml.scan(fields) if isinstance(token, yaml.ScalarToken))
        comments = [comment for comment in odd.comments if comment not in texts]
        assert [after.count(comment) for comment in comments] == [1] * len(comments)
        assert newline == "\n" or not re.search(r"(?<!\r)\n", after)


@given(st.one_of(string_prompts(), chat_prompts()), st.sampled_from([".yaml", ".json", ".md"]))
def test_exported_files(spec: PromptSpec, suffix: str) -> None:
    try:
        written = prompt_file_text(spec, suffix)
    except ConfigError:
        return
    assert assert_same_prompt(suffix, written.encode()) == written.encode()


def test_every_field_has_a_place() -> None:
    assert set(FIELD_ORDER) - {SCHEMA_FIELD, "role", "role_name", "name"} == PromptFile.model_fields.keys()
