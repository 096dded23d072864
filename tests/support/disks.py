"""Disks that are full or fail: a small file system in a mount namespace, and calls of libc that give an error."""

import ctypes
import errno
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cells import Cell, said, sync_cell

from promptdb.errors import PromptDBError

_CLONE_NEWNS = 0x00020000
_SIZE_KIB = 8 * 1024
_CHUNK = 4096


def mount_small_disk(folder: Path) -> None:
    """For this process only, and gone with it.

    Raises:
        OSError, subprocess.CalledProcessError: this user may not, or the system has no such thing.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "unshare") or libc.unshare(_CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "no namespace of mounts")
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "--make-rprivate", "/"], check=True, capture_output=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_SIZE_KIB}k", "promptdb", folder], check=True)


def sync_on_full_disk(base: Path, values: dict[str, Any], left: int) -> str:
    """A sync on a disk with so many KiB left, and another one when there is room again; the outcome of the first.

    All in one process, which alone sees the disk: what must hold after the fault is checked here.
    """
    disk = base / "disk"
    try:
        mount_small_disk(disk)
    except (OSError, subprocess.CalledProcessError):
        return "skipped"
    on_disk = {"blob_root": str(disk / "blobs")}
    if values["database_url"].startswith("sqlite"):
        file = Path(values["database_url"].removeprefix("sqlite:///"))
        shutil.copyfile(file, disk / file.name)
        on_disk["database_url"] = f"sqlite:///{disk / file.name}"
    cell = Cell(base, {**values, **on_disk})
    cell.begin()
    ballast = disk / "ballast"
    _fill(ballast)
    with ballast.open("r+b") as file:
        file.truncate(max(0, ballast.stat().st_size - left * 1024))
    try:
        outcome = said(sync_cell(*cell.work))
    except PromptDBError as error:
        outcome = f"{type(error).__name__}: {error.message}"
    ballast.unlink()
    cell.require_converges()
    cell.close()
    return outcome


def _fill(ballast: Path) -> None:
    descriptor = os.open(ballast, os.O_WRONLY | os.O_CREAT)
    try:
        with suppress(OSError):
            while True:
                os.write(descriptor, b"\0" * _CHUNK)
    finally:
        os.close(descriptor)


@pytest.fixture(scope="session")
def iofault(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library to preload; see its source."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("no C compiler, or no LD_PRELOAD")
    library = tmp_path_factory.mktemp("iofault") / "iofault.so"
    source = Path(__file__).with_name("iofault.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return library


def sync_with_io_error(cell: Cell, library: Path, call: str, path: str, nth: int) -> str:
    """`promptdb sync` in a process whose n-th call on a path fails with EIO; the outcome as `said` has it."""
    settings = {f"PROMPTDB_{name.upper()}": str(value) for name, value in cell.values.items()}
    fault = {"IOFAULT_CALL": call, "IOFAULT_PATH": path, "IOFAULT_NTH": str(nth), "IOFAULT_ERRNO": str(errno.EIO)}
    done = subprocess.run(
        [sys.executable, "-m", "promptdb", "sync"],
        cwd=cell.base,
        env={**os.environ, **settings, **fault, "LD_PRELOAD": str(library)},
        capture_output=True,
        text=True,
    )
    if done.returncode == 0:
        return "done"
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("error: "), done.stderr
    assert len(done.stderr.splitlines()) <= 2, done.stderr
    return "StorageError"
