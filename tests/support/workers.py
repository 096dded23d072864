"""What tests run in processes of their own: several at once, or one that is killed at a chosen step.

Processes are forked from a server that has promptdb loaded already, so that one costs milliseconds and not a second.
"""

import io
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import sqlalchemy as sa

from promptdb.blobs.local import LocalBlobStore
from promptdb.db.engine import make_engine
from promptdb.db.migrate import upgrade
from promptdb.domain.alias_condition import Condition
from promptdb.domain.blob import Blob
from promptdb.domain.bundle import manifest
from promptdb.domain.kept_answer import KeptAnswer, RequestKey
from promptdb.domain.plan import Policy
from promptdb.domain.prompt_id import PromptId
from promptdb.errors import PromptDBError
from promptdb.maintenance.gc import collect_garbage
from promptdb.project.load import load_tree
from promptdb.project.single_file import content_from_spec
from promptdb.registry.requested_moves import Moved, RequestedMove, move_alias
from promptdb.service import PromptService
from promptdb.settings import AppSettings
from promptdb.sync.sync_tree import sync_tree

TIMEOUT = 180.0
"""Seconds: only a process that hangs takes so long."""

_ROUNDS = 12
"""Of work that is done again and again beside other work."""

_CHANGES = {"write", "fsync", "sync", "replace", "rename", "link", "unlink", "mkdir", "truncate"}

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        *("pytest", "promptdb.service", "promptdb.sync.sync_tree", "alembic.command", "psycopg", "git"),
        *("promptdb.db.tables", "promptdb.cli.app", "urllib3"),  # what the modules of tests load
    ]
)


def together(work: Callable[..., Any], calls: Sequence[tuple[Any, ...]], timeout: float = TIMEOUT) -> list[Any]:
    """Each call in a process of its own, started at the same moment; what they returned, or the text of their error."""
    barrier = _CONTEXT.Barrier(len(calls))
    running = []
    for arguments in calls:
        receive, send = _CONTEXT.Pipe(duplex=False)
        process = _CONTEXT.Process(target=_answer, args=(send, barrier, dict(os.environ), work, arguments))
        process.start()
        send.close()
        running.append((process, receive))
    answers = []
    for process, receive in running:
        try:
            answers.append(receive.recv() if receive.poll(timeout) else "no answer")
        except EOFError:
            answers.append("died")
        receive.close()
        _end(process)
    return answers


def killed_at(step: int, work: Callable[..., Any], *arguments: Any) -> bool:
    """Run in a process that kills itself (SIGKILL) before its n-th step; whether it came to that.

    Steps are the SQL statements, the commits, and every call that changes something on disk: write, fsync, rename, ...
    """
    process = _CONTEXT.Process(target=_until, args=(step, dict(os.environ), work, arguments))
    process.start()
    code = _end(process)
    if code not in (0, -signal.SIGKILL):
        raise AssertionError(f"the process ended with {code}")
    return code != 0


def _end(process: Any) -> int | None:
    process.join(TIMEOUT)
    if process.is_alive():
        process.kill()
        process.join()
    code: int | None = process.exitcode
    process.close()
    return code


def _answer(send: Any, barrier: Any, environment: dict[str, str], work: Callable[..., Any], arguments: Any) -> None:
    _set_environment(environment)
    barrier.wait(TIMEOUT)
    try:
        answer = work(*arguments)
    except PromptDBError as error:
        answer = f"{type(error).__name__}: {error.message}"
    send.send(answer)
    send.close()


