"""The table of codes, which users put in their configuration and look up: it may grow, but never change."""

import re

import pytest

from promptdb.errors import InvalidPrompts
from promptdb.problems import WARNINGS, Code, Problem, in_order

PUBLISHED = {
    "UNREADABLE": "PDB101",
    "NOT_UTF8": "PDB102",
    "TOO_LARGE": "PDB103",
    "SYNTAX": "PDB104",
    "DUPLICATE_KEY": "PDB105",
    "YAML_FEATURE": "PDB106",
    "TOO_COMPLEX": "PDB107",
    "NOT_A_MAPPING": "PDB108",
    "BAD_CHARACTER": "PDB109",
    "UNKNOWN_FIELD": "PDB201",
    "MISSING_FIELD": "PDB202",
    "WRONG_VALUE": "PDB203",
    "CONFLICTING_FIELDS": "PDB204",
    "TEMPLATE_SYNTAX": "PDB301",
    "UNDECLARED_VARIABLE": "PDB302",
    "UNUSED_VARIABLE": "PDB303",
    "CONTRACT": "PDB304",
    "FEW_SHOT": "PDB305",
    "EMPTY_TEMPLATE": "PDB306",
    "INCLUDE": "PDB307",
    "LITERAL_NAME": "PDB308",
    "FILE_MISSING": "PDB401",
    "OUTSIDE_ROOT": "PDB402",
    "BAD_NAME": "PDB501",
    "SAME_IDENTITY": "PDB502",
    "SYMLINK": "PDB503",
    "TEST_FAILED": "PDB601",
    "TEST_BROKEN": "PDB602",
    "ALIAS_NAME": "PDB701",
    "ALIAS_TARGET": "PDB702",
    "ALIAS_CLAIMED": "PDB703",
    "ALIAS_WITHOUT_FILE": "PDB704",
    "ALIAS_VERSION": "PDB705",
}


def test_a_published_code_keeps_its_meaning():
    assert PUBLISHED.items() <= {name: code.value for name, code in Code.__members__.items()}.items()


def test_codes_look_alike_and_are_never_shared():
    values = [code.value for code in Code.__members__.values()]
    assert all(re.fullmatch(r"PDB[1-9]\d\d", value) for value in values)
    assert len(set(values)) == len(Code.__members__)


def test_severity():
    warnings = {"PDB110", "PDB303", "PDB306", "PDB308", "PDB503", "PDB505", "PDB506", "PDB704"}
    assert {code.value for code in WARNINGS} == warnings
    for code in Code:
        problem = Problem("a.yaml", 1, 1, code, "message")
        expected = (False, "warning") if code in WARNINGS else (True, "error")
        assert (problem.is_error, problem.severity) == expected, code


def test_a_problem_prints_as_editors_parse_it():
    problem = Problem("support/triage.yaml", 12, 7, Code.SYNTAX, "not valid YAML", "quote it")
    assert str(problem) == "support/triage.yaml:12:7: PDB104 not valid YAML"


def test_in_order_is_by_path_then_line_then_column():
    places = [("b.yaml", 1, 1), ("a.yaml", 10, 1), ("a.yaml", 9, 2), ("a.yaml", 9, 1)]
    problems = in_order(Problem(*place, Code.SYNTAX, "m") for place in places)
    assert [(p.path, p.line, p.column) for p in problems] == [
        ("a.yaml", 9, 1),
        ("a.yaml", 9, 2),
        ("a.yaml", 10, 1),
        ("b.yaml", 1, 1),
    ]


def test_in_order_tells_each_problem_once():
    shared = Problem("_shared/tone.md", 1, 1, Code.NOT_UTF8, "not UTF-8", "h")
    other = Problem("_shared/tone.md", 1, 1, Code.NOT_UTF8, "not UTF-8", None)
    assert in_order([shared, shared]) == [shared]
    assert set(in_order([shared, other, shared])) == {shared, other}


@pytest.mark.parametrize(
    ("problems", "message"),
    [
        pytest.param(
            [Problem("a.yaml", 1, 2, Code.SYNTAX, "bad")],
            "1 error in 1 file; the first: a.yaml:1:2: PDB104 bad",
            id="one error",
        ),
        pytest.param(
            [
                Problem("a.yaml", 1, 1, Code.UNUSED_VARIABLE, "unused"),
                Problem("a.yaml", 2, 1, Code.SYNTAX, "bad"),
                Problem("b.yaml", 1, 1, Code.SYNTAX, "worse"),
            ],
            "2 errors in 2 files; the first: a.yaml:2:1: PDB104 bad",
            id="warnings do not count",
        ),
    ],
)
def test_invalid_prompts_counts_errors_and_shows_the_first(problems: list[Problem], message: str):
    error = InvalidPrompts(problems)
    assert error.message == str(error) == message
    assert error.problems == tuple(problems)
