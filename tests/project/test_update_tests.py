"""Tests of a file made to expect what comes out now: what is written, what is left, and why."""

from pathlib import Path

import pytest
from registries import write

from promptdb.domain.file_rules import FileRules
from promptdb.domain.prompt_id import PromptId
from promptdb.files.scan import Candidate
from promptdb.files.tree import WorkTree
from promptdb.project.check_files import Checked, Updated
from promptdb.project.edits.update_tests import Rewriter, update_tests
from promptdb.render.golden import Rewrite
from promptdb.settings import AppSettings

TWO = """\
template: "Hi {name}"
tests:
- name: one
  variables: {name: Bo}
  expect: {equals: x, contains: z}
- name: two
  variables: {name: Cy}
  expect: {equals: y, messages: [{role: user, content: q}]}
"""


def update(tree: Path) -> Checked:
    return update_tests(AppSettings(base=tree.parent))


def hints(checked: Checked) -> list[tuple[int, str | None]]:
    return [(problem.line, problem.hint) for problem in checked.problems]


def test_each_test_is_updated_as_far_as_it_can_be(tree: Path):
    write(tree, {"a/b.yaml": TWO})
    checked = update(tree)
    assert checked.updated == (
        Updated("a/b.yaml", "one", ("equals",)),
        Updated("a/b.yaml", "two", ("equals", "messages")),
    )
    assert hints(checked) == [(5, "not updated: 'contains' does not follow from the output")]
    assert (tree / "a/b.yaml").read_text() == TWO.replace("equals: x", "equals: Hi Bo").replace(
        "equals: y, messages: [{role: user, content: q}]", "equals: Hi Cy, messages: [{role: user, content: Hi Cy}]"
    )


def test_the_second_time_nothing_is_left_to_write(tree: Path):
    write(tree, {"b.yaml": TWO})
    update(tree)
    before = (tree / "b.yaml").stat()
    checked = update(tree)
    assert (checked.updated, len(checked.problems)) == ((), 1)
    after = (tree / "b.yaml").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_file_whose_tests_pass_is_not_written(tree: Path):
    write(tree, {"b.txt": "x", "c.yaml": "template: x\ntests: [{name: a, expect: {equals: x}}]\n"})
    inode = (tree / "c.yaml").stat().st_ino
    assert update(tree) == Checked(2, 1, ())
    assert (tree / "c.yaml").stat().st_ino == inode


@pytest.mark.parametrize(
    ("file", "hint"),
    [
        pytest.param(
            'template: "{a}"\ntests: [{name: a, expect: {equals: x}}]\n',
            None,
            id="a test that does not render",
        ),
        pytest.param(
            "template: hi\ntests: [{name: a, variables: {b: 1}, expect: {equals: x}}]\n",
            "not updated: repair the test first",
            id="a test that gives a name too many",
        ),
        pytest.param(
            "metadata: {title: &t old}\ntemplate: x\ntests: [{name: a, expect: {equals: *t}}]\n",
            "not updated: an alias uses the same text in another place",
            id="a text that is shared",
        ),
        pytest.param(
            "template: x\nmodel:\n  a: |#b\n    c\ntests: [{name: a, expect: {equals: y}}]\n",
            "not updated: ruamel.yaml does not read this file",
            id="a file that only our own reader understands",
        ),
        pytest.param(
            "template: x\ntests: [{name: a, expect: {equals: y, messages}}]\n",
            "not updated: the file is laid out in an unusual way",
            id="a line that ruamel.yaml would write with another meaning",
        ),
        pytest.param(
            'template: "{{ \'\\\\0\' }}"\ntemplate_format: jinja2\ntests: [{name: a, expect: {equals: x}}]\n',
            "not updated: no prompt file can hold this text",
            id="a text that cannot be stored",
        ),
        pytest.param(
            'template: "{{ \'x\' * 900000 }}{{ \'y\' * 900000 }}"\ntemplate_format: jinja2\ntests: [{name: a, expect: {equals: x}}]\n',
            "not updated: the file would become too large",
            id="an output too large for a file",
        ),
        pytest.param("template: x\ntemplat: y\ntests: [{name: a, expect: {equals: z}}]\n", "did you mean 'template'?", id="an invalid file"),
    ],
)  # fmt: skip
@pytest.mark.slow
def test_what_is_left_stays_as_it_is_and_says_why(tree: Path, file: str, hint: str | None):
    write(tree, {"b.yaml": file})
    checked = update(tree)
    assert (checked.updated, (tree / "b.yaml").read_text()) == ((), file)
    assert checked.problems[-1].hint == hint


@pytest.mark.parametrize("path", [("tests", 0, "expect", "equals"), ("template",)], ids=["expectation", "prompt"])
def test_an_edit_that_went_wrong_is_not_written(
    tree: Path, monkeypatch: pytest.MonkeyPatch, path: tuple[str | int, ...]
):
    """Nothing is known that would lead here; the file is proved before it is replaced all the same."""
    file = "template: x\ntests: [{name: a, expect: {equals: y}}]\n"
    write(tree, {"b.yaml": file})
    monkeypatch.setattr("promptdb.project.edits.update_tests.rewrites", lambda *_: [Rewrite("a", path, "wrong")])
    done = Rewriter(WorkTree(tree), FileRules())("b.yaml", Candidate("b.yaml", PromptId("default", "b")))
    assert (done.updated, list(done.left), (tree / "b.yaml").read_text()) == ((), [(2, 36)], file)


def test_a_file_that_is_read_only_is_left(tree: Path, monkeypatch: pytest.MonkeyPatch):
    write(tree, {"b.yaml": TWO})
    monkeypatch.setattr("os.access", lambda *_: False)  # whoever runs the tests may be root
    checked = update(tree)
    assert (checked.updated, (tree / "b.yaml").read_text()) == ((), TWO)
    assert {hint for _, hint in hints(checked)} == {
        "not updated: the file cannot be written: it is read-only",
        "not updated: 'contains' does not follow from the output",
    }


def test_an_edit_between_reading_and_writing_wins(tree: Path, monkeypatch: pytest.MonkeyPatch):
    write(tree, {"b.yaml": TWO})

    class Meanwhile(WorkTree):
        def replace(self, path: str, old: bytes, new: bytes) -> None:
            (tree / "b.yaml").write_text("template: mine\n")
            super().replace(path, old, new)

    done = Rewriter(Meanwhile(tree), FileRules())("b.yaml", Candidate("b.yaml", PromptId("default", "b")))
    assert (done.updated, (tree / "b.yaml").read_text()) == ((), "template: mine\n")
    assert "not updated: the file was edited at the same time" in done.left.values()


def test_a_file_behind_a_link_is_written_once(tree: Path):
    write(tree, {"_texts/a.yaml": TWO})
    (tree / "one.yaml").symlink_to("_texts/a.yaml")
    (tree / "two.yaml").symlink_to("_texts/a.yaml")
    checked = update(tree)
    assert {test.path for test in checked.updated} == {"one.yaml"}
    assert (tree / "one.yaml").is_symlink()
    assert "Hi Bo" in (tree / "_texts/a.yaml").read_text()


def test_the_format_of_text_prompts_is_that_of_the_settings(tree: Path):
    write(tree, {"a.md": "---\ntests: [{name: a, expect: {equals: x}}]\n---\n{{ 1 + 1 }}"})
    checked = update_tests(AppSettings(base=tree.parent, text_format="jinja2"))
    assert checked.problems == ()
    assert (tree / "a.md").read_text() == '---\ntests: [{name: a, expect: {equals: "2"}}]\n---\n{{ 1 + 1 }}'
