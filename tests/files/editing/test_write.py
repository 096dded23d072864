"""A spec written as a file reads back as the same version."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from specs import AWKWARD_TEXTS, chat_prompts, json_objects, string_prompts, texts

from promptdb.domain.file_rules import TextDefaults
from promptdb.domain.spec import PromptSpec
from promptdb.domain.suffixes import SUFFIXES
from promptdb.errors import ConfigError
from promptdb.files.editing.write import prompt_file_text
from promptdb.files.reading.parse import parse_file
from promptdb.files.tree import WorkTree

NO_FILES = WorkTree(Path("/nonexistent"))
TEXT_SUFFIXES = [".txt", ".md", ".prompt", ".jinja", ".jinja2", ".j2", ".mustache"]


def read_back(text: str, suffix: str) -> PromptSpec:
    result = parse_file("a" + suffix, text.encode(), NO_FILES, TextDefaults())
    assert result.prompt is not None, f"{list(map(str, result.problems))}\n{text}"
    return result.prompt.spec


def assert_round_trip(spec: PromptSpec, suffix: str) -> None:
    text = prompt_file_text(spec, suffix)
    assert read_back(text, suffix).canonical() == spec.canonical(), text


def assert_round_trip_or_refusal(spec: PromptSpec, suffix: str) -> None:
    try:
        prompt_file_text(spec, suffix)
    except ConfigError as error:
        refusal = error.hint
    else:
        assert_round_trip(spec, suffix)
        return
    assert refusal == "export it as .yaml"


def string(template: str, **fields: Any) -> PromptSpec:
    return PromptSpec.model_validate({"kind": "string", "template": template, "template_format": "plain", **fields})


@pytest.mark.parametrize("suffix", [".yaml", ".json"])
def test_a_template_of_any_text(suffix: str):
    for text in AWKWARD_TEXTS:
        assert_round_trip(string(text), suffix)


@pytest.mark.parametrize("suffix", [".yaml", ".json"])
def test_any_text_as_a_key_and_deep_inside(suffix: str):
    for text in AWKWARD_TEXTS:
        assert_round_trip(string("x", model={text: {text: [text, {text: text}]}}), suffix)


@pytest.mark.parametrize(
    ("suffix", "template_format"), [(".md", "plain"), (".j2", "jinja2")], ids=["with front matter", "without"]
)
def test_a_text_file_holds_the_text_or_is_refused(suffix: str, template_format: str):
    for text in AWKWARD_TEXTS:
        if not set(text) & set("{}"):
            assert_round_trip_or_refusal(string(text, template_format=template_format), suffix)


@given(texts(), st.sampled_from([".yaml", ".json"]))
@example("a\u0085b", ".yaml")
def test_a_template_of_generated_text(text: str, suffix: str):
    assert_round_trip(string(text), suffix)


@given(texts(), st.sampled_from(TEXT_SUFFIXES))
def test_a_generated_text_file(text: str, suffix: str):
    assert_round_trip_or_refusal(string(text, metadata={"title": "T"}), suffix)


@pytest.mark.slow
@given(json_objects(), st.sampled_from([".yaml", ".json", ".md"]))
def test_generated_data(data: dict[str, Any], suffix: str):
    assert_round_trip(string("x", model=data, response_schema=data), suffix)


@pytest.mark.slow
@given(string_prompts() | chat_prompts(), st.sampled_from([".yaml", ".json"]))
def test_generated_prompts(spec: PromptSpec, suffix: str):
    assert_round_trip(spec, suffix)


CHAT: dict[str, Any] = {"kind": "chat", "messages": [{"role": "system", "template": "Be kind."}]}
FULL: dict[str, Any] = {
    "kind": "string",
    "template_format": "jinja2",
    "template": "{{ a }}{{ examples }}",
    "variables": {"a": {"type": "string", "default": "no", "enum": ["no", "yes"], "description": "d"}},
    "partial_variables": {"a": "yes"},
    "few_shot": {"examples": [{"q": 1.5}], "string_template": "{{ q }}", "example_separator": ""},
    "model": {"temperature": 0, "stop": ["\n"]},
    "tools": [{"name": "f"}],
    "response_schema": {},
    "metadata": {"title": "T", "tags": ["x"], "labels": {"a": "1"}, "user_version": "1.0"},
}


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_every_field_survives_in_every_form(suffix: str):
    assert_round_trip(PromptSpec.model_validate(FULL), suffix)


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_one_message_survives_in_every_form(suffix: str):
    assert_round_trip(PromptSpec.model_validate({**CHAT, "model": {"a": 1}}), suffix)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"variables": {}}, "variables", id="variables declared as none"),
        pytest.param({"variables": {"a": {"required": False}}}, "variables", id="an optional variable"),
        pytest.param({"response_schema": {}}, "response_schema", id="an empty schema"),
        pytest.param({"template": ""}, "template", id="an empty template"),
    ],
)
def test_what_is_empty_but_means_something_is_written(change: dict[str, Any], field: str):
    spec = string(**{"template": "x", **change})
    assert field in json.loads(prompt_file_text(spec, ".json"))
    assert_round_trip(spec, ".yaml")


def test_defaults_are_left_out():
    assert prompt_file_text(string("Hi"), ".yaml") == "kind: string\ntemplate_format: plain\ntemplate: Hi\n"
    assert json.loads(prompt_file_text(string("Hi"), ".json")) == {
        "kind": "string",
        "template_format": "plain",
        "template": "Hi",
    }


def test_text_of_several_lines_is_a_block():
    assert "template: |-\n  one\n  two\n" in prompt_file_text(string("one\ntwo"), ".yaml")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param("a \nb\t\nc", ["|-", "a ", "b\t", "c"], id="blanks at the ends of lines"),
        pytest.param("a\n \n\t\nb\n", ["|", "a", " ", "\t", "b"], id="lines of blanks"),
        pytest.param("\ta\nb", ["|2-", "\ta", "b"], id="a tab first"),
        pytest.param("  a\nb\n\n", ["|2+", "  a", "b", ""], id="spaces first, empty lines last"),
        pytest.param("\n\n\ta", ["|2-", "", "", "\ta"], id="empty lines first"),
        pytest.param("a\tb", ["|-", "a\tb"], id="one line with a tab"),
        pytest.param("{a}: it's", ["|-", "{a}: it's"], id="one line that quotes would change"),
        pytest.param("word " * 60 + "end", ["word " * 60 + "end"], id="a long line"),
        pytest.param("{a}: " + "word " * 60, ["|-", "{a}: " + "word " * 60], id="a long line in quotes"),
        pytest.param(
            'a\u2028 "b"\n  c\x07 \n\td\n',
            [" # in quotes, because a block cannot hold U+2028, U+0007", '"a\\L \\"b\\"\\n\\', "\\  c\\a \\n\\", '\\td\\n"'],
            id="characters that must be escaped",
        ),
        pytest.param("\n\n", ['"\\n\\n"'], id="line breaks alone"),
        pytest.param("a\u2028b", ['"a\\Lb"'], id="one line that must be escaped"),
    ],
)  # fmt: skip
def test_a_file_keeps_the_lines_of_a_text(text: str, lines: list[str]):
    written = prompt_file_text(string(text, metadata={"title": text}), ".yaml")
    _, _, _, title, *more = written.split("\n")
    assert title == f"  title: {lines[0]}"
    assert more[: len(lines) - 1] == [f"    {line}" if line else "" for line in lines[1:]]
    assert_round_trip(string(text, metadata={"title": text}), ".yaml")


@given(texts())
def test_a_generated_text_of_several_lines_is_never_one_line(text: str):
    written = prompt_file_text(string(text), ".yaml")
    assert len(written.split("\n")) >= len(text.split("\n")) or text.isspace()


def test_a_text_file_needs_no_front_matter_if_its_suffix_says_all():
    spec = string("Hi {{ x }}", template_format="jinja2")
    assert prompt_file_text(spec, ".j2") == "Hi {{ x }}\n"


def test_a_chat_of_one_message_is_a_text_with_its_role():
    text = prompt_file_text(PromptSpec.model_validate(CHAT), ".md")
    assert text == "---\ntemplate_format: f-string\nrole: system\n---\nBe kind.\n"


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([{"role": "ai", "template": "a"}, {"role": "ai", "template": "b"}], id="two messages"),
        pytest.param([{"variable_name": "h"}], id="a placeholder"),
        pytest.param([{"role": "ai", "template": [{"type": "text", "text": "a"}]}], id="content parts"),
    ],
)
def test_a_chat_that_is_more_than_one_text_does_not_fit_a_text_file(messages: list[Any]):
    with pytest.raises(ConfigError, match="this chat has more") as caught:
        prompt_file_text(PromptSpec.model_validate({"kind": "chat", "messages": messages}), ".md")
    assert caught.value.hint == "export it as .yaml"


@pytest.mark.parametrize("text", ["\nHi", "Hi\n", "\n"], ids=ascii)
def test_line_breaks_at_the_ends_do_not_fit_a_text_file(text: str):
    with pytest.raises(ConfigError, match="cannot keep the line breaks"):
        prompt_file_text(string(text), ".txt")


@pytest.mark.parametrize("suffix", ["", ".py", "yaml", ".YAML"])
def test_a_suffix_that_is_none_of_a_prompt_file(suffix: str):
    with pytest.raises(ConfigError, match="is not a suffix of prompt files") as caught:
        prompt_file_text(string("x"), suffix)
    assert ".yaml" in (caught.value.hint or "")


def test_assets_are_named_and_includes_are_not(parse: Callable[..., Any]):
    others = {"_a.csv": "1", "_f.md": "fragment"}
    text = "template_format: jinja2\ntemplate: '{% include \"_f.md\" %}'\nassets: [{path: _a.csv, kind: snapshot}]\n"
    spec = parse("a.yaml", text, others).prompt.spec
    for suffix in (".yaml", ".json", ".j2"):
        again = parse("b" + suffix, prompt_file_text(spec, suffix), others).prompt
        assert again.spec.canonical() == spec.canonical()
