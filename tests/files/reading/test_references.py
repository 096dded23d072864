"""The other files that a prompt names: template_file, examples_file, assets, includes."""

import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from promptdb.domain.digest import digest_of
from promptdb.domain.spec import Asset
from promptdb.files.reading.parse import ParsedPrompt, ParseResult
from promptdb.files.streams import StoredFile
from promptdb.files.tree import ABSENT, MAX_TEXT_BYTES, WorkTree, beside
from promptdb.problems import Code, Problem
from promptdb.project.content import content_of_file

Parse = Callable[..., ParseResult]
OneProblem = Callable[..., Problem]


def parsed(result: ParseResult) -> ParsedPrompt:
    assert result.prompt is not None, list(map(str, result.problems))
    return result.prompt


@pytest.mark.parametrize(
    ("path", "name", "where"),
    [
        ("a.yaml", "b.md", "b.md"),
        ("s/a.yaml", "b.md", "s/b.md"),
        ("s/a.yaml", "./b.md", "s/b.md"),
        ("s/a.yaml", "../b.md", "b.md"),
        ("s/a.yaml", "../../b.md", "../b.md"),
        ("s/a.yaml", "x/../b.md", "s/b.md"),
        ("s/a.yaml", "/etc/passwd", "/etc/passwd"),
    ],
)
def test_beside(path: str, name: str, where: str):
    assert beside(path, name) == where


# template_file


@pytest.mark.parametrize(
    ("path", "name", "file", "content", "template"),
    [
        pytest.param("s/a.yaml", "_body.md", "s/_body.md", "Hi {x}\n", "Hi {x}", id="beside"),
        pytest.param("s/a.yaml", "../_shared/body.md", "_shared/body.md", "Hi\n", "Hi", id="in another folder"),
        pytest.param(
            "s/a.json", "_body.txt", "s/_body.txt", "\n\nHi\n\nyou\n\n", "Hi\n\nyou", id="line breaks at both ends"
        ),
        pytest.param(
            "s/a.yaml", "_body.bin", "s/_body.bin", b"\xef\xbb\xbfa\r\nb\r\n", "a\nb", id="byte order mark and CRLF"
        ),
        pytest.param(
            "s/a.yaml", "_body", "s/_body", "---\na: b\n---\nHi", "---\na: b\n---\nHi", id="no front matter in it"
        ),
    ],
)
def test_template_file(parse: Parse, path: str, name: str, file: str, content: str | bytes, template: str):
    text = f'{{"template_file": "{name}"}}' if path.endswith(".json") else f"template_file: {name}\n"
    prompt = parsed(parse(path, text, {file: content}))
    data = content.encode() if isinstance(content, str) else content
    assert prompt.spec.template == template
    assert (prompt.reads, prompt.stored) == ({file: digest_of(data)}, {})


def test_a_template_file_makes_the_same_version_as_the_text_itself(parse: Parse):
    one = parsed(parse("a.yaml", "template_file: _b.md\n", {"_b.md": "Hi {x}\n"}))
    assert one.spec.digest() == parsed(parse("c.yaml", "template: Hi {x}\n")).spec.digest()


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [("Hi {\n", 1, 4), ("\n\nHi\n {\n", 4, 2), ("a\r\n{\r\n", 2, 1)],
)
def test_a_problem_in_a_template_file_is_told_there(one_problem: OneProblem, content: str, line: int, column: int):
    problem = one_problem("s/a.yaml", "template_file: _b.md\n", {"s/_b.md": content})
    assert (problem.path, problem.line, problem.column) == ("s/_b.md", line, column)
    assert problem.code is Code.TEMPLATE_SYNTAX


@pytest.mark.parametrize(
    ("text", "line", "column", "other"),
    [
        ("template: x\ntemplate_file: _b.md\n", 2, 16, "template"),
        ("template_file: _b.md\nmessages: [{role: ai, template: x}]\n", 1, 16, "messages"),
    ],
)
def test_a_template_file_beside_another_template(
    one_problem: OneProblem, text: str, line: int, column: int, other: str
):
    problem = one_problem("a.yaml", text, {"_b.md": "x"})
    assert (problem.code, problem.line, problem.column) == (Code.CONFLICTING_FIELDS, line, column)
    assert problem.message == f"both 'template_file' and '{other}'"


MESSAGES = "messages:\n- {role: system, template_file: %s}\n- {role: user, template: '{question}'}\n"


