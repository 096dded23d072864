"""Every code of the table is produced by some file, and told at its place."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from promptdb.domain.file_rules import FileRules
from promptdb.files.scan import scan
from promptdb.files.tree import MAX_TEXT_BYTES, WorkTree
from promptdb.problems import Code, Problem
from promptdb.project.read_file import Loader

Put = Callable[[str, str | bytes], Path]
Files = Mapping[str, str | bytes | Path]

FOLDER = Path("_folder")
"""As a content: a symbolic link to this path."""

CASES: list[tuple[str, Code, Files, tuple[str, int, int], str]] = [
    (
        "a folder as template",
        Code.UNREADABLE,
        {"a.yaml": "template_file: _x\n", "_x/y": ""},
        ("a.yaml", 1, 16),
        "Is a directory",
    ),
    ("Latin-1", Code.NOT_UTF8, {"a.md": b"caf\xe9\n"}, ("a.md", 1, 4), "not UTF-8"),
    (
        "Latin-1 in a fragment",
        Code.NOT_UTF8,
        {"a.j2": '{% include "_f" %}', "_f": b"x\n\xe9"},
        ("_f", 2, 1),
        "not UTF-8",
    ),
    (
        "a prompt of more than a mebibyte",
        Code.TOO_LARGE,
        {"a.md": "x" * (MAX_TEXT_BYTES + 1)},
        ("a.md", 1, 1),
        "larger than 1,024 KiB",
    ),
    (
        "a fragment of more than a mebibyte",
        Code.TOO_LARGE,
        {"a.yaml": "template_file: _x\n", "_x": "x" * (MAX_TEXT_BYTES + 1)},
        ("a.yaml", 1, 16),
        "'_x' is larger than 1,024 KiB",
    ),
    ("bad YAML", Code.SYNTAX, {"a.yaml": "template: x\nmodel: a: b\n"}, ("a.yaml", 2, 9), "not valid YAML"),
    ("bad JSON", Code.SYNTAX, {"a.json": '{"template": "x",\n "model" {}}'}, ("a.json", 2, 10), "not valid JSON"),
    (
        "front matter without an end",
        Code.SYNTAX,
        {"a.md": "---\nmodel: {}\n"},
        ("a.md", 1, 1),
        "the front matter is not closed",
    ),
    (
        "a key twice",
        Code.DUPLICATE_KEY,
        {"a.yaml": "template: x\nmodel: {}\ntemplate: y\n"},
        ("a.yaml", 3, 1),
        "the key 'template'",
    ),
    (
        "a key twice in JSON",
        Code.DUPLICATE_KEY,
        {"a.json": '{"template": "x",\n "template": "y"}'},
        ("a.json", 2, 2),
        "the key 'template'",
    ),
    ("a tag", Code.YAML_FEATURE, {"a.yaml": "template: !!str x\n"}, ("a.yaml", 1, 11), "the tag !!str is not allowed"),
    ("a merge key", Code.YAML_FEATURE, {"a.yaml": "template: x\nmodel:\n  <<: {}\n"}, ("a.yaml", 3, 3), "merge keys"),
    (
        "an anchor in itself",
        Code.TOO_COMPLEX,
        {"a.yaml": "template: x\nmodel: &m {n: *m}\n"},
        ("a.yaml", 2, 8),
        "nested deeper than 64",
    ),
    ("a list", Code.NOT_A_MAPPING, {"a.yaml": "- template: x\n"}, ("a.yaml", 1, 1), "expected fields, found list"),
    (
        "two documents",
        Code.NOT_A_MAPPING,
        {"a.yaml": "template: x\n---\ntemplate: y\n"},
        ("a.yaml", 2, 1),
        "more than one YAML document",
    ),
    ("a control character", Code.BAD_CHARACTER, {"a.yaml": "template: a\x07\n"}, ("a.yaml", 1, 12), "U+0007"),
    ("NUL in a text", Code.BAD_CHARACTER, {"a.md": "a\nb\0"}, ("a.md", 2, 2), "U+0000"),
    (
        "half a character in JSON",
        Code.BAD_CHARACTER,
        {"a.json": '{"template":\n"\\ud800"}'},
        ("a.json", 2, 2),
        "half a character",
    ),
    (
        "a misspelt field",
        Code.UNKNOWN_FIELD,
        {"a.yaml": "template: x\n\nmodle: {}\n"},
        ("a.yaml", 3, 1),
        "unknown field 'modle'",
    ),
    ("no template", Code.MISSING_FIELD, {"a.yaml": "model: {}\n"}, ("a.yaml", 1, 1), "needs a 'template'"),
    (
        "a message without a template",
        Code.MISSING_FIELD,
        {"a.yaml": "messages:\n- role: ai\n"},
        ("a.yaml", 2, 3),
        "'messages[0].template'",
    ),
    (
        "a number for text",
        Code.WRONG_VALUE,
        {"a.yaml": "template: 3\n"},
        ("a.yaml", 1, 11),
        "'template': expected text",
    ),
    ("NaN", Code.WRONG_VALUE, {"a.yaml": "template: x\nmodel: {t: .nan}\n"}, ("a.yaml", 2, 12), ".nan is not a number"),
    (
        "two tests of one name",
        Code.WRONG_VALUE,
        {"a.yaml": "template: x\ntests:\n- &t {name: a, expect: {equals: x}}\n- *t\n"},
        ("a.yaml", 3, 1),
        "two tests",
    ),
    (
        "template and template_file",
        Code.CONFLICTING_FIELDS,
        {"a.yaml": "template: x\ntemplate_file: _y\n", "_y": ""},
        ("a.yaml", 2, 16),
        "both",
    ),
    (
        "template and a body",
        Code.CONFLICTING_FIELDS,
        {"a.md": "---\ntemplate: x\n---\ny\n"},
        ("a.md", 2, 1),
        "both 'template' and a text body",
    ),
    (
        "messages in a string prompt",
        Code.CONFLICTING_FIELDS,
        {"a.yaml": "kind: string\ntemplate: x\nmessages: []\n"},
        ("a.yaml", 3, 1),
        "cannot have 'messages'",
    ),
    ("a stray brace", Code.TEMPLATE_SYNTAX, {"a.md": "one\ntwo {\n"}, ("a.md", 2, 5), "a single '{'"),
    (
        "a stray brace in a block",
        Code.TEMPLATE_SYNTAX,
        {"a.yaml": "template: |\n  one\n    {\n"},
        ("a.yaml", 3, 5),
        "a single '{'",
    ),
    (
        "an unclosed tag",
        Code.TEMPLATE_SYNTAX,
        {"a.j2": "one\n{% if x %}\n"},
        ("a.j2", 2, 1),
        "the block 'if' is not closed",
    ),
    ("an unknown filter", Code.TEMPLATE_SYNTAX, {"a.j2": "one\n\n{{ x | nosuch }}\n"}, ("a.j2", 3, 1), "nosuch"),
    (
        "an unclosed section",
        Code.TEMPLATE_SYNTAX,
        {"a.mustache": "one\n{{#x}}\n"},
        ("a.mustache", 2, 1),
        "'x' is not closed",
    ),
    (
        "a name that is not declared",
        Code.UNDECLARED_VARIABLE,
        {"a.yaml": "template: 'Hi {x}'\nvariables: {}\n"},
        ("a.yaml", 1, 11),
        "'x' is used but not declared",
    ),
    (
        "in a text",
        Code.UNDECLARED_VARIABLE,
        {"a.md": "---\nvariables: {}\n---\nHi\n {x}\n"},
        ("a.md", 5, 3),
        "'x' is used but not declared",
    ),
    (
        "a name that is not used",
        Code.UNUSED_VARIABLE,
        {"a.yaml": "template: Hi\nvariables:\n  x: {}\n"},
        ("a.yaml", 3, 3),
        "'x' is declared but not used",
    ),
    (
        "a default of another type",
        Code.CONTRACT,
        {"a.yaml": "template: '{x}'\nvariables:\n  x: {type: string, default: 3}\n"},
        ("a.yaml", 3, 30),
        "expected string, got integer",
    ),
    (
        "an example without a value",
        Code.FEW_SHOT,
        {
            "a.yaml": "template: '{examples}'\nfew_shot:\n  string_template: '{q}'\n  examples:\n  - {q: 1}\n  - {p: 1}\n"
        },
        ("a.yaml", 6, 5),
        "example 2 has no value for q",
    ),
    (
        "an example that does not render",
        Code.FEW_SHOT,
        {"a.yaml": "template: '{examples}'\nfew_shot: {string_template: '{q:d}', examples: [{q: x}]}\n"},
        ("a.yaml", 2, 49),
        "example 1 does not render",
    ),
    ("an empty file", Code.EMPTY_TEMPLATE, {"a.md": ""}, ("a.md", 1, 1), "the template is empty"),
    (
        "fragments in a circle",
        Code.INCLUDE,
        {"a.mustache": "{{> _f}}", "_f": "x\n{{> _f}}"},
        ("_f", 2, 1),
        "_f -> _f",
    ),
    ("a computed include", Code.INCLUDE, {"a.j2": "one\n{% include name %}\n"}, ("a.j2", 2, 1), "computed"),
    (
        "mustache in an f-string",
        Code.LITERAL_NAME,
        {"a.md": "Hi\n  {{name}}\n"},
        ("a.md", 2, 3),
        "{{name}} is not a variable",
    ),
    (
        "a missing asset",
        Code.FILE_MISSING,
        {"a.yaml": "template: x\nassets:\n- path: nope.csv\n"},
        ("a.yaml", 3, 9),
        "'nope.csv' does not exist",
    ),
    (
        "a link to nothing",
        Code.FILE_MISSING,
        {"a.yaml": Path("nope.yaml")},
        ("a.yaml", 1, 1),
        "a symbolic link to nothing",
    ),
    (
        "an asset outside",
        Code.OUTSIDE_ROOT,
        {"a.yaml": "template: x\nassets:\n- path: ../x\n"},
        ("a.yaml", 3, 9),
        "'../x' leads outside",
    ),
    (
        "an image that is no asset",
        Code.ASSET,
        {"a.yaml": "messages:\n- role: human\n  template:\n  - {type: image_url, image_url: {url: 'asset:x.png'}}\n"},
        ("a.yaml", 4, 40),
        "there is no asset 'x.png'",
    ),
    ("a link to outside", Code.OUTSIDE_ROOT, {"a.yaml": Path("../x.yaml")}, ("a.yaml", 1, 1), "leads outside"),
    ("a space in a name", Code.BAD_NAME, {"a b.md": "x"}, ("a b.md", 1, 1), "'a b' is not a valid name segment"),
    (
        "a bad earlier name",
        Code.BAD_NAME,
        {"a.yaml": "template: x\nrenamed_from: [b/c, d e]\n"},
        ("a.yaml", 2, 21),
        "'d e' is not a valid name",
    ),
    (
        "two suffixes",
        Code.SAME_IDENTITY,
        {"a.md": "x", "a.yaml": "template: x\n"},
        ("a.yaml", 1, 1),
        "a.md and a.yaml are both the prompt",
    ),
    ("a link to a folder", Code.SYMLINK, {"a": FOLDER, "_folder/b.md": "x"}, ("a/", 1, 1), "is not followed"),
    (
        "renamed from itself",
        Code.RENAME,
        {"a.yaml": "template: x\nrenamed_from: [a]\n"},
        ("a.yaml", 2, 16),
        "'a' is this prompt itself",
    ),
    (
        "a golden test that fails",
        Code.TEST_FAILED,
        {"a.yaml": "template: Hi\ntests:\n- name: greets\n  expect:\n    equals: Hello\n"},
        ("a.yaml", 5, 13),
        "test 'greets': line 1, column 2",
    ),
    (
        "a golden test without its values",
        Code.TEST_BROKEN,
        {"a.yaml": "template: Hi {x}\ntests:\n- name: greets\n  expect: {equals: Hi}\n"},
        ("a.yaml", 3, 3),
        "missing variable: x",
    ),
    (
        "a golden test of another prompt",
        Code.TEST_BROKEN,
        {"a.yaml": "template: Hi\ntests:\n- name: greets\n  variables: {y: 1}\n  expect: {equals: Hi}\n"},
        ("a.yaml", 4, 15),
        "gives y, which the prompt does not use",
    ),
]


def problems(root: Path) -> list[Problem]:
    """Those that `check` tells."""
    found = scan(root)
    loader = Loader(WorkTree(root), FileRules(), run_tests=True)
    return [*found.problems, *(problem for candidate in found.candidates for problem in loader(candidate).problems)]


@pytest.mark.parametrize(
    ("code", "files", "place", "fragment"), [case[1:] for case in CASES], ids=[f"{case[1]} {case[0]}" for case in CASES]
)
def test_a_problem_at_its_place(
    tree: Path, put: Put, code: Code, files: Files, place: tuple[str, int, int], fragment: str
):
    for path, content in files.items():
        if isinstance(content, Path):
            (tree / path).symlink_to(content)
        else:
            put(path, content)
    [problem] = problems(tree)
    assert (problem.code, problem.path, problem.line, problem.column) == (code, *place)
    assert fragment in problem.message


def test_no_code_is_without_a_case():
    of_aliases = {
        code for code in Code if code.name.startswith("ALIAS_")
    }  # in test_aliases_file.py and test_pointers.py
    # In test_cli_check.py, test_layouts.py and test_large_files.py.
    elsewhere = {Code.NO_PROMPTS, Code.NAME_WITHOUT_FILE, Code.MORE_PROBLEMS}
    assert {case[1] for case in CASES} == set(Code) - of_aliases - elsewhere
