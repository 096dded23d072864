"""Trees of other shapes: several roots, folders that are chats, and names from the settings, in every view of the files."""

from collections.abc import Callable
from pathlib import Path

import pytest
from registries import write
from repositories import Git, commit_all

from promptdb.domain.prompt_id import PromptId
from promptdb.errors import ConfigError, Guard, InvalidRef, StorageError
from promptdb.git.worktree import open_work_tree
from promptdb.problems import Code
from promptdb.project.edits.mv_perform import perform_move
from promptdb.project.edits.mv_plan import Rename, decide_move
from promptdb.project.edits.update_tests import update_tests
from promptdb.project.load import LoadedTree, check_tree, load_prompt, load_tree
from promptdb.project.single_file import content_from_file, prompt_from_file, prompt_of_file
from promptdb.project.view import View
from promptdb.settings import AppSettings

pytestmark = pytest.mark.slow

VIEWS = (View(), View(staged=True), View(rev="HEAD"))
ROOTS = ["app/*/prompts", "lib/prompts"]

APPLICATION: dict[str, str | bytes] = {
    "app/billing/prompts/reply.j2": '{% include "_shared/tone.j2" %} {{ name }}',
    "app/billing/prompts/_shared/tone.j2": "Kind.",
    "app/sales/prompts/eu/offer.md": "Hi {name}",
    "app/sales/src/notes.md": "{",
    "app/_old/prompts/gone.md": "{",
    "lib/prompts/support/triage.yaml": "template: Sort {ticket}\n",
    "lib/readme.txt": "{",
    "README.txt": "{",
}
NAMES = {"billing/reply", "sales/eu/offer", "support/triage"}


def settings_of(folder: Path, **settings: object) -> AppSettings:
    return AppSettings(base=folder, **settings)  # type: ignore[arg-type]


def problems(loaded: LoadedTree) -> list[tuple[str, int, int, Code]]:
    return [(p.path, p.line, p.column, p.code) for p in loaded.desired.problems]


def in_every_view(settings: AppSettings) -> LoadedTree:
    """Read all views, which must be equal."""
    first, *others = [load_tree(settings, None, view) for view in VIEWS]
    for other in others:
        assert other.desired.items == first.desired.items
        assert other.desired.problems == first.desired.problems
    return first


def names(loaded: LoadedTree) -> set[str]:
    return {str(item.prompt) for item in loaded.desired.items}


# Several roots


def test_several_roots_and_patterns_in_settings_have_unambiguous_names(git: Git, tmp_path: Path) -> None:
    write(tmp_path, APPLICATION)
    commit_all(git)
    loaded = in_every_view(settings_of(tmp_path, prompts_root=ROOTS))
    assert (names(loaded), loaded.desired.problems) == (NAMES, [])
    paths = {str(item.prompt): item.path for item in loaded.desired.items}
    assert paths["billing/reply"] == "app/billing/prompts/reply.j2"


def test_a_pattern_alone_has_its_first_folder_as_base(git: Git, tmp_path: Path) -> None:
    write(tmp_path, APPLICATION)
    commit_all(git)
    settings = settings_of(tmp_path, prompts_root="app/*/prompts")
    loaded = in_every_view(settings)
    assert names(loaded) == NAMES - {"support/triage"}
    origin = loaded.origin.provenance({"sales/prompts/eu/offer.md": []})["sales/prompts/eu/offer.md"]
    assert (settings.prompts_path, origin.path) == (tmp_path / "app", "app/sales/prompts/eu/offer.md")


def test_two_files_of_different_roots_with_one_name_are_an_error(git: Git, tmp_path: Path) -> None:
    write(tmp_path, {"app/a/prompts/x.md": "x", "lib/prompts/a/x.md": "x"})
    commit_all(git)
    [problem] = in_every_view(settings_of(tmp_path, prompts_root=ROOTS)).desired.problems
    assert problem.code is Code.SAME_IDENTITY
    assert "app/a/prompts/x.md and lib/prompts/a/x.md are both the prompt a/x" in problem.message