def test_a_message_can_keep_its_text_in_a_file(parse: Parse):
    prompt = parsed(parse("s/a.yaml", MESSAGES % "../_shared/system.md", {"_shared/system.md": "\nBe {tone}.\n"}))
    same = MESSAGES.replace("template_file: %s", "template: 'Be {tone}.'")
    assert prompt.spec.digest() == parsed(parse("b.yaml", same)).spec.digest()
    assert prompt.reads == {"_shared/system.md": digest_of(b"\nBe {tone}.\n")}
    assert prompt.texts == {("messages", 0, "template"): "_shared/system.md"}


def test_a_problem_in_the_file_of_a_message_is_told_there(one_problem: OneProblem):
    problem = one_problem("s/a.yaml", MESSAGES % "_b.md", {"s/_b.md": "\nBe\n {kind\n"})
    assert (problem.path, problem.line, problem.column) == ("s/_b.md", 3, 2)


def test_a_message_without_its_file(one_problem: OneProblem):
    problem = one_problem("a.yaml", MESSAGES % "_b.md")
    assert (problem.code, problem.path, problem.line, problem.column) == (Code.FILE_MISSING, "a.yaml", 2, 33)


@pytest.mark.parametrize(
    ("message", "code", "text"),
    [
        ("{role: ai}", Code.MISSING_FIELD, "'messages[0].template' is missing"),
        ("{role: ai, template: x, template_file: _b}", Code.CONFLICTING_FIELDS, "both 'template_file' and 'template'"),
    ],
)
def test_a_message_has_one_text(one_problem: OneProblem, message: str, code: Code, text: str):
    problem = one_problem("a.yaml", f"messages: [{message}]\n", {"_b": "x"})
    assert (problem.code, problem.message) == (code, text)


# examples_file


SHOTS = "template: '{examples}'\nfew_shot:\n  string_template: '{q}'\n  examples_file: %s\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("_x.yaml", "- q: a\n- {q: 1.0}\n", id="yaml"),
        pytest.param("_x.yml", "[{q: a}, {q: 1}]\n", id="yml"),
        pytest.param("_x.json", '[{"q": "a"}, {"q": 1}]', id="json"),
        pytest.param("_x.jsonl", '{"q": "a"}\n\n{"q": 1.0}\n', id="jsonl"),
        pytest.param("_X.JSONL", '{"q": "a"}\r\n{"q": 1}\r\n', id="an upper-case suffix"),
    ],
)
def test_examples_file(parse: Parse, name: str, content: str):
    prompt = parsed(parse("s/a.yaml", SHOTS % name, {f"s/{name}": content}))
    assert prompt.spec.few_shot is not None
    assert prompt.spec.few_shot.examples == [{"q": "a"}, {"q": 1}]
    assert list(prompt.reads) == [f"s/{name}"]
    inline = parsed(
        parse("b.yaml", "template: '{examples}'\nfew_shot: {string_template: '{q}', examples: [{q: a}, {q: 1}]}\n")
    )
    assert prompt.spec.digest() == inline.spec.digest()


@pytest.mark.parametrize(
    ("name", "content", "code", "line", "column", "fragment"),
    [
        pytest.param(
            "_x.json",
            '[{"q": 1},\n {"a": 2}]',
            Code.FEW_SHOT,
            2,
            1,
            "example 2 has no value for q",
            id="a value is missing",
        ),
        pytest.param(
            "_x.jsonl",
            '{"q": 1}\n\n{"a": 2}\n',
            Code.FEW_SHOT,
            3,
            1,
            "example 2 has no value for q",
            id="in JSON Lines",
        ),
        pytest.param(
            "_x.yaml", "- q: 1\n- text\n", Code.WRONG_VALUE, 2, 1, "example 2 is not a mapping", id="not a mapping"
        ),
        pytest.param(
            "_x.jsonl",
            '{"q": 1}\n[1]\n',
            Code.WRONG_VALUE,
            2,
            1,
            "example 2 is not a mapping",
            id="not a mapping, JSON Lines",
        ),
        pytest.param("_x.yaml", "q: 1\n", Code.WRONG_VALUE, 1, 1, "expected a list of examples", id="no list"),
        pytest.param("_x.jsonl", '{"q": 1}\n{"q" 2}\n', Code.SYNTAX, 2, 6, "not valid JSON", id="bad JSON Lines"),
        pytest.param("_x.json", '[{"q": 1},\n {"q" 2}]', Code.SYNTAX, 2, 7, "not valid JSON", id="bad JSON"),
        pytest.param(
            "_x.yaml", "- q: 1\n  q: 2\n", Code.DUPLICATE_KEY, 2, 3, "the key 'q' appears twice", id="duplicate key"
        ),
        pytest.param("_x.yaml", b"- q: \xff\n", Code.NOT_UTF8, 1, 6, "not UTF-8", id="not UTF-8"),
    ],
)
def test_a_problem_in_an_examples_file_is_told_there(
    one_problem: OneProblem, name: str, content: str | bytes, code: Code, line: int, column: int, fragment: str
):
    problem = one_problem("s/a.yaml", SHOTS % name, {f"s/{name}": content})
    assert (problem.path, problem.code, problem.line, problem.column) == (f"s/{name}", code, line, column)
    assert fragment in problem.message


