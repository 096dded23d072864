"""`PromptClient`: what an application holds, from many threads if it likes."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import pytest
from registries import client_of, on_sqlite, write
from steered import Steered, until

from promptdb.client.client import PromptClient
from promptdb.domain.delivery import Status
from promptdb.domain.plan import Policy
from promptdb.errors import ConfigError, InvalidRef, MissingVariables, NotFound, RenderError, StorageError
from promptdb.project.load import load_tree
from promptdb.render.messages import RenderedMessage
from promptdb.service import PromptService
from promptdb.settings import AppSettings
from promptdb.sync.sync_tree import sync_tree

TRIAGE = "support/triage"


@pytest.fixture
def client(service: PromptService) -> Iterator[PromptClient]:
    service.register_spec(
        TRIAGE,
        {
            "messages": [
                {"role": "system", "template": "You sort tickets for {team}."},
                {"variable_name": "history", "optional": True},
                {"role": "user", "template": "{ticket}"},
            ],
            "variables": {"team": {"default": "support"}, "ticket": {"type": "string"}},
        },
    )
    service.promote(TRIAGE, "production")
    service.register_text(TRIAGE, "Sort {ticket}")
    with client_of(service) as client:
        yield client


def test_a_chat_renders_as_messages_and_as_text(client: PromptClient) -> None:
    result = client.render(f"{TRIAGE}:production", {"ticket": "It is broken."})
    assert result.messages == (
        RenderedMessage("system", "You sort tickets for support."),
        RenderedMessage("human", "It is broken."),
    )
    assert result.text == "System: You sort tickets for support.\nHuman: It is broken."
    assert result.version.revision == 1


def test_a_text_renders_as_text_and_as_one_message(client: PromptClient) -> None:
    result = client.render(TRIAGE, ticket="It is broken.")
    assert result.text == "Sort It is broken."
    assert result.messages == (RenderedMessage("human", "Sort It is broken."),)
    assert result.version == client.resolve(TRIAGE)


def test_values_by_keyword_win(client: PromptClient) -> None:
    assert client.render(TRIAGE, {"ticket": "one"}, ticket="two").text == "Sort two"


def test_a_variable_may_have_the_name_of_an_argument(service: PromptService, client: PromptClient) -> None:
    service.register_text("a/one", "{ref} {variables} {self}")
    assert client.render("a/one", {"ref": 1, "variables": 2}, self=3).text == "1 2 3"


def test_a_prompt_that_was_got_stays_what_it_was(service: PromptService, client: PromptClient) -> None:
    prompt = client.get(f"{TRIAGE}:production")
    service.promote(f"{TRIAGE}:rev:2", "production", allow_breaking=True)
    until(lambda: client.get(f"{TRIAGE}:production").version.revision == 2)
    assert prompt.version.revision == 1
    assert prompt.ref == f"{TRIAGE}:production"
    assert list(prompt.variables) == ["team", "ticket", "history"]


@pytest.mark.parametrize(
    ("ref", "values", "error"),
    [
        (TRIAGE, {}, MissingVariables),
        (f"{TRIAGE}:production", {"ticket": 1}, RenderError),
        (f"{TRIAGE}:nothing", {}, NotFound),
        ("no/such", {}, NotFound),
        ("not a ref", {}, InvalidRef),
        (f"{TRIAGE}:", {}, InvalidRef),
        (f"{TRIAGE}:rev:0", {}, InvalidRef),
    ],
)
def test_what_goes_wrong_is_told_by_its_kind(
    client: PromptClient, ref: str, values: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        client.render(ref, values)


def test_the_client_registers_and_exports(client: PromptClient, tmp_path: Path) -> None:
    version = client.register_text("a/one", "Hello {name}")
    assert client.resolve("a/one") == version
    assert client.register_spec("a/one", {"template": "Hello {name}"}) == version
    [file] = client.export_to_file("a/one", tmp_path / "one.txt")
    assert client.register_file(file, "a/two").spec_hash == version.spec_hash
    assert client.list_versions("a/one") == [version]
    assert client.list_versions(TRIAGE, 1)[0].revision == 2


def test_a_source_of_ones_own_answers_the_lookups() -> None:
    source = Steered()
    with PromptClient(source) as reading:
        assert reading.render("a/one:rev:7").text == "7"
        assert reading.list_versions("a/one") == []
        with pytest.raises(ConfigError, match="this client only reads prompts"):
            reading.register_text("any/thing", "x")
    assert source.asked[-1] == "close"


@pytest.mark.slow
def test_a_database_that_is_down_is_a_storage_error(tmp_path: Path) -> None:
    settings = AppSettings(base=tmp_path, database_url="postgresql://127.0.0.1:1/registry")
    with PromptClient.from_settings(settings) as client, pytest.raises(StorageError):
        client.get(TRIAGE)


@on_sqlite
def test_a_database_file_that_is_replaced_is_read_from_then_on(
    client: PromptClient, service: PromptService, tmp_path: Path
) -> None:
    file = Path(str(service.engine.url.database))
    backup = tmp_path / "backup.sqlite3"
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(backup)) as target:
        source.backup(target)
    client.get(f"{TRIAGE}:production")
    service.promote(f"{TRIAGE}:rev:2", "production", allow_breaking=True)
    until(lambda: client.get(f"{TRIAGE}:production").version.revision == 2)
    service.close()
    for log in file.parent.glob(f"{file.name}-*"):
        log.unlink()  # SQLite would write it into the other file
    backup.replace(file)
    until(lambda: client.get(f"{TRIAGE}:production").version.revision == 1)
    file.unlink()
    until(lambda: client.status() is Status.STALE)
    assert client.get(f"{TRIAGE}:production").version.revision == 1


# From the environment


def test_a_client_finds_its_settings_in_the_folder_it_runs_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        tmp_path,
        {
            "promptdb.toml": 'database_url = "sqlite:///data/registry.sqlite3"\nactor = "an application"\n',
            "data/x.txt": "",
            "deep/down/x.txt": "",
        },
    )
    monkeypatch.chdir(tmp_path / "deep/down")
    with PromptClient.from_env() as client:
        assert client.register_text("a/one", "Hello {name}").created_by == "an application"
    monkeypatch.chdir(tmp_path)
    with PromptClient.from_env() as client:
        assert client.render("a/one", name="Ann").text == "Hello Ann"
    assert (tmp_path / "data/registry.sqlite3").is_file()


@pytest.mark.slow
def test_an_application_of_three_lines_works(settings: AppSettings, client: PromptClient, tmp_path: Path) -> None:
    """In a process of its own, with warnings as errors: nothing stays open."""
    script = (
        "from promptdb import PromptClient\n"
        "with PromptClient.from_env() as client:\n"
        f"    print(client.render('{TRIAGE}:production', ticket='x').messages[-1].content)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PROMPTDB_DATABASE_URL": settings.database_url.get_secret_value()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "x\n", "")


# Threads


def test_sixteen_threads_get_and_render_with_one_client(client: PromptClient) -> None:
    barrier = Barrier(16)

    def work(number: int) -> set[str]:
        barrier.wait(120)
        return {
            client.render(ref, ticket=f"t{number}").text
            for ref in (TRIAGE, f"{TRIAGE}:rev:2", f"{TRIAGE}:production")
            for _ in range(10)
        }

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(work, range(16)))
    for number, texts in enumerate(answers):
        assert texts == {f"Sort t{number}", f"System: You sort tickets for support.\nHuman: t{number}"}


@on_sqlite
@pytest.mark.slow
def test_sixteen_threads_make_the_first_use_of_an_empty_registry_at_once(empty_url: str, tmp_path: Path) -> None:
    barrier = Barrier(16)
    with PromptClient.from_settings(AppSettings(base=tmp_path, database_url=empty_url)) as client:

        def work(number: int) -> int:
            barrier.wait(120)
            return client.register_text("a/one", f"text {number}").revision

        with ThreadPoolExecutor(16) as pool:
            assert sorted(pool.map(work, range(16))) == list(range(1, 17))


@pytest.mark.slow
def test_threads_read_while_others_write(service: PromptService, client: PromptClient) -> None:
    """A reader gets a version that was there at some time, whole, and never an error."""

    def register(number: int) -> None:
        for step in range(5):
            client.register_text("a/one", f"{number} {step} " * 100)

    def promote(_: int) -> None:
        for _ in range(20):
            service.promote("a/one", "production")

    def read(_: int) -> None:
        for _ in range(20):
            text = client.render("a/one:production").text
            assert text == text[:4] * 100

    client.register_text("a/one", "9 9 " * 100)
    service.promote("a/one", "production")
    with ThreadPoolExecutor(12) as pool:
        jobs = [
            pool.submit(work, number)
            for work, count in ((register, 4), (promote, 1), (read, 7))
            for number in range(count)
        ]
        for job in jobs:
            job.result()
    assert client.resolve("a/one").revision == 21


def test_an_old_name_is_warned_of_once(service: PromptService, tree: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tree, {"new.txt": "---\nrenamed_from: [old]\n---\nx"})
    service.register_text("old", "x")
    sync_tree(service.registry, load_tree(service.settings), Policy())
    with client_of(service) as client:
        assert str(client.get("old").renamed_to) == "default/new"
        assert str(client.resolve("old:rev:1").prompt) == "default/new"
        assert client.get("new").renamed_to is None
    assert caplog.messages == ["prompt default/old is now default/new: use the new name"]
