"""Unchanged files are not parsed, and whatever was done to a tree, the cache changes no result."""

import json
import os
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from registries import write
from repositories import Git, commit_all, git_in

from promptdb.domain.digest import digest_of
from promptdb.domain.file_rules import FileRules, TextDefaults
from promptdb.errors import StalePlan
from promptdb.files.scan import scan
from promptdb.files.tree import WorkTree
from promptdb.git.repository import Repository
from promptdb.project import load, unchanged
from promptdb.project.desired import DesiredTree, collect
from promptdb.project.view import View
from promptdb.settings import AppSettings

FAKE = digest_of(b"only in the cache")

TREE = {
    "a.yaml": "template: Hi\n",
    "b.yaml": "template_file: _body.md\n",
    "c.j2": '{% include "_outer.md" %}',
    "d.yaml": "template: x\nassets: [{path: _data.csv}]\n",
    "e.yaml": "template: '{examples}'\nfew_shot: {string_template: '{q}', examples_file: _rows.json}\n",
    "_body.md": "Body",
    "_outer.md": '<{% include "_inner.md" %}>',
    "_inner.md": "inner",
    "_data.csv": "1,2\n",
    "_rows.json": '[{"q": 1}]',
    "_texts/link.yaml": "template: linked\n",
}


def collected(tree: Path, cache: Path | None = None) -> DesiredTree:
    return collect(scan(tree), WorkTree(tree, None, cache), FileRules())


def digests(tree: Path) -> dict[str, str]:
    return {str(item.path): item.digest for item in collected(tree).items}


def cache_file() -> Path:
    [file] = (Path(os.environ["XDG_CACHE_HOME"]) / "promptdb" / "files").iterdir()
    return file


def put_fake_digests(file: Path) -> None:
    """A cache that was tampered with shows whether it was asked."""
    header, _, body = file.read_bytes().partition(b"\n")
    rows = json.loads(body)
    for row in rows.values():
        row[1] = FAKE
    body = json.dumps(rows).encode()
    key = header.split(b" ", 4)[4]
    file.write_bytes(b"promptdb files 3 %08x %s\n" % (zlib.crc32(body), key) + body)


@pytest.fixture
def parsed_once(tree: Path) -> dict[str, str]:
    """A tree that was collected once; gives its digests. The cache now holds other ones."""
    write(tree, TREE)
    (tree / "f.yaml").symlink_to("_texts/link.yaml")
    found = digests(tree)
    put_fake_digests(cache_file())
    return found


def test_files_that_did_not_change_are_not_parsed(tree: Path, parsed_once: dict[str, str]):
    before = cache_file().stat()
    assert digests(tree) == dict.fromkeys(parsed_once, FAKE)
    assert cache_file().stat().st_ino == before.st_ino


def test_a_file_that_many_prompts_share_is_read_once(tree: Path, monkeypatch: pytest.MonkeyPatch):
    write(tree, {f"{number}.j2": '{% include "_inner.md" %}' for number in range(3)} | {"_inner.md": "inner"})
    first = digests(tree)
    opened: list[str] = []
    real = WorkTree.open

    def opening(work_tree: WorkTree, path: str, limit: int) -> Any:
        opened.append(path)
        return real(work_tree, path, limit)

    monkeypatch.setattr(WorkTree, "open", opening)
    assert digests(tree) == first
    assert opened.count("_inner.md") == 1


@pytest.mark.parametrize(
    ("edited", "content", "parsed"),
    [
        ("a.yaml", "template: Ho\n", "a.yaml"),
        ("_body.md", "Bodi", "b.yaml"),
        ("_outer.md", '[{% include "_inner.md" %}]', "c.j2"),
        ("_inner.md", "other", "c.j2"),
        ("_data.csv", "3,4\n", "d.yaml"),
        ("_rows.json", '[{"q": 2}]', "e.yaml"),
        ("_texts/link.yaml", "template: elsewhere\n", "f.yaml"),
    ],
)
@pytest.mark.parametrize("keeps_time", [False, True])
@pytest.mark.parametrize("how", ["in place", "renamed over", "through a hard link"])
def test_an_edit_of_a_file_or_of_what_it_names_is_seen(
    tree: Path, parsed_once: dict[str, str], edited: str, content: str, parsed: str, keeps_time: bool, how: str
):
    file = tree / edited
    before = file.stat()
    target = tree.parent / "other" if how != "in place" else file
    if how == "through a hard link":
        os.link(file, target)
    target.write_text(content)
    if keeps_time:
        os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))
    if how == "renamed over":
        target.replace(file)
    found = digests(tree)
    assert {path for path, digest in found.items() if digest != FAKE} == {parsed}
    assert found[parsed] != parsed_once[parsed]


def test_a_file_that_takes_the_place_of_a_fragment_is_noticed(tree: Path) -> None:
    write(tree, {"app/a.j2": '{% include "tone" %}', "app/tone": "beside"})
    before = digests(tree)
    assert digests(tree) == before
    write(tree, {"tone": "root"})
    assert digests(tree)["app/a.j2"] != before["app/a.j2"]