def test_an_empty_examples_file_has_no_examples(one_problem: OneProblem):
    problem = one_problem("a.yaml", SHOTS % "_x.jsonl", {"_x.jsonl": ""})
    assert (problem.path, problem.code, problem.message) == ("a.yaml", Code.FEW_SHOT, "few_shot has no examples")


# Assets


def test_assets(parse: Parse):
    text = "template: x\nassets:\n- {path: _a.csv}\n- {path: ../_b.bin, kind: snapshot}\n"
    prompt = parsed(parse("s/a.yaml", text, {"s/_a.csv": "1,2\n", "_b.bin": b"\0\xff"}))
    assert prompt.spec.assets == [
        Asset(path="_a.csv", kind="attachment", digest=digest_of(b"1,2\n")),
        Asset(path="../_b.bin", kind="snapshot", digest=digest_of(b"\0\xff")),
    ]
    assert prompt.stored == {
        "s/_a.csv": StoredFile(digest_of(b"1,2\n"), 4),
        "_b.bin": StoredFile(digest_of(b"\0\xff"), 2),
    }


def test_the_content_of_an_asset_is_part_of_the_version(parse: Parse):
    text = "template: x\nassets: [{path: _a.csv}]\n"
    one, other = (parsed(parse("a.yaml", text, {"_a.csv": content})).spec for content in ("1", "2"))
    assert one.digest() != other.digest()


def test_an_asset_is_taken_as_it_is(parse: Parse):
    prompt = parsed(parse("a.yaml", "template: x\nassets: [{path: _a.txt}]\n", {"_a.txt": b"\xef\xbb\xbfa\r\n"}))
    assert prompt.spec.assets[0].digest == digest_of(b"\xef\xbb\xbfa\r\n")


# Includes


FRAGMENTS = {
    "_shared/tone.md": "Be {{ tone }}.\n",
    "_shared/outer.md": '<{% include "_shared/tone.md" %}>',
    "_shared/p.mustache": "Be {{tone}}.\n",
    "_shared/q.mustache": "<{{> _shared/p.mustache}}>",
}


@pytest.mark.parametrize(
    ("path", "text", "names"),
    [
        pytest.param("s/a.j2", 'x {% include "_shared/tone.md" %}', ["_shared/tone.md"], id="jinja2"),
        pytest.param(
            "s/a.j2", '{% include "_shared/outer.md" %}', ["_shared/outer.md", "_shared/tone.md"], id="jinja2, nested"
        ),
        pytest.param("s/a.mustache", "x {{> _shared/p.mustache}}", ["_shared/p.mustache"], id="mustache"),
        pytest.param(
            "s/a.mustache",
            "{{> _shared/q.mustache}}",
            ["_shared/p.mustache", "_shared/q.mustache"],
            id="mustache, nested",
        ),
        pytest.param("s/a.md", '{{% include "_shared/tone.md" %}}', [], id="an f-string includes nothing"),
        pytest.param(
            "s/a.yaml",
            "template_format: jinja2\nmessages:\n- {role: system, template: '{% include \"_shared/tone.md\" %}'}\n"
            "- {role: human, template: '{% include \"_shared/tone.md\" %}'}\n",
            ["_shared/tone.md"],
            id="in messages",
        ),
        pytest.param(
            "s/a.yaml",
            "template_format: jinja2\ntemplate: '{{ examples }}'\nfew_shot: {examples: [{tone: x}], "
            "string_template: '{% include \"_shared/tone.md\" %}'}\n",
            ["_shared/tone.md"],
            id="in examples",
        ),
    ],
)
def test_includes_are_frozen_into_the_spec(parse: Parse, path: str, text: str, names: list[str]):
    prompt = parsed(parse(path, text, FRAGMENTS))
    assert prompt.spec.includes == {name: FRAGMENTS[name] for name in names}
    assert sorted(prompt.reads) == names


