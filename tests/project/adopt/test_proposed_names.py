"""Names for prompts whose paths cannot be names."""

import pytest

from promptdb.domain.layout import Layout, Root
from promptdb.project.adopt.names import proposed_names

CHATS = Layout(chat_folders=True)
PATTERN = Layout((Root(("app", "*", "prompts")),))


@pytest.mark.parametrize(
    ("paths", "layout", "names"),
    [
        (["My Prompt.md"], Layout(), {"My Prompt.md": "My-Prompt"}),
        (["Dé jà/a (b).v1.txt"], Layout(), {"Dé jà/a (b).v1.txt": "De-ja/a-b-.v1"}),
        (["a b.md", "a-b .md", "a+b.md"], Layout(), {"a b.md": "a-b", "a-b .md": "a-b-2", "a+b.md": "a-b-3"}),
        (["taken .md"], Layout(), {"taken .md": "taken-2"}),
        (["提示.md", "\udcff.md"], Layout(), {}),
        (["My chat/system.md"], CHATS, {"My chat": "My-chat"}),
        (["app/x y/prompts/a b.j2"], PATTERN, {"app/x y/prompts/a b.j2": "x-y/a-b"}),
    ],
)
def test_proposed_names(paths: list[str], layout: Layout, names: dict[str, str]):
    assert proposed_names(paths, layout, {"default/taken"}) == names
