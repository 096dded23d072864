"""The prompt files of a commit or of the index, read from git's objects: what `WorkTree` and `scan` are for files on disk."""

import errno
import os
import posixpath
import re
from collections.abc import Mapping
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from promptdb.domain.digest import Digest
from promptdb.domain.suffixes import SUFFIXES, file_suffix
from promptdb.errors import OutsideRoot, StorageError
from promptdb.files.ignore import IGNORE_FILE, ignore_rule
from promptdb.files.scan import Scan, identify, is_prompt_name
from promptdb.files.streams import Measured
from promptdb.files.tree import MAX_TEXT_BYTES, FileTooLarge, is_lfs_pointer, no_lfs_content
from promptdb.git.objects import LINK, SUBMODULE, Entry, blob_size, open_blob, read_blobs
from promptdb.git.repository import Repository
from promptdb.problems import Code, Problem
from promptdb.streams import checked

_MAX_LINKS = 40
"""As Linux counts: more are taken for a circle."""

_LFS_DIGEST = re.compile(rb"^oid sha256:([0-9a-f]{64})$", re.MULTILINE)


class GitTree:
    """Files below one folder.

    Args:
        repository: that has the blobs.
        entries: all files of the folder, by their paths from it.
        name: of the commit or the index, for messages.
        blobs: those that are known already.
    """

    def __init__(
        self, repository: Repository, entries: Mapping[str, Entry], name: str, blobs: dict[str, bytes] | None = None
    ) -> None:
        self.entries = entries
        self.name = name
        self._repository = repository
        self._blobs = {} if blobs is None else blobs
        self._pointers: set[str] = set()

    @property
    def cache_file(self) -> Path:
        return self._repository.git_dir / "promptdb" / "blobs.json"

    def read(self, path: str, limit: int) -> bytes:
        with self.open(path, limit) as stream:
            return stream.read()

    read_scanned = read

    def open(self, path: str, limit: int) -> BinaryIO:
        entry = self.entries[self.target(path)]
        data = self._blob(entry, min(limit, MAX_TEXT_BYTES))
        if data is None:
            return self._large(path, entry, limit)
        if is_lfs_pointer(data):
            self._pointers.add(entry.id)
            return self._from_lfs(data, limit)
        if len(data) > limit:
            raise FileTooLarge
        return BytesIO(data)

    def has_lf_in_git(self, path: str, found: Measured) -> bool:  # noqa: ARG002  what it gives is what git stores
        return False

    def preload(self) -> None:
        """Read the blobs that may be texts at once, and not one by one."""
        wanted = [entry.id for path, entry in self.entries.items() if may_be_text(path, entry)]
        self._blobs |= read_blobs(self._repository, wanted, MAX_TEXT_BYTES)

    def blob_id(self, path: str) -> str | None:
        try:
            found = self.entries[self.target(path)].id
        except (OSError, OutsideRoot):
            return None
        return None if found in self._pointers else found

    def target(self, path: str) -> str:
        """The path of the file that a path leads to, links followed.

        Raises:
            OutsideRoot: it leads out of the folder.
            OSError: there is no such file, it is a folder or a submodule, or links lead in a circle.
        """
        parts, done, followed = _parts(path), list[str](), 0
        while parts:
            part = parts.pop(0)
            if part == "..":
                if not done:
                    raise OutsideRoot(f"{path!r} leads outside the prompts folder", "keep the file inside that folder")
                done.pop()
                continue
            done.append(part)
            entry = self.entries.get("/".join(done))
            if entry is not None and entry.mode == LINK:
                followed += 1
                if followed > _MAX_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                done.pop()
                parts = [*_parts(self._link(entry)), *parts]
        found = "/".join(done)
        if found in self.entries and self.entries[found].mode != SUBMODULE:
            return found
        if found in self._folders:
            raise IsADirectoryError(errno.EISDIR, "Is a directory")
        raise FileNotFoundError(errno.ENOENT, "No such file", path)

    def scan(self) -> Scan:
        """Which of the files are prompts, as `files.scan` has it for those on disk.

        Raises:
            ConfigError: the ignore file is wrong.
        """
        ignored = ignore_rule(self._ignore_file(), f"{IGNORE_FILE} in {self.name}")
        problems: list[Problem] = []
        paths: list[str] = []
        links: dict[str, str] = {}
        for path, entry in self.entries.items():
            name = posixpath.basename(path)
            if any(part[0] in "._" for part in path.split("/")):
                continue
            if any(ignored(path[: end + 1]) for end, character in enumerate(path) if character == "/"):
                continue
            if entry.mode == SUBMODULE:
                if not ignored(f"{path}/"):
                    problems.append(_submodule(path))
            elif entry.mode == LINK and self._leads_to_folder(path):
                if not ignored(f"{path}/"):
                    message = "a symbolic link to a folder is not followed"
                    problems.append(Problem(f"{path}/", 1, 1, Code.SYMLINK, message, "link single files"))
            elif is_prompt_name(name) and not ignored(path):
                paths.append(path)
                if entry.mode == LINK:
                    target = self._linked(path)
                    if isinstance(target, Problem):
                        problems.append(target)
                        paths.pop()
                    else:
                        links[path] = target
        return identify(sorted(paths), problems, links)

    def _linked(self, path: str) -> str | Problem:
        try:
            return self.target(path)
        except OutsideRoot as error:
            return Problem(path, 1, 1, Code.OUTSIDE_ROOT, error.message, error.hint)
        except OSError:
            hint = "remove it or mend its target"
            return Problem(path, 1, 1, Code.FILE_MISSING, "a symbolic link to nothing", hint)

    def _leads_to_folder(self, path: str) -> bool:
        try:
            self.target(path)
        except IsADirectoryError:
            return True
        except (OSError, OutsideRoot):
            return False
        return False

    def _ignore_file(self) -> bytes | None:
        try:
            return self.read(IGNORE_FILE, MAX_TEXT_BYTES) if IGNORE_FILE in self.entries else None
        except (OSError, FileTooLarge, OutsideRoot):
            return None

    def _blob(self, entry: Entry, limit: int) -> bytes | None:
        if entry.id in self._blobs:
            return self._blobs[entry.id]
        return read_blobs(self._repository, [entry.id], limit).get(entry.id)

    @cached_property
    def _folders(self) -> frozenset[str]:
        found = {""}
        for path in self.entries:
            found.update(path[:end] for end, character in enumerate(path) if character == "/")
        return frozenset(found)

    def _link(self, entry: Entry) -> str:
        target = os.fsdecode(self._blob(entry, MAX_TEXT_BYTES) or b"")
        if not target or target.startswith("/"):
            raise OutsideRoot(f"a symbolic link to {target!r} leads outside the prompts folder", "make it relative")
        return target

    def _large(self, path: str, entry: Entry, limit: int) -> BinaryIO:
        size = blob_size(self._repository, entry.id)
        if size is None:
            raise OSError(errno.ENODATA, f"git does not have the content of {path} in {self.name}")
        if size > limit:
            raise FileTooLarge
        return open_blob(self._repository, entry.id)

    def _from_lfs(self, pointer: bytes, limit: int) -> BinaryIO:
        """Of the store that Git LFS has in the repository, where the content is there."""
        match = _LFS_DIGEST.search(pointer)
        if match is None:
            raise no_lfs_content()
        digest = match[1].decode()
        file = self._repository.common_dir / "lfs" / "objects" / digest[:2] / digest[2:4] / digest
        try:
            if file.stat().st_size > limit:
                raise FileTooLarge
            stream = file.open("rb", buffering=0)
        except FileNotFoundError as error:
            raise no_lfs_content() from error
        wrong = StorageError(f"{file} does not hold the content that its name says", "run 'git lfs fsck'")
        return checked(stream, Digest(f"sha256:{digest}"), lambda: wrong)


def may_be_text(path: str, entry: Entry) -> bool:
    """Whether it pays to read a blob together with others: prompts, fragments and links, but no pictures."""
    return entry.mode == LINK or (entry.mode != SUBMODULE and file_suffix(path) in SUFFIXES)


def _parts(path: str) -> list[str]:
    if path.startswith("/") or "\\" in path or "\0" in path:
        raise OutsideRoot(f"{path!r} is not a relative path", "write a relative path, with / between its parts")
    return [part for part in path.split("/") if part not in ("", ".")]


def _submodule(path: str) -> Problem:
    message = "a submodule, whose files are no part of this repository"
    return Problem(
        path, 1, 1, Code.UNREADABLE, message, "name it in .promptdbignore, and sync it as a registry of its own"
    )