def test_editing_a_fragment_makes_another_version(parse: Parse):
    text = '{% include "_shared/outer.md" %}'
    one = parsed(parse("a.j2", text, FRAGMENTS)).spec
    other = parsed(parse("a.j2", text, {**FRAGMENTS, "_shared/tone.md": "Be {{ tone }}!\n"})).spec
    assert one.digest() != other.digest()


def test_a_fragment_has_lf_and_no_byte_order_mark(parse: Parse):
    prompt = parsed(parse("a.j2", '{% include "_f.md" %}', {"_f.md": b"\xef\xbb\xbfa\r\nb\r\n"}))
    assert prompt.spec.includes == {"_f.md": "a\nb\n"}


@pytest.mark.parametrize(
    ("path", "text", "others", "where", "chain"),
    [
        pytest.param(
            "a.j2",
            '{% include "_a.md" %}',
            {"_a.md": 'x\n{% include "_a.md" %}'},
            ("_a.md", 2),
            "_a.md -> _a.md",
            id="itself",
        ),
        pytest.param(
            "a.j2",
            '{% include "_a.md" %}',
            {"_a.md": '{% include "_b.md" %}', "_b.md": '{% include "_c.md" %}', "_c.md": '\n\n{% include "_a.md" %}'},
            ("_c.md", 3),
            "_a.md -> _b.md -> _c.md -> _a.md",
            id="three",
        ),
        pytest.param(
            "a.j2",
            '{% include "_a.md" %}',
            {"_a.md": '{% include "_b.md" %}', "_b.md": '{% include "_c.md" %}', "_c.md": '{% include "_b.md" %}'},
            ("_c.md", 1),
            "_a.md -> _b.md -> _c.md -> _b.md",
            id="further in",
        ),
        pytest.param(
            "a.mustache",
            "{{> _a}}",
            {"_a": "{{> _b}}", "_b": "{{#x}}\n{{> _a}}\n{{/x}}"},
            ("_b", 2),
            "_a -> _b -> _a",
            id="mustache",
        ),
        pytest.param(
            "a.mustache",
            "x\n{{> a.mustache}}",
            {},
            ("a.mustache", 2),
            "a.mustache -> a.mustache",
            id="the prompt itself",
        ),
        pytest.param(
            "a.mustache",
            "{{> s/_a}}",
            {"s/_a": "{{> s/../s/_b}}", "s/_b": "x\n{{> ./s/_a}}"},
            ("s/_b", 2),
            "s/_a -> s/../s/_b -> ./s/_a",
            id="under other names",
        ),
    ],
)
def test_a_cycle_is_told_with_its_chain_where_it_closes(
    one_problem: OneProblem, path: str, text: str, others: dict[str, str], where: tuple[str, int], chain: str
):
    problem = one_problem(path, text, others)
    assert (problem.code, problem.path, problem.line) == (Code.INCLUDE, *where)
    assert problem.message == f"fragments include one another: {chain}"


INCLUDE = {"j2": '{%% include "%s" %%}', "mustache": "{{> %s}}"}
CHAIN = " -> ".join(f"_{n:02}" for n in range(1, 22))


def chained(suffix: str, number: int) -> dict[str, str]:
    """Fragments of which each includes the next."""
    names = [f"_{n:02}" for n in range(1, number + 1)]
    texts = {name: "x\n" + INCLUDE[suffix] % following for name, following in pairwise(names)}
    return {**texts, names[-1]: "end"}


@pytest.mark.parametrize("suffix", INCLUDE)
@pytest.mark.slow
def test_twenty_fragments_in_one_another_are_fine(parse: Parse, suffix: str):
    prompt = parsed(parse(f"a.{suffix}", INCLUDE[suffix] % "_01", chained(suffix, 20)))
    assert len(prompt.spec.includes) == 20


