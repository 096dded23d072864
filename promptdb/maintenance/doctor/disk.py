"""Examines the free space where files are written, and the file system under a SQLite database."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from promptdb.errors import PromptDBError
from promptdb.files.mounts import remote_file_system
from promptdb.maintenance.doctor.database import impatient_engine, sqlite_file
from promptdb.maintenance.doctor.finding import DoctorFinding, examined, fail, ok, warn
from promptdb.settings import AppSettings

_MIB = 1024**2
_LITTLE, _TOO_LITTLE = 1024 * _MIB, 100 * _MIB
_FEW_FILES, _TOO_FEW_FILES = 10_000, 1_000


def examine_disk(settings: AppSettings) -> Iterator[DoctorFinding]:
    try:
        database = sqlite_file(impatient_engine(settings))
    except PromptDBError:  # the check of the database reports it
        database = None
    if database is not None:
        yield from examined("disk", lambda: _room("database", database.parent))
        yield from examined("disk", lambda: _file_system(database.parent))
    if settings.storage_backend == "local":
        yield from examined("disk", lambda: _room("blobs", settings.blob_path))
    yield from examined("disk", lambda: _room("temporary files", Path(tempfile.gettempdir())))


def room_finding(what: str, folder: Path, free: int, files: int | None) -> DoctorFinding:
    """Judge the free bytes in a folder, and the number of files that it still has room for; None means any number."""
    left = f"{what}: {free // _MIB:,} MiB free in {folder}"
    if free < _TOO_LITTLE or (files is not None and files < _TOO_FEW_FILES):
        judge = fail
    elif free < _LITTLE or (files is not None and files < _FEW_FILES):
        judge = warn
    else:
        return ok("disk", left)
    if files is not None and files < _FEW_FILES:
        left += f", and room for {files:,} more files"
    return judge("disk", left, "make room, or move it to another disk")


def _room(what: str, folder: Path) -> Iterator[DoctorFinding]:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    files = None
    if hasattr(os, "statvfs"):
        status = os.statvfs(there)
        files = status.f_favail if status.f_files else None
    yield room_finding(what, there, shutil.disk_usage(there).free, files)


def _file_system(folder: Path) -> Iterator[DoctorFinding]:
    name = remote_file_system(folder)
    if name is not None:
        detail = f"the SQLite database is on {name}, where file locks are not reliable"
        yield warn("disk", detail, "move it to a local disk, or use PostgreSQL")
