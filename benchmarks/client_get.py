"""What `client.get` costs, beside other clients of prompts, and a preload.

    uv pip install posthog prompt-pivot langfuse    # for this benchmark only; a missing one is left out
    python benchmarks/client_get.py [--rounds 7]

All tools have the same prompts, and take turns in each round, so that they share the state of the machine. Printed are the best
rounds, and the median of the ratios within a round. `dictionary` is the least that a lookup can do: it takes a value from a
dictionary, and compares the monotonic clock with the end of its life. A cold `get` is the first one of a prompt in a process,
from SQLite, ready to render, and counts as the median of 50. A preload reads 1,000 prompts. `with a split` is a lookup with a
key, of an alias with a traffic split.
"""

import argparse
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from time import monotonic, perf_counter
from timeit import timeit

from rivals import VALUES, Rival, name_of, rivals, text_of

from promptdb.client.client import PromptClient
from promptdb.domain.plan import Policy
from promptdb.project.load import load_tree
from promptdb.render.resolved import ResolvedPrompt
from promptdb.service import PromptService
from promptdb.settings import AppSettings
from promptdb.sync.sync_tree import sync_tree

REF, SPLIT = f"{name_of(0)}:production", f"{name_of(0)}:split"
CALLS, COLD, PROMPTS = 50_000, 50, 1_000
FLOOR = "dictionary"
Timed = Mapping[str, Sequence[float]]
"""Seconds of each round, by the name of a tool."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        settings = AppSettings(base=Path(name))
        for number in range(PROMPTS):
            file = Path(name) / f"prompts/{name_of(number)}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text_of(number))
        with PromptService(settings) as service:
            sync_tree(service.reader.created, load_tree(settings), Policy())
            service.promote_all("latest", "production")
            service.register_text(name_of(0), "another {ticket}")
            service.split(name_of(0), "split", [("rev:1", 90), ("rev:2", 10)])
            with rivals(settings.base, rounds * COLD + 1) as others, PromptClient.from_settings(settings) as client:
                ours = Rival("promptdb", lambda name: client.get(f"{name}:production"), _render, is_local=True)
                compare(ours, others, client, rounds)
            preloads(settings, rounds)


def _render(prompt: ResolvedPrompt) -> str:
    return prompt.render_text(VALUES)


def compare(ours: Rival, others: Sequence[Rival], client: PromptClient, rounds: int) -> None:
    first, tools = name_of(0), (ours, *others)
    kept = {REF: (monotonic() + 3600, object())}

    def floor() -> object:
        until, value = kept[REF]
        return value if monotonic() < until else None

    gets = {
        FLOOR: floor,
        ours.name: partial(client.get, REF),
        "with a split": partial(client.get, SPLIT, key="user-1"),
        **{tool.name: partial(tool.get, first) for tool in others},
    }
    renders = {tool.name: partial(tool.render, tool.get(first)) for tool in tools}
    warm, rendered, cold = defaultdict(list), defaultdict(list), defaultdict(list)
    for number in range(rounds):
        for name, call in gets.items():
            warm[name].append(timeit(call, number=CALLS) / CALLS)
        for name, call in renders.items():
            rendered[name].append(timeit(call, number=CALLS) / CALLS)
        for tool in tools:
            if tool.is_local:
                names = map(name_of, range(number * COLD + 1, (number + 1) * COLD + 1))
                cold[tool.name].append(statistics.median(taken(tool.get, name) for name in names))
    report("get from memory", warm, ours.name)
    report("render_text", rendered, ours.name)
    report("cold get, SQLite", cold, ours.name)


def taken(get: Callable[[str], object], name: str) -> float:
    start = perf_counter()
    get(name)
    return perf_counter() - start


def report(what: str, timed: Timed, ours: str) -> None:
    print(what)
    for name, seconds in timed.items():
        ratio = statistics.median(own / other for own, other in zip(timed[ours], seconds, strict=True))
        beside = "" if name == ours else f"   promptdb takes {ratio:.2f} of it"
        print(f"  {name:<14}{min(seconds) * 1e6:8.2f} us{beside}")


def preloads(settings: AppSettings, rounds: int) -> None:
    took = []
    for _ in range(rounds):
        with PromptClient.from_settings(settings) as client:
            client.get(REF)
            start = perf_counter()
            assert client.preload("production") == PROMPTS
            took.append((perf_counter() - start) / PROMPTS * 1e6)
    print(f"preload of {PROMPTS:,}\n  {min(took):.1f} us each, median {statistics.median(took):.1f}")


if __name__ == "__main__":
    main()
