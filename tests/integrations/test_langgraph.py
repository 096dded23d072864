"""The node in graphs of the real langgraph."""

import asyncio
import runpy
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import add
from pathlib import Path
from typing import Annotated, Any

import pytest
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from pydantic import BaseModel, Field
from registries import client_of
from steered import until

from promptdb import PromptClient, PromptService
from promptdb.errors import ConfigError, MissingVariables, PromptNotFound, RenderError
from promptdb.integrations.langgraph import PromptNode, PromptState, PromptUse, used_versions
from promptdb.settings import AppSettings

CHAT = {
    "messages": [
        {"role": "system", "template": "Be {tone}."},
        {"variable_name": "messages"},
        {"role": "human", "template": "{question}"},
    ],
    "variables": {"tone": {"type": "string", "default": "kind"}, "question": {"type": "string"}},
}


class State(PromptState, total=False):
    question: str
    tone: str
    messages: Annotated[list[AnyMessage], add_messages]
    unrelated: int


@pytest.fixture
def service(tmp_path: Path) -> Any:
    settings = AppSettings(
        database_url=f"sqlite:///{tmp_path}/db.sqlite3", blob_root=str(tmp_path / "blobs"), base=tmp_path
    )
    opened = PromptService(settings)
    yield opened
    opened.close()


@pytest.fixture
def client(service: PromptService) -> Iterator[PromptClient]:
    service.register_spec("support/reply", CHAT)
    service.promote("support/reply", "production")
    with client_of(service) as client:
        yield client


def graph(node: Any, state: Any = State) -> Any:
    made = StateGraph(state)
    made.add_node("prompt", node)
    made.add_edge(START, "prompt")
    made.add_edge("prompt", END)
    return made.compile()


def contents(messages: list[Any]) -> list[Any]:
    return [message.content for message in messages]


def test_the_messages_and_the_version_are_in_the_state(client: PromptClient):
    result = graph(PromptNode(client, "support/reply:production")).invoke(
        {"question": "why?", "messages": [HumanMessage("hi"), AIMessage("ho")], "unrelated": 7}
    )
    assert contents(result["prompt"]) == ["Be kind.", "hi", "ho", "why?"]
    version = client.resolve("support/reply")
    assert result["prompt_versions"] == [
        {"prompt": "support/reply", "revision": 1, "digest": version.spec_hash, "alias": "production", "commit": None}
    ]


def test_the_history_is_left_as_it_was(client: PromptClient):
    result = graph(PromptNode(client, "support/reply")).invoke({"question": "?", "messages": [HumanMessage("hi")]})
    assert contents(result["messages"]) == ["hi"]


@pytest.mark.slow
def test_a_promotion_takes_effect_without_a_new_graph(client: PromptClient, service: PromptService):
    running = graph(PromptNode(client, "support/reply:production"))
    given = {"question": "?", "messages": []}
    assert contents(running.invoke(given)["prompt"])[0] == "Be kind."
    service.register_spec("support/reply", {**CHAT, "messages": [{"role": "system", "template": "New."}, *CHAT["messages"][1:]],
                                            "variables": {"question": {}}})  # fmt: skip
    assert contents(running.invoke(given)["prompt"])[0] == "Be kind."
    service.promote("support/reply", "production", allow_breaking=True)
    until(lambda: contents(running.invoke(given)["prompt"])[0] == "New.")
    assert running.invoke(given)["prompt_versions"][0]["revision"] == 2
    service.rollback("support/reply", "production")
    until(lambda: contents(running.invoke(given)["prompt"])[0] == "Be kind.")


def test_all_versions_of_a_conversation_are_recorded(client: PromptClient, service: PromptService):
    made = StateGraph(State)
    made.add_node("prompt", PromptNode(client, "support/reply:production"))
    made.add_edge(START, "prompt")
    running = made.compile(checkpointer=InMemorySaver())
    thread = {"configurable": {"thread_id": "1"}}
    running.invoke({"question": "?", "messages": []}, thread)
    running.invoke({"question": "!"}, thread)
    service.register_spec("support/reply", {**CHAT, "metadata": {"title": "two"}})
    service.promote("support/reply", "production")
    until(lambda: client.get("support/reply:production").version.revision == 2)
    result = running.invoke({"question": "!"}, thread)
    assert [use["revision"] for use in result["prompt_versions"]] == [1, 2]


def test_it_works_in_an_asynchronous_graph(client: PromptClient):
    result = asyncio.run(graph(PromptNode(client, "support/reply")).ainvoke({"question": "?", "messages": []}))
    assert contents(result["prompt"]) == ["Be kind.", "?"]


