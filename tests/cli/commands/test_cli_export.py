"""`promptdb export`."""

import sqlite3
import sys
from pathlib import Path

import pytest
from clitools import Run, failure
from registries import write

TEXT = [".txt", ".md", ".prompt", ".jinja", ".jinja2", ".j2", ".mustache"]
STRUCTURED = [".yaml", ".yml", ".json"]
RICH = """\
template_format: jinja2
metadata: {title: "Yes: \\"no\\"", tags: [a, "1.0"], user_version: "2"}
model: {name: small, temperature: 0.5}
variables: {name: {type: string, enum: ["yes", "no"]}}
template: |
  {% include "_shared/tone.md" %}
  Hello {{ name }}!
   indented: "quoted" # not a comment
assets: [{path: _data.csv, kind: example_dataset}]
"""


@pytest.fixture
def rich(project: Path, run: Run) -> Path:
    """A prompt with a fragment and an asset."""
    write(project, {"prompts/rich.yaml": RICH, "prompts/_shared/tone.md": "Be kind.\n", "prompts/_data.csv": "a,b\r\n"})
    assert run("sync").code == 0
    return project


@pytest.mark.parametrize("suffix", [*STRUCTURED, *TEXT])
def test_a_text_is_exported_to_every_suffix_and_reads_back_the_same(run: Run, synced: Path, suffix: str) -> None:
    file = f"out/greet{suffix}"
    assert run("export", "greet", file) == (0, f"wrote {file}\n", "")
    assert run("register-file", file, "--name", "greet").out.startswith("unchanged: default/greet revision 1 ")


@pytest.mark.parametrize("suffix", STRUCTURED)
def test_a_chat_is_exported_to_structured_files_and_reads_back_the_same(run: Run, synced: Path, suffix: str) -> None:
    assert run("export", "support/triage", f"x{suffix}").code == 0
    assert run("register-file", f"x{suffix}", "--name", "support/triage").out.startswith("unchanged: ")


@pytest.mark.parametrize("suffix", TEXT)
def test_a_chat_of_several_messages_does_not_fit_a_text_file(run: Run, synced: Path, suffix: str) -> None:
    message = f"a {suffix} file holds one text, and this chat has more"
    assert run("export", "support/triage", f"x{suffix}") == (1, "", failure(message, "export it as .yaml"))
    assert not (synced / f"x{suffix}").exists()


@pytest.mark.parametrize("suffix", TEXT)
@pytest.mark.slow
def test_a_chat_of_one_message_fits_a_text_file(run: Run, project: Path, suffix: str) -> None:
    write(project, {"prompts/one.md": "---\nrole: system\n---\nBe kind to {name}."})
    assert run("sync").code == 0
    assert run("export", "one", f"x{suffix}").code == 0
    assert run("register-file", f"x{suffix}", "--name", "one").out.startswith("unchanged: ")


@pytest.mark.parametrize("suffix", [".TXT", ".Yaml"])
def test_a_suffix_in_capitals_is_the_same(run: Run, synced: Path, suffix: str) -> None:
    assert run("export", "greet", f"x{suffix}").code == 0


@pytest.mark.parametrize("file", ["x.erb", "x", ".yaml"])
def test_a_file_of_another_suffix_is_refused(run: Run, synced: Path, file: str) -> None:
    ran = run("export", "greet", file)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.endswith(
        "hint: use one of .j2, .jinja, .jinja2, .json, .md, .mustache, .prompt, .txt, .yaml, .yml, "
        "or .zip or .bundle.json for 'promptdb import'\n"
    )
    assert not (synced / file).exists()


def test_a_dash_prints_yaml(run: Run, synced: Path) -> None:
    expected = "kind: string\ntemplate_format: f-string\ntemplate: Hello {name}, welcome to {place}!\n"
    assert run("export", "greet", "-") == (0, expected, "")


def test_what_a_dash_prints_keeps_its_lines_and_reads_back(run: Run, project: Path) -> None:
    write(project, {"prompts/a.md": "---\nrole: system\n---\nHello \n\n\t{name}\n  bye\u2029!\n" + "long " * 50})
    write(project, {"prompts/b.md": "---\nrole: system\n---\nHello \n\n\t{name}\n  bye!\n" + "long " * 50 + "end"})
    assert run("sync").code == 0
    printed = run("export", "b", "-").out
    long = "      " + "long " * 50
    assert printed.endswith(f"    template: |-\n      Hello \n\n      \t{{name}}\n        bye!\n{long}end\n")
    quoted = run("export", "a", "-").out
    assert quoted.endswith(
        "    template:  # in quotes, because a block cannot hold U+2029\n"
        f'      "Hello \\n\\\n      \\n\\\n      \\t{{name}}\\n\\\n      \\  bye\\P!\\n\\\n{long}"\n'
    )
    for name, text in (("a", quoted), ("b", printed)):
        write(project, {"again.yaml": text})
        assert run("register-file", "again.yaml", "--name", name).out.startswith("unchanged: ")


def test_a_dash_with_json_prints_json(run: Run, synced: Path) -> None:
    """Or refuses the two together: an option must not be passed over."""
    ran = run("export", "greet", "-", "--json")
    assert ran.code == 2 or ran.json


def test_a_selector_chooses_the_version(run: Run, two_versions: Path) -> None:
    assert run("export", "greet:production", "old.txt").code == 0
    assert "Hello {name}, welcome to {place}!" in Path("old.txt").read_text()


