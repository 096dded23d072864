"""The golden tests of one file, one by one, with the results that `check` has."""

from pathlib import Path

from registries import write

from promptdb.domain.prompt_id import PromptId
from promptdb.problems import MAX_LISTED
from promptdb.project.golden_tests import run_golden_tests
from promptdb.project.load import check_tree
from promptdb.settings import AppSettings

ONE = PromptId("a", "one")
FILE = """\
template: "Hi {name}"
tests:
- name: passes
  variables: {name: Bo}
  expect: {equals: Hi Bo}
- name: fails
  variables: {name: Cy}
  expect: {equals: x, contains: z}
- name: does not render
  expect: {equals: x}
"""


def test_each_test_has_its_own_result(tree: Path) -> None:
    write(tree, {"a/one.yaml": FILE})
    settings = AppSettings(base=tree.parent)
    found = run_golden_tests(ONE, settings)
    assert found is not None
    assert [(test.name, len(test.problems)) for test in found.tests] == [
        ("passes", 0),
        ("fails", 2),
        ("does not render", 1),
    ]
    assert (found.path, found.left, found.problems) == ("a/one.yaml", 0, ())
    messages = [problem.message for test in found.tests for problem in test.problems]
    assert messages == [problem.message for problem in check_tree(settings).problems]


def test_an_invalid_file_has_problems_and_no_tests(tree: Path) -> None:
    write(tree, {"a/one.yaml": "template: [", "a/two.txt": "x"})
    found = run_golden_tests(ONE, AppSettings(base=tree.parent))
    assert found is not None
    assert (found.digest, found.tests, len(found.problems)) == (None, (), 1)
    assert run_golden_tests(PromptId("a", "three"), AppSettings(base=tree.parent)) is None


def test_it_stops_after_many_problems(tree: Path) -> None:
    tests = [f"- {{name: t{number}, expect: {{equals: x}}}}" for number in range(MAX_LISTED + 30)]
    write(tree, {"a/one.yaml": "\n".join(['template: "y"', "tests:", *tests])})
    found = run_golden_tests(ONE, AppSettings(base=tree.parent))
    assert found is not None
    assert (len(found.tests), found.left) == (MAX_LISTED, 30)
