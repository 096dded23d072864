"""The settings that say what prompt files mean where they do not say so themselves: for the tree, and for single folders."""

from pathlib import Path

import pytest
from registries import write
from repositories import Git, commit_all

from promptdb.domain.file_rules import TextDefaults
from promptdb.errors import ConfigError
from promptdb.project.load import load_tree
from promptdb.project.single_file import prompt_from_file, text_defaults
from promptdb.project.view import View
from promptdb.settings import load_settings

FOLDERS = """\
text_role = "system"

[folders.plain]
text_format = "plain"

[folders."plain/users/"]
text_role = "user"

[folders.agents]
undefined = "lenient"
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.md", TextDefaults("f-string", "system")),
        ("plain/a.md", TextDefaults("plain", "system")),
        ("plain/deep/a.md", TextDefaults("plain", "system")),
        ("plain/users/a.md", TextDefaults("plain", "human")),
        ("plainer/a.md", TextDefaults("f-string", "system")),
        ("plain.md", TextDefaults("f-string", "system")),
        ("agents/a.j2", TextDefaults("f-string", "system", "lenient")),
    ],
)
def test_settings_of_a_folder_hold_in_and_below_it(tmp_path: Path, path: str, expected: TextDefaults):
    write(tmp_path, {"promptdb.toml": FOLDERS})
    settings = load_settings(tmp_path)
    assert settings.file_rules.text_at(path) == expected
    assert text_defaults(tmp_path / "prompts" / path, settings) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('text_role = "boss"', "text_role: expected 'system', 'human' or 'ai'"),
        ('undefined = "loose"', "undefined: expected 'strict' or 'lenient'"),
        ('[folders.a]\ntext_rol = "system"', "folders.a.text_rol: unknown; a folder has text_format, text_role, undefined"),
        ('[folders.a]\ntext_format = "erb"', "folders.a.text_format: expected 'f-string', 'jinja2', 'mustache' or 'plain'"),
        ('[folders."../a"]\ntext_role = "system"', ": a folder is a path below the prompts root, such as agents/system"),
        ('[folders."."]\ntext_role = "system"', ": a folder is a path below the prompts root, such as agents/system"),
    ],
)  # fmt: skip
def test_wrong_settings_of_prompt_files(tmp_path: Path, text: str, message: str):
    write(tmp_path, {"promptdb.toml": text})
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path)
    assert message in caught.value.message


def test_a_file_of_text_is_a_system_message_everywhere(tmp_path: Path):
    write(tmp_path, {"promptdb.toml": 'text_role = "system"\n', "prompts/a.md": "Be {tone}.\n"})
    prompt = prompt_from_file(tmp_path / "prompts/a.md", load_settings(tmp_path))
    assert prompt.to_openai(tone="kind")["messages"] == [{"role": "system", "content": "Be kind."}]
    [message] = prompt.as_langchain().invoke({"tone": "kind"}).to_messages()
    assert (message.type, message.content) == ("system", "Be kind.")


def test_rules_of_a_commit_are_those_it_holds(git: Git, tmp_path: Path):
    write(tmp_path, {"prompts/s/a.md": "x", "promptdb.toml": FOLDERS + '[folders.s]\ntext_role = "assistant"\n'})
    commit_all(git)
    write(tmp_path, {"promptdb.toml": ""})
    settings = load_settings(tmp_path)
    [then] = load_tree(settings, None, View(rev="HEAD")).desired.items
    [now] = load_tree(settings).desired.items
    assert then.digest != now.digest
    write(tmp_path, {"promptdb.toml": '[folders.s]\ntext_role = "ai"\n'})
    assert load_tree(load_settings(tmp_path)).desired.items[0].digest == then.digest