@pytest.mark.parametrize("suffix", INCLUDE)
@pytest.mark.parametrize("number", [21, 500])
def test_more_are_told_with_their_chain_where_it_becomes_too_long(one_problem: OneProblem, suffix: str, number: int):
    problem = one_problem(f"a.{suffix}", INCLUDE[suffix] % "_01", chained(suffix, number))
    assert (problem.path, problem.line, problem.code) == ("_20", 2, Code.INCLUDE)
    assert problem.message == f"fragments are nested deeper than 20: {CHAIN}"


@pytest.mark.parametrize("suffix", INCLUDE)
def test_a_long_chain_is_found_although_its_end_was_read_before(one_problem: OneProblem, suffix: str):
    text = INCLUDE[suffix] % "_11" + "\n" + INCLUDE[suffix] % "_01"
    problem = one_problem(f"a.{suffix}", text, chained(suffix, 21))
    assert (problem.path, problem.line) == ("_10", 2)
    assert problem.message == f"fragments are nested deeper than 20: {CHAIN}"


@pytest.mark.parametrize("suffix", INCLUDE)
def test_fragments_are_named_from_the_prompts_root_wherever_they_lie(parse: Parse, suffix: str):
    others = {"s/_in/a": INCLUDE[suffix] % "s/_in/b", "s/_in/b": "right", "b": "wrong", "s/_in/s/_in/b": "wrong"}
    prompt = parsed(parse(f"s/a.{suffix}", INCLUDE[suffix] % "s/_in/a", others))
    assert prompt.spec.includes["s/_in/b"] == "right"
    assert sorted(prompt.reads) == ["s/_in/a", "s/_in/b"]


@pytest.mark.parametrize("suffix", INCLUDE)
@pytest.mark.parametrize(
    ("name", "file"),
    [
        pytest.param("tone", "app/x/tone", id="beside"),
        pytest.param("parts/tone", "app/x/parts/tone", id="below"),
        pytest.param("../tone", "app/tone", id="above"),
        pytest.param("./tone", "app/x/tone", id="with a dot"),
        pytest.param("shared/tone", "app/shared/tone", id="from a folder around it"),
        pytest.param("x/tone", "app/x/tone", id="from a folder around it, in its own"),
    ],
)
def test_a_fragment_may_be_named_from_the_folder_of_the_file(parse: Parse, suffix: str, name: str, file: str):
    prompt = parsed(parse(f"app/x/a.{suffix}", INCLUDE[suffix] % name, {file: "right"}))
    assert prompt.spec.includes == {name: "right"}
    assert prompt.texts == {("includes", name): file}
    assert {path for path, digest in prompt.reads.items() if digest != ABSENT} == {file}
    assert content_of_file(prompt, WorkTree(Path("/nonexistent"))).reads == (file,)


def test_the_prompts_root_comes_first_for_every_text(parse: Parse):
    others = {"tone": "root", "app/tone": "beside", "app/_in/a": '{% include "tone" %}', "app/_in/tone": "beside"}
    prompt = parsed(parse("app/a.j2", '{% include "tone" %}{% include "_in/a" %}', others))
    assert prompt.spec.includes == {"tone": "root", "_in/a": others["app/_in/a"]}


def test_a_fragment_names_others_from_its_own_folder(parse: Parse):
    others = {"_lib/a": '{% include "b" %}', "_lib/b": "right", "app/b": "wrong"}
    assert parsed(parse("app/a.j2", '{% include "_lib/a" %}', others)).spec.includes["b"] == "right"


def test_a_text_in_a_file_of_its_own_names_fragments_from_there(parse: Parse):
    others = {"_texts/a.j2": '{% include "tone" %}', "_texts/tone": "right", "s/tone": "wrong"}
    text = "template_format: jinja2\ntemplate_file: ../_texts/a.j2\n"
    assert parsed(parse("s/a.yaml", text, others)).spec.includes == {"tone": "right"}


def test_a_name_that_means_two_files_in_one_prompt_is_a_problem(one_problem: OneProblem):
    others = {"app/tone": "one", "_lib/a": 'x\n{% include "tone" %}', "_lib/tone": "two"}
    problem = one_problem("app/a.j2", '{% include "tone" %}\n{% include "_lib/a" %}', others)
    assert (problem.code, problem.path, problem.line) == (Code.INCLUDE, "_lib/a", 2)
    assert problem.message == "'tone' is _lib/tone here, and app/tone in another text of this prompt"


