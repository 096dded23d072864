"""Whatever bytes the files hold, reading them ends with problems or with an error of promptdb."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from registries import settings_for, write

from promptdb.domain.suffixes import SUFFIXES
from promptdb.errors import ConfigError
from promptdb.files.ignore import IGNORE_FILE, ignore_rule
from promptdb.project.load import check_tree
from promptdb.settings import CONFIG_FILE, load_settings

WORDS = (
    *("---\n", "\n", "\n  ", "\n- ", ": ", "- ", '"', "'", "|\n", ">\n", "&a ", "*a ", "!x ", "? ", "{", "}", "[", "]", ",", "#"),
    *("{{", "}}", "{%", "%}", "{#", "#}", "{{ a }}", "{a}", "{a!r:>3}", "{{#a}}", "{{/a}}", "{{> _f.md}}", "{{=<% %>=}}"),
    *("{% if a %}", "{% endif %}", "{% for i in a %}", "{% endfor %}", '{% include "_f.md" %}', "{% set x = ", "{% macro m(x) %}"),
    *("{% block a %}", "{% endmacro %}", '{% extends "_f.md" %}', "| tojson", " ** ", "range(9)", "a.b", "loop", "super()", "not "),
    *("template: ", "template_format: jinja2\n", "template_format: mustache\n", "kind: chat\n", "messages:\n- role: human\n  template: "),
    *("variables: ", "few_shot: ", "examples", "assets: ", "tests: ", "metadata: ", "renamed_from: ", "model: ", "role: system\n"),
    *("production: {a: rev:1}\n", "null", "true", "1", "1e999", "0x1f", "1" * 5000, "a" * 3000, "[" * 300, "(" * 300, "\t", "\\", "\\u0000"),
    *("\ud7ff", "\0", "\u2028", "\x85", "\ufeff", "\r\n", "\u00e9", "\U0001f600"),
)  # fmt: skip
CONTENTS = st.one_of(
    st.lists(st.sampled_from(WORDS), max_size=12).map(lambda words: "".join(words).encode()),
    st.lists(st.sampled_from(WORDS) | st.text(max_size=5), max_size=6).map(
        lambda w: "".join(w).encode(errors="replace")
    ),
    st.binary(max_size=40),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One folder for all examples: to make one takes longer than to read a file."""
    made = tmp_path_factory.mktemp("any-file")
    yield made
    shutil.rmtree(made)


@given(suffix=st.sampled_from(sorted(SUFFIXES)), content=CONTENTS, fragment=CONTENTS, aliases=CONTENTS)
@pytest.mark.slow
def test_a_prompt_its_fragment_and_the_aliases(
    folder: Path, suffix: str, content: bytes, fragment: bytes, aliases: bytes
):
    names = [f"a{suffix}", "_f.md", "_aliases.yaml"]
    write(folder / "prompts", dict(zip(names, (content, fragment, aliases), strict=True)))
    try:
        checked = check_tree(settings_for("sqlite://", folder))
    finally:
        (folder / "prompts" / names[0]).unlink()
    assert checked.prompts <= 1
    assert all(problem.line >= 1 and problem.column >= 1 for problem in checked.problems)


@given(
    content=st.binary(max_size=60) | st.text("ab*?[]!-^/\\ \n:#", max_size=40).map(str.encode),
    path=st.text("ab/*[", min_size=1),
)
def test_an_ignore_file(content: bytes, path: str):
    assert ignore_rule(content, IGNORE_FILE)(path) in (True, False)


TOML = st.lists(
    st.sampled_from(
        (*("prompts_root", "text_format", "refs", "protected_aliases", "lock_timeout", "[refs]\n", "x", ".", " = ", "\n", '"', "'''"),
         *("1", "nan", "-1e999", "2026-04-01", "true", "[", "]", "{", "}", ",", "#", "\\", "\0", "\ufffe", "[" * 5000, "1" * 5000, "a." * 5000))
    ),
    max_size=10,
).map(lambda words: "".join(words).encode())  # fmt: skip


@given(content=TOML | st.binary(max_size=40))
def test_a_settings_file(folder: Path, content: bytes):
    (folder / CONFIG_FILE).write_bytes(content)
    with suppress(ConfigError):
        load_settings(folder)


@pytest.mark.parametrize(
    "content",
    ["x = " + "[" * 100_000, "x = " + "1" * 100_001, "a." * 100_000 + "a = 1", "#\n" * 140_000],
    ids=["depth", "digits", "long key", "large"],
)
def test_a_settings_file_that_a_parser_gives_up_on(folder: Path, content: str):
    (folder / CONFIG_FILE).write_text(content)
    with pytest.raises(ConfigError, match=CONFIG_FILE):
        load_settings(folder)
