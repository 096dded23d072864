"""A graph of LangGraph whose prompt is promoted while it runs. Needs no network: the model is a fake one.

pip install 'promptdb-git[langgraph]'
python examples/langgraph_reply.py
"""

import os
import tempfile
from pathlib import Path
from typing import TypedDict

from langchain_core.language_models import FakeListChatModel
from langgraph.graph import END, START, StateGraph

from promptdb import PromptClient
from promptdb.integrations.langgraph import PromptNode, PromptState


class State(PromptState, total=False):
    question: str
    answer: str


def build(client: PromptClient) -> StateGraph[State]:
    model = FakeListChatModel(responses=["42"])

    class Answer(TypedDict):
        answer: str

    def answer(state: State) -> Answer:
        return {"answer": str(model.invoke(state["prompt"]).content)}

    graph = StateGraph(State)
    graph.add_node("prompt", PromptNode(client, "demo/reply:production"))
    graph.add_node("answer", answer)
    graph.add_edge(START, "prompt")
    graph.add_edge("prompt", "answer")
    graph.add_edge("answer", END)
    return graph


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PROMPTDB_DATABASE_URL"] = f"sqlite:///{Path(folder, 'promptdb.sqlite3')}"
        os.environ["PROMPTDB_BLOB_ROOT"] = str(Path(folder, "blobs"))
        with PromptClient.from_env() as client:
            running = build(client).compile()
            for text in ("Answer in one word: {question}", "Answer in one number: {question}"):
                client.register_text("demo/reply", text, alias="production")
                result = running.invoke({"question": "What is six by seven?"})
                [used] = result["prompt_versions"]
                print(f"{used['prompt']} rev:{used['revision']}: {result['prompt'][0].content} -> {result['answer']}")


if __name__ == "__main__":
    main()
