"""`promptdb codegen`."""

from pathlib import Path

import pytest
from clitools import Run
from registries import write

FILE = "typed.py"


def test_the_types_of_all_prompts_are_written(run: Run, project: Path) -> None:
    assert run("codegen", "-o", FILE) == (0, "wrote typed.py: 2 prompts\n", "")
    code = (project / FILE).read_text()
    assert "class GreetVariables(TypedDict):" in code
    assert "class SupportTriageVariables(TypedDict):" in code
    assert run("codegen") == (0, code, "")
    assert not list(project.glob("*.sqlite3"))


def test_a_second_run_leaves_the_file_alone(run: Run, project: Path) -> None:
    run("codegen", "-o", FILE)
    (project / FILE).chmod(0o444)
    assert run("codegen", "-o", FILE) == (0, "typed.py is up to date: 2 prompts\n", "")
    assert run("codegen", "-o", FILE, "--check") == (0, "typed.py is up to date: 2 prompts\n", "")


def test_a_check_shows_what_differs_and_writes_nothing(run: Run, project: Path) -> None:
    missing = run("codegen", "-o", FILE, "--check")
    assert (missing.code, missing.out) == (3, "typed.py does not exist\n")
    run("codegen", "-o", FILE)
    before = (project / FILE).read_bytes()
    write(project, {"prompts/greet.txt": "Hello {name}, welcome to {town}!\n"})
    code, out, err = run("codegen", "-o", FILE, "--check")
    assert code == 3
    assert "-    place: Any\n+    town: Any\n" in out
    assert out.endswith("typed.py is not what the prompt files give\n")
    assert err == "hint: run the command without --check, and commit the file\n"
    assert (project / FILE).read_bytes() == before


def test_line_ends_of_a_checkout_are_no_difference(run: Run, project: Path) -> None:
    run("codegen", "-o", FILE)
    (project / FILE).write_bytes((project / FILE).read_bytes().replace(b"\n", b"\r\n"))
    assert run("codegen", "-o", FILE, "--check").code == 0


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (["-o", "typed.ts"], "// The types of prompts."),
        (["-o", "typed.txt", "--language", "typescript"], "// The types of prompts."),
        (["-o", "typed.ts", "--language", "python"], '"""Typed prompts.'),
    ],
)
def test_the_suffix_names_the_language_unless_an_option_does(
    run: Run, project: Path, arguments: list[str], start: str
) -> None:
    assert run("codegen", *arguments).code == 0
    assert (project / arguments[1]).read_text().startswith(start)


def test_only_some_prompts_are_written_where_they_are_named(run: Run, project: Path) -> None:
    for name in ("support", "support/triage", "prompts/support/triage.yaml"):
        code = run("codegen", name).out
        assert "SupportTriageVariables" in code
        assert "GreetVariables" not in code
    missing = run("codegen", "support/triag")
    assert (missing.code, missing.err) == (
        1,
        "error: there is no prompt file for support/triag\nhint: 'promptdb check' reads all prompt files\n",
    )


def test_known_aliases_are_those_of_settings_and_files(run: Run, project: Path) -> None:
    settings = 'protected_aliases = ["live"]\n[refs]\nmain = ["staging"]\n'
    write(project, {"promptdb.toml": settings, "prompts/_aliases.yaml": "canary: {greet: rev:1}\n"})
    code = run("codegen").out
    for ref in ("greet", "greet:latest", "greet:live", "greet:staging", "greet:canary", "support/triage:live"):
        assert f'"{ref}"' in code
    assert '"support/triage:canary"' not in code
    assert "production" not in code


def test_invalid_files_stop_it(run: Run, project: Path) -> None:
    write(project, {"prompts/greet.txt": "Hello {name"})
    code, out, err = run("codegen", "-o", FILE)
    assert (code, out) == (4, "")
    assert "prompts/greet.txt:1:7: error [PDB301]" in err
    assert not (project / FILE).exists()


def test_a_check_needs_a_file(run: Run, project: Path) -> None:
    assert run("codegen", "--check").code == 2


def test_a_file_that_cannot_be_written_is_an_error(run: Run, project: Path) -> None:
    code, _, err = run("codegen", "-o", "nowhere/typed.py")
    assert (code, err) == (1, "error: cannot write nowhere/typed.py: No such file or directory\n")
