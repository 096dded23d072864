"""The commits on the first-parent line of a history that changed a folder, with what they changed."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from promptdb.git.objects import Entry
from promptdb.git.provenance import LOG_FORMAT, Commit, commit_from
from promptdb.git.repository import Repository, path_of

_NOTHING = "000000"
"""The mode of a file that is gone."""


@dataclass(frozen=True)
class FolderChange:
    """What a commit changed against its first parent: path from the top -> the file as it is now, or None if it is gone."""

    commit: Commit
    files: dict[str, Entry | None] = field(default_factory=dict)


def first_parents(repository: Repository, tip: str) -> list[str]:
    """The ids of the commits from `tip` on back, each the first parent of the one before it."""
    return repository.run("rev-list", "--first-parent", tip).decode().split()


def folder_history(repository: Repository, tip: str, prefix: str, after: str | None = None) -> Iterator[FolderChange]:
    """The commits that changed a folder, the oldest first. A merge counts as what it brought into its first parent.

    Args:
        repository: where to read; not a shallow clone, whose oldest commit seems to bring everything.
        tip: the newest commit.
        prefix: the folder, from the top.
        after: only commits that come after this one.

    Raises:
        StorageError: git failed.
    """
    output = repository.run(
        "log",
        "-z",
        "-m",
        "--first-parent",
        "--reverse",
        "--raw",
        "--no-abbrev",
        "--no-renames",
        f"--format={LOG_FORMAT}",
        *([f"{after}..{tip}"] if after is not None else [tip]),
        "--",
        *([prefix] if prefix != "." else []),
    )
    records = output.split(b"\x01")[1:]
    for number, record in enumerate(records, 1):
        commit_id, author, rest = record.split(b"\0", 2)
        time, _, changes = rest.partition(b"\0")
        found = FolderChange(commit_from(commit_id, len(records) - number, author, time, repository.shallow))
        fields = changes.lstrip(b"\n\0").split(b"\0")
        for description, name in zip(fields[::2], fields[1::2], strict=False):
            _, mode, _, blob, _ = description.decode().split(" ")
            found.files[path_of(name)] = Entry(mode, blob) if mode != _NOTHING else None
        yield found
