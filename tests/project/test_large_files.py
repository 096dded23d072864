"""Files that a stranger may propose: a check reports their first hundred problems, and is done in seconds."""

from pathlib import Path
from unittest.mock import patch

import pytest
from large_files import LARGE
from registries import settings_for, write
from sampling import sampled

from promptdb.domain import nearest
from promptdb.problems import MAX_GUESSES, MAX_LISTED, Code
from promptdb.project.load import check_tree

# Half of these took more than half a minute, and some took hours: a test that hangs says enough.


@sampled(few=list(LARGE)[::8])
@pytest.mark.parametrize("case", LARGE)
@pytest.mark.slow
def test_a_large_file_is_judged_with_its_first_hundred_problems(tree: Path, tmp_path: Path, case: str):
    write(tree, LARGE[case]())
    problems = check_tree(settings_for("sqlite://", tmp_path)).problems
    assert len(problems) <= MAX_LISTED + 1
    assert (len(problems) > MAX_LISTED) is (Code.MORE_PROBLEMS in {problem.code for problem in problems})


def test_the_rest_of_the_problems_is_counted(tree: Path, tmp_path: Path):
    write(tree, {"a.yaml": "template: x\nvariables: {x: {}}\n" + "".join(f"u{n}: 1\n" for n in range(250))})
    more, *listed = check_tree(settings_for("sqlite://", tmp_path)).problems
    assert (more.code, more.message, more.is_error) == (
        Code.MORE_PROBLEMS,
        "250 problems, of which 100 are listed",
        False,
    )
    assert [problem.line for problem in listed] == list(range(3, 103))
    assert {problem.code for problem in listed} == {Code.UNKNOWN_FIELD}


def test_errors_are_listed_before_warnings(tree: Path, tmp_path: Path):
    variables = "".join(f"  v{n}: {{}}\n" for n in range(250))
    write(tree, {"a.yaml": f"template: '{{x}}'\nvariables:\n{variables}"})
    problems = check_tree(settings_for("sqlite://", tmp_path)).problems
    assert [problem.code for problem in problems[:2]] == [Code.MORE_PROBLEMS, Code.UNDECLARED_VARIABLE]


def test_names_are_suggested_for_the_first_problems_only(tree: Path, tmp_path: Path):
    names = range(60)
    write(
        tree,
        {
            "a.yaml": "variables:\n"
            + "".join(f"  name_{n}: {{}}\n" for n in names)
            + "template: |\n"
            + "".join(f"  {{nam_{n}}}\n" for n in names)
        },
    )
    with patch.object(nearest, "close_matches", wraps=nearest.close_matches) as compared:
        problems = check_tree(settings_for("sqlite://", tmp_path)).problems
    hints = [problem.hint for problem in problems if problem.code is Code.UNDECLARED_VARIABLE]
    assert compared.call_count == MAX_GUESSES
    assert hints[:2] == ["did you mean 'name_0'?", "did you mean 'name_1'?"]
    assert hints[-1] == "add 'nam_59' to 'variables'"


def test_a_name_is_compared_with_a_thousand_at_most():
    others = [f"other{number}" for number in range(2000)]
    with patch.object(nearest, "close_matches", wraps=nearest.close_matches) as compared:
        assert nearest.nearest("promp", ["prompt", "x" * 101, *others]) == "prompt"
        assert nearest.nearest("x" * 101, ["x" * 101]) is None
    assert len(compared.call_args.args[1]) < 1000