def test_fragments_and_assets_are_written_beside_it(run: Run, rich: Path) -> None:
    ran = run("export", "rich", "out/rich.yaml")
    assert ran == (0, "wrote out/rich.yaml\nwrote out/_shared/tone.md\nwrote out/_data.csv\n", "")
    assert (rich / "out/_shared/tone.md").read_bytes() == b"Be kind.\n"
    assert (rich / "out/_data.csv").read_bytes() == b"a,b\r\n"
    assert run("register-file", "out/rich.yaml", "--name", "rich").out.startswith("unchanged: ")


def test_a_file_that_is_there_and_differs_is_kept(run: Run, synced: Path) -> None:
    write(synced, {"x.yaml": "mine"})
    assert run("export", "greet", "x.yaml") == (
        1,
        "",
        failure("x.yaml exists and differs", "pass --force to replace it"),
    )
    assert Path("x.yaml").read_text() == "mine"


def test_where_one_file_is_in_the_way_none_is_written(run: Run, rich: Path) -> None:
    write(rich, {"out/_data.csv": "mine"})
    ran = run("export", "rich", "out/rich.yaml")
    assert (ran.code, ran.err) == (1, failure("out/_data.csv exists and differs", "pass --force to replace it"))
    assert [file.name for file in (rich / "out").iterdir()] == ["_data.csv"]


def test_force_replaces_what_differs(run: Run, synced: Path) -> None:
    write(synced, {"x.txt": "mine"})
    assert run("export", "greet", "x.txt", "--force").code == 0
    assert "mine" not in Path("x.txt").read_text()


def test_a_file_that_is_there_already_is_no_failure(run: Run, synced: Path) -> None:
    assert run("export", "greet", "x.txt").code == 0
    assert run("export", "greet", "x.txt").code == 0


@pytest.mark.parametrize("file", ["taken/x.yaml", "taken/deep/x.yaml"])
def test_a_folder_that_cannot_be_made_is_one_error(run: Run, synced: Path, file: str) -> None:
    write(synced, {"taken": "a file"})
    ran = run("export", "greet", file)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("error: cannot write ")
    assert ran.err.count("\n") == 1


def test_a_folder_in_place_of_the_file_is_a_usage_error(run: Run, synced: Path) -> None:
    (synced / "x.yaml").mkdir()
    ran = run("export", "greet", "x.yaml")
    assert (ran.code, ran.out) == (2, "")
    assert "File 'x.yaml' is a directory." in ran.err


def blob(root: Path, content: bytes) -> Path:
    return next(file for file in (root / ".blobs/sha256").rglob("*") if file.is_file() and file.read_bytes() == content)


@pytest.mark.slow
def test_a_blob_that_was_changed_is_exit_code_7_and_nothing_is_written(run: Run, rich: Path) -> None:
    found = blob(rich, b"a,b\r\n")
    found.chmod(0o644)
    found.write_bytes(b"a,c\r\n")
    ran = run("export", "rich", "out/rich.yaml")
    assert (ran.code, ran.out) == (7, "")
    assert ran.err == failure(
        f"the blob sha256:{found.name} was changed after it was stored", f"see {found}, and: promptdb verify --full"
    )
    assert not (rich / "out").exists()


def test_a_blob_that_is_missing_is_one_error(run: Run, rich: Path) -> None:
    found = blob(rich, b"a,b\r\n")
    found.unlink()
    ran = run("export", "rich", "out/rich.yaml")
    assert ran == (
        1,
        "",
        failure(f"the blob sha256:{found.name} is not in {rich}/.blobs", "see: promptdb verify"),
    )


def test_a_stored_path_that_leads_out_of_the_folder_is_refused(run: Run, rich: Path) -> None:
    """Whoever can write to the database must not write to the disk of those who export."""
    connection = sqlite3.connect("promptdb.sqlite3")
    with connection:
        connection.execute("DROP TRIGGER prompt_versions_no_update")
        connection.execute("UPDATE prompt_versions SET spec_json = replace(spec_json, '_data.csv', '../../evil')")
    connection.close()
    ran = run("export", "rich", "out/rich.yaml")
    assert ran.code in (1, 7)
    assert not (rich.parent / "evil").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no such names")
def test_the_name_of_an_asset_does_not_reach_the_terminal_as_it_is(run: Run, project: Path) -> None:
    name = "\x1b[31m\nred"
    prompt = 'template: x\nassets: [{path: "\\e[31m\\nred"}]\n'
    write(project, {"prompts/a/b.yaml": prompt, f"prompts/a/{name}": "x"})
    assert run("sync").code == 0
    ran = run("export", "a/b", "out/b.yaml")
    assert ran.code == 0
    assert len(ran.out.splitlines()) == 2
    assert "\x1b" not in ran.out


def test_json_has_the_files(run: Run, rich: Path) -> None:
    ran = run("export", "rich", "out/rich.yaml", "--json")
    assert ran.json == {"ref": "rich", "files": ["out/rich.yaml", "out/_shared/tone.md", "out/_data.csv"]}


def test_an_asset_from_a_folder_above_is_not_written_outside_the_target(run: Run, project: Path) -> None:
    write(
        project,
        {"prompts/_shared/logo.png": "x", "prompts/a/b.yaml": "template: hi\nassets: [{path: ../_shared/logo.png}]"},
    )
    assert run("sync").code == 0
    message = "'../_shared/logo.png' belongs to the prompt and would be written outside out"
    assert run("export", "a/b", "out/b.yaml") == (
        1,
        "",
        failure(message, "print the prompt alone: promptdb export REF -"),
    )
    assert not (project / "out").exists()
    assert "../_shared/logo.png" in run("export", "a/b", "-").out
