"""Decides the move of a prompt file and checks everything. Writes nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from promptdb.domain.layout import ALIASES_FILE
from promptdb.domain.spec import PromptSpec
from promptdb.errors import Guard, InvalidPrompts, StorageError
from promptdb.files.editing.relocate import Mended, PromptPath, relocated
from promptdb.files.editing.rename_key import with_prompt_renamed
from promptdb.files.findings import NoPlace, Unreadable
from promptdb.files.reading.formats import problems_of
from promptdb.files.reading.parse import parse_file
from promptdb.files.tree import MAX_TEXT_BYTES, FileTooLarge, WorkTree
from promptdb.git.objects import Entry, entries_of_index, read_blobs
from promptdb.git.worktree import WorkTreeState, open_work_tree
from promptdb.project.edits.mv_places import named_file, new_place, require_free, require_movable, require_seen
from promptdb.project.load import load_tree
from promptdb.render.assets import dataset, images
from promptdb.settings import AppSettings

_T = TypeVar("_T")


@dataclass(frozen=True)
class FileEdit:
    """A file that changes its content or its path.

    `entry` is its entry in git's index, or None for an untracked file. `staged` is its new content in the index.
    """

    path: str
    new_path: str
    old: bytes
    new: bytes
    entry: Entry | None = None
    staged: bytes = b""


@dataclass(frozen=True)
class Rename:
    """A decided move of a prompt file. The first of its `edits` is that of the file itself.

    `makes_version`: the next sync adds a version, because the paths of assets are part of one. `is_valid`: the file has no
    errors. `aliases` are the declared aliases that name the prompt. `claimed_by` is another file with the new name in
    `renamed_from`. `is_clean`: no file differs from HEAD.
    """

    old: PromptPath
    new: PromptPath
    renamed_from: tuple[str, ...]
    mended: tuple[Mended, ...]
    makes_version: bool
    is_valid: bool
    aliases: tuple[str, ...]
    claimed_by: str | None
    is_clean: bool
    edits: tuple[FileEdit, ...]


def decide_move(settings: AppSettings, old: str, new: str, here: Path) -> Rename:
    """Decide how to move a prompt file. `old` and `new` are names, or paths that start at `here` or the prompts root.

    Raises:
        InvalidRef: no prompt can have such a name.
        PromptNotFound: there is no such file.
        InvalidPrompts: the file cannot be parsed.
        Conflict: a prompt or file has the new name already.
        Guard: the move would break something.
        ConfigError, StorageError: as in `load_tree`.
    """
    loaded = load_tree(settings)
    root, layout, desired = settings.prompts_path, settings.layout, loaded.desired
    work_tree = open_work_tree(root)
    named = named_file(old, desired, root, here)
    was = PromptPath(named.candidate.prompt, named.candidate.path)
    place = new_place(new, named, root, here, layout)
    require_movable(named.candidate, desired, layout)
    require_free(was, place, desired, root)
    require_seen(place, root, work_tree)
    tree = WorkTree(root, layout=layout)
    data = _read(tree, was.path)
    hint = f"write 'renamed_from: [{was.prompt}]' by hand"
    relocation = _edited(was.path, lambda: relocated(data, was, place), hint)
    if len(relocation.data) > MAX_TEXT_BYTES:
        raise Guard(f"{was.path} would become too large", "keep data out of the prompt")
    file = FileEdit(was.path, place.path, data, relocation.data)
    makes_version = was.prompt not in desired.invalid and _is_changed(tree, settings, was, place, file)
    aliases, others = _aliases_edit(tree, was, place)
    edits = [file, *others]
    if work_tree is not None:
        edits = _with_entries(edits, was, place, work_tree)
    claims = (item.path for item in desired.items if place.prompt in item.renamed_from and item.prompt != was.prompt)
    return Rename(
        was,
        place,
        relocation.renamed_from,
        relocation.mended,
        makes_version,
        was.prompt not in desired.invalid,
        aliases,
        next(claims, None),
        work_tree is not None and all(edit.entry and edit.path not in loaded.dirty_paths for edit in edits),
        tuple(edits),
    )


def _aliases_edit(tree: WorkTree, old: PromptPath, new: PromptPath) -> tuple[tuple[str, ...], list[FileEdit]]:
    """Rename the prompt in the file of declared aliases, if that names it."""
    if not (tree.root / ALIASES_FILE).exists():
        return (), []
    data = _read(tree, ALIASES_FILE)
    hint = f"write {new.prompt} for {old.prompt} there by hand, then run the command again"
    changed, aliases = _edited(ALIASES_FILE, lambda: with_prompt_renamed(data, old.prompt, new.prompt), hint)
    return aliases, [FileEdit(ALIASES_FILE, ALIASES_FILE, data, changed)] if aliases else []


def _with_entries(
    edits: Sequence[FileEdit], old: PromptPath, new: PromptPath, work_tree: WorkTreeState
) -> list[FileEdit]:
    """Add the entries of git's index and their new content. Changes that are not staged stay unstaged."""
    repository = work_tree.repository
    paths = {edit.path: work_tree.place.from_top(edit.path) for edit in edits}
    entries = entries_of_index(repository, *paths.values())
    blobs = read_blobs(repository, [entry.id for entry in entries.values()])
    found = []
    for edit in edits:
        entry = entries.get(paths[edit.path])
        staged = _staged(edit, blobs[entry.id], old, new) if entry is not None else b""
        found.append(replace(edit, entry=entry, staged=staged))
    return found