def test_with_a_model(client: PromptClient):
    model = FakeListChatModel(responses=["42"])
    made = StateGraph(State)
    made.add_node("prompt", PromptNode(client, "support/reply"))
    made.add_node("model", lambda state: {"messages": [model.invoke(state["prompt"])]})
    made.add_edge(START, "prompt")
    made.add_edge("prompt", "model")
    result = made.compile().invoke({"question": "?", "messages": []})
    assert contents(result["messages"]) == ["42"]


@pytest.mark.parametrize(
    ("inputs", "state", "rendered"),
    [
        pytest.param({"question": "tone"}, {"tone": "odd"}, ["Be odd.", "odd"], id="another channel"),
        pytest.param({"question": lambda state: state["tone"] * 2}, {"tone": "o"}, ["Be o.", "oo"], id="a function"),
        pytest.param(
            {"tone": "absent"}, {"question": "?", "tone": "x"}, ["Be kind.", "?"], id="a channel that is not set"
        ),
        pytest.param(
            {"gone": "question"}, {"question": "?"}, ["Be kind.", "?"], id="a variable that the version lacks"
        ),
        pytest.param({}, {"question": "?", "tone": None}, ["Be kind.", "?"], id="None counts as left out"),
    ],
)
@pytest.mark.slow
def test_where_values_come_from(client: PromptClient, inputs: Any, state: Any, rendered: list[str]):
    node = PromptNode(client, "support/reply", inputs=inputs)
    assert contents(node({"messages": [], **state})["prompt"]) == rendered


def test_channels_of_other_names(client: PromptClient):
    class Own(PromptState, total=False):
        question: str
        messages: list[AnyMessage]
        sent: list[AnyMessage]
        used: Annotated[list[PromptUse], add]

    result = graph(PromptNode(client, "support/reply", output="sent", versions="used"), Own).invoke(
        {"question": "?", "messages": []}
    )
    assert contents(result["sent"]) == ["Be kind.", "?"]
    assert len(result["used"]) == 1


def test_a_state_that_is_a_dataclass(client: PromptClient):
    @dataclass
    class Own:
        question: str = "?"
        tone: str | None = None
        messages: list[AnyMessage] = field(default_factory=list)
        prompt: list[AnyMessage] = field(default_factory=list)
        prompt_versions: Annotated[list[PromptUse], used_versions] = field(default_factory=list)

    assert contents(graph(PromptNode(client, "support/reply"), Own).invoke({"tone": "odd"})["prompt"]) == [
        "Be odd.",
        "?",
    ]


def test_a_state_that_is_a_pydantic_model(client: PromptClient):
    class Own(BaseModel):
        question: str = "?"
        messages: list[AnyMessage] = Field(default_factory=list)
        prompt: list[AnyMessage] = Field(default_factory=list)
        prompt_versions: Annotated[list[PromptUse], used_versions] = Field(default_factory=list)

    assert contents(graph(PromptNode(client, "support/reply"), Own).invoke({"question": "!"})["prompt"]) == [
        "Be kind.",
        "!",
    ]


async def late(_: Any) -> str:
    return "late"


@pytest.mark.filterwarnings("ignore:coroutine")
@pytest.mark.parametrize(
    ("ref", "inputs", "state", "error"),
    [
        ("support/other", {}, {}, PromptNotFound),
        ("support/reply", {}, {"messages": []}, MissingVariables),
        ("support/reply", {"tone": late}, {"question": "?", "messages": []}, RenderError),
        ("support/reply", {}, {"question": 7, "messages": []}, RenderError),
        ("support/reply", {}, "text", ConfigError),
    ],
)
def test_what_goes_wrong(client: PromptClient, ref: str, inputs: Any, state: Any, error: type[Exception]):
    with pytest.raises(error):
        PromptNode(client, ref, inputs=inputs)(state)


def test_each_version_is_recorded_once():
    one, two = ({"prompt": "a/b", "revision": number} for number in (1, 2))
    assert used_versions(None, [one]) == [one]  # type: ignore[list-item]
    assert used_versions([one, two], [one]) == [one, two]  # type: ignore[list-item]
    assert used_versions([one], None) == [one]  # type: ignore[list-item]


def test_the_example_runs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    example = Path(__file__).parents[2] / "examples" / "langgraph_reply.py"
    monkeypatch.setenv("PROMPTDB_DATABASE_URL", "")  # the example sets them; they are put back afterwards
    monkeypatch.setenv("PROMPTDB_BLOB_ROOT", "")
    runpy.run_path(str(example), run_name="__main__")
    assert capsys.readouterr().out.splitlines() == [
        "demo/reply rev:1: Answer in one word: What is six by seven? -> 42",
        "demo/reply rev:2: Answer in one number: What is six by seven? -> 42",
    ]
