"""Every command, option, setting, problem code and exit code is in the documentation, and nothing that does not exist."""

import json
import re
import subprocess
import sys
from runpy import run_path

import pytest
import yaml
from command_tree import EVERY, options
from pages import DOCS, INDEX, PAGES, anchors, links, page, rows, section
from pydantic import SecretStr
from sources import PACKAGE, ROOT

import promptdb
from promptdb.cli.app import SYNONYMS
from promptdb.cli.exit_codes import EXIT_CODES
from promptdb.domain.integrity import IntegrityCode
from promptdb.problems import WARNINGS, Code
from promptdb.settings import PREFIX, AppSettings

SETTINGS = sorted(AppSettings.model_fields.keys() - {"base"})
USAGE, DIFFERENCES, INTERRUPTED = 2, 3, 130


# Generated pages


def test_the_page_of_commands_is_what_its_script_prints() -> None:
    """In a process of its own: click keeps the option for help as the first caller asked for it."""
    command = [sys.executable, str(ROOT / "scripts" / "cli_docs.py")]
    printed = subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
    assert page("cli.md") == printed, "run: python scripts/cli_docs.py > docs/cli.md"


@pytest.mark.parametrize(("name", "script"), [("routes.md", "route_docs"), ("python-reference.md", "python_docs")])
def test_a_generated_page_is_what_its_script_prints(name: str, script: str) -> None:
    printed = run_path(str(ROOT / "scripts" / f"{script}.py"))["document"]()
    assert page(name) == printed, f"run: python scripts/{script}.py > docs/{name}"


def test_every_public_name_is_explained() -> None:
    told = re.findall(r"^## (\w+)\n\n(?:`.*`\n\n)?(.)", page("python-reference.md"), re.MULTILINE)
    assert [name for name, text in told if text.isalpha()] == sorted(promptdb.__all__)


def test_every_route_is_on_its_page() -> None:
    told = re.findall(r"^### ([A-Z]+) (/.*)$", page("routes.md"), re.MULTILINE)
    paths = json.loads((DOCS / "openapi.json").read_text(encoding="utf-8"))["paths"]
    assert sorted(told) == sorted(
        (method.upper(), path.removeprefix("/api/v1")) for path, methods in paths.items() for method in methods
    )