@pytest.mark.parametrize("name", ["_body.md", "_inner.md", "_data.csv", "_rows.json", "_texts/link.yaml"])
def test_a_named_file_that_is_gone_is_seen(tree: Path, parsed_once: dict[str, str], name: str):
    (tree / name).unlink()
    desired = collected(tree)
    assert (len(desired.items), len(desired.problems)) == (len(parsed_once) - 1, 1)


def test_a_link_that_leads_to_the_same_bytes_elsewhere_is_parsed(tree: Path, parsed_once: dict[str, str]):
    """A change of the file that it leads to now must be known for one of this prompt."""
    shutil.copy(tree / "_texts/link.yaml", tree / "_texts/other.yaml")
    (tree / "f.yaml").unlink()
    (tree / "f.yaml").symlink_to("_texts/other.yaml")
    desired = collected(tree)
    assert list(map(str, desired.readers("_texts/other.yaml"))) == ["default/f"]


def test_a_link_that_leads_elsewhere_is_seen(tree: Path, parsed_once: dict[str, str]):
    (tree / "_texts/other.yaml").write_text("template: lanked\n")
    (tree / "f.yaml").unlink()
    (tree / "f.yaml").symlink_to("_texts/other.yaml")
    assert digests(tree)["f.yaml"] not in (FAKE, parsed_once["f.yaml"])


def test_a_folder_that_moved_out_of_the_tree_and_is_linked_from_inside_is_seen(tree: Path):
    """The files in it are the same in every respect."""
    write(tree, {"a.yaml": "template_file: _texts/body.md\n", "_texts/body.md": "x"})
    assert collected(tree).problems == []
    (tree / "_texts").rename(tree.parent / "texts")
    (tree / "_texts").symlink_to("../texts")
    assert [problem.path for problem in collected(tree).problems] == ["a.yaml"]


def test_a_folder_moved_over_another_is_seen(tree: Path):
    for number, text in enumerate(["one", "two"]):
        file = tree.parent / text / "a.yaml"
        write(tree.parent, {f"{text}/a.yaml": f"template: {text}\n"})
        os.utime(file, ns=(1000, 1000 + number))
        os.utime(file, ns=(1000, 1000))
    (tree.parent / "one").rename(tree / "s")
    first = digests(tree)
    (tree / "s").rename(tree.parent / "old")
    (tree.parent / "two").rename(tree / "s")
    assert digests(tree)["s/a.yaml"] != first["s/a.yaml"]


def test_a_file_named_by_the_ignore_file_is_gone(tree: Path, parsed_once: dict[str, str]):
    write(tree, {".promptdbignore": "a.yaml\n"})
    assert digests(tree).keys() == parsed_once.keys() - {"a.yaml"}


@pytest.mark.parametrize("what", ["text format", "version"])
def test_another_way_to_read_parses_again(
    tree: Path, parsed_once: dict[str, str], what: str, monkeypatch: pytest.MonkeyPatch
):
    if what == "version":
        monkeypatch.setattr("promptdb.project.desired.VERSION", "999.0")
    text_format = "plain" if what == "text format" else "f-string"
    items = collect(scan(tree), WorkTree(tree), FileRules(TextDefaults(text_format))).items
    assert {item.path: item.digest for item in items} == parsed_once


def test_a_moved_file_is_parsed(tree: Path, parsed_once: dict[str, str]):
    (tree / "a.yaml").rename(tree / "z.yaml")
    assert digests(tree)["z.yaml"] == parsed_once["a.yaml"]


def test_a_file_with_a_warning_is_parsed_each_time_so_that_it_is_told(tree: Path):
    write(tree, {"a.yaml": "template: x\nvariables: {y: {}}\n"})
    for _ in range(2):
        assert len(collected(tree).problems) == 1


def test_a_cached_prompt_has_its_label_and_earlier_names(tree: Path):
    write(tree, {"a.yaml": "template: x\nmetadata: {user_version: '1.0'}\nrenamed_from: [s/old]\n"})
    first = collected(tree).items
    put_fake_digests(cache_file())
    assert collected(tree).items == [first[0]._replace(digest=FAKE)]


def test_a_file_edited_after_it_was_read_is_read_again(tree: Path, monkeypatch: pytest.MonkeyPatch):
    write(tree, {"a.yaml": "template: one\n"})
    real = unchanged.KnownFiles.save

    def edit_and_save(files: unchanged.KnownFiles, found):
        (tree / "a.yaml").write_text("template: two\n")
        real(files, found)

    with monkeypatch.context() as patched:
        patched.setattr(unchanged.KnownFiles, "save", edit_and_save)
        first = digests(tree)
    assert digests(tree) != first


def test_a_cache_that_was_wrong_is_forgotten(tree: Path, parsed_once: dict[str, str]):
    desired = collected(tree)
    with pytest.raises(StalePlan):
        desired.content(desired.items[0])
    assert digests(tree) == parsed_once


# Where it is kept


@pytest.fixture
def on_disk(tmp_path: Path, git: Git, tree: Path) -> AppSettings:
    write(tree, TREE)
    commit_all(git)
    return AppSettings(base=tmp_path)