@pytest.mark.parametrize(
    ("roots", "message"),
    [
        ("promts", "there is no prompts folder {base}/promts"),
        (["app/billing/prompts", "libs"], "there is no prompts folder {base}/libs"),
        ("app/*/promts", "no folder matches {base}/app/*/promts"),
        (["lib/prompts", "src/*/prompts"], "no folder matches {base}/src/*/prompts"),
    ],
)
def test_a_root_that_does_not_exist_is_named_and_not_made(tmp_path: Path, roots: object, message: str) -> None:
    write(tmp_path, APPLICATION)
    with pytest.raises(ConfigError) as caught:
        load_tree(settings_of(tmp_path, prompts_root=roots))
    assert caught.value.message == message.format(base=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.txt", "app", "lib"]


def test_an_ignore_file_and_git_count_in_all_roots(git: Git, tmp_path: Path) -> None:
    ignored = {".promptdbignore": "/app/sales/\n*.tmp.md\n", "lib/prompts/x.tmp.md": "{", "app/c/prompts/y.md": "{"}
    write(tmp_path, {**APPLICATION, **ignored, ".gitignore": "/app/c/\n"})
    commit_all(git)
    loaded = in_every_view(settings_of(tmp_path, prompts_root=ROOTS))
    assert (names(loaded), loaded.desired.problems) == ({"billing/reply", "support/triage"}, [])


def test_hidden_folders_can_be_roots_but_not_lie_below_one(git: Git, tmp_path: Path) -> None:
    write(
        tmp_path, {".github/prompts/a.md": "a", ".github/prompts/.b/c.md": "{", "_x/prompts/d.md": "d", "e/f.md": "{"}
    )
    commit_all(git)
    loaded = in_every_view(settings_of(tmp_path, prompts_root=[".github/prompts", "_*/prompts"]))
    assert names(loaded) == {"default/a"}
    assert problems(loaded) == [("_x/prompts/d.md", 1, 1, Code.BAD_NAME)]


def test_files_outside_the_roots_make_no_tree_dirty_and_cannot_be_read(git: Git, tmp_path: Path) -> None:
    secret = {
        "lib/prompts/a.j2": '{% include "lib/secret.txt" %}',
        "lib/prompts/b.yaml": "template_file: ../secret.txt\n",
    }
    write(tmp_path, {**APPLICATION, **secret, "lib/secret.txt": "s"})
    commit_all(git)
    write(tmp_path, {"lib/secret.txt": "other", "app/sales/src/notes.md": "other", "new.md": "x"})
    loaded = in_every_view(settings_of(tmp_path, prompts_root=ROOTS))
    assert loaded.dirty_paths == frozenset()
    found = [(problem.path, problem.code) for problem in loaded.desired.problems]
    assert found == [("lib/prompts/a.j2", Code.OUTSIDE_ROOT), ("lib/prompts/b.yaml", Code.OUTSIDE_ROOT)]
    write(tmp_path, {"app/billing/prompts/_shared/tone.j2": "Kinder.", "app/new/prompts/x.md": "x"})
    dirty = load_tree(settings_of(tmp_path, prompts_root=ROOTS)).dirty_paths
    assert dirty == {"app/billing/prompts/_shared/tone.j2", "app/new/prompts/x.md"}


def test_a_link_out_of_the_roots_is_refused(git: Git, tmp_path: Path) -> None:
    write(tmp_path, {**APPLICATION, "lib/secret.txt": "s"})
    (tmp_path / "lib/prompts/c.txt").symlink_to("../secret.txt")
    (tmp_path / "lib/prompts/d.md").symlink_to("../../app/sales/prompts/eu/offer.md")
    commit_all(git)
    loaded = in_every_view(settings_of(tmp_path, prompts_root=ROOTS))
    assert problems(loaded) == [("lib/prompts/c.txt", 1, 1, Code.OUTSIDE_ROOT)]
    assert names(loaded) == NAMES | {"default/d"}


def test_a_sparse_checkout_may_leave_out_what_is_outside_the_roots(git: Git, tmp_path: Path) -> None:
    write(tmp_path, APPLICATION)
    commit_all(git)
    git("sparse-checkout", "set", "--no-cone", "/app/*/prompts/", "/lib/prompts/")
    settings = settings_of(tmp_path, prompts_root=ROOTS)
    assert names(load_tree(settings)) == NAMES
    git("sparse-checkout", "set", "--no-cone", "/app/billing/", "/lib/prompts/")
    with pytest.raises(StorageError, match=r"leaves out prompt files: app/sales/prompts/eu/offer\.md"):
        load_tree(settings)


def test_the_settings_of_a_commit_say_its_roots(git: Git, tmp_path: Path) -> None:
    write(tmp_path, {**APPLICATION, "promptdb.toml": 'prompts_root = ["app/*/prompts"]\n'})
    commit_all(git)
    loaded = load_tree(settings_of(tmp_path, prompts_root=["lib/prompts", "app"]), None, View(rev="HEAD"))
    assert names(loaded) == NAMES - {"support/triage"}


def test_the_state_of_git_covers_the_roots_only(git: Git, tmp_path: Path) -> None:
    write(tmp_path, APPLICATION)
    commit_all(git)
    git("mv", "lib/readme.txt", "lib/other.txt")
    settings = settings_of(tmp_path, prompts_root=[*ROOTS, "app/[x]*"])
    state = open_work_tree(tmp_path, settings.layout)
    assert state is not None
    assert (state.is_dirty, state.unmerged_paths, state.left_out()) == (False, (), [])


# mv in several roots


def move(tmp_path: Path, old: str, new: str, **settings: object) -> Rename:
    decided = decide_move(settings_of(tmp_path, **settings), old, new, tmp_path)
    perform_move(decided_root(tmp_path, **settings), decided)
    return decided


def decided_root(tmp_path: Path, **settings: object) -> Path:
    return settings_of(tmp_path, **settings).prompts_path


@pytest.mark.parametrize(
    ("old", "new", "path", "prompt"),
    [
        ("billing/reply", "billing/answer", "app/billing/prompts/answer.j2", "billing/answer"),
        ("sales/eu/offer", "billing/offer", "app/billing/prompts/offer.md", "billing/offer"),
        ("support/triage", "triage", "lib/prompts/triage.yaml", "default/triage"),
        ("app/sales/prompts/eu/offer.md", "app/sales/prompts/offer.md", "app/sales/prompts/offer.md", "sales/offer"),
        ("lib/prompts/support/triage.yaml", "lib/prompts/", "lib/prompts/triage.yaml", "default/triage"),
    ],
)
def test_mv_finds_the_place_in_the_roots(git: Git, tmp_path: Path, old: str, new: str, path: str, prompt: str) -> None:
    write(tmp_path, APPLICATION)
    commit_all(git)
    done = move(tmp_path, old, new, prompts_root=ROOTS)
    assert (done.new.path, str(done.new.prompt)) == (path, prompt)
    settings = settings_of(tmp_path, prompts_root=ROOTS)
    assert {item.path: item.renamed_from for item in load_tree(settings).desired.items}[path] == (done.old.prompt,)
    commit_all(git)
    in_every_view(settings)


@pytest.mark.parametrize(
    ("old", "new", "roots", "message"),
    [
        ("billing/reply", "reply", ["app/*/prompts"], "no prompts root can hold default/reply"),
        ("app/billing/prompts/reply.j2", "app/billing/src/reply.j2", ROOTS, "is not in a prompts root"),
    ],
)
def test_mv_refuses_a_place_outside_all_roots(
    tmp_path: Path, old: str, new: str, roots: list[str], message: str
) -> None:
    write(tmp_path, APPLICATION)
    with pytest.raises(InvalidRef, match=message):
        decide_move(settings_of(tmp_path, prompts_root=roots), old, new, tmp_path)


# Chat folders


def chats(tmp_path: Path) -> AppSettings:
    return settings_of(tmp_path, chat_folders=True)


def test_a_folder_with_system_and_user_files_is_one_chat(git: Git, tree: Path, tmp_path: Path) -> None:
    front = "---\nmodel: {name: large}\nvariables: {text: {type: string}}\n---\n\nYou sum up.  \n"
    write(
        tree,
        {
            "sum/system.md": front,
            "sum/User.TXT": "Sum up {text}\n",
            "sum/assistant.md": "",
            "sum/README.md": "{",
            "sum/more.md": "A prompt of its own",
            "a/b/user.md": "Only {a}",
            "system.md": "In the root",
            "empty/system.md": "",
            "empty/user.md": "\n \n",
        },
    )
    commit_all(git)
    loaded = in_every_view(chats(tmp_path))
    assert names(loaded) == {"default/sum", "sum/more", "a/b", "default/system"}
    assert (loaded.desired.problems, loaded.desired.blank) == ([], 1)
    checked = check_tree(chats(tmp_path))
    assert (checked.prompts, checked.blank) == (4, 1)
    spec = content_from_file(tree / "sum/User.TXT", chats(tmp_path)).spec
    assert [(m.role, m.template) for m in spec.messages or ()] == [  # type: ignore[union-attr]
        ("system", "You sum up.  "),
        ("human", "Sum up {text}"),
    ]
    assert spec.model == {"name": "large"}
    assert load_prompt(chats(tmp_path), PromptId("default", "empty")) is None


def test_without_the_setting_each_file_is_a_prompt(tree: Path, tmp_path: Path) -> None:
    write(tree, {"sum/system.md": "a", "sum/user.md": "b"})
    assert names(load_tree(settings_of(tmp_path))) == {"sum/system", "sum/user"}
    assert names(load_tree(chats(tmp_path))) == {"default/sum"}
    assert names(load_tree(settings_of(tmp_path))) == {"sum/system", "sum/user"}


@pytest.mark.parametrize(
    ("files", "place", "code"),
    [
        ({"system.md": "a", "user.md": "one\n\ntwo {"}, ("x/user.md", 3, 5), Code.TEMPLATE_SYNTAX),
        ({"system.md": "---\nmodel: {}\n---\n\n{"}, ("x/system.md", 5, 1), Code.TEMPLATE_SYNTAX),
        ({"system.md": "---\nmodl: {}\n---\na"}, ("x/system.md", 2, 1), Code.UNKNOWN_FIELD),
        ({"system.md": "---\nrole: human\n---\na"}, ("x/system.md", 2, 1), Code.CONFLICTING_FIELDS),
        ({"system.md": "a", "user.md": "---\nmodel: {}\n---\nb"}, ("x/user.md", 1, 1), Code.CONFLICTING_FIELDS),
        ({"system.md": "a", "user.md": b"b\n\xff"}, ("x/user.md", 2, 1), Code.NOT_UTF8),
        ({"system.md": "---\nmodel: {}\n---\n"}, ("x/system.md", 2, 1), Code.MISSING_FIELD),
        ({"system.md": "a", "user.j2": "b"}, ("x/user.j2", 1, 1), Code.CONFLICTING_FIELDS),
        ({"system.md": "a", "system.txt": "b"}, ("x/system.txt", 1, 1), Code.SAME_IDENTITY),
        ({"system.md": "a", "../x.md": "b"}, ("x/system.md", 1, 1), Code.SAME_IDENTITY),
    ],
)
def test_problems_of_a_chat_folder_are_in_the_real_file(
    git: Git, tree: Path, tmp_path: Path, files: dict[str, str | bytes], place: tuple[str, int, int], code: Code
) -> None:
    write(tree, {f"x/{name}": content for name, content in files.items()})
    commit_all(git)
    loaded = in_every_view(chats(tmp_path))
    errors = [(p.path, p.line, p.column, p.code) for p in loaded.desired.errors]
    assert errors[:1] == [(*place, code)]
    assert (loaded.desired.items, loaded.desired.invalid) == ([], {PromptId("default", "x")})


Change = Callable[[Path], object]


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "user.md").write_text("other"),
        lambda folder: (folder / "assistant.md").write_text("now with a text"),
        lambda folder: (folder / "user.md").unlink(),
        lambda folder: (folder / "user.md").rename(folder / "user.txt"),
        lambda folder: (folder / "system.md").unlink(),
        lambda folder: (folder / "system.md").write_text(""),
    ],
    ids=[
        "another text",
        "a text for an empty file",
        "a removed file",
        "a renamed file",
        "no system",
        "an empty system",
    ],
)
def test_every_file_of_a_chat_folder_counts_for_the_cache_the_commit_and_dirtiness(
    git: Git, tree: Path, tmp_path: Path, change: Change
) -> None:
    write(tree, {"x/system.md": "a", "x/user.md": "b", "x/assistant.md": ""})
    commit_all(git)
    before = in_every_view(chats(tmp_path)).desired.items
    assert load_tree(chats(tmp_path)).desired.items == before
    change(tree / "x")
    loaded = load_tree(chats(tmp_path))
    [item] = loaded.desired.items
    assert loaded.desired.content(item).digest == item.digest
    # A file of another name may hold the same messages.
    assert (item.digest == before[0].digest) == ((tree / "x/user.txt").exists())
    assert item.path is not None
    reads = loaded.desired.content(item).reads
    assert loaded.origin.provenance({item.path: reads})[item.path].is_dirty
    git("add", "--all")
    assert load_tree(chats(tmp_path), None, View(staged=True)).origin.provenance({item.path: reads})[item.path].is_dirty
    commit = commit_all(git)
    [same] = in_every_view(chats(tmp_path)).desired.items
    assert same == item
    for view in VIEWS:
        found = load_tree(chats(tmp_path), None, view).origin.provenance({item.path: reads})[item.path]
        assert (found.commit_id, found.is_dirty) == (commit, False)


