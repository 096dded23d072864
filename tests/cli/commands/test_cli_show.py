"""`promptdb show`."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from clitools import PROMPTDB, Run, as_seen, failure, steady, terminal
from registries import write
from repositories import Git, commit_all

SELECTORS = "use latest, an alias, a user_version, rev:3, sha256:ab12cd34, git:COMMIT or a version's UUID"


def test_a_version_is_shown_with_its_contract_and_its_file(run: Run, synced: Path) -> None:
    ran = run("show", "support/triage")
    assert (ran.code, ran.err) == (0, "")
    out = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", steady(ran.out))
    assert re.sub(r"\([0-9,]+ bytes\)", "(N bytes)", out) == (
        "support/triage revision 1\n"
        "id       UUID\n"
        "digest   sha256:00000000\n"
        "created  2026-01-01 00:00 by tester\n"
        "variable ticket: string, required\n"
        "variable tries: integer, default 1\n"
        "blob     bundle manifest (N bytes)\n"
        "---\n"
        "kind: chat\n"
        "template_format: f-string\n"
        "variables:\n"
        "  ticket:\n"
        "    type: string\n"
        "    description: As it came in\n"
        "  tries:\n"
        "    type: integer\n"
        "    required: false\n"
        "    default: 1\n"
        "messages[0] system:\n"
        "  Triage the ticket, try {tries}.\n"
        "messages[1] human:\n"
        "  {ticket}\n"
    )


def test_a_text_is_shown_line_by_line_with_marks(run: Run, project: Path) -> None:
    chat = {"name": "n", "template": "a \n\tb\u2028\n\nc\n"}
    messages = [{"role": "generic", "role_name": "judge", **chat}, {"variable_name": "h"}]
    few_shot = {"examples": [{"q": "x\ny "}], "chat_messages": [{"role": "ai", "template": "{q}"}]}
    write(project, {"prompts/a.json": json.dumps({"messages": messages, "few_shot": few_shot})})
    assert run("sync").code == 0
    ran = run("show", "a")
    assert ran.out.partition("---\n")[2].split("\n") == [
        "kind: chat",
        "template_format: f-string",
        "messages[0] generic judge (with a line break at the end):",
        "  a·",
        "  →\tb\u2028",
        "",
        "  c",
        "messages[0] generic judge, other fields:",
        "  name: n",
        "messages[1] placeholder:",
        "  variable_name: h",
        "few_shot:",
        "  examples:",
        "  - q: |-",
        "      x",
        "      y·",
        "few_shot.chat_messages[0] ai:",
        "  {q}",
        "",
    ]
    assert ran.err == "note: · marks a space at the end of a line, and → a tab\n"


def test_no_text_passes_for_a_heading(run: Run, project: Path) -> None:
    write(project, {"prompts/a.md": "x\nmessages[0] system:\ny"})
    assert run("sync").code == 0
    assert "\nmessages" not in run("show", "a").out


@pytest.mark.parametrize(
    ("default", "shown"),
    [("0", "default 0"), ("false", "default False"), ('""', "default ''")],
    ids=["0", "no", "empty"],
)
@pytest.mark.slow
def test_a_default_that_is_falsy_is_shown(run: Run, project: Path, default: str, shown: str) -> None:
    write(project, {"prompts/d.yaml": f'template: "{{a}}"\nvariables: {{a: {{default: {default}}}}}\n'})
    assert run("sync").code == 0
    assert f"variable a: any, {shown}\n" in run("show", "d").out


def test_a_user_version_stands_beside_the_revision(run: Run, project: Path) -> None:
    write(project, {"prompts/greet.txt": "---\nmetadata: {user_version: v1.2}\n---\nHello"})
    assert run("sync").code == 0
    assert run("show", "greet:v1.2").out.startswith("default/greet revision 1 (v1.2)\n")


def test_assets_are_shown_by_their_paths(run: Run, project: Path) -> None:
    write(
        project,
        {
            "prompts/a.yaml": "template: x\nassets: [{path: _data.csv, kind: example_dataset}]\n",
            "prompts/_data.csv": "a,b\n",
        },
    )
    assert run("sync").code == 0
    assert "blob     example_dataset _data.csv (4 bytes)\n" in run("show", "a").out


@pytest.fixture
def with_assets(run: Run, project: Path) -> Path:
    write(
        project,
        {
            "prompts/a.yaml": "template: x\nassets: [{path: _data.csv, kind: example_dataset}, {path: _dot.png}]\n",
            "prompts/_data.csv": "a,b\n",
            "prompts/_dot.png": b"\x89PNG\r\n\0",
        },
    )
    assert run("sync").code == 0
    return project


def test_assets_are_listed_with_whether_their_blobs_are_there(run: Run, with_assets: Path) -> None:
    rows = [line.split() for line in steady(run("show", "a", "--assets").out).splitlines()]
    digest = "sha256:" + "0" * 8
    assert rows == [
        ["PATH", "KIND", "TYPE", "BYTES", "DIGEST", "BLOB"],
        ["_data.csv", "example_dataset", "text/csv", "4", digest, "present"],
        ["_dot.png", "attachment", "image/png", "7", digest, "present"],
    ]
    found = run("show", "a", "--assets", "--json").json
    assert list(found) == ["ref", "version", "assets"]
    assert [list(asset) for asset in found["assets"]] == [
        ["path", "kind", "content_type", "byte_size", "digest", "blob"]
    ] * 2
    one, other = (
        with_assets / ".blobs/sha256" / asset["digest"][7:9] / asset["digest"][7:] for asset in found["assets"]
    )
    one.unlink()
    other.write_bytes(b"x")
    assert [a["blob"] for a in run("show", "a", "--assets", "--json").json["assets"]] == ["missing", "wrong size"]
    assert run("show", "greet", "--assets").out == "default/greet has no assets\n"


@pytest.mark.slow
def test_the_bytes_of_an_asset_go_to_a_pipe_as_they_are(with_assets: Path) -> None:
    done = subprocess.run([*PROMPTDB, "show", "a", "--asset", "_dot.png"], check=True, capture_output=True)
    assert done.stdout == b"\x89PNG\r\n\0"


@pytest.mark.slow
def test_a_terminal_gets_an_asset_that_is_text_and_no_other(run: Run, with_assets: Path) -> None:
    assert as_seen(terminal("show", "a", "--asset", "_data.csv").out) == "a,b\n"
    shown = terminal("show", "a", "--asset", "_dot.png")
    assert shown.code == 1
    assert "_dot.png is not text, and standard output is a terminal" in as_seen(shown.out)


def test_an_asset_by_another_name_is_an_error(run: Run, with_assets: Path) -> None:
    message = "default/a revision 1 has no asset 'dot.png'"
    assert run("show", "a", "--asset", "dot.png") == (1, "", failure(message, "its assets: _data.csv, _dot.png"))
    assert run("show", "a", "--asset", "_dot.png", "--assets").code == 2


def test_a_corrupt_asset_is_an_integrity_failure(run: Run, with_assets: Path) -> None:
    [asset, _] = run("show", "a", "--assets", "--json").json["assets"]
    blob = with_assets / ".blobs/sha256" / asset["digest"][7:9] / asset["digest"][7:]
    blob.write_bytes(b"b,a\n")
    assert run("show", "a", "--asset", "_data.csv").code == 7
    assert run("export", "a", "out/a.yaml").code == 7
    assert [path for path in with_assets.glob("out/*") if path.is_file()] == []


@pytest.fixture
def selectors(run: Run, git: Git, two_versions: Path) -> dict[str, str]:
    """Ways to say revision 1 of `greet`."""
    old = run("show", "greet:rev:1", "--json").json
    return {
        "an id": old["id"],
        "an id in capitals": old["id"].upper(),
        "a revision": "rev:1",
        "a digest": old["spec_hash"],
        "an abbreviated digest": old["spec_hash"][: len("sha256:") + 8],
        "an alias": "production",
    }


@pytest.mark.parametrize(
    "kind", ["an id", "an id in capitals", "a revision", "a digest", "an abbreviated digest", "an alias"]
)
def test_every_kind_of_selector_finds_its_version(run: Run, selectors: dict[str, str], kind: str) -> None:
    assert run("show", f"greet:{selectors[kind]}").out.startswith("default/greet revision 1\n")


@pytest.mark.parametrize("ref", ["greet", "default/greet", "greet:latest"])
def test_without_a_selector_it_is_the_highest_revision(run: Run, two_versions: Path, ref: str) -> None:
    assert run("show", ref).out.startswith("default/greet revision 2\n")


@pytest.fixture
def commits(run: Run, git: Git, project: Path) -> dict[str, str]:
    """Two commits, each synced, by what can be said for them. The tag is on the first."""
    old = commit_all(git)
    git("tag", "v1")
    assert run("sync").code == 0
    write(project, {"prompts/greet.txt": "Hi {name}!"})
    new = commit_all(git)
    assert run("sync").code == 0
    return {"v1": "1", old: "1", old[:7]: "1", "main": "2", new: "2", "HEAD": "2"}


@pytest.mark.parametrize("index", range(6), ids=["tag", "old id", "old abbreviated", "branch", "new id", "HEAD"])
@pytest.mark.slow
def test_git_finds_the_version_that_was_in_a_commit(run: Run, commits: dict[str, str], index: int) -> None:
    """A commit, tag or branch: from what is recorded, or from the repository where there is one."""
    name, revision = list(commits.items())[index]
    assert run("show", f"greet:git:{name}").out.startswith(f"default/greet revision {revision}\n")


UNKNOWN = [
    ("nothing/like-it", "there is no prompt nothing/like-it", "'promptdb list' shows all prompts"),
    ("support/triag", "there is no prompt support/triag", "did you mean support/triage?"),
    (
        "greet:rev:9",
        "default/greet has no version 'rev:9'",
        "aliases: production -> rev:1, staging -> rev:2; newest revisions: rev:2, rev:1",
    ),
    (
        "greet:qa",
        "default/greet has no version 'qa'",
        "aliases: production -> rev:1, staging -> rev:2; newest revisions: rev:2, rev:1",
    ),
    ("support/triage:qa", "support/triage has no version 'qa'", "aliases: none; newest revisions: rev:1"),
]
SEGMENT = "use letters, digits, '.', '_' and '-', starting with a letter or digit, at most 128 characters"
MALFORMED = [
    ("", "'' is not a reference: '' is not a valid name segment", SEGMENT),
    ("a//b", "'a//b' is not a reference: '' is not a valid name segment", SEGMENT),
    ("../etc/passwd", "'../etc/passwd' is not a reference: '..' is not a valid name segment", SEGMENT),
    ("greet:", "'greet:' is not a reference: '' is not a selector", SELECTORS),
    (
        "greet:rev:x",
        "'greet:rev:x' is not a reference: 'x' is not a revision",
        "revisions are whole numbers from 1: rev:3",
    ),
    (
        "greet:sha256:12",
        "'greet:sha256:12' is not a reference: '12' is not a digest",
        "give 8 to 64 hexadecimal digits: sha256:ab12cd34",
    ),
    ("greet:git:", "'greet:git:' is not a reference: '' is not a commit, tag or branch", "for example git:v1.2.0"),
]


@pytest.mark.parametrize(
    ("ref", "message", "hint"), [*UNKNOWN, *MALFORMED], ids=[ref or "empty" for ref, *_ in [*UNKNOWN, *MALFORMED]]
)
@pytest.mark.parametrize(
    "command", [["show"], ["render"], ["diff"], ["export", "-"], ["promote", "other"]], ids=" ".join
)
def test_a_reference_to_nothing_is_one_error_with_what_there_is(
    run: Run, two_versions: Path, ref: str, message: str, hint: str, command: list[str]
) -> None:
    assert run(command[0], ref, *command[1:]) == (1, "", failure(message, hint))


def test_a_renamed_prompt_answers_to_its_old_name(run: Run, synced: Path) -> None:
    text = (synced / "prompts/support/triage.yaml").read_text()
    (synced / "prompts/support/triage.yaml").unlink()
    write(synced, {"prompts/help/desk.yaml": "renamed_from: [support/triage]\n" + text})
    assert run("sync").code == 0
    assert run("show", "support/triage:rev:1").out.startswith("help/desk revision 1\n")