def caches(folder: Path) -> list[str]:
    return sorted(path.name.partition("-")[0] for path in (folder / "promptdb").glob("*"))


def test_in_a_repository_it_lies_in_the_git_directory_of_the_work_tree(on_disk: AppSettings, git: Git, tmp_path: Path):
    load.load_tree(on_disk)
    linked = tmp_path.with_name(f"{tmp_path.name}-linked")
    git("worktree", "add", "--quiet", "-b", "feature", str(linked))
    load.load_tree(AppSettings(base=linked))
    assert caches(tmp_path / ".git") == ["files"]
    assert caches(Path(git_in(linked)("rev-parse", "--absolute-git-dir"))) == ["files"]
    assert not Path(os.environ["XDG_CACHE_HOME"]).exists()
    assert git("status", "--porcelain") == ""


@pytest.mark.parametrize("view", [View(rev="HEAD"), View(staged=True)], ids=str)
def test_files_of_a_commit_or_the_index_are_known_by_their_blobs(
    on_disk: AppSettings, tmp_path: Path, git: Git, view: View
):
    first = load.load_tree(on_disk, view=view).desired
    [file] = (tmp_path / ".git" / "promptdb").iterdir()
    put_fake_digests(file)
    assert {item.digest for item in load.load_tree(on_disk, view=view).desired.items} == {FAKE}
    write(tmp_path, {"prompts/_inner.md": "other", "prompts/a.yaml": "template: Ho\n"})
    commit_all(git)
    found = load.load_tree(on_disk, view=view).desired.items
    assert {item.path for item in found if item.digest != FAKE} == {"a.yaml", "c.j2"}
    assert {item.path for item in first.items} == {item.path for item in found}


def test_another_commit_is_read_with_few_runs_of_git(
    on_disk: AppSettings, tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch
):
    write(tmp_path / "prompts", {f"many/{number}.txt": "one" for number in range(30)})
    commit_all(git)
    load.load_tree(on_disk, view=View(rev="HEAD"))
    write(tmp_path / "prompts", {f"many/{number}.txt": "two" for number in range(30)} | {"_inner.md": "two"})
    commit_all(git)
    runs: list[str] = []
    real = Repository.run

    def run(repository: Repository, *command: str, **options):
        runs.append(command[0])
        return real(repository, *command, **options)

    monkeypatch.setattr(Repository, "run", run)
    assert load.load_tree(on_disk, view=View(rev="HEAD")).desired.problems == []
    assert runs.count("cat-file") < 10


@pytest.mark.parametrize("when", ["before", "between", "after"])
def test_it_may_be_deleted_at_any_time(
    on_disk: AppSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
):
    first = load.load_tree(on_disk).desired.items
    place = tmp_path / ".git" / "promptdb"
    real = unchanged.KnownFiles.find

    def find(files: unchanged.KnownFiles, candidates):
        if when == "between":
            shutil.rmtree(place)
        found = real(files, candidates)
        if when == "after":
            shutil.rmtree(place, ignore_errors=True)
        return found

    if when == "before":
        shutil.rmtree(place)
    monkeypatch.setattr(unchanged.KnownFiles, "find", find)
    os.utime(tmp_path / "prompts" / "a.yaml")
    assert load.load_tree(on_disk).desired.items == first


# Whatever happens

NAMES = ("a.yaml", "b.yaml", "s/c.yaml", "_x.md", "_y.md")
TEXTS = ("template: one\n", "template: two\n", "template_file: _x.md\n", "template_file: _y.md\n", "{broken")
Step = Callable[[Path], None]


def _edit(name: str, text: str, time_of: int | None) -> Step:
    def step(tree: Path) -> None:
        write(tree, {name: text})
        if time_of is not None:
            os.utime(tree / name, ns=(time_of, time_of))

    return step


def _on_two(action: Callable[[Path, Path], object], one: str, other: str) -> Step:
    def step(tree: Path) -> None:
        if one != other and (tree / one).exists():
            (tree / other).parent.mkdir(exist_ok=True)
            (tree / other).unlink(missing_ok=True)
            action(tree / one, tree / other)

    return step


names = st.sampled_from(NAMES)
steps = st.one_of(
    st.builds(_edit, names, st.sampled_from(TEXTS), st.sampled_from([None, 0, 10**18, 4 * 10**18])),
    st.builds(_on_two, st.sampled_from([Path.rename, os.link, shutil.copy2]), names, names),
    st.builds(lambda name: lambda tree: (tree / name).unlink(missing_ok=True), names),
    st.just(lambda tree: None),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sequence=st.lists(steps, min_size=2, max_size=8))
@pytest.mark.slow
def test_any_sequence_of_edits_gives_what_an_empty_cache_gives(
    tmp_path_factory: pytest.TempPathFactory, sequence: list[Step]
):
    folder = tmp_path_factory.mktemp("sequence")
    tree = folder / "prompts"
    tree.mkdir()
    for number, step in enumerate(sequence):
        step(tree)
        with_cache, without = collected(tree, folder / "cache"), collected(tree, folder / f"empty-{number}")
        assert with_cache.items == without.items
        assert with_cache.problems == without.problems
        assert with_cache.invalid == without.invalid