def test_golden_tests_of_a_chat_folder_are_updated_in_their_file(tree: Path, tmp_path: Path) -> None:
    front = "---\ntests:\n- name: t\n  expect:\n    messages:\n    - {role: system, content: old}\n    - {role: human, content: b}\n---\na\n"
    write(tree, {"x/system.md": front, "x/user.md": "b"})
    done = update_tests(chats(tmp_path))
    assert (done.problems, [(update.path, update.test) for update in done.updated]) == ((), [("x/system.md", "t")])
    assert (tree / "x/system.md").read_text() == front.replace("old", "a")


def test_the_file_of_a_chat_folder_names_the_chat(tree: Path, tmp_path: Path) -> None:
    write(tree, {"x/system.md": "", "x/user.md": "b {c}"})
    assert prompt_of_file(tree / "x/user.md", chats(tmp_path)) == PromptId("default", "x")
    assert prompt_from_file(tree / "x/user.md", chats(tmp_path)).render_text(c="d") == "Human: b d"


def test_mv_refuses_chat_folders_and_names_of_the_settings(tree: Path, tmp_path: Path) -> None:
    write(tree, {"x/system.md": "a", "A b.md": "c"})
    settings = settings_of(tmp_path, chat_folders=True, names={"A b.md": "ab"})
    with pytest.raises(Guard, match="x/ is a chat folder") as caught:
        decide_move(settings, "x", "y", tmp_path)
    assert "add 'renamed_from: [default/x]' to x/system.md" in str(caught.value.hint)
    with pytest.raises(Guard, match=r"\[names\] in the settings names A b\.md"):
        decide_move(settings, "ab", "y", tmp_path)


