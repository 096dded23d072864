"""Performs the move of a prompt file completely, or not at all."""

from contextlib import ExitStack
from pathlib import Path

from promptdb.errors import StalePlan, StorageError
from promptdb.files.tree import FileChanged, WorkTree
from promptdb.git.index import write_blob, write_entries
from promptdb.git.objects import Entry, entries_of_index
from promptdb.git.worktree import open_work_tree
from promptdb.project.edits.mv_plan import Rename


def perform_move(root: Path, move: Rename) -> None:
    """Write the new file, edit the files that name it, update git's index, and remove the old file. Errors undo all of it.

    Raises:
        StalePlan: a file was edited at the same time.
        StorageError: a file or the index cannot be written.
    """
    tree = WorkTree(root)
    file, *others = move.edits
    try:
        with ExitStack() as undo:
            _create(root / file.new_path, file.new, (root / file.path).stat().st_mode, undo)
            for edit in others:
                tree.replace(edit.path, edit.old, edit.new)
                undo.callback(tree.replace, edit.path, edit.new, edit.old)
            if tree.read_scanned(file.path, len(file.old) + 1) != file.old:
                raise FileChanged
            _stage(root, move, undo)
            (root / file.path).unlink()
            undo.pop_all()
    except FileChanged as error:
        raise StalePlan("a file was edited while it was moved", "nothing was moved; run the command again") from error
    except OSError as error:
        hint = f"{file.path} is unchanged; 'git status' shows other changes that remain"
        raise StorageError(f"cannot move {file.path} to {file.new_path}: {error.strerror}", hint) from error


def _create(target: Path, data: bytes, mode: int, undo: ExitStack) -> None:
    for folder in [folder for folder in reversed(target.parents) if not folder.exists()]:
        folder.mkdir()
        undo.callback(folder.rmdir)
    with target.open("xb") as file:
        undo.callback(target.unlink)
        file.write(data)
    target.chmod(mode & 0o7777)


def _stage(root: Path, move: Rename, undo: ExitStack) -> None:
    """Make the same change in the index. Changes that were not staged stay unstaged."""
    tracked = [(edit, edit.entry) for edit in move.edits if edit.entry is not None]
    work_tree = open_work_tree(root)
    if work_tree is None or not tracked:
        return
    repository, place = work_tree.repository, work_tree.place
    wanted: dict[str, Entry | None] = {place.from_top(edit.path): None for edit, _ in tracked}
    for edit, entry in tracked:
        wanted[place.from_top(edit.new_path)] = Entry(entry.mode, write_blob(repository, edit.staged))
    before = entries_of_index(repository, *wanted)
    write_entries(repository, wanted)
    undo.callback(write_entries, repository, {path: before.get(path) for path in wanted})
