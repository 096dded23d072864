"""Completes words of a command line, from small files: a shell asks at each press of a key.

Only light modules are imported here. The commands and their options are in `options.json`, and prompts with their aliases in a
cache, which a process in the background renews.
"""

import hashlib
import json
import os
import sys
import time
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

from promptdb.cli.jobs import COMMANDS, SYNONYMS

REQUEST = "_PROMPTDB_COMPLETE"
"""The variable with which a shell asks for candidates. The words before the cursor follow as arguments."""

MAX_AGE = 10.0
"""Seconds after which names are read again, in the background."""

_SELECTORS = ("latest", "rev:", "git:")
_MARKS = ("promptdb.toml", ".git")


def candidates(words: list[str], names: dict[str, list[str]]) -> list[str]:
    """List what may stand in the place of the last word.

    Args:
        words: the words after `promptdb`, up to the cursor. The last one may be empty.
        names: the aliases of each prompt.
    """
    *before, last = words
    known = _options()
    path, given, option = _command(before, known)
    found = known[path]
    if option:
        return _values(found["valued"][option], last, names)
    if last.startswith("-"):
        return [name for name in found["options"] if name.startswith(last)]
    if not path:
        return [name for name in (*COMMANDS, *SYNONYMS) if name.startswith(last)]
    if inner := [name.rpartition(" ")[2] for name in known if name.rpartition(" ")[0] == path]:
        return [name for name in inner if name.startswith(last)]
    return _values(["", *found["takes"]][min(len(given) + 1, len(found["takes"]))], last, names)


def _values(kind: str | list[str], last: str, names: dict[str, list[str]]) -> list[str]:
    """List the values that begin as the last word does: choices, or what the name of a kind stands for."""
    if kind == "reference":
        return _references(last, names)
    values = {
        "": (),
        "alias": sorted({*chain(*names.values())}),
        "namespace": _namespaces(names),
        "pattern": (*_namespaces(names), *names),
    }
    return [value for value in (values[kind] if isinstance(kind, str) else kind) if value.startswith(last)]


def _command(words: list[str], known: dict[str, dict[str, Any]]) -> tuple[str, list[str], str]:
    """Find the command in words, with the name of its group, and its arguments. The name is empty before there is one.

    The last item is the option that takes the next word as its value, or an empty text.
    """
    found, given, option = "", list[str](), ""
    for word in words:
        if option:
            option = ""
            continue
        if word.startswith("-"):
            option = word if word in known[found]["valued"] else ""
            continue
        name = SYNONYMS.get(word, word) if not found else f"{found} {word}"
        if name and name in known:
            found, given = name, []
        else:
            given.append(word)
    return found, given, option


def _namespaces(names: dict[str, list[str]]) -> list[str]:
    return sorted({name[:place] for name in names for place, letter in enumerate(name) if letter == "/"})


def _references(last: str, names: dict[str, list[str]]) -> list[str]:
    prompt, colon, selector = last.partition(":")
    if colon:
        choices = (*names.get(prompt, ()), *_SELECTORS)
        return [f"{prompt}:{choice}" for choice in choices if choice.startswith(selector)]
    return [name for name in names if name.startswith(last)]


def _options() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("options.json").read_bytes())
    return found


def print_candidates(words: list[str]) -> None:
    """Print the candidates for the last word, a line each. Errors print nothing: there is no place for them."""
    try:
        folder = _folder(words[:-1])
        names, age = _names(cache_file(folder))
        # A clock that was set back leaves a file from the future.
        if not 0 <= age <= MAX_AGE:
            _renew(folder)
    except OSError:
        # The current folder may be gone, and a process may not start.
        names = {}
    found = candidates(words or [""], names)
    if ":" in os.environ.get("COMP_WORDBREAKS", ""):
        # There, bash takes what follows the last colon for the word.
        start = (words or [""])[-1].rpartition(":")
        found = [name[len(start[0]) + len(start[1]) :] for name in found]
    sys.stdout.write("".join(f"{name}\n" for name in found if name.isprintable()))


def _folder(words: list[str]) -> Path:
    """Find the folder in which the command will run."""
    chosen = [value for option, value in pairwise(words) if option == "-C"]
    return Path(os.path.abspath(chosen[-1] if chosen else ""))  # noqa: PTH100 - resolve() would follow links


def cache_file(folder: Path) -> Path:
    """Return the place of the names that are known for the project around a folder."""
    project = next((one for one in (folder, *folder.parents) if any((one / mark).exists() for mark in _MARKS)), folder)
    key = hashlib.sha256(os.fsencode(project)).hexdigest()[:16]
    return _cache_folder() / f"names-{key}.json"


def _cache_folder() -> Path:
    # As platformdirs has it, whose import takes longer than all of this.
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "promptdb"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "promptdb"


def _names(file: Path) -> tuple[dict[str, list[str]], float]:
    """Read the names and their age in seconds."""
    try:
        age = time.time() - file.stat().st_mtime
        found = json.loads(file.read_bytes())
        return {str(name): [str(alias) for alias in aliases] for name, aliases in found.items()}, age
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return {}, MAX_AGE + 1


def _renew(folder: Path) -> None:
    """Start the process that reads the names. It ends by itself, and its output goes nowhere."""
    arguments = [sys.executable, "-m", "promptdb", "-C", str(folder), "completion", "--renew"]
    environment = {name: value for name, value in os.environ.items() if name != REQUEST}
    nowhere = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
    os.posix_spawn(sys.executable, arguments, environment, file_actions=nowhere, setpgroup=0)
