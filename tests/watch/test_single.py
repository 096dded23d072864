"""One watcher for each root."""

import os
from pathlib import Path

import pytest
from watchtools import watching

from promptdb.errors import Guard, StorageError
from promptdb.watch.single import only_one

pytestmark = pytest.mark.slow


def test_a_root_has_one_watcher_whatever_path_leads_to_it(project: Path) -> None:
    (project / "link").symlink_to("prompts")
    with only_one(project / "prompts"):
        with pytest.raises(Guard, match=f"process {os.getpid()} already watches .*"), only_one(project / "link"):
            pass
        with only_one(project / "other"):
            pass
    with only_one(project / "prompts"):
        pass


def test_another_process_is_named_and_its_death_frees_the_root(project: Path) -> None:
    with watching(folder=project) as running:
        with pytest.raises(Guard, match=f"process {running.process.pid} "), only_one(project / "prompts"):
            pass
        running.process.kill()
        running.process.join()
    with only_one(project / "prompts"):
        pass


def test_without_a_place_for_the_lock_the_error_says_where_one_could_be(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(StorageError) as caught, only_one(project / "prompts"):
        pass
    assert caught.value.hint == "set XDG_STATE_HOME to a writable folder"