def test_a_fragment_beside_a_file_that_includes_itself(one_problem: OneProblem):
    others = {"app/b": 'x\n{% include "./b" %}'}
    problem = one_problem("app/a.j2", '{% include "b" %}', others)
    assert (problem.path, problem.line) == ("app/b", 2)
    assert problem.message == "fragments include one another: b -> ./b"


def test_a_fragment_that_is_nowhere(one_problem: OneProblem):
    problem = one_problem("app/x/a.j2", '{% include "tone" %}')
    assert problem.hint == "looked for tone or app/x/tone or app/tone"


@pytest.mark.parametrize("suffix", INCLUDE)
@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        pytest.param("_nope", Code.FILE_MISSING, "the file '_nope' does not exist", id="missing"),
        pytest.param("_in/nope", Code.FILE_MISSING, "the file '_in/nope' does not exist", id="missing in a folder"),
        pytest.param("../x", Code.OUTSIDE_ROOT, "'../x' leads outside the prompts folder", id="outside"),
        pytest.param("_in/../../x", Code.OUTSIDE_ROOT, "'_in/../../x' leads outside the prompts folder", id="dots"),
        pytest.param(
            "/etc/hostname", Code.OUTSIDE_ROOT, "'/etc/hostname' leads outside the prompts folder", id="absolute"
        ),
        pytest.param("_out", Code.OUTSIDE_ROOT, "'_out' leads outside the prompts folder", id="a link to outside"),
        pytest.param(
            "_up/x", Code.OUTSIDE_ROOT, "'_up/x' leads outside the prompts folder", id="below a link to outside"
        ),
        pytest.param("_in", Code.UNREADABLE, "the file '_in' cannot be read: Is a directory", id="a folder"),
        pytest.param(
            "_in/f/x", Code.UNREADABLE, "the file '_in/f/x' cannot be read: Not a directory", id="below a file"
        ),
        pytest.param("_loop", Code.UNREADABLE, "the file '_loop' cannot be read: ", id="a link to itself"),
        pytest.param("_pipe", Code.UNREADABLE, "the file '_pipe' cannot be read: not a regular file", id="a pipe"),
    ],
)
@pytest.mark.parametrize("where", ["template", "fragment"])
def test_a_fragment_that_cannot_be_had_is_told_where_it_is_named(
    one_problem: OneProblem, tree: Path, suffix: str, name: str, code: Code, message: str, where: str
):
    (tree.parent / "x").write_text("secret")
    for link, target in {"_out": "../x", "_up": "..", "_loop": "_loop"}.items():
        (tree / link).symlink_to(target)
    os.mkfifo(tree / "_pipe")
    text, others = "a\n\n" + INCLUDE[suffix] % name, {"_in/f": "x"}
    path = f"a.{suffix}"
    if where == "fragment":
        path, others, text = "_f", others | {"_f": text}, INCLUDE[suffix] % "_f"
    problem = one_problem(f"a.{suffix}", text, others)
    assert (problem.path, problem.line, problem.code) == (path, 3, code)
    assert problem.message.startswith(message)


def test_a_fragment_that_two_others_include_is_no_cycle(parse: Parse):
    others = {"_a": "{{> _c}}", "_b": "{{> _c}}", "_c": "x"}
    assert sorted(parsed(parse("a.mustache", "{{> _a}}{{> _b}}", others)).spec.includes) == ["_a", "_b", "_c"]


