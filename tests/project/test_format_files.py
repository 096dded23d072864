"""Formatting the files of a tree: which are written, which stay as they are, and why."""

import os
from pathlib import Path

import pytest
from registries import write

from promptdb.errors import PromptNotFound
from promptdb.files.tree import FileChanged, WorkTree
from promptdb.project.edits import format_files as module
from promptdb.project.edits.format_files import Formatting, Left, format_files
from promptdb.project.load import load_tree
from promptdb.settings import AppSettings

UGLY, NEAT = "template:   'Hi'\nkind: string\n", "kind: string\ntemplate: Hi\n"


def fmt(tree: Path, *only: str, write: bool = True, **settings: object) -> Formatting:
    return format_files(AppSettings.model_validate({"base": tree.parent, **settings}), only, write=write)


def changed(done: Formatting) -> list[str]:
    return [file.path for file in done.changed]


def test_files_are_written_once_and_keep_their_permissions(tree: Path) -> None:
    write(tree, {"a.yaml": UGLY, "b/c.json": '{"template": "x", "kind": "string"}', "d.md": "Hi", "e.yaml": NEAT})
    (tree / "a.yaml").chmod(0o640)
    done = fmt(tree)
    assert (done.files, changed(done)) == (4, ["a.yaml", "b/c.json", "d.md"])
    assert (tree / "a.yaml").read_text() == NEAT
    assert (tree / "a.yaml").stat().st_mode & 0o777 == 0o640
    assert (changed(fmt(tree)), sorted(path.name for path in tree.iterdir())) == ([], ["a.yaml", "b", "d.md", "e.yaml"])


def test_nothing_else_is_touched(tree: Path) -> None:
    files = {f"{name}": UGLY for name in ("_shared/a.yaml", ".hidden.yaml", "README.yaml", "x.csv", "ignored.yaml")}
    write(tree, {**files, ".promptdbignore": "ignored.yaml\n", "_aliases.yaml": "p:   {}\n", "a.yaml": UGLY})
    assert changed(fmt(tree)) == ["a.yaml"]
    assert {(tree / name).read_text() for name in files} == {UGLY}


def test_an_invalid_file_stays_and_the_others_are_written(tree: Path) -> None:
    files = {"anchor.yaml": "template:   &a x\n", "wrong.yaml": "template:   '{'\n", "twice.yaml": "a:  1\na: 2\n"}
    write(tree, {**files, "good.yaml": UGLY, "warned.yaml": UGLY + "variables: {}\nmodel:  {}\n"})
    done = fmt(tree)
    assert changed(done) == ["good.yaml", "warned.yaml"]
    assert done.left == [Left("anchor.yaml", "it has anchors, aliases or tags")]
    assert {problem.path for problem in done.problems} == {"wrong.yaml", "twice.yaml"}
    assert {name: (tree / name).read_text() for name in files} == files


def test_a_chat_folder_is_formatted_file_by_file(tree: Path) -> None:
    write(tree, {"a/system.md": "---\nmodel:   {}\n---\nBe kind.\n\n", "a/user.md": "{question}", "b/user.md": "\n"})
    done = fmt(tree, "prompts/a/user.md" if Path.cwd() == tree.parent else str(tree / "a/user.md"), chat_folders=True)
    assert changed(done) == ["a/system.md", "a/user.md"]
    assert (tree / "a/system.md").read_text() == "---\nmodel: {}\n---\nBe kind.\n"


def test_a_link_stays_a_link_and_leads_nowhere_outside(tree: Path) -> None:
    write(tree, {"_real/a.yaml": UGLY})
    write(tree.parent, {"outside.yaml": UGLY})
    (tree / "in.yaml").symlink_to("_real/a.yaml")
    (tree / "out.yaml").symlink_to("../outside.yaml")
    done = fmt(tree)
    assert (changed(done), [problem.path for problem in done.problems]) == (["in.yaml"], ["out.yaml"])
    assert (tree / "in.yaml").is_symlink()
    assert ((tree / "_real/a.yaml").read_text(), (tree.parent / "outside.yaml").read_text()) == (NEAT, UGLY)


def test_a_file_that_cannot_be_written_is_reported(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tree, {"a.yaml": UGLY, "b.yaml": UGLY, "c.yaml": UGLY})
    replace = WorkTree.replace

    def failing(self: WorkTree, path: str, old: bytes, new: bytes) -> None:
        if path == "a.yaml":
            raise OSError(28, os.strerror(28))
        if path == "b.yaml":
            raise FileChanged
        replace(self, path, old, new)

    monkeypatch.setattr(WorkTree, "replace", failing)
    done = fmt(tree)
    failed = [
        Left("a.yaml", f"it cannot be written: {os.strerror(28)}"),
        Left("b.yaml", "it was edited at the same time"),
    ]
    assert (changed(done), done.failed) == (["c.yaml"], failed)


def test_a_form_that_is_another_prompt_is_never_written(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = b"template: Bye\n"
    monkeypatch.setattr(module, "formatted", lambda _suffix, data: wrong if b"Hi" in data else b"x" * 2**20 + b"y")
    write(tree, {"a.yaml": UGLY, "b.md": "x"})
    reasons = ["it would not read back as the same prompt", "it would become too large"]
    assert [left.reason for left in fmt(tree).left] == reasons
    assert (tree / "a.yaml").read_text() == UGLY


@pytest.mark.parametrize(
    ("only", "expected", "passed_over"),
    [
        ([], ["a.yaml", "b/c.yaml", "b/d.yaml"], []),
        (["."], ["a.yaml", "b/c.yaml", "b/d.yaml"], []),
        (["b/c"], ["b/c.yaml"], []),
        (["b"], ["b/c.yaml", "b/d.yaml"], []),
        (["prompts/b"], ["b/c.yaml", "b/d.yaml"], []),
        (["prompts/b/d.yaml", "a", "prompts/a.yaml"], ["b/d.yaml", "a.yaml"], []),
        (["setup.yaml", "prompts/_x.yaml", "prompts/a.yaml"], ["a.yaml"], ["setup.yaml", "prompts/_x.yaml"]),
        (["prompts/README.md", "Makefile"], [], ["prompts/README.md", "Makefile"]),
    ],
)
def test_the_caller_chooses(
    tree: Path, monkeypatch: pytest.MonkeyPatch, only: list[str], expected: list[str], passed_over: list[str]
) -> None:
    prompts = dict.fromkeys(("a.yaml", "b/c.yaml", "b/d.yaml", "_x.yaml"), UGLY)
    write(tree, {**prompts, "README.md": "x"})
    write(tree.parent, {"setup.yaml": UGLY, "Makefile": "x"})
    monkeypatch.chdir(tree.parent)
    done = fmt(tree, *only, write=False)
    assert (changed(done), done.passed_over) == (expected, passed_over)
    assert (tree / "a.yaml").read_text() == UGLY


@pytest.mark.parametrize("name", ["c", "b/c.yaml", "prompts/gone.yaml"])
def test_what_is_not_there(tree: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    write(tree, {"a.yaml": UGLY})
    monkeypatch.chdir(tree.parent)
    with pytest.raises(PromptNotFound):
        fmt(tree, name)


def test_the_prompts_of_this_repository_have_this_form() -> None:
    settings = AppSettings(base=Path(__file__).parents[2])
    done = format_files(settings, write=False)
    assert (changed(done), done.problems) == ([], [])
    assert len(load_tree(settings).desired.items) == done.files > 0
