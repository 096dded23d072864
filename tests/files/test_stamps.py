"""Which stamps stand for the bytes that were read with them."""

import os
import time
from pathlib import Path

import pytest

from promptdb.files import stamps
from promptdb.files.stamps import Stamp, lasting_from_now, stamp_of

SECOND = 10**9


def wait_until_settled(file: Path) -> None:
    """Until the file is older than the margin, by the clock of its file system."""
    deadline = time.monotonic() + 30
    while not lasting_from_now(file.parent)(stamp_of(file.stat())):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file old enough for its stamp to last."""
    path = tmp_path / "a.yaml"
    path.write_text("x")
    wait_until_settled(path)
    return path


def test_a_file_that_was_just_written_has_no_lasting_stamp(tmp_path: Path):
    """Another edit in the same tick of the clock would leave its times as they are."""
    file = tmp_path / "a.yaml"
    file.write_text("x")
    assert not lasting_from_now(tmp_path)(stamp_of(file.stat()))


def test_times_that_were_set_back_do_not_make_an_edit_old(file: Path):
    file.write_text("y")
    os.utime(file, ns=(0, 0))
    assert not lasting_from_now(file.parent)(stamp_of(file.stat()))


def test_a_file_from_the_future_has_no_lasting_stamp(file: Path):
    later = time.time_ns() + 3_600 * SECOND
    os.utime(file, ns=(later, later))
    assert not lasting_from_now(file.parent)(stamp_of(file.stat()))


def same_size(file: Path) -> None:
    file.write_text("y")


def touched(file: Path) -> None:
    os.utime(file, ns=(0, 0))


def replaced(file: Path) -> None:
    other = file.with_name("other")
    other.write_text("x")
    other.replace(file)


def linked(file: Path) -> None:
    os.link(file, file.with_name("other"))


def made_executable(file: Path) -> None:
    file.chmod(0o755)


def edited_through_another_link(file: Path) -> None:
    os.link(file, file.with_name("other"))
    file.with_name("other").write_text("y")


@pytest.mark.parametrize("change", [same_size, touched, replaced, linked, made_executable, edited_through_another_link])
def test_every_change_gives_another_stamp_even_with_the_time_set_back(file: Path, change):
    before = file.stat()
    change(file)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert stamp_of(file.stat()) != stamp_of(before)


def stamp(device: int, modified: int, changed: int) -> Stamp:
    return Stamp(f"{device} 11 33188 5 {modified} {changed}")


@pytest.mark.parametrize(
    ("device", "modified", "changed", "lasts"),
    [
        (1, -5 * SECOND + 7, -5 * SECOND + 7, True),
        (2, -5 * SECOND + 7, -5 * SECOND + 7, False),
        (1, -5 * SECOND + 7, -SECOND // 2 + 7, False),
        (1, -SECOND // 2 + 7, -5 * SECOND + 7, False),
        (1, -5 * SECOND + 7, 5 * SECOND + 7, False),
        (1, -5 * SECOND + 7, -5 * SECOND, False),
        (1, -5 * SECOND + 7, -5 * SECOND + 20_000_000, False),
        (1, -5 * SECOND, -5 * SECOND + 7, True),
    ],
    ids=[
        *("old", "another file system", "just changed", "just modified", "changed in the future"),
        *("whole seconds", "steps of 10 ms", "a time set by hand"),
    ],
)
def test_what_lasts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, device, modified, changed, lasts):
    now = 1_800_000_000 * SECOND
    monkeypatch.setattr(stamps, "_probe", lambda file: (1, now))
    assert lasting_from_now(tmp_path)(stamp(device, now + modified, now + changed)) is lasts


@pytest.mark.parametrize("obstacle", ["a file in the way", "no clock", "Windows"])
def test_where_the_clock_cannot_be_asked_nothing_lasts(file: Path, monkeypatch: pytest.MonkeyPatch, obstacle: str):
    folder = file.parent
    if obstacle == "a file in the way":
        folder = file
    elif obstacle == "no clock":
        monkeypatch.setattr(stamps, "_probe", lambda file: None)
    else:
        monkeypatch.setattr(stamps, "_IS_WINDOWS", True)
    assert not lasting_from_now(folder)(stamp_of(file.stat()))


@pytest.mark.parametrize("fault", ["no inodes", "the time of change is that of the content"])
def test_a_file_system_without_times_of_change_or_inodes_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
):
    real = Path.stat

    def stat(path: Path, **options):
        found = real(path, **options)
        values, named = list(found), {"st_mtime_ns": found.st_mtime_ns, "st_ctime_ns": found.st_ctime_ns}
        if fault == "no inodes":
            values[1] = 0
        else:
            named["st_ctime_ns"] = found.st_mtime_ns
        return os.stat_result(values, named)

    monkeypatch.setattr(Path, "stat", stat)
    assert stamps._probe(tmp_path / "probe") is None


def test_asking_leaves_nothing_behind(file: Path):
    lasting_from_now(file.parent / "new")
    assert [path.name for path in (file.parent / "new").iterdir()] == []