@pytest.mark.parametrize(
    ("text", "others", "path", "code", "line", "fragment"),
    [
        pytest.param(
            'a\n\n{% include "_nope.md" %}',
            {},
            "a.j2",
            Code.FILE_MISSING,
            3,
            "'_nope.md' does not exist",
            id="a fragment that is not there",
        ),
        pytest.param(
            '---\nmodel: {}\n---\na\n{% include "_nope.md" %}',
            {},
            "a.j2",
            Code.FILE_MISSING,
            5,
            "'_nope.md'",
            id="behind front matter",
        ),
        pytest.param(
            'as in _nope.md\n{# _nope.md #}\n{% include "_nope.md" %}',
            {},
            "a.j2",
            Code.FILE_MISSING,
            3,
            "'_nope.md'",
            id="behind its name in the text",
        ),
        pytest.param(
            'a\n{% include "_f.md" %}',
            {"_f.md": 'b\n\n{% include "_nope.md" %}'},
            "_f.md",
            Code.FILE_MISSING,
            3,
            "'_nope.md' does not exist",
            id="a fragment of a fragment is not there",
        ),
        pytest.param("a\n{% include name %}", {}, "a.j2", Code.INCLUDE, 2, "computed", id="a computed name"),
        pytest.param(
            '{% include "_f.md" %}',
            {"_f.md": "b\n{% include name %}"},
            "_f.md",
            Code.INCLUDE,
            2,
            "computed",
            id="in a fragment",
        ),
        pytest.param(
            '{% include "_f.md" %}',
            {"_f.md": "b\n{% if %}"},
            "_f.md",
            Code.TEMPLATE_SYNTAX,
            2,
            "Expected an expression",
            id="syntax",
        ),
        pytest.param(
            '{% include "_f.md" %}',
            {"_f.md": "b\n{{ x | nosuch }}"},
            "_f.md",
            Code.TEMPLATE_SYNTAX,
            2,
            "nosuch",
            id="unknown filter",
        ),
        pytest.param(
            '{% include "_f.md" %}', {"_f.md": b"b\n\xff"}, "_f.md", Code.NOT_UTF8, 2, "not UTF-8", id="not UTF-8"
        ),
        pytest.param('a\n{% include "../x.md" %}', {}, "a.j2", Code.OUTSIDE_ROOT, 2, "'../x.md'", id="outside"),
        pytest.param(
            'a\n{% include "/etc/passwd" %}', {}, "a.j2", Code.OUTSIDE_ROOT, 2, "'/etc/passwd'", id="absolute"
        ),
        pytest.param(
            'a\n{% include "_folder" %}', {"_folder/x": ""}, "a.j2", Code.UNREADABLE, 2, "'_folder'", id="a folder"
        ),
    ],
)
def test_a_problem_with_an_include_is_told_at_its_line(
    one_problem: OneProblem, text: str, others: dict[str, str | bytes], path: str, code: Code, line: int, fragment: str
):
    problem = one_problem("a.j2", text, others)
    assert (problem.path, problem.code, problem.line) == (path, code, line)
    assert fragment in problem.message


@pytest.mark.parametrize(
    ("text", "others", "path", "code", "line", "fragment"),
    [
        pytest.param(
            "a\n{{> _nope}}", {}, "a.mustache", Code.FILE_MISSING, 2, "'_nope' does not exist", id="not there"
        ),
        pytest.param(
            "{{> _f}}",
            {"_f": "a\n{{> _nope}}"},
            "_f",
            Code.FILE_MISSING,
            2,
            "'_nope' does not exist",
            id="of a partial",
        ),
        pytest.param("{{> _f}}", {"_f": "a\n{{#x}}"}, "_f", Code.TEMPLATE_SYNTAX, 2, "'x' is not closed", id="syntax"),
        pytest.param("{{> _f}}", {"_f": "a\n{{a..b}}"}, "_f", Code.TEMPLATE_SYNTAX, 2, "'a..b'", id="a bad name"),
        pytest.param("a\n{{> ../x}}", {}, "a.mustache", Code.OUTSIDE_ROOT, 2, "'../x'", id="outside"),
        pytest.param(
            "_n\n{{! _n }}\n{{> _n}}", {}, "a.mustache", Code.FILE_MISSING, 3, "'_n'", id="behind its name in the text"
        ),
        pytest.param(
            "{{> _n/x}}\n{{> _n.md}}\n{{> _n}}",
            {"_n/x": "x", "_n.md": "x"},
            "a.mustache",
            Code.UNREADABLE,
            3,
            "'_n'",
            id="behind longer names",
        ),
        pytest.param("a\n{{> *name}}", {}, "a.mustache", Code.INCLUDE, 2, "computed: '*name'", id="a computed name"),
        pytest.param(
            "{{> _f}}", {"_f": "b\n{{>*name}}"}, "_f", Code.INCLUDE, 2, "computed: '*name'", id="computed in a partial"
        ),
        pytest.param(
            "a\n{{<base}}{{/base}}", {}, "a.mustache", Code.TEMPLATE_SYNTAX, 2, "inheritance", id="inheritance"
        ),
    ],
)
def test_a_problem_with_a_partial_is_told_at_its_line(
    one_problem: OneProblem, text: str, others: dict[str, str], path: str, code: Code, line: int, fragment: str
):
    problem = one_problem("a.mustache", text, others)
    assert (problem.path, problem.code, problem.line) == (path, code, line)
    assert fragment in problem.message


