"""Trees whose folders change while they are read: no file from outside is read, and a command says what changed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from registries import settings_for, write

from promptdb.domain.file_rules import FileRules
from promptdb.errors import OutsideRoot, StalePlan
from promptdb.files.scan import scan
from promptdb.files.tree import WorkTree
from promptdb.project.desired import DesiredTree, collect
from promptdb.project.load import check_tree

FILES = {
    "a/b/x.yaml": "template_file: t.txt\nassets: [{path: data.csv}]\n",
    "a/b/t.txt": "inside",
    "a/b/data.csv": "inside",
}


def replace_by_link(folder: Path, target: Path) -> None:
    folder.rename(folder.parent / "_away")
    folder.symlink_to(target)


def read_after(tree: Path, change: str, target: Path) -> DesiredTree:
    """Scan a tree, replace one of its folders by a link, and read the files that the scan found."""
    found = scan(tree)
    replace_by_link(tree / change, target)
    return collect(found, WorkTree(tree), FileRules(), run_tests=True)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    write(tmp_path / "outside", {path.removeprefix("a/"): "secret" for path in FILES})
    return tmp_path / "outside"


@pytest.mark.parametrize("folder", ["a", "a/b"])
def test_a_folder_that_becomes_a_link_to_another_place_is_never_read(tree: Path, outside: Path, folder: str):
    write(tree, FILES)
    target = outside if folder == "a" else outside / "b"
    with pytest.raises(StalePlan, match=f"the folder {folder} became a symbolic link while promptdb read the files"):
        read_after(tree, folder, target)


def test_a_folder_that_is_removed_is_named(tree: Path):
    write(tree, FILES)
    found = scan(tree)
    (tree / "a").rename(tree / "_away")
    with pytest.raises(StalePlan, match="a was removed while promptdb read the files") as caught:
        collect(found, WorkTree(tree), FileRules())
    assert caught.value.hint == "run the command again when nothing changes them"


def test_a_file_that_is_there_again_is_read(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(tree, FILES)
    once = iter([OSError(2, "No such file or directory")])
    read = WorkTree.read_scanned

    def fails_once(self: WorkTree, path: str, limit: int) -> bytes:
        for error in once:
            raise error
        return read(self, path, limit)

    monkeypatch.setattr(WorkTree, "read_scanned", fails_once)
    checked = check_tree(settings_for("sqlite://", tmp_path))
    assert (checked.prompts, list(checked.problems)) == (2, [])


def test_a_missing_file_of_a_tree_that_does_not_change_is_a_problem(tree: Path, tmp_path: Path):
    write(tree, {"x.yaml": "template_file: t.txt\n"})
    [problem] = check_tree(settings_for("sqlite://", tmp_path)).problems
    assert problem.message == "the file 't.txt' does not exist"


@contextmanager
def swapped(folder: Path, target: Path) -> Iterator[None]:
    """Replace a folder by a link and back, again and again."""
    done = threading.Event()

    def swap() -> None:
        while not done.is_set():
            replace_by_link(folder, target)
            folder.unlink()
            (folder.parent / "_away").rename(folder)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_whatever_is_read_from_a_folder_that_changes_is_from_inside(tree: Path, outside: Path):
    write(tree, FILES)
    work_tree = WorkTree(tree)
    seen = set()
    with swapped(tree / "a", outside):
        for _ in range(300):
            for read in (work_tree.read_scanned, work_tree.read):
                with suppress(OSError, OutsideRoot):
                    seen.add(read("a/b/t.txt", 100))
    assert seen <= {b"inside"}
    assert work_tree.read("a/b/t.txt", 100) == b"inside"


def test_open_descriptors_are_closed(tree: Path):
    write(tree, FILES)
    work_tree = WorkTree(tree)
    before = len(list(Path("/proc/self/fd").iterdir()))
    work_tree.read_scanned("a/b/t.txt", 100)
    for missing in ("a/b/no.txt", "a/no/t.txt", "a/b/t.txt/x"):
        with suppress(OSError):
            work_tree.read_scanned(missing, 100)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
