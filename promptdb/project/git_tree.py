"""Reads the prompt files of a commit or of the index from git's objects, as `WorkTree` and `scan` read files on disk."""

import errno
import os
import posixpath
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from promptdb.domain.digest import Digest
from promptdb.domain.layout import IGNORE_FILE, PLAIN, Layout
from promptdb.domain.suffixes import SUFFIXES, file_suffix
from promptdb.errors import NotInRoots, OutsideRoot, StorageError
from promptdb.files.ignore import ignore_rule, too_large
from promptdb.files.scan import Scan, identify, is_prompt_name
from promptdb.files.streams import Measured
from promptdb.files.tree import MAX_TEXT_BYTES, FileTooLarge, is_lfs_pointer, no_lfs_content
from promptdb.git.objects import LINK, SUBMODULE, Entry, blob_size, open_blob, read_blobs
from promptdb.git.repository import Repository
from promptdb.problems import Code, Problem
from promptdb.streams import checked

_MAX_LINKS = 40
"""Links that are followed in one path, as in Linux: more are taken for a circle."""

_LFS_DIGEST = re.compile(rb"^oid sha256:([0-9a-f]{64})$", re.MULTILINE)


@dataclass(eq=False)
class GitTree:
    """The files of a layout, by their paths from its base. `name` is that of the commit or the index, for messages.

    `blobs` has content that was read before, by its id. `ignored` replaces the ignore file of the tree.
    """

    repository: Repository
    entries: Mapping[str, Entry]
    name: str
    blobs: dict[str, bytes] = field(default_factory=dict)
    layout: Layout = PLAIN
    ignored: Callable[[str], bool] | None = None
    _pointers: set[str] = field(default_factory=set)

    @property
    def cache_file(self) -> Path:
        return self.repository.git_dir / "promptdb" / "blobs.json"

    def read(self, path: str, limit: int) -> bytes:
        with self.open(path, limit) as stream:
            return stream.read()

    read_scanned = read

    def open(self, path: str, limit: int) -> BinaryIO:
        entry = self.entries[self.target(path)]
        data = self._blob(entry, min(limit, MAX_TEXT_BYTES))
        if data is None:
            size = blob_size(self.repository, entry.id)
            if size is None:
                raise OSError(errno.ENODATA, f"git does not have the content of {path} in {self.name}")
            if size > limit:
                raise FileTooLarge
            return open_blob(self.repository, entry.id)
        if is_lfs_pointer(data):
            self._pointers.add(entry.id)
            return self._from_lfs(data, limit)
        if len(data) > limit:
            raise FileTooLarge
        return BytesIO(data)

    def has_lf_in_git(self, path: str, found: Measured) -> bool:  # noqa: ARG002
        # The tree already returns the bytes that git stores.
        return False

    def preload(self) -> None:
        """Read all blobs that may be texts in one run of git."""
        wanted = [entry.id for path, entry in self.entries.items() if may_be_text(path, entry)]
        self.blobs |= read_blobs(self.repository, wanted, MAX_TEXT_BYTES)

    def blob_id(self, path: str) -> str | None:
        try:
            found = self.entries[self.target(path)].id
        except (OSError, OutsideRoot):
            return None
        return None if found in self._pointers else found

    def target(self, path: str) -> str:
        """Follow the links in a path, and return the path of the file that it leads to.

        Raises:
            OutsideRoot: the path leads out of the folder.
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
                link = os.fsdecode(self._blob(entry, MAX_TEXT_BYTES) or b"")
                if not link or link.startswith("/"):
                    raise OutsideRoot(
                        f"a symbolic link to {link!r} leads outside the prompts folder", "make it relative"
                    )
                parts = [*_parts(link), *parts]
        found = "/".join(done)
        if found in self.entries and self.entries[found].mode != SUBMODULE:
            return found
        if found in self._folders:
            raise IsADirectoryError(errno.EISDIR, "Is a directory")
        if not self.layout.has(posixpath.normpath(path)):
            raise NotInRoots(path)
        if not self.layout.has(found):
            raise OutsideRoot(f"{path!r} leads outside the prompts roots", "keep the file in one of them")
        raise FileNotFoundError(errno.ENOENT, "No such file", path)

    def scan(self) -> Scan:
        """Find the prompts among the files, as `files.scan` does on disk.

        Raises:
            ConfigError: the ignore file is wrong.
        """
        ignored = self.ignored or self.ignore_rule()
        problems: list[Problem] = []
        paths: list[str] = []
        links: dict[str, str] = {}
        for path, entry in self.entries.items():
            if self.layout.hides(path):
                continue
            if any(ignored(path[: end + 1]) for end, character in enumerate(path) if character == "/"):
                continue
            found = self._file_or_problem(path, entry)
            if not isinstance(found, str) and found.code in (Code.SYMLINK, Code.UNREADABLE):
                if not ignored(f"{path}/"):
                    problems.append(found)
            elif is_prompt_name(posixpath.basename(path)) and not ignored(path):
                if not isinstance(found, str):
                    problems.append(found)
                    continue
                paths.append(path)
                if found != path:
                    links[path] = found
        return identify(sorted(paths), problems, self.layout, links)

    def ignore_rule(self) -> Callable[[str], bool]:
        """Compile the ignore file of the tree, as `files.ignore` does. Raise ConfigError if it is wrong."""
        rules = None
        where = f"{IGNORE_FILE} in {self.name}"
        try:
            with suppress(OSError, OutsideRoot):
                rules = self.read(IGNORE_FILE, MAX_TEXT_BYTES)
        except FileTooLarge as error:
            raise too_large(where) from error
        return ignore_rule(rules, where)

    def _file_or_problem(self, path: str, entry: Entry) -> str | Problem:
        """Follow a link. Return a problem for a folder that is not walked, or for a link that leads to nothing."""
        if entry.mode == SUBMODULE:
            message = "a submodule, whose files are not part of this repository"
            hint = "name it in .promptdbignore, and sync it as a registry of its own"
            return Problem(path, 1, 1, Code.UNREADABLE, message, hint)
        try:
            return self.target(path) if entry.mode == LINK else path
        except IsADirectoryError:
            message = "a symbolic link to a folder is not followed"
            return Problem(f"{path}/", 1, 1, Code.SYMLINK, message, "link single files")
        except OutsideRoot as error:
            return Problem(path, 1, 1, Code.OUTSIDE_ROOT, error.message, error.hint)
        except OSError:
            hint = "remove it or repair its target"
            return Problem(path, 1, 1, Code.FILE_MISSING, "a symbolic link to nothing", hint)

    def _blob(self, entry: Entry, limit: int) -> bytes | None:
        if entry.id in self.blobs:
            return self.blobs[entry.id]
        return read_blobs(self.repository, [entry.id], limit).get(entry.id)

    @cached_property
    def _folders(self) -> frozenset[str]:
        parents = (path[:end] for path in self.entries for end, character in enumerate(path) if character == "/")
        return frozenset(("", *parents))

    def _from_lfs(self, pointer: bytes, limit: int) -> BinaryIO:
        """Open the content of a Git LFS pointer, if the repository's LFS store has it."""
        match = _LFS_DIGEST.search(pointer)
        if match is None:
            raise no_lfs_content()
        digest = match[1].decode()
        file = self.repository.common_dir / "lfs" / "objects" / digest[:2] / digest[2:4] / digest
        try:
            if file.stat().st_size > limit:
                raise FileTooLarge
            stream = file.open("rb", buffering=0)
        except FileNotFoundError as error:
            raise no_lfs_content() from error
        wrong = StorageError(f"{file} does not hold the content that its name says", "run 'git lfs fsck'")
        return checked(stream, Digest(f"sha256:{digest}"), lambda: wrong)


def may_be_text(path: str, entry: Entry) -> bool:
    """Check that a blob is worth reading in bulk: a prompt, a fragment or a link, but not a picture."""
    return entry.mode == LINK or (entry.mode != SUBMODULE and file_suffix(path) in SUFFIXES)


def _parts(path: str) -> list[str]:
    if path.startswith("/") or "\\" in path or "\0" in path:
        raise OutsideRoot(f"{path!r} is not a relative path", "write a relative path, with / between its parts")
    return [part for part in path.split("/") if part not in ("", ".")]