def test_each_command_with_json_is_on_the_page_of_its_output() -> None:
    table = section(page("json-output.md").replace("# JSON output", "\n## All", 1), "All")
    cells = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| `")]
    told = {re.sub(r" --.*", "", name) for cell in cells for name in re.findall(r"`([^`]+)`", cell)}
    assert told == {words for words in EVERY if any("--json" in option.opts for option in options(words))}


# Commands


def test_each_command_is_told_with_its_options() -> None:
    missing = []
    for words in EVERY:
        told = section(page("cli.md"), words)
        names = [name for option in options(words) for name in (*option.opts, *option.secondary_opts)]
        missing += [(words, name) for name in [f"promptdb {words}", *names] if name not in told]
    assert missing == []


def test_each_synonym_is_told_at_its_command() -> None:
    assert [synonym for synonym, name in SYNONYMS.items() if f"`{synonym}`" not in section(page("cli.md"), name)] == []


def test_no_command_is_told_that_does_not_exist() -> None:
    assert set(re.findall(r"^## (.+)$", page("cli.md"), re.MULTILINE)) == EVERY.keys()


# Errors


def test_each_problem_code_is_explained() -> None:
    table = rows(section(page("errors.md"), "Codes"))
    told = {code: (table[code.value][0], all(table[code.value])) for code in Code if code.value in table}
    assert told == {code: ("warning" if code in WARNINGS else "error", True) for code in Code}


def test_no_problem_code_is_told_that_does_not_exist() -> None:
    assert set(re.findall(r"PDB\d+", page("errors.md"))) == {code.value for code in Code}


def test_the_tables_of_codes_are_what_their_script_writes() -> None:
    assert run_path(str(ROOT / "scripts" / "error_docs.py"))["document"](page("errors.md")) == page("errors.md"), (
        "run: python scripts/error_docs.py"
    )


def test_each_finding_of_verify_is_told_and_no_other() -> None:
    told = re.findall(r"^\| `(V\d+)` \|", page("errors.md"), re.MULTILINE)
    assert told == [code.value for code in IntegrityCode]


def test_each_exit_code_is_told() -> None:
    told = {int(code) for code in rows(section(page("errors.md"), "Exit codes")) if code.isdigit()}
    assert told == {0, USAGE, DIFFERENCES, INTERRUPTED, *EXIT_CODES.values()}


# Settings


def test_each_setting_is_told_with_its_key_and_default() -> None:
    table = rows(page("settings.md"))
    for name in SETTINGS:
        key, default, meaning = table[PREFIX + name.upper()]
        assert key == f"`{name}`"
        assert default == (f"`{default_of(name)}`" if default_of(name) else default), name
        assert meaning, name


def default_of(name: str) -> str | None:
    """As the page writes it."""
    value = AppSettings.model_fields[name].default
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, list | dict):
        return json.dumps(value)
    if isinstance(value, tuple):
        [value] = value
    return None if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def test_no_setting_is_told_that_does_not_exist() -> None:
    pages = [file.read_text(encoding="utf-8") for file in (*DOCS.glob("*.md"), ROOT / "README.md")]
    told = {name for text in pages for name in re.findall(rf"\b{PREFIX}([A-Z_]+)", text)}
    plain = {name.removeprefix("TARGET_") for name in told}  # those of the target of a copy
    assert plain - {name.upper() for name in SETTINGS} == {"NAME", ""}


def test_every_setting_says_what_it_is() -> None:
    assert [name for name in SETTINGS if not AppSettings.model_fields[name].description] == []


def test_no_other_environment_variable_is_read() -> None:
    """What changes behaviour is a setting, or is told with them."""
    read = {
        name
        for file in PACKAGE.rglob("*.py")
        for name in re.findall(r"environ(?:\.get\(|\.setdefault\(|\[)\"(\w+)\"|getenv\(\"(\w+)\"", file.read_text())
        for name in name
        if name
    }
    assert {name for name in read if name not in page("settings.md") and not name.startswith("GIT_")} == set()


# Pages


def test_the_pages_that_messages_name_exist() -> None:
    named = {
        name
        for file in PACKAGE.rglob("*.py")
        for name in re.findall(r"docs/([\w-]+\.md)", file.read_text(encoding="utf-8"))
    }
    assert "settings.md" in named
    assert {name for name in named if not (DOCS / name).is_file()} == set()


def test_links_between_pages_lead_to_a_file_and_a_heading() -> None:
    found = [(file, target, anchor) for file in PAGES for target, anchor in links(file)]
    assert any(anchor for _, _, anchor in found)
    wrong = [
        f"{file.relative_to(ROOT)} -> {target.name}#{anchor}"
        for file, target, anchor in found
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8")))
    ]
    assert wrong == []


def test_the_index_links_every_page_and_the_readme_links_the_index() -> None:
    listed = {target for target, _ in links(INDEX)}
    assert set(DOCS.glob("*.md")) - listed == {INDEX}
    assert INDEX in {target for target, _ in links(ROOT / "README.md")}


def test_the_menu_of_the_site_has_every_page_once() -> None:
    menu = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    listed = re.findall(r"'([^']+\.md)'", str(menu))
    hidden = ROOT / ".github"
    assert sorted(listed) == sorted(str(file.relative_to(ROOT)) for file in PAGES if hidden not in file.parents)


def test_llms_txt_leads_to_pages() -> None:
    text = run_path(str(ROOT / "scripts" / "build_site.py"))["llms_txt"]()
    listed = re.findall(r"\]\(([^)]+)\)", text)
    assert text.startswith("# promptdb\n\n> ")
    assert "docs/prompt-files.md" in listed
    assert [name for name in listed if not (ROOT / name).is_file()] == []


def test_a_heading_has_the_anchor_that_github_gives_it() -> None:
    text = "# What `sync` does\n\n```\n# no heading\n```\n## Export, import, copy\n"
    assert anchors(text) == {"what-sync-does", "export-import-copy"}