# Names


def test_names_in_settings_are_those_of_files_with_spaces(git: Git, tree: Path, tmp_path: Path) -> None:
    write(tree, {"My Prompt.md": "a", "S p/First reply.md": "b", "C d/system.md": "c", "other.md": "d"})
    commit_all(git)
    given = {"My Prompt.md": "my-prompt", "S p/First reply.md": "support/first-reply", "C d/": "chats/c-d"}
    loaded = in_every_view(settings_of(tmp_path, names=given, chat_folders=True))
    assert loaded.desired.problems == []
    assert names(loaded) == {"default/my-prompt", "support/first-reply", "chats/c-d", "default/other"}


def test_a_name_for_a_missing_file_is_a_warning(git: Git, tree: Path, tmp_path: Path) -> None:
    write(tree, {"My Prompt.md": "a"})
    commit_all(git)
    loaded = in_every_view(settings_of(tmp_path, names={"My Prompt.md": "a", "Old Prompt.md": "b"}))
    assert (problems(loaded), loaded.desired.errors) == (
        [("Old Prompt.md", 1, 1, Code.NAME_WITHOUT_FILE)],
        [],
    )


def test_a_name_that_is_taken_is_an_error_with_both_files(tree: Path, tmp_path: Path) -> None:
    write(tree, {"My Prompt.md": "a", "b.md": "b"})
    [problem] = load_tree(settings_of(tmp_path, names={"My Prompt.md": "b"})).desired.problems
    assert problem.message == "My Prompt.md and b.md are both the prompt default/b"
