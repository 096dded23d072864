"""An import, or a copy, that is killed (SIGKILL): done again, all of it is there, and nothing is damaged."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from registries import NewRegistry, dump, on_sqlite
from workers import killed_at, opened

from promptdb.blobs.local import LocalBlobStore
from promptdb.service import PromptService
from promptdb.sync.verify import verify
from promptdb.transfer import receive
from promptdb.transfer.copy import copy_registry, import_file
from promptdb.transfer.export import export_registry
from promptdb.transfer.tables import TABLES

NEVER = 10**9
"""A step that no process comes to: it is killed by its moment."""

PUT_ALL = LocalBlobStore.put_all


def kill(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def put_half(store: LocalBlobStore, batch: Any, progress: Any = None) -> None:
    blobs = list(batch)
    PUT_ALL(store, blobs[: len(blobs) // 2])
    kill()


MOMENTS: dict[str, tuple[object, str, Callable[..., None]]] = {
    "blobs are half sent": (LocalBlobStore, "put_all", put_half),
    "rows are staged": (receive, "merge", kill),
    "before COMMIT": (receive, "send", kill),
}


def taken_in(url: str, base: Path, source: str, moment: str) -> None:
    """From a file, or from the database of this URL beside its blobs."""
    service = opened(url, base)
    place, name, instead = MOMENTS[moment]
    with patch.object(place, name, instead):
        if source.endswith(".zip"):
            import_file(service.registry, Path(source))
        else:
            copy_registry(opened(source, base.parent).registry, service.registry)


@on_sqlite
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("is_copy", [False, True], ids=["import", "copy"])
def test_what_was_killed_is_done_again(
    filled: PromptService, new_registry: NewRegistry, tmp_path: Path, moment: str, is_copy: bool
) -> None:
    target, file = new_registry(), tmp_path / "all.zip"
    export_registry(filled.registry, file)
    before = dump(target.engine)
    url, source = (service.settings.database_url.get_secret_value() for service in (target, filled))
    assert killed_at(NEVER, taken_in, url, target.settings.base, source if is_copy else str(file), moment)
    assert dump(target.engine) == before
    if is_copy:
        copy_registry(filled.registry, target.registry)
    else:
        import_file(target.registry, file)
    there, here = dump(target.engine), dump(filled.engine)
    assert {name: there[name] for name in TABLES} == {name: here[name] for name in TABLES}
    assert verify(target.registry, full=True).findings == ()
