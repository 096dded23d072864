"""How fast a prompt renders, as a ratio to what LangChain's own template of the same prompt takes.

    python benchmarks/render_langchain.py [--rounds 7]

A chat of two f-string messages with four variables. promptdb's `render_messages` of a resolved prompt checks the values and
makes the messages; LangChain's `invoke` does the same with `ChatPromptTemplate`. `as_langchain().invoke` is promptdb's
rendering inside LangChain's template, with the tracing around it that both share. The sides take turns in one process.
"""

import argparse
import statistics
import timeit
from collections.abc import Callable

from langchain_core.prompts import ChatPromptTemplate

from promptdb.domain.prompt_id import PromptId
from promptdb.domain.spec import PromptSpec
from promptdb.render.compiled import CompiledPrompt
from promptdb.render.renderable import RenderablePrompt

SYSTEM = "You are {role} at {company}. Answer in {language}, in at most three sentences."
HUMAN = "Question: {question}"
VALUES = {"role": "an agent", "company": "Acme", "language": "English", "question": "Where is my parcel?"}
CALLS = 2_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    sides = contenders()
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, call in sides.items():
            times[name].append(min(timeit.repeat(call, number=CALLS, repeat=3)) / CALLS)
    langchain = times["LangChain invoke"]
    print(f"two f-string messages, best of {rounds} rounds (median in brackets)")
    for name, found in times.items():
        ratios = [theirs / ours for theirs, ours in zip(langchain, found, strict=True)]
        faster = f"{min(langchain) / min(found):6.1f} times as fast ({statistics.median(ratios):.1f})"
        print(f"{name:<24}{min(found) * 1e6:8.2f} us {faster}")


def contenders() -> dict[str, Callable[[], object]]:
    messages = [{"role": "system", "template": SYSTEM}, {"role": "human", "template": HUMAN}]
    spec = PromptSpec.model_validate({"kind": "chat", "messages": messages})
    spec_json = spec.canonical().decode()
    prompt = RenderablePrompt(prompt=PromptId("a", "b"), spec_json=spec_json, _compiled=CompiledPrompt(spec))
    theirs, as_theirs = ChatPromptTemplate([("system", SYSTEM), ("human", HUMAN)]), prompt.as_langchain()
    wanted = [(message.type, message.content) for message in theirs.invoke(VALUES).to_messages()]
    assert [(message.role, message.content) for message in prompt.render_messages(VALUES)] == wanted
    return {
        "LangChain invoke": lambda: theirs.invoke(VALUES),
        "render_messages": lambda: prompt.render_messages(VALUES),
        "as_langchain().invoke": lambda: as_theirs.invoke(VALUES),
    }


if __name__ == "__main__":
    main()
