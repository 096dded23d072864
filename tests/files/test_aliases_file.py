"""`_aliases.yaml`: what it may say, and where each mistake is told."""

from pathlib import Path

import pytest

from promptdb.domain.aliases import Declaration
from promptdb.domain.git_refs import RefRules
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import ByCommit, ByDigest, ByLabel, ByRevision, Latest, Selector
from promptdb.files.aliases_file import AliasesFile, read_aliases, without_file
from promptdb.files.tree import MAX_TEXT_BYTES, WorkTree
from promptdb.problems import Code

TRIAGE = PromptId("support", "triage")
RULES = RefRules.of({"main": ["staging"], "tags/v*": ["stable"]})


def read(root: Path, data: str | bytes) -> AliasesFile:
    (root / "_aliases.yaml").write_bytes(data.encode() if isinstance(data, str) else data)
    return read_aliases(WorkTree(root), RULES)


@pytest.mark.parametrize("text", [None, "", "# nothing yet\n", "{}", "production: {}\n"])
def test_nothing_may_be_declared(tmp_path: Path, text: str | None) -> None:
    found = read_aliases(WorkTree(tmp_path), RULES) if text is None else read(tmp_path, text)
    assert (found.declarations, found.problems) == ((), ())


@pytest.mark.parametrize(
    ("text", "selector"),
    [
        ("rev:3", ByRevision(3)),
        ("sha256:AB12cd34", ByDigest("ab12cd34")),
        ("git:release/1.2", ByCommit("release/1.2")),
        ("latest", Latest()),
        ("2026-11", ByLabel("2026-11")),
        ("'1.2'", ByLabel("1.2")),
    ],
)
def test_each_kind_of_version_is_read(tmp_path: Path, text: str, selector: Selector) -> None:
    found = read(tmp_path, f"# who\nproduction: {{support/triage: {text}}}\n")
    assert found.problems == ()
    assert found.declarations == (Declaration("production", TRIAGE, selector, text.strip("'"), 2, 30),)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("production: {support/triage: {rev:3: 90, latest: 10}}\n", [(1, 38), (1, 50)]),
        ("production:\n  support/triage:\n    rev:3: 90\n    latest: 10  # a try\n", [(3, 12), (4, 13)]),
    ],
)
def test_a_split_has_arms_with_their_places(tmp_path: Path, text: str, places: list[tuple[int, int]]) -> None:
    found = read(tmp_path, text)
    assert found.problems == ()
    [declaration] = found.declarations
    assert (declaration.selector, declaration.text) == (ByRevision(3), "rev:3=90 latest=10")
    assert [(arm.selector, arm.text, arm.weight) for arm in declaration.arms] == [
        (ByRevision(3), "rev:3", 90),
        (Latest(), "latest", 10),
    ]
    assert [(arm.line, arm.column) for arm in declaration.arms] == places


def test_prompts_of_the_default_namespace_may_leave_it_out(tmp_path: Path) -> None:
    found = read(tmp_path, "production:\n  greet: rev:1\ncanary:\n  default/greet: rev:2\n")
    assert [(one.alias, str(one.prompt), one.line, one.column) for one in found.declarations] == [
        ("production", "default/greet", 2, 10),
        ("canary", "default/greet", 4, 18),
    ]


