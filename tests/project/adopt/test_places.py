"""The places that can be the prompts root: what is found, and how it is counted."""

import pytest

from promptdb.project.adopt.places import prompts_places


@pytest.mark.parametrize(
    ("prompts", "aside", "expected"),
    [
        pytest.param(["prompts/a.md", "prompts/b/c.md"], [], [("prompts", 2)], id="one folder"),
        pytest.param(
            ["llm/my-prompts/a.md", "x/y.j2"], [], [("llm/my-prompts", 1), ("x", 1)], id="a folder and a rest"
        ),
        pytest.param(
            ["app/a/prompts/x.j2", "app/b/prompts/x.j2", "app/b/prompts/y.j2"],
            [],
            [("app/*/prompts", 3)],
            id="folders of one name, at one depth",
        ),
        pytest.param(["prompts/x.j2", "a/b/prompts/x.j2"], [], [("**/prompts", 2)], id="at other depths"),
        pytest.param(["app/prompts/x.j2", "app/b/c/prompts/x.j2"], [], [("app/**/prompts", 2)], id="below a folder"),
        pytest.param(
            ["a/prompts/x.j2", "a/prompts/y.j2", "b/prompts/x.j2"],
            ["tests/prompts/z.j2"],
            [("a/prompts", 2), ("b/prompts", 1)],
            id="a pattern would find tests",
        ),
        pytest.param(["promptlib/src/prompts/a.md"], [], [("promptlib/src/prompts", 1)], id="a package named so"),
        pytest.param(["prompts/system-prompts/a.md"], [], [("prompts", 1)], id="a folder in the folder"),
        pytest.param(
            [f"data/patterns/{n}/system.md" for n in range(20)], [], [("data/patterns", 20)], id="folders of chats"
        ),
        pytest.param([f"llm/{n % 3}/{n}.j2" for n in range(9)], [], [("llm", 9)], id="no name says prompt"),
        pytest.param(
            ["my_prompts/a.j2", "my_prompts/b.j2", "x/prompts/c.j2"],
            [],
            [("x/prompts", 1), ("my_prompts", 2)],
            id="the very name",
        ),
        pytest.param(["a.md", "b/c.md"], [], [(".", 2)], id="the top"),
        pytest.param([], ["tests/prompts/a.md"], [], id="nothing"),
    ],
)
def test_places_with_their_counts(prompts: list[str], aside: list[str], expected: list[tuple[str, int]]):
    found = prompts_places(prompts, aside, is_of_texts=False)
    assert [(place.root, place.prompts) for place in found] == expected


def test_in_a_repository_of_texts_no_folder_wins_by_its_name():
    paths = ["Cursor Prompts/a.txt", "Cursor Prompts/b.txt", "Devin/c.txt"]
    assert [place.root for place in prompts_places(paths, [], is_of_texts=True)] == ["."]
