"""An import, or a copy, that is killed (SIGKILL): done again, all of it is there, and nothing is damaged."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from registries import NewRegistry, dump, on_sqlite
from workers import killed_at

from promptdb.blobs.store import BlobStore
from promptdb.maintenance.verify import verify
from promptdb.service import PromptService
from promptdb.settings import AppSettings
from promptdb.transfer import receive
from promptdb.transfer.copy import copy_registry, import_file
from promptdb.transfer.export import export_registry
from promptdb.transfer.rows_as_json import TABLES

pytestmark = pytest.mark.slow

NEVER = 10**9
"""A step that no process comes to: it is killed by its moment."""

TARGETS = [("sqlite", "local"), ("postgresql", "minio")]


def kill(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def half(put_all: Callable[..., None]) -> Callable[..., None]:
    def put(store: BlobStore, batch: Any, _: Any = None) -> None:
        blobs = list(batch)
        put_all(store, blobs[: len(blobs) // 2])
        kill()

    return put


MOMENTS: dict[str, Callable[[BlobStore], Any]] = {
    "blobs are half sent": lambda store: patch.object(type(store), "put_all", half(type(store).put_all)),
    "blobs are sent": lambda _: patch.object(receive, "catch_up", kill),
    "before COMMIT": lambda _: patch.object(receive, "send", kill),
}


def taken_in(target: AppSettings, source: AppSettings | Path, moment: str) -> None:
    """From a file, or from another registry."""
    service = PromptService(target)
    with MOMENTS[moment](service.blobs):
        if isinstance(source, Path):
            import_file(service.registry, source)
        else:
            copy_registry(PromptService(source).registry, service.registry)


@on_sqlite  # the source
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("is_copy", [False, True], ids=["import", "copy"])
@pytest.mark.parametrize(("database", "store"), TARGETS)
def test_what_was_killed_is_done_again(
    filled: PromptService,
    new_registry: NewRegistry,
    tmp_path: Path,
    moment: str,
    is_copy: bool,
    database: str,
    store: str,
) -> None:
    target, file = new_registry(database, store), tmp_path / "all.zip"
    export_registry(filled.registry, file)
    before = dump(target.engine)
    assert killed_at(NEVER, taken_in, target.settings, filled.settings if is_copy else file, moment)
    assert dump(target.engine) == before
    stored, complete = (len(list(service.blobs.list())) for service in (target, filled))
    assert 0 < stored < complete if moment == "blobs are half sent" else stored == complete
    if is_copy:
        copy_registry(filled.registry, target.registry)
    else:
        import_file(target.registry, file)
    there, here = (apart_from_place(service) for service in (target, filled))
    assert {name: there[name] for name in TABLES} == {name: here[name] for name in TABLES}
    assert verify(target.registry, full=True).findings == ()


def apart_from_place(service: PromptService) -> dict[str, list[dict[str, Any]]]:
    """Every row, without what says where its blobs are."""
    found = dump(service.engine)
    for row in found["prompt_assets"]:
        del row["storage_backend"], row["bucket"]
    return found
