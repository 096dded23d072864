"""Declares promotions in `_aliases.yaml`, for review and commit. The sync of that commit performs them."""

from collections.abc import Sequence
from typing import Any

from promptdb.domain.aliases import AliasMove
from promptdb.domain.git_refs import RefRules
from promptdb.domain.layout import ALIASES_FILE
from promptdb.domain.prompt_id import PromptId
from promptdb.errors import ConfigError, InvalidPrompts, StalePlan, StorageError
from promptdb.files.aliases_file import read_aliases
from promptdb.files.editing.edit import edited
from promptdb.files.findings import NoPlace
from promptdb.files.tree import FileChanged, WorkTree
from promptdb.settings import AppSettings


def declare(settings: AppSettings, moves: Sequence[AliasMove]) -> list[AliasMove]:
    """Declare the versions that aliases point to, as `rev:N`, or the arms of their splits. Comments and other lines stay.

    Returns:
        The moves that the file did not declare yet.

    Raises:
        ConfigError: refs move the alias, or the file cannot be edited automatically.
        InvalidPrompts: the file has problems.
        StalePlan: the file was edited at the same time.
        StorageError: the file cannot be written.
    """
    rules, tree = RefRules.of(settings.refs), WorkTree(settings.prompts_path)
    for alias in {move.alias for move in moves}:
        if (pattern := rules.moving(alias)) is not None:
            hint = "remove it from the setting refs to declare it"
            raise ConfigError(f"{alias!r} is moved by syncs of {pattern!r} already", hint)
    file = read_aliases(tree, rules)
    if file.problems:
        raise InvalidPrompts(file.problems)
    said = {(found.alias, found.prompt): found.text for found in file.declarations}
    new = [move for move in moves if said.get((move.alias, move.prompt)) != _text(move)]
    if not new:
        return []
    try:
        data = file.data or b""
        # A file without data keeps its comments at the top.
        comments, old = (data, b"") if file.is_blank else (b"", data)
        end = b"\n" if comments and not comments.endswith(b"\n") else b""
        text = comments + end + edited(".yaml", old, lambda fields: _point(fields, new))
        if file.data is None:
            tree.create(ALIASES_FILE, text)
        else:
            tree.replace(ALIASES_FILE, file.data, text)
    except NoPlace as error:
        raise ConfigError(f"{ALIASES_FILE} cannot be edited: {error}", "write the lines by hand") from error
    except FileChanged as error:
        raise StalePlan(f"{ALIASES_FILE} was edited at the same time", "run the command again") from error
    except OSError as error:
        raise StorageError(f"{ALIASES_FILE} cannot be written: {error.strerror}") from error
    return new


def _point(fields: dict[str, Any], moves: Sequence[AliasMove]) -> None:
    for move in moves:
        targets = fields.setdefault(move.alias, {})
        # The file may name the prompt in another form, such as without `default/`.
        name = next((name for name in targets if PromptId.parse(name) == move.prompt), str(move.prompt))
        split = move.to_split
        targets[name] = _text(move) if split is None else {f"rev:{arm.revision}": arm.weight for arm in split.arms}


def _text(move: AliasMove) -> str:
    return f"rev:{move.to_revision}" if move.to_split is None else str(move.to_split)
