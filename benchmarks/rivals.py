"""Other clients of prompts, each with the same prompts: two ask a server of this process, one its own SQLite file.

A tool that is not installed is left out, which `rivals` prints. They are no dependencies of promptdb:

    uv pip install posthog prompt-pivot langfuse
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

VALUES = {"question": "It is broken.", "language": "English"}
"""What all of them render."""

TTL = 3600


def text_of(number: int, left: str = "{", right: str = "}") -> str:
    """Write the template of a prompt, with the brackets of a tool around the names of variables."""
    question, language = (f"{left}{name}{right}" for name in VALUES)
    return f"You are helper {number} of a support team. Answer in {language}, briefly and politely.\n\n{question}\n"


def name_of(number: int) -> str:
    return f"many/p{number}"


@dataclass(frozen=True)
class Rival:
    """A tool. `get` returns what `render` takes. `is_local` is true if a first `get` reads SQLite, as ours does."""

    name: str
    get: Callable[[str], Any]
    render: Callable[[Any], str]
    is_local: bool = False


@contextmanager
def rivals(folder: Path, prompts: int) -> Iterator[list[Rival]]:
    """Prepare the tools that are installed."""
    found = []
    with ExitStack() as stack:
        address = stack.enter_context(_served())
        for name, prepare in _TOOLS.items():
            try:
                found.append(prepare(address, folder, prompts, stack))
            except ImportError:
                print(f"{name} is not installed, and is left out: uv pip install {name}")
        yield found


def _langfuse(address: str, folder: Path, prompts: int, stack: ExitStack) -> Rival:  # noqa: ARG001
    from langfuse import Langfuse

    client = Langfuse(public_key="pk", secret_key="sk", base_url=address, tracing_enabled=False)
    stack.callback(client.shutdown)
    return Rival(
        "langfuse",
        lambda name: client.get_prompt(name, label="production", cache_ttl_seconds=TTL),
        lambda prompt: prompt.compile(**VALUES),
    )


def _posthog(address: str, folder: Path, prompts: int, stack: ExitStack) -> Rival:  # noqa: ARG001
    from posthog.ai.prompts import Prompts

    client = Prompts(personal_api_key="phx", project_api_key="phc", host=address, default_cache_ttl_seconds=TTL)
    return Rival(
        "posthog",
        lambda name: client.get(name, label="production", with_metadata=True),
        lambda prompt: client.compile(prompt.prompt, VALUES),
    )


def _prompt_pivot(address: str, folder: Path, prompts: int, stack: ExitStack) -> Rival:  # noqa: ARG001
    from promptpivot import PromptRegistry
    from promptpivot.migrations import upgrade
    from sqlalchemy import create_engine

    engine = create_engine(f"sqlite:///{folder / 'pivot.sqlite3'}")
    stack.callback(engine.dispose)
    upgrade(engine)
    registry = PromptRegistry(engine, cache_ttl=TTL, cache_max_entries=2 * prompts)
    for number in range(prompts):
        registry.create_prompt(name_of(number))
        registry.create_version(name_of(number), text_of(number), message="first")
        registry.publish(name_of(number), 1, "production", force=True, reason="first")
    return Rival("prompt-pivot", registry.get, lambda prompt: prompt.compile_text(**VALUES), is_local=True)


_TOOLS: dict[str, Callable[[str, Path, int, ExitStack], Rival]] = {
    "langfuse": _langfuse,
    "posthog": _posthog,
    "prompt-pivot": _prompt_pivot,
}


@contextmanager
def _served() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Api)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class _Api(BaseHTTPRequestHandler):
    """The routes by which Langfuse's and PostHog's clients read a prompt."""

    def do_GET(self) -> None:
        name = unquote(urlsplit(self.path).path).partition("prompts/")[2].removeprefix("name/").rstrip("/")
        text = text_of(int(name.removeprefix("many/p")), "{{", "}}")
        answer: dict[str, Any] = {"name": name, "version": 1, "prompt": text, "config": {}, "label": "production"}
        answer |= {"type": "text", "labels": ["production"], "tags": []}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
