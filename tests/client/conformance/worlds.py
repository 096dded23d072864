"""The sources over one registry, and what tests do to each: change it, publish it, take it away and bring it back."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from apis import token_of
from prompt_server import prompt_server
from registries import write
from repositories import commit_all, git_in
from servers import in_thread

from promptdb import create_app
from promptdb.client.client import PromptClient
from promptdb.client.sources.choice import chosen
from promptdb.domain.plan import Policy
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.settings import AppSettings
from promptdb.sync.sync_tree import sync_tree
from promptdb.transfer.snapshot import write_snapshot

TTL = 3600.0
"""So long that only what a source reports makes answers fresh."""

FILES: dict[str, str | bytes] = {
    "support/triage.yaml": "template: First {ticket}\nmetadata: {user_version: v1}\n",
    "support/eu/greet.yaml": "messages:\n  - {role: system, template: 'Greet {name}.'}\n  - {role: user, template: Hi}\n",
    "support/new.yaml": "template: N\nrenamed_from: [support/old]\n",
    "data/sort.yaml": "messages:\n  - {role: user, template: '{text}'}\n"
    "few_shot:\n  examples_asset: _d/examples.jsonl\n  chat_messages:\n    - {role: user, template: '{question}'}\n"
    "assets: [{path: _d/examples.jsonl, kind: example_dataset}]\n",
    "data/_d/examples.jsonl": b'{"question": "1 or 2?"}\n{"question": "3 or 4?"}\n',
    "short.txt": "S",
}
SECOND = {"support/triage.yaml": "template: Second {ticket}\nmetadata: {user_version: v2}\n"}
OLD = {"support/old.yaml": "template: O\n", "support/attic.yaml": "template: A\n"}


def fill(service: PromptService) -> None:
    """Record two states of a tree: renamed, archived, with assets and examples, in two commits."""
    root, folder = service.settings.prompts_path, service.settings.base
    git = git_in(folder)
    git("init", "--quiet", "--initial-branch=main")
    (folder / ".git" / "info" / "exclude").write_text("*.sqlite3*\n.blobs/\n")
    write(root, {**{path: data for path, data in FILES.items() if path != "support/new.yaml"}, **OLD})
    for files in ({}, {**SECOND, "support/new.yaml": FILES["support/new.yaml"]}):
        write(root, files)
        if files:
            for path in OLD:
                (root / path).unlink()
        commit_all(git)
        sync_tree(service.registry, load_tree(service.settings), Policy(prune=True))
        if not files:
            service.promote_all("latest", "production")


def write_tree(root: Path) -> None:
    write(root, {**FILES, **SECOND})


@dataclass
class World:
    """A source and its registry.

    `name` is the word for the source in results. `has_revisions` is False for files, `has_all` for what has only a part of the
    versions, and `has_texts_of_registry` for errors in words of their own. `publish` brings changes to the source, `down` and `up` are an outage.
    """

    name: str
    service: PromptService
    settings: AppSettings
    has_revisions: bool = True
    has_all: bool = True
    publish: Callable[[], None] = lambda: None
    down: Callable[[], None] | None = None
    up: Callable[[], object] = lambda: None
    opened: list[PromptClient] = field(default_factory=list)

    def client(self) -> PromptClient:
        choice = chosen(self.settings)
        self.opened.append(PromptClient(choice.source, ttl=TTL))
        return self.opened[-1]


@contextmanager
def _database(service: PromptService, _: Path) -> Iterator[World]:
    file = Path(str(service.engine.url.database))
    is_file = service.engine.dialect.name == "sqlite"
    away = file.with_suffix(".away")
    yield World(
        "database",
        service,
        service.settings.model_copy(update={"source": ("database",)}),
        down=(lambda: file.rename(away)) if is_file else None,
        up=lambda: away.rename(file),
    )


@contextmanager
def _files(service: PromptService, folder: Path) -> Iterator[World]:
    write_tree(folder / "prompts")
    yield World("files", service, AppSettings(base=folder, source="files"), has_revisions=False, has_all=False)


def _publish(service: PromptService, file: Path) -> None:
    staged = file.with_suffix(".new")
    with staged.open("w+b") as stream:
        write_snapshot(service.registry, stream, ["production", "latest"], with_assets=True)
    staged.replace(file)


@contextmanager
def _snapshot(service: PromptService, folder: Path) -> Iterator[World]:
    file = folder / "prompts.snapshot"
    _publish(service, file)
    yield World(
        "snapshot",
        service,
        AppSettings(base=folder, source="snapshot", snapshot=file.name),
        has_all=False,
        publish=lambda: _publish(service, file),
        down=file.unlink,
        up=lambda: _publish(service, file),
    )


@contextmanager
def _http(service: PromptService, _: Path) -> Iterator[World]:
    with prompt_server(service.reader) as server:
        yield World("http", service, server.settings(), down=server.stop, up=server.start)


@contextmanager
def _chain(service: PromptService, folder: Path) -> Iterator[World]:
    _publish(service, folder / "prompts.snapshot")
    with prompt_server(service.reader) as server:
        settings = server.settings(base=folder, source="http,snapshot", snapshot="prompts.snapshot")
        yield World("http", service, settings, down=server.stop, up=server.start)


@contextmanager
def _api(service: PromptService, _: Path) -> Iterator[World]:
    """The real API, over TCP."""
    with ExitStack() as running:
        # An app serves once.
        port = running.enter_context(in_thread(create_app(service.settings), patience=0))
        yield World(
            "http",
            service,
            AppSettings(source="http", url=f"http://127.0.0.1:{port}", token=token_of(service, "read")),
            down=running.close,
            up=lambda: running.enter_context(in_thread(create_app(service.settings), port, 0)),
        )


WORLDS = {
    "database": _database,
    "database on postgresql": _database,
    "snapshot": _snapshot,
    "files": _files,
    "http": _http,
    "http of the app": _api,
    "http,snapshot": _chain,
}


@contextmanager
def world_of(kind: str, service: PromptService, folder: Path) -> Iterator[World]:
    with ExitStack() as stack:
        world = stack.enter_context(WORLDS[kind](service, folder))
        stack.callback(lambda: [client.close() for client in world.opened])
        yield world