def _until(step: int, environment: dict[str, str], work: Callable[..., Any], arguments: Any) -> None:
    _set_environment(environment)
    left = step

    def count(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def on_call(_: FrameType, event: str, function: Any) -> None:
        if event == "c_call" and function.__name__ in _CHANGES:
            owner = getattr(function, "__self__", None)
            if getattr(function, "__module__", None) == os.name or isinstance(owner, io.IOBase):
                count()

    sa.event.listen(sa.Engine, "before_cursor_execute", count)
    sa.event.listen(sa.Engine, "commit", count)
    sys.setprofile(on_call)
    work(*arguments)


def _set_environment(environment: dict[str, str]) -> None:
    """That of the test, and not that of the moment the fork server started."""
    os.environ.clear()
    os.environ.update(environment)


# The work. Arguments travel to another process: they are plain.


def opened(url: str, base: Path) -> PromptService:
    return PromptService(AppSettings(base=base, database_url=url, actor="tester"))


def open_registry(url: str, base: Path) -> int:
    """The number of prompts there are, in a database that is made if it is missing."""
    service = opened(url, base)
    try:
        assert service.reader.created
        return len(service.list_prompts())
    finally:
        service.close()


def upgrade_schema(url: str, base: Path) -> str:
    engine = make_engine(url, base)
    try:
        upgrade(engine)
    finally:
        engine.dispose()
    return "upgraded"


def sync_prompts(url: str, base: Path) -> int:
    """The number of changes."""
    service = opened(url, base)
    try:
        return len(sync_tree(service.registry, load_tree(service.settings), Policy()).plan.changes)
    finally:
        service.close()


def sync_clone(url: str, clone: Path, blobs: Path, refs: dict[str, list[str]], ref: str | None, prune: bool) -> str:
    """The verdict on the order of the clone's commit."""
    settings = AppSettings(base=clone, database_url=url, blob_root=blobs, actor="tester", refs=refs)
    service = PromptService(settings)
    try:
        loaded = load_tree(settings)
        loaded = replace(loaded, origin=loaded.origin.standing_for(ref))
        plan = sync_tree(service.registry, loaded, Policy(prune, 100)).plan
        return str(plan.order.verdict) if plan.order else "no order"
    finally:
        service.close()


def register_many(url: str, base: Path, writer: int, count: int) -> list[int]:
    """The revisions that a writer's own texts got."""
    service = opened(url, base)
    try:
        return [service.register_text("race/one", f"{writer}-{n}").version.revision for n in range(count)]
    finally:
        service.close()


def require_all_revisions(url: str, base: Path, writers: int, count: int) -> None:
    """So many writers at once get each revision once, and each of them its own in order."""
    answers = together(register_many, [(url, base, writer, count) for writer in range(writers)])
    assert [answer for answer in answers if isinstance(answer, str)] == []
    assert sorted(revision for answer in answers for revision in answer) == list(range(1, writers * count + 1))
    assert all(answer == sorted(answer) for answer in answers)


def promote(url: str, base: Path, ref: str, alias: str, expected: int | None) -> str:
    service = opened(url, base)
    try:
        service.promote(ref, alias, expected=expected)
    finally:
        service.close()
    return "moved"


def move_for_request(url: str, base: Path, prompt: str, alias: str, selector: str, key: str) -> str:
    """Move an alias for a request with a key; the text of the kept answer."""
    service = opened(url, base)
    try:
        wanted = RequestedMove(PromptId.parse(prompt), alias, "promote", Condition(), selector)

        def answer(moved: Moved) -> KeptAnswer:
            return KeptAnswer(200, None, f"to {moved.move.to_revision}")

        return move_alias(service.registry, wanted, RequestKey(0, key, "f" * 64), answer).body
    finally:
        service.close()


def put_blobs(root: Path, texts: list[bytes]) -> str:
    LocalBlobStore(root).put_all(map(Blob.of, texts))
    return "put"


def collect_all(url: str, base: Path) -> int:
    """Garbage collection without any grace; the number of blobs that were removed."""
    service = opened(url, base)
    try:
        return collect_garbage(service.registry, timedelta(0), 100, delete=True).deleted
    finally:
        service.close()


def sync_and_collect(url: str, base: Path, folder: Path, is_sync: bool) -> str:
    """Many syncs of new texts, each with blobs that an earlier one, cut off, has stored; or as many collections."""
    for number in range(_ROUNDS):
        if not is_sync:
            collect_all(url, base)
            continue
        text = f"{folder.name} {number}"
        service = opened(url, base)
        try:
            spec = {"template": text}
            content = content_from_spec(spec)
            service.blobs.put_all([Blob.of(manifest(content.canonical, []))])
            service.register_spec(folder.name, spec)
        finally:
            service.close()
    return "done"
