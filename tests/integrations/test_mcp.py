"""The MCP server, asked by the client of the MCP SDK: in both protocols, in process, over standard input and over HTTP."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import ImageContent, PromptListChangedNotification, PromptReference, ResourceLink, TextContent
from registries import on_sqlite

from promptdb import PromptService
from promptdb.client.sources.database import DatabaseSource
from promptdb.integrations.mcp.catalog import Catalog
from promptdb.integrations.mcp.server import PAGE, PromptServer

pytestmark = on_sqlite

ERAS = pytest.mark.parametrize("era", ["auto", "legacy"])
TRIAGE: dict[str, Any] = {
    "messages": [
        {"role": "system", "template": "Triage in {language}, try {tries}."},
        {"role": "human", "template": "{ticket}"},
        {"role": "ai", "template": "Understood."},
        {
            "role": "human",
            "template": [{"type": "text", "text": "See"}, {"type": "image_url", "image_url": {"url": "{image}"}}],
        },
        {"variable_name": "history", "optional": True},
    ],
    "variables": {
        "ticket": {"type": "string", "description": "As it came in"},
        "language": {"type": "string", "enum": ["English", "Esperanto", "Deutsch"]},
        "tries": {"type": "integer", "default": 1},
        "urgent": {"type": "boolean", "required": False, "description": "Answer first"},
        "image": {"type": "string", "default": "data:image/png;base64,iVBO"},
    },
    "metadata": {"title": "Triage", "description": "Sorts tickets."},
}
GIVEN = {"ticket": "It broke.", "language": "English"}


@pytest.fixture
def service(service: PromptService) -> PromptService:
    service.register_spec("support/triage", TRIAGE, alias="production")
    service.register_text("support/bye", "Bye {name}", alias="production")
    service.register_text("draft/one", "Not yet")
    return service


@asynccontextmanager
async def connected(service: PromptService, mode: str, **options: Any) -> AsyncIterator[Client]:
    """A client of a server in this process that follows the registry."""
    catalog = Catalog(DatabaseSource(service.settings), "production", None)
    catalog.refresh()
    server = PromptServer(catalog)
    try:
        async with server.following(), Client(server.server, mode=mode, **options) as client:
            yield client
    finally:
        catalog.close()


def in_client(service: PromptService, mode: str, work: Callable[[Client], Any], **options: Any) -> None:
    async def main() -> None:
        async with connected(service, mode, **options) as client:
            await work(client)

    anyio.run(main)


@ERAS
def test_prompts_are_listed_with_their_arguments(service: PromptService, era: str) -> None:
    async def work(client: Client) -> None:
        found = await client.list_prompts()
        assert [prompt.name for prompt in found.prompts] == ["support/bye", "support/triage"]
        triage = found.prompts[1]
        assert (triage.title, triage.description) == ("Triage", "Sorts tickets.")
        assert {(one.name, one.required, one.description) for one in triage.arguments or ()} == {
            ("ticket", True, "As it came in"),
            ("language", True, "(one of English, Esperanto, Deutsch)"),
            ("tries", False, "(integer, such as 3; default: 1)"),
            ("urgent", False, "Answer first (boolean, such as true)"),
            ("image", False, "(default: data:image/png;base64,iVBO)"),
            ("history", False, '(messages, such as [{"role": "user", "content": "Hello"}])'),
        }
        assert triage.meta is not None
        assert triage.meta["promptdb/revision"] == 1
        assert triage.meta["promptdb/alias"] == "production"

    in_client(service, era, work)


@ERAS
def test_a_prompt_is_rendered_with_its_arguments(service: PromptService, era: str) -> None:
    history = json.dumps([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}])

    async def work(client: Client) -> None:
        found = await client.get_prompt("support/triage", {**GIVEN, "tries": "2", "history": history})
        said = [(message.role, message.content) for message in found.messages]
        assert [role for role, _ in said] == ["user", "user", "assistant", "user", "user", "user", "assistant"]
        system, ticket, _, see, image, hi, hello = (content for _, content in said)
        assert isinstance(system, TextContent)
        assert (system.text, system.meta) == ("Triage in English, try 2.", {"promptdb/role": "system"})
        assert [one.text for one in (ticket, see, hi, hello) if isinstance(one, TextContent)] == [
            "It broke.",
            "See",
            "Hi",
            "Hello",
        ]
        assert isinstance(image, ImageContent)
        assert (image.mime_type, image.data) == ("image/png", "iVBO")
        linked = await client.get_prompt("support/triage", {**GIVEN, "image": "https://example.com/a.png"})
        assert isinstance(linked.messages[4].content, ResourceLink)

    in_client(service, era, work)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        pytest.param("support/triaje", {}, "there is no prompt support/triaje at production: did you mean", id="name"),
        pytest.param("draft/one", {}, "there is no prompt draft/one", id="without the alias"),
        pytest.param("support/bye:latest", {}, "is a reference", id="reference"),
        pytest.param("../bye", {}, "'..'", id="path"),
        pytest.param("support/bye", {}, "missing variable: name", id="missing"),
        pytest.param("support/bye", {"name": "a", "nane": "b"}, "no variable 'nane': did you mean", id="unknown"),
        pytest.param(
            "support/triage", {**GIVEN, "tries": "two"}, "'tries' is not integer: write it as 3", id="no JSON"
        ),
        pytest.param("support/triage", {**GIVEN, "tries": '"2"'}, "expected integer, got string", id="type"),
        pytest.param("support/triage", {**GIVEN, "language": "x"}, "not one of", id="enum"),
        pytest.param("support/triage", {**GIVEN, "history": "[" * 100_000}, "'history' is not messages", id="deep"),
    ],
)
def test_a_mistake_is_explained(service: PromptService, name: str, arguments: dict[str, str], message: str) -> None:
    async def work(client: Client) -> None:
        with pytest.raises(MCPError) as refused:
            await client.get_prompt(name, arguments)
        assert refused.value.code == -32602
        assert message in refused.value.message

    in_client(service, "auto", work)


@pytest.mark.parametrize(
    ("argument", "start", "values"),
    [
        ("language", "", ["English", "Esperanto", "Deutsch"]),
        ("language", "e", ["English", "Esperanto"]),
        ("urgent", "t", ["true"]),
        ("urgent", "", ["true", "false"]),
        ("ticket", "", []),
        ("nothing", "", []),
    ],
)
def test_values_are_completed(service: PromptService, argument: str, start: str, values: list[str]) -> None:
    async def work(client: Client) -> None:
        ref = PromptReference(name="support/triage")
        found = await client.complete(ref, {"name": argument, "value": start})
        assert (found.completion.values, found.completion.total) == (values, len(values))

    in_client(service, "auto", work)


def test_a_long_list_comes_in_pages(service: PromptService) -> None:
    for number in range(PAGE):
        service.register_text(f"many/p{number:03}", "x", alias="production")

    async def work(client: Client) -> None:
        first = await client.list_prompts()
        assert len(first.prompts) == PAGE
        second = await client.list_prompts(cursor=first.next_cursor)
        names = [prompt.name for prompt in (*first.prompts, *second.prompts)]
        assert (len(set(names)), names, second.next_cursor) == (PAGE + 2, sorted(names), None)

    in_client(service, "auto", work)


def test_a_promotion_is_heard_in_the_newer_protocol(service: PromptService) -> None:
    async def work(client: Client) -> None:
        async with client.listen(prompts_list_changed=True) as changes:
            service.promote("draft/one", "production")
            await anext(aiter(changes))
        assert "draft/one" in [prompt.name for prompt in (await client.list_prompts()).prompts]

    in_client(service, "auto", work)


def test_a_promotion_is_heard_in_the_older_protocol(service: PromptService) -> None:
    heard = anyio.Event()

    async def handle(message: object) -> None:
        if isinstance(getattr(message, "root", message), PromptListChangedNotification):
            heard.set()

    async def work(client: Client) -> None:
        assert client.server_capabilities.prompts is not None
        assert client.server_capabilities.prompts.list_changed
        await client.list_prompts()
        service.register_text("support/bye", "So long {name}", alias="production")
        await heard.wait()
        assert "So long Ann" in str(await client.get_prompt("support/bye", {"name": "Ann"}))

    in_client(service, "legacy", work, message_handler=handle)
