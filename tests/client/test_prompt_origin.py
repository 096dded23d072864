"""What a lookup says about where the version came from, for traces: prompt, revision, digest, alias, commit."""

from collections.abc import Callable
from pathlib import Path

import pytest
from registries import write
from repositories import Git, commit_all

from promptdb.service import PromptService

GREET = {"prompts/greet.yaml": "template: Hi {name}\nmetadata: {user_version: one}\n"}


@pytest.fixture
def commits(git: Git, tmp_path: Path, sync: Callable[..., object]) -> list[str]:
    """The same prompt in two commits, of which the second changes another one."""
    write(tmp_path, GREET)
    found = [commit_all(git)]
    sync()
    write(tmp_path, {"prompts/other.txt": "x"})
    found.append(commit_all(git))
    sync()
    return found


@pytest.mark.parametrize(
    ("ref", "alias"),
    [
        ("greet:production", "production"),
        ("greet:canary", "canary"),
        ("greet", None),
        ("greet:latest", None),
        ("greet:rev:1", None),
        ("greet:one", None),
    ],
)
@pytest.mark.slow
def test_a_trace_names_the_version(service: PromptService, commits: list[str], ref: str, alias: str | None) -> None:
    for name in ("production", "canary"):
        service.promote("greet", name)
    prompt = service.get(ref)
    expected = {
        "promptdb_prompt": "default/greet",
        "promptdb_revision": 1,
        "promptdb_digest": prompt.version.spec_hash,
        "promptdb_commit": commits[0],
    }
    assert prompt.trace_metadata == expected | ({"promptdb_alias": alias} if alias else {})
    assert prompt.as_langchain().metadata == prompt.trace_metadata


def test_an_alias_wins_over_a_label_of_the_same_name(service: PromptService, commits: list[str]) -> None:
    service.promote("greet", "one")
    assert service.get("greet:one").alias == "one"


def test_what_is_in_no_commit_names_none(
    service: PromptService, git: Git, tmp_path: Path, sync: Callable[..., object]
) -> None:
    write(tmp_path, GREET)
    sync()
    service.register_text("note", "x")
    assert service.get("greet").commit_id is None
    assert service.get("note").commit_id is None
    assert "promptdb_commit" not in service.get("greet").trace_metadata
    commit = commit_all(git)
    sync()
    assert service.get("greet").commit_id == commit


def test_invoke_gives_what_the_template_gives(service: PromptService, commits: list[str]) -> None:
    prompt = service.get("greet")
    assert prompt.invoke({"name": "Bo"}).to_string() == prompt.render_text(name="Bo") == "Hi Bo"
    assert prompt.invoke({"name": "Bo"}, config={"tags": ["x"]}) == prompt.as_langchain().invoke({"name": "Bo"})


def test_extra_values_are_ignored_on_request(service: PromptService, commits: list[str]) -> None:
    prompt = service.get("greet").ignoring_extra()
    values = {"name": "Bo", "more": 1}
    assert prompt.render_text(values) == prompt.invoke(values).to_string() == "Hi Bo"
    assert prompt.to_openai(values) == {"messages": [{"role": "user", "content": "Hi Bo"}]}
    assert prompt.render(values).text == "Hi Bo"
