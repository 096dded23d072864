"""`promptdb mcp` in a process of its own, asked by the client of the MCP SDK."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest
from clitools import PROMPTDB, Run
from mcp import Client, StdioServerParameters

from promptdb.client.sources.database import DatabaseSource
from promptdb.integrations.mcp.catalog import Catalog
from promptdb.settings import load_settings

PAGE = Path(__file__).parents[3] / "docs" / "mcp.md"
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
GIVEN = {"name": "Ann", "place": "here"}


async def said(client: Client) -> str:
    return str((await client.get_prompt("greet", GIVEN)).messages[0].content)


def test_a_client_starts_it_as_the_page_says(two_versions: Path) -> None:
    [settings] = re.findall(r"^```json\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    started = json.loads(settings)["mcpServers"]["prompts"]
    assert started.keys() == {"command", "args"}
    arguments = [str(two_versions) if word == "/path/to/project" else word for word in started["args"]]

    async def main() -> None:
        server = StdioServerParameters(command=PROMPTDB[0], args=[*PROMPTDB[1:], *arguments], env=dict(os.environ))
        async with Client(server) as client:
            assert [prompt.name for prompt in (await client.list_prompts()).prompts] == ["default/greet"]
            assert "Hello Ann, welcome to here!" in await said(client)

    anyio.run(main)


def test_a_signal_ends_it_while_the_client_is_silent(two_versions: Path) -> None:
    for sent in (signal.SIGTERM, signal.SIGINT):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen([*PROMPTDB, "mcp"], **pipes, encoding="utf-8") as process:  # type: ignore[call-overload]
            process.stdin.write(json.dumps(HELLO) + "\n")
            process.stdin.flush()
            assert "promptdb" in process.stdout.readline()
            process.send_signal(sent)
            assert process.wait() == -sent


@contextmanager
def listening(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run it over HTTP, and give its address."""
    started = [*PROMPTDB, "mcp", "--port", "0", *options]
    with subprocess.Popen(started, stderr=subprocess.PIPE, encoding="utf-8") as process:
        try:
            assert process.stderr is not None
            yield process, process.stderr.readline().removeprefix("listening at ").strip()
        finally:
            process.kill()


def test_it_listens_on_this_machine_until_it_is_terminated(two_versions: Path) -> None:
    async def ask(address: str, mode: str) -> str:
        async with Client(address, mode=mode) as client:
            return await said(client)

    with listening("--alias", "staging") as (process, address):
        assert address.startswith("http://127.0.0.1:")
        for mode in ("auto", "legacy"):
            assert "Hi Ann, welcome to here!" in anyio.run(ask, address, mode)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(["--alias", "rev:1"], 1, "rev:1", id="no alias"),
        pytest.param(["--port", "70000"], 2, "70000", id="no port"),
        pytest.param([], 1, "there is no database", id="no registry"),
    ],
)
def test_it_does_not_start(project: Path, run: Run, arguments: list[str], code: int, message: str) -> None:
    ran = run("mcp", *arguments)
    assert (ran.code, message in ran.err) == (code, True), ran.err


def test_archived_prompts_are_not_offered_and_an_alias_that_no_prompt_has_is_noted(two_versions: Path) -> None:
    (two_versions / "prompts" / "greet.txt").unlink()
    for command in (
        ["sync", "--prune", "--max-prune", "100"],
        ["mcp", "--alias", "latest"],
        ["mcp", "--alias", "none"],
    ):
        ran = subprocess.run(
            [*PROMPTDB, *command], cwd=two_versions, input="", capture_output=True, text=True, check=True
        )
        assert ("no prompt has the alias none yet" in ran.stderr) == (command[-1] == "none"), ran.stderr
    catalog = Catalog(DatabaseSource(load_settings(two_versions)), "latest", None)
    catalog.refresh()
    assert catalog.names == ["support/triage"]
    catalog.close()