def _staged(edit: FileEdit, data: bytes, old: PromptPath, new: PromptPath) -> bytes:
    if data == edit.old:
        return edit.new
    try:
        if edit.path == ALIASES_FILE:
            return with_prompt_renamed(data, old.prompt, new.prompt)[0]
        return relocated(data, old, new).data
    except (NoPlace, Unreadable) as error:
        message = f"the staged content of {edit.path} cannot be edited"
        raise Guard(message, f"stage the file with 'git add {edit.path}', or unstage it") from error


def _is_changed(tree: WorkTree, settings: AppSettings, old: PromptPath, new: PromptPath, edit: FileEdit) -> bool:
    """Check whether the digest changes. Refuse changes other than the paths of assets."""
    was, becomes = map(settings.file_rules.text_at, (old.path, new.path))
    before = parse_file(old.path, edit.old, tree, was, old.prompt).prompt
    after = parse_file(new.path, edit.new, tree, becomes, new.prompt).prompt
    if before is None or after is None or _but_asset_paths(before.spec) != _but_asset_paths(after.spec):
        message = f"{old.path} would not read back as the same prompt in {new.path}"
        by_settings = (
            "the settings of the folders differ: write its template_format, role or undefined in the file first"
        )
        raise Guard(message, by_settings if was != becomes else "move it with 'git mv' and edit it by hand")
    return before.spec.canonical() != after.spec.canonical()


def _but_asset_paths(spec: PromptSpec) -> dict[str, Any]:
    """Return the fields with digests in the place of the paths of assets."""
    digests = {asset.path: asset.digest for asset in spec.assets}
    fields = {**spec.model_dump(), "assets": [(asset.kind, asset.digest) for asset in spec.assets]}
    for path, name in images(spec):
        owner: Any = fields
        for key in path[:-1]:
            owner = owner[key]
        owner[path[-1]] = digests.get(name)
    if (examples := dataset(spec)) is not None:
        fields["few_shot"]["examples_asset"] = digests.get(examples)
    return fields


def _read(tree: WorkTree, path: str) -> bytes:
    try:
        return tree.read(path, MAX_TEXT_BYTES)
    except FileTooLarge as error:
        raise StorageError(f"{path} is larger than {MAX_TEXT_BYTES // 1024:,} KiB") from error
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}", "check its permissions") from error


def _edited(path: str, edit: Callable[[], _T], hint: str) -> _T:
    try:
        return edit()
    except Unreadable as error:
        raise InvalidPrompts(problems_of(path, error)) from error
    except NoPlace as error:
        raise Guard(f"{path} cannot be edited: {error}", hint) from error
