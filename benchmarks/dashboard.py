"""How long each page of the dashboard takes in a large registry, and how many questions it asks the database.

    python benchmarks/dashboard.py [--prompts 10000] [--versions 1000] [--rounds 3] [--database sqlite|postgresql]

The registry has many prompts, each at `production`, and one prompt with many versions, of which each moved `production`. Each
page runs as its script does in a session that has begun, without a browser, in a folder with the files of all prompts. Times
are those of the best round. The driver of SQLite counts itself, as lookups of one version go past SQLAlchemy.
"""

import argparse
import logging
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import streamlit.config

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))

from dashboards import environment_of, visit
from postgres import running

from promptdb.dashboard import links
from promptdb.db.migrate import upgrade
from promptdb.domain.plan import Policy
from promptdb.domain.prompt_id import PromptId
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.settings import AppSettings
from promptdb.sync.sync_tree import sync_tree

MANY = PromptId("many", "long")
AT_PRODUCTION = {"name": str(MANY), "alias": "production"}

PAGES = {
    "overview": links.Link(links.OVERVIEW),
    "prompts": links.to_prompts(),
    "prompts, text that few have": links.to_prompts(q="number 77 of"),
    "prompts, other letters": links.to_prompts(q="größe 77"),
    "prompts, behind": links.Link(links.PROMPTS, {"behind": "production"}),
    "prompt of many versions": links.to_prompt(MANY),
    "prompt, an old version": links.to_prompt(MANY, "rev:3"),
    "compare": links.to_comparison(MANY, "production", "latest"),
    "try": links.to_trial(MANY),
    "promote": links.to_promotion(MANY, "production"),
    "promote, an old version": links.to_promotion(MANY, "production", "rev:3"),
    "split": links.Link(links.PROMOTE, {**AT_PRODUCTION, "action": "split", "arms": "production=90 rev:3=10"}),
    "history": links.to_history(),
    "history of one": links.to_history(MANY),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prompts", type=int, default=10_000)
    parser.add_argument("--versions", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as name, ExitStack() as opened:
        folder = Path(name)
        url = f"sqlite:///{folder}/registry.sqlite3"
        if options.database == "postgresql":
            server = opened.enter_context(running(Path(opened.enter_context(tempfile.TemporaryDirectory())) / "server"))
            url = server.url(server.create_database())
        settings = AppSettings(base=folder, database_url=url)
        os.environ.update(environment_of(settings))
        os.chdir(folder)
        streamlit.config.set_option("server.address", "127.0.0.1")
        fill(settings, options.prompts, options.versions)
        for title, link in {**PAGES, "roll back": rollback(settings)}.items():
            if link.leads_somewhere:
                measure(title, link, options.rounds)


def fill(settings: AppSettings, prompts: int, versions: int) -> None:
    """Record all prompts with one sync, and the versions of one of them one by one."""
    for number in range(prompts):
        file = settings.prompts_path / f"group{number % 100}/p{number}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(
            f"---\nmetadata: {{title: Größe {number}, tags: [t{number % 20}]}}\n---\nThis is number {number} of {{all}}.\n"
        )
    start = time.perf_counter()
    with PromptService(settings) as service:
        upgrade(service.engine)
        sync_tree(service.reader.created, load_tree(settings), Policy())
        service.promote_all("latest", "production")
        for number in range(versions):
            service.register_text(str(MANY), f"Version {number} of {{all}}\n", alias="production")
        service.register_text(str(MANY), "The newest of {all}\n")
    print(f"{prompts:,} prompts and {versions:,} versions of one, made in {time.perf_counter() - start:.0f} s\n")
    print(f"{'page':<32}{'seconds':>9}{'queries':>9}")


def rollback(settings: AppSettings) -> links.Link:
    """Make the address of a rollback from the present state."""
    with PromptService(settings) as service:
        (alias,) = service.aliases(str(MANY))
    return links.Link(links.PROMOTE, {**AT_PRODUCTION, "action": "rollback", "state": str(alias.generation)})


def measure(title: str, link: links.Link, rounds: int) -> None:
    best = float("inf")
    visit(link)
    with counted() as statements:
        app = visit(link)
        for _ in range(rounds):
            statements.clear()
            start = time.perf_counter()
            app.run()
            best = min(best, time.perf_counter() - start)
    shown = "error: " + app.error[0].value if app.error else ""
    print(f"{title:<32}{best:>9.2f}{len(statements):>9}  {shown}", flush=True)


@contextmanager
def counted() -> Iterator[list[str]]:
    """Collect the questions that connections of this process send from now on."""
    statements: list[str] = []

    def note(statement: str) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH", "INSERT", "UPDATE")):
            statements.append(statement)

    def trace(connection: Any, *_: Any) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.set_trace_callback(note)

    def before(connection: sa.Connection, _: Any, statement: str, *__: Any) -> None:
        if connection.dialect.name != "sqlite":
            note(statement)

    listened = ((sa.pool.Pool, "checkout", trace), (sa.engine.Engine, "before_cursor_execute", before))
    for target, name, listener in listened:
        sa.event.listen(target, name, listener)
    yield statements
    for target, name, listener in listened:
        sa.event.remove(target, name, listener)


if __name__ == "__main__":
    main()