MISTAKES = [
    ("a split of one", "a: {x: {rev:1: 1}}\n", Code.WRONG_VALUE, (1, 8)),
    ("an empty split", "a: {x: {}}\n", Code.WRONG_VALUE, (1, 8)),
    ("a weight of 0", "a: {x: {rev:1: 1, rev:2: 0}}\n", Code.WRONG_VALUE, (1, 26)),
    ("a weight of a half", "a: {x: {rev:1: 1, rev:2: 0.5}}\n", Code.WRONG_VALUE, (1, 26)),
    ("a weight as text", "a: {x: {rev:1: 1, rev:2: '2'}}\n", Code.WRONG_VALUE, (1, 26)),
    ("a weight that is true", "a: {x: {rev:1: 1, rev:2: true}}\n", Code.WRONG_VALUE, (1, 26)),
    ("a huge weight", "a: {x: {rev:1: 1, rev:2: 99999999999}}\n", Code.WRONG_VALUE, (1, 26)),
    ("huge weights", "a: {x: {rev:1: 2147483647, rev:2: 1}}\n", Code.WRONG_VALUE, (1, 8)),
    ("an arm of an arm", "a: {x: {rev:1: 1, rev:2: {rev:3: 1}}}\n", Code.WRONG_VALUE, (1, 26)),
    ("an arm twice", "a: {x: {rev:1: 1, rev:1: 1}}\n", Code.DUPLICATE_KEY, (1, 19)),
    ("an arm that is no selector", "a: {x: {rev:1: 1, rev:x: 1}}\n", Code.ALIAS_TARGET, (1, 8)),
    ("bad YAML", "production: a: b\n", Code.SYNTAX, (1, 14)),
    ("an alias twice", "a: {}\na: {}\n", Code.DUPLICATE_KEY, (2, 1)),
    ("a prompt twice", "a: {x: rev:1,\n x: rev:2}\n", Code.DUPLICATE_KEY, (2, 2)),
    ("Latin-1", b"a: {\xe9: rev:1}", Code.NOT_UTF8, (1, 5)),
    ("a list", "- production\n", Code.NOT_A_MAPPING, (1, 1)),
    ("a text", "production", Code.NOT_A_MAPPING, (1, 1)),
    ("an alias without prompts", "a: {}\nproduction:\n", Code.WRONG_VALUE, (2, 12)),
    ("an alias of a list", "production:\n  - x\n", Code.WRONG_VALUE, (2, 3)),
    ("a number for a version", "production: {x: 1.2}\n", Code.WRONG_VALUE, (1, 17)),
    ("no version", "production:\n  x:\n", Code.WRONG_VALUE, (2, 5)),
    ("capitals", "\nProduction: {x: rev:1}\n", Code.ALIAS_NAME, (2, 1)),
    ("latest as an alias", "latest: {x: rev:1}\n", Code.ALIAS_NAME, (1, 1)),
    ("no name of a prompt", "production: {a//b: rev:1}\n", Code.ALIAS_TARGET, (1, 14)),
    ("revision zero", "production: {x: rev:0}\n", Code.ALIAS_TARGET, (1, 17)),
    ("a short digest", "production: {x: 'sha256:ab'}\n", Code.ALIAS_TARGET, (1, 17)),
    ("a space", "production: {x: rev 3}\n", Code.ALIAS_TARGET, (1, 17)),
    ("an alias that a ref moves", "a: {}\nstaging: {x: rev:1}\n", Code.ALIAS_CLAIMED, (2, 1)),
    ("an alias that tags move", "stable: {}\n", Code.ALIAS_CLAIMED, (1, 1)),
    ("a prompt in two spellings", "a: {x: rev:1, default/x: rev:2}\n", Code.ALIAS_CLAIMED, (1, 26)),
]


@pytest.mark.parametrize(("text", "code", "place"), [case[1:] for case in MISTAKES], ids=[case[0] for case in MISTAKES])
def test_each_mistake_is_told_at_its_place(
    tmp_path: Path, text: str | bytes, code: Code, place: tuple[int, int]
) -> None:
    [problem] = read(tmp_path, text).problems
    assert (problem.path, problem.code, (problem.line, problem.column)) == ("_aliases.yaml", code, place)
    assert problem.is_error
    assert problem.message


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    found = read(tmp_path, "A: {x: rev:1}\nb: {x: rev:0, y: 1, z: rev:2}\nc:\n")
    assert [problem.code for problem in found.problems] == [
        Code.ALIAS_NAME,
        Code.ALIAS_TARGET,
        Code.WRONG_VALUE,
        Code.WRONG_VALUE,
    ]


def test_a_file_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    assert read(tmp_path, " " * (MAX_TEXT_BYTES + 1)).problems[0].code is Code.TOO_LARGE
    (tmp_path / "_aliases.yaml").unlink()
    (tmp_path / "_aliases.yaml").mkdir()
    assert read_aliases(WorkTree(tmp_path), RULES).problems[0].code is Code.UNREADABLE
    (tmp_path / "_aliases.yaml").rmdir()
    (tmp_path / "_aliases.yaml").symlink_to("/etc/hostname")
    assert read_aliases(WorkTree(tmp_path), RULES).problems[0].code is Code.OUTSIDE_ROOT


def test_a_prompt_without_a_file_is_a_warning(tmp_path: Path) -> None:
    found = read(tmp_path, "a: {support/triage: rev:1, gone: rev:1}\n")
    [problem] = without_file(found.declarations, {TRIAGE})
    assert (problem.code, problem.line, problem.column, problem.is_error) == (Code.ALIAS_WITHOUT_FILE, 1, 34, False)
    assert problem.message == "the prompt default/gone has no file"