# Files that cannot be had


NAMED = {
    "template_file": ("template_file: %s\n", 1, 16),
    "examples_file": ("template: '{examples}'\nfew_shot: {string_template: x, examples_file: %s}\n", 2, 47),
    "assets": ("template: x\nassets:\n- kind: snapshot\n  path: %s\n", 4, 9),
}


@pytest.mark.parametrize(("text", "line", "column"), NAMED.values(), ids=NAMED)
@pytest.mark.parametrize(
    ("name", "code", "fragment", "hint"),
    [
        pytest.param(
            "_nope.json",
            Code.FILE_MISSING,
            "the file '_nope.json' does not exist",
            "looked for s/_nope.json",
            id="missing",
        ),
        pytest.param("../../x.json", Code.OUTSIDE_ROOT, "'../../x.json' leads outside", None, id="outside"),
        pytest.param("/etc/hostname", Code.OUTSIDE_ROOT, "'/etc/hostname' leads outside", None, id="absolute"),
        pytest.param("_out.json", Code.OUTSIDE_ROOT, "'_out.json' leads outside", None, id="a link to outside"),
        pytest.param(
            "_up/outside.json",
            Code.OUTSIDE_ROOT,
            "'_up/outside.json' leads outside",
            None,
            id="through a link to outside",
        ),
        pytest.param(
            "_folder", Code.UNREADABLE, "the file '_folder' cannot be read: Is a directory", None, id="a folder"
        ),
        pytest.param("_loop.json", Code.UNREADABLE, "'_loop.json' cannot be read", None, id="a link to itself"),
        pytest.param(
            "a.yaml/x.json", Code.UNREADABLE, "'a.yaml/x.json' cannot be read: Not a directory", None, id="below a file"
        ),
        pytest.param(
            "x" * 300, Code.UNREADABLE, "cannot be read: File name too long", None, id="a name that is too long"
        ),
    ],
)
def test_a_file_that_cannot_be_had(
    parse: Parse, tree: Path, text: str, line: int, column: int, name: str, code: Code, fragment: str, hint: str | None
):
    (tree / "s" / "_folder").mkdir(parents=True)
    (tree.parent / "outside.json").write_text("[]")
    for link, target in {"_out.json": "../../outside.json", "_up": "../..", "_loop.json": "_loop.json"}.items():
        (tree / "s" / link).symlink_to(target)
    result = parse("s/a.yaml", text % name)
    problem = next(problem for problem in result.problems if problem.code is code)
    assert (problem.path, problem.line, problem.column) == ("s/a.yaml", line, column)
    assert fragment in problem.message
    assert hint is None or problem.hint == hint
    assert result.prompt is None


def test_a_link_inside_the_tree_is_followed(parse: Parse, put: Any, tree: Path):
    put("_real/body.md", "Hi")
    (tree / "s").mkdir()
    (tree / "s" / "_link").symlink_to("../_real")
    assert parsed(parse("s/a.yaml", "template_file: _link/body.md\n")).spec.template == "Hi"


@pytest.mark.parametrize("name", ["template_file", "examples_file"])
def test_a_text_that_is_too_large(one_problem: OneProblem, name: str):
    text, line, column = NAMED[name]
    problem = one_problem("s/a.yaml", text % "_big.json", {"s/_big.json": b" " * (MAX_TEXT_BYTES + 1)})
    assert (problem.path, problem.code, problem.line, problem.column) == ("s/a.yaml", Code.TOO_LARGE, line, column)
    assert problem.message == "'_big.json' is larger than 1,024 KiB"


def test_an_asset_may_be_larger_than_a_text(parse: Parse):
    parsed(parse("a.yaml", "template: x\nassets: [{path: _big}]\n", {"_big": b"x" * (MAX_TEXT_BYTES + 1)}))


def test_every_file_that_is_missing_is_told_in_one_run(parse: Parse):
    text = (
        "template_file: _a\nfew_shot: {examples_file: _b.json, string_template: x}\nassets: [{path: _c}, {path: _d}]\n"
    )
    assert [(p.code, p.line, p.column) for p in parse("a.yaml", text).problems] == [
        (Code.FILE_MISSING, 1, 16),
        (Code.FILE_MISSING, 2, 27),
        (Code.FILE_MISSING, 3, 17),
        (Code.FILE_MISSING, 3, 29),
    ]
