"""Which files of a tree are prompts, and who each one is."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from promptdb.domain.suffixes import SUFFIXES, TEXT_FORMATS
from promptdb.errors import ConfigError
from promptdb.files.scan import identify, scan
from promptdb.problems import Code

Put = Callable[[str, str | bytes], Path]


def found(root: Path) -> dict[str, str]:
    return {candidate.path: str(candidate.prompt) for candidate in scan(root).candidates}


def problems(root: Path) -> list[tuple[str, int, int, Code]]:
    return [(p.path, p.line, p.column, p.code) for p in scan(root).problems]


@pytest.mark.parametrize(
    ("path", "prompt"),
    [
        ("support/triage.yaml", "support/triage"),
        ("support/triage.yml", "support/triage"),
        ("support/triage.json", "support/triage"),
        ("support/triage.txt", "support/triage"),
        ("support/triage.md", "support/triage"),
        ("support/triage.prompt", "support/triage"),
        ("support/triage.jinja", "support/triage"),
        ("support/triage.jinja2", "support/triage"),
        ("support/triage.j2", "support/triage"),
        ("support/triage.mustache", "support/triage"),
        ("support/eu/triage.yaml", "support/eu/triage"),
        ("triage.yaml", "default/triage"),
        ("Support/TRIAGE.YAML", "Support/TRIAGE"),
        ("a/triage.v2.yaml", "a/triage.v2"),
        ("a.yaml/b.yaml", "a.yaml/b"),
        ("1/2.md", "1/2"),
        ("a/xREADME.md", "a/xREADME"),
        ("a/readme-writer.md", "a/readme-writer"),
        ("a/b_c-d.md", "a/b_c-d"),
    ],
)
def test_a_prompt_and_its_identity(tree: Path, put: Put, path: str, prompt: str):
    put(path, "x")
    assert found(tree) == {path: prompt}
    assert scan(tree).problems == ()


@pytest.mark.parametrize(
    "path",
    [
        "_shared/tone.md",
        "a/_fragment.md",
        "a/_deep/b/c.yaml",
        ".hidden/a.yaml",
        "a/.hidden.yaml",
        ".yaml",
        "README.md",
        "a/README.txt",
        "a/README-old.md",
        "readme.md",
        "a/Readme.txt",
        "a/ReadMe.de.md",
        "README",
        "a/data.csv",
        "a/notes.rst",
        "a/script.py",
        "a/noextension",
        "a/x.yaml.bak",
        "a/x.toml",
    ],
)
def test_never_a_prompt(tree: Path, put: Put, path: str):
    put(path, "x")
    assert found(tree) == {}
    assert scan(tree).problems == ()


def test_an_empty_tree(tree: Path):
    assert found(tree) == {}


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_a_root_that_is_no_folder(tmp_path: Path, kind: str):
    root = tmp_path / "prompts"
    if kind == "file":
        root.write_text("x")
    with pytest.raises(ConfigError, match="there is no prompts folder") as caught:
        scan(root)
    assert str(root) in caught.value.message


def test_candidates_are_sorted_by_path(tree: Path, put: Put):
    for path in ("b.yaml", "a/z.yaml", "a.yaml", "a/b/c.yaml"):
        put(path, "x")
    assert list(found(tree)) == sorted(found(tree))


@pytest.mark.parametrize(
    ("path", "segment"),
    [
        ("a/b c.yaml", "'b c'"),
        ("a b/c.yaml", "'a b'"),
        ("a/caf\u00e9.yaml", "'caf\u00e9'"),
        ("a/-x.yaml", "'-x'"),
        ("a/b:c.yaml", "'b:c'"),
        ("a/" + "x" * 129 + ".yaml", "xxx"),
        ("a/~x.yaml", "'~x'"),
    ],
)
def test_a_bad_name(tree: Path, put: Put, path: str, segment: str):
    put(path, "x")
    [problem] = scan(tree).problems
    assert (problem.path, problem.line, problem.column, problem.code) == (path, 1, 1, Code.BAD_NAME)
    assert segment in problem.message
    assert problem.hint is not None
    assert "rename it, name it in the settings under [names]" in problem.hint
    assert found(tree) == {}


def test_a_path_that_is_too_long_as_a_whole(tree: Path, put: Put):
    put("/".join(["x" * 120] * 5) + ".yaml", "x")
    [problem] = scan(tree).problems
    assert problem.code is Code.BAD_NAME
    assert "is too long" in problem.message


def test_a_name_that_is_not_utf_8_is_a_problem_that_can_be_printed(tree: Path):
    (tree / os.fsdecode(b"caf\xe9.yaml")).write_text("x")
    [problem] = scan(tree).problems
    assert problem.code is Code.BAD_NAME
    assert "caf" in str(problem).encode().decode()


@pytest.mark.parametrize(
    "paths",
    [
        pytest.param(["a/x.md", "a/x.yaml"], id="two suffixes"),
        pytest.param(["a/X.yaml", "a/x.yaml"], id="two cases of the name"),
        pytest.param(["A/x.yaml", "a/x.yaml"], id="two cases of the folder"),
        pytest.param(["default/x.yaml", "x.yaml"], id="the default namespace by name"),
        pytest.param(["a/x.YAML", "a/x.yaml"], id="two cases of the suffix"),
    ],
)
def test_two_files_for_one_prompt(paths: list[str]):
    result = identify(paths, [])
    [problem] = result.problems
    assert (problem.path, problem.line, problem.column, problem.code) == (paths[1], 1, 1, Code.SAME_IDENTITY)
    assert problem.message.startswith(f"{paths[0]} and {paths[1]} are both the prompt ")


def test_three_files_for_one_prompt_are_each_told_with_the_first():
    result = identify(["a/x.json", "a/x.md", "a/x.yaml"], [])
    assert [problem.message for problem in result.problems] == [
        "a/x.json and a/x.md are both the prompt a/x",
        "a/x.json and a/x.yaml are both the prompt a/x",
    ]


def test_names_that_only_look_alike_are_two_prompts():
    assert identify(["a/b.yaml", "a/b.c.yaml", "a-b.yaml", "a/b/c.yaml"], []).problems == ()


def test_promptdbignore(tree: Path, put: Put):
    put(".promptdbignore", "drafts/\n*.txt\n!keep.txt\n")
    for path in ("a.yaml", "b.txt", "keep.txt", "drafts/c.yaml", "x/drafts/d.yaml", "x/e.yaml"):
        put(path, "x")
    assert list(found(tree)) == ["a.yaml", "keep.txt", "x/e.yaml"]


def test_what_git_ignores(tree: Path, put: Put):
    for path in ("a.yaml", "build/b.yaml", "c.yaml"):
        put(path, "x")
    asked: list[str] = []

    def git_ignores(path: str) -> bool:
        asked.append(path)
        return path in ("build/", "c.yaml")

    assert [candidate.path for candidate in scan(tree, git_ignores=git_ignores).candidates] == ["a.yaml"]
    assert sorted(asked) == ["a.yaml", "build/", "c.yaml"]


def test_what_is_ignored_has_no_problems(tree: Path, put: Put):
    put(".promptdbignore", "bad name.yaml\nlink\n")
    put("bad name.yaml", "x")
    (tree / "link").symlink_to("/etc")
    assert (found(tree), problems(tree)) == ({}, [])


def test_a_link_to_a_file_inside_is_a_prompt(tree: Path, put: Put):
    put("_shared/x.md", "x")
    (tree / "a.md").symlink_to("_shared/x.md")
    assert found(tree) == {"a.md": "default/a"}


@pytest.mark.parametrize(
    ("link", "target", "problem"),
    [
        pytest.param("a.yaml", "../outside.yaml", ("a.yaml", 1, 1, Code.OUTSIDE_ROOT), id="a file outside"),
        pytest.param("a.yaml", "/etc/hostname", ("a.yaml", 1, 1, Code.OUTSIDE_ROOT), id="an absolute path"),
        pytest.param("a.yaml", "nowhere.yaml", ("a.yaml", 1, 1, Code.FILE_MISSING), id="nothing"),
        pytest.param("a.yaml", "a.yaml", ("a.yaml", 1, 1, Code.FILE_MISSING), id="itself"),
        pytest.param("link", "real", ("link/", 1, 1, Code.SYMLINK), id="a folder inside"),
        pytest.param("link", "..", ("link/", 1, 1, Code.SYMLINK), id="a folder outside"),
        pytest.param("real/link", "../real", ("real/link/", 1, 1, Code.SYMLINK), id="the folder that it is in"),
    ],
)
def test_a_link_that_is_not_followed(tree: Path, put: Put, link: str, target: str, problem: tuple[str, int, int, Code]):
    (tree.parent / "outside.yaml").write_text("template: secret")
    put("real/b.yaml", "x")
    (tree / link).symlink_to(target)
    assert problems(tree) == [problem]
    assert found(tree) == {"real/b.yaml": "real/b"}


@pytest.mark.parametrize("name", ["a.csv", "_a.yaml", ".a.yaml", "README.md"])
def test_a_broken_link_that_would_be_no_prompt_is_nobody_s_business(tree: Path, name: str):
    (tree / name).symlink_to("nowhere")
    assert problems(tree) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_may_not_be_read_is_told(tree: Path, put: Put):
    put("a.yaml", "x")
    put("closed/b.yaml", "x")
    (tree / "closed").chmod(0)
    try:
        assert problems(tree) == [("closed/", 1, 1, Code.UNREADABLE)]
        assert found(tree) == {"a.yaml": "default/a"}
    finally:
        (tree / "closed").chmod(0o700)


def test_a_pipe_is_no_prompt(tree: Path):
    os.mkfifo(tree / "a.yaml")
    assert (found(tree), problems(tree)) == ({}, [])


def test_the_suffixes_are_those_of_the_page():
    assert sorted(SUFFIXES) == [
        ".j2",
        ".jinja",
        ".jinja2",
        ".json",
        ".md",
        ".mustache",
        ".prompt",
        ".txt",
        ".yaml",
        ".yml",
    ]
    assert {suffix: text_format for suffix, text_format in TEXT_FORMATS.items() if text_format} == {
        ".jinja": "jinja2",
        ".jinja2": "jinja2",
        ".j2": "jinja2",
        ".mustache": "mustache",
    }
