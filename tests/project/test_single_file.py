"""Prompts from code and from single files, without a registry."""

import traceback
from pathlib import Path
from typing import Any

import pytest
from registries import write

import promptdb
from promptdb.errors import ConfigError, InvalidPrompts, InvalidRef, PromptNotFound
from promptdb.project.view import View

SPECS: dict[str, tuple[dict[str, Any], str, str]] = {
    "a template": ({"template": "Hi {name}"}, "string", "Hi Ada"),
    "messages": ({"messages": [{"role": "system", "template": "Hi {name}"}]}, "chat", "System: Hi Ada"),
    "jinja2": ({"template": "Hi {{ name }}", "template_format": "jinja2"}, "string", "Hi Ada"),
}


@pytest.mark.parametrize(("fields", "kind", "text"), SPECS.values(), ids=SPECS)
def test_a_spec_renders_without_a_registry_and_its_kind_is_inferred(
    fields: dict[str, Any], kind: str, text: str
) -> None:
    for spec in (fields, promptdb.PromptSpec(**fields)):
        prompt = promptdb.prompt_from_spec(spec, "support/hello")
        assert (prompt.spec.kind, prompt.render_text(name="Ada")) == (kind, text)
        assert str(prompt.prompt) == "support/hello"
        assert prompt.as_langchain().invoke({"name": "Ada"}).to_string() == text


def test_a_file_renders_without_a_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        tmp_path,
        {"promptdb.toml": "text_format = 'jinja2'\n", "prompts/a/b.txt": "Hi {{ name }}", "c.yaml": "template: C"},
    )
    monkeypatch.chdir(tmp_path)
    inside, outside = promptdb.prompt_from_file("prompts/a/b.txt"), promptdb.prompt_from_file(tmp_path / "c.yaml")
    assert (str(inside.prompt), inside.render_text(name="Ada")) == ("a/b", "Hi Ada")
    assert (str(outside.prompt), outside.render_text()) == ("default/c", "C")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["c.yaml", "promptdb.toml", "prompts"]


def test_problems_of_a_spec_name_no_file_and_a_traceback_shows_the_hint() -> None:
    with pytest.raises(InvalidPrompts) as caught:
        promptdb.prompt_from_spec({"template": "{a"})
    assert str(caught.value).startswith("the spec has 1 error; the first: PDB301 ")
    assert traceback.format_exception_only(caught.value)[-1].startswith("hint: write {{ and }} for literal braces")


def test_an_error_without_a_hint_has_no_note() -> None:
    assert not hasattr(InvalidRef("x"), "__notes__")
    assert PromptNotFound("x", "y").__notes__ == ["hint: y"]


def test_a_view_is_the_index_or_a_commit() -> None:
    with pytest.raises(ConfigError, match="a view is the index or a commit, not both"):
        View(staged=True, rev="HEAD")
