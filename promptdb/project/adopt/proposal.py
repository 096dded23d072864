"""The proposal of `promptdb init`: new files with their text, what was found, and steps for a person."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from promptdb.domain.layout import IGNORE_FILE, Root, based
from promptdb.domain.suffixes import SUFFIXES, TEXT_FORMATS, file_suffix
from promptdb.errors import ConfigError, StorageError
from promptdb.git.repository import repository_root
from promptdb.git.worktree import open_work_tree
from promptdb.project.adopt import foreign
from promptdb.project.adopt.advice import advice
from promptdb.project.adopt.places import PromptsPlace, prompts_places
from promptdb.project.adopt.reading import Reading, read_place
from promptdb.project.adopt.survey import Survey, hidden_places, is_about_repository, is_aside, survey
from promptdb.project.adopt.texts import ignore_text, settings_text
from promptdb.project.adopt.vscode import SETTINGS_FILE, modeline, vscode_files
from promptdb.settings import CONFIG_FILE, load_settings, settings_file

EXAMPLE = """\
# {company} and {question} are variables; promptdb check reports missing and misspelled ones.
messages:
  - role: system
    template: You answer questions about {company} in at most three sentences.
  - role: human
    template: "{question}"
variables:
  company: {type: string, default: our company}
  question: {type: string}
tests:
  - name: asks the question
    variables: {question: Where is my order?}
    expect: {contains: Where is my order?}
"""
_EXAMPLE_ROOT = "prompts"
_EXAMPLE_FILE = "examples/answer.yaml"
_LOCAL_FILES = ("promptdb.sqlite3*", ".blobs/")
_MANY = 20
_REASONS_SHOWN = 8
_PLACES_EXPLAINED = 3
_PLACES_READ = 10


@dataclass
class Proposal:
    """New files with their text in `writes`, findings in `facts`, and steps for a person in `advice`.

    `example` is the name of a prompt to render first with `values`, if any of the found ones is valid.
    """

    base: Path
    places: tuple[PromptsPlace, ...] = ()
    chosen: tuple[str, ...] = ()
    prompts: int = 0
    example: str | None = None
    values: tuple[str, ...] = ()
    writes: dict[Path, str] = field(default_factory=dict)
    facts: list[str] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)

    def write(self) -> None:
        """Write the new files.

        Raises:
            StorageError: a file is there already, or cannot be written.
        """
        for file, text in self.writes.items():
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
                with file.open("xb") as stream:
                    stream.write(text.encode(errors="surrogateescape"))  # a file name may not be UTF-8
            except OSError as error:
                raise StorageError(f"cannot write {file}: {error.strerror}", _remedy(error)) from error


def _remedy(error: OSError) -> str:
    exists = isinstance(error, FileExistsError)
    return "init never replaces a file" if exists else "check whether the folder is read-only for you"


def propose(folder: Path, roots: Sequence[str] = (), *, vscode: bool = False) -> Proposal:
    """Examine a repository.

    Args:
        folder: a folder of the repository. Settings go to the top of the repository, or to this folder without git.
        roots: folders and patterns for the prompts root, from the settings; found by default.
        vscode: make Visual Studio Code know prompt files too, also where promptdb is set up already.

    Raises:
        ConfigError: there are settings already, or a root does not exist or is outside the repository.
        StorageError: git cannot read the repository.
    """
    base = repository_root(folder) or folder.resolve()
    if (file := settings_file(base)) is not None and file.parent == base:
        if vscode and not roots:
            proposal = Proposal(base)
            _add_vscode(proposal, load_settings(base).prompts_root)
            return proposal
        raise ConfigError(f"{file} sets promptdb up already", "edit it, or run 'promptdb check'")
    work_tree = open_work_tree(base)
    found = survey(base, work_tree.ignores if work_tree else lambda path: False)  # noqa: ARG005
    places = _places(found)
    proposal = Proposal(base, places, tuple(_existing(root, base, places) for root in roots))
    # Its folder was the prompts root already.
    is_asked = bool(roots) or (base / IGNORE_FILE).is_file()
    choices = [proposal.chosen or (".",)] if is_asked else [(place.root,) for place in places[:_PLACES_READ]]
    for proposal.chosen in choices:
        reading = _read(proposal, found, is_asked=is_asked)
        if is_asked or reading.prompts:
            _adopt(proposal, found, reading)
            break
    else:
        proposal.chosen = ()
        _explain(proposal, found)
        _start(proposal, _EXAMPLE_ROOT)
    if hidden := [root for root in hidden_places(base) if root not in proposal.chosen]:
        options = " ".join(f"--root {root}" for root in hidden)
        proposal.advice.append(f"init searches hidden folders only if you name them: promptdb init {options}")
    _keep_local_files_out_of_git(proposal)
    if vscode:
        _add_vscode(proposal, proposal.chosen or (_EXAMPLE_ROOT,))
    return proposal


def _places(found: Survey) -> tuple[PromptsPlace, ...]:
    # Tests and documentation count where there is nothing else.
    prompts, aside = (found.prompts, found.aside) if found.prompts else (found.aside, ())
    return prompts_places(prompts, aside, is_of_texts=found.is_of_texts)


def _existing(root: str, base: Path, places: Sequence[PromptsPlace]) -> str:
    """Return a root from the top of the repository. Raise ConfigError if there is no such folder."""
    # Also without following links, since the root may be one.
    whole = Path(os.path.normpath(base / root))
    if not whole.is_relative_to(base):
        raise ConfigError(f"{root} is not below {base}", "name a folder of this repository")
    path = whole.relative_to(base).as_posix()
    is_pattern = Root(tuple(path.split("/"))).is_pattern
    if not (any(item.is_dir() for item in base.glob(path)) if is_pattern else whole.is_dir()):
        others = ", ".join(place.root for place in places[:3])
        hint = f"there are prompts in {others}" if others else "make the folder first, or leave out --root"
        raise ConfigError(f"there is no folder {path} in {base}", hint)
    return path


def _read(proposal: Proposal, found: Survey, *, is_asked: bool) -> Reading:
    """Read the chosen place. If someone asked for it, every text there is a prompt."""
    start = _start_of_paths(proposal)
    named = {place.root for place in proposal.places if place.is_named}
    is_marked = is_asked or found.is_of_texts or named.issuperset(proposal.chosen)
    marked = None if is_marked else {*found.prompts, *found.aside}

    def skip(path: str) -> str | None:
        if is_about_repository(path):
            return "about the repository"
        if is_aside(path) and f"{start}{path}" not in found.aside:
            return "in a folder for tests or documentation"
        is_text = file_suffix(path) in (".md", ".txt")
        if marked is not None and is_text and f"{start}{path}" not in marked:
            return "neither its name nor its folder says that it is a prompt"
        return None

    return read_place(proposal.base, proposal.chosen, skip)


def _start_of_paths(proposal: Proposal) -> str:
    top = based(proposal.chosen)[0]
    return "" if top == "." else f"{top}/"


def _adopt(proposal: Proposal, found: Survey, reading: Reading) -> None:
    """Write settings, and ignore files that cannot be prompts, so that the first sync succeeds."""
    if not reading.found and not Root(tuple(proposal.chosen[0].split("/"))).is_pattern:
        _start(proposal, proposal.chosen[0])
        return
    proposal.prompts = len(reading.prompts)
    proposal.example, proposal.values = reading.example, reading.values
    proposal.writes[proposal.base / CONFIG_FILE] = settings_text(reading.settings)
    proposal.facts += _counts(proposal.chosen, reading)
    proposal.facts += reading.facts
    proposal.advice += advice(reading)
    if reading.left_out:
        _leave_out(proposal, reading)
    # A valid structured file needs no advice.
    texts = [prompt.path for prompt in reading.prompts if file_suffix(prompt.path) in TEXT_FORMATS]
    others = [f"{_start_of_paths(proposal)}{path}" for path in (*reading.left_out, *texts)]
    proposal.advice += foreign.described(proposal.base, [*found.others, *others])


def _add_vscode(proposal: Proposal, roots: Sequence[str]) -> None:
    writes, advice = vscode_files(proposal.base, roots)
    for file, text in proposal.writes.items():
        if text == EXAMPLE:
            proposal.writes[file] = modeline(file.relative_to(proposal.base).as_posix()) + text
    proposal.writes |= writes
    proposal.advice += advice
    if not writes and not advice:
        proposal.facts.append(f"{SETTINGS_FILE} names the schema of prompt files already")


def _explain(proposal: Proposal, found: Survey) -> None:
    """Say why the files in folders for prompts are none."""
    files = [
        path
        for path in found.files
        if file_suffix(path) in SUFFIXES and not (is_aside(path) or is_about_repository(path))
    ]
    for place in prompts_places(files, (), is_of_texts=False)[:_PLACES_EXPLAINED]:
        if place.is_named:
            reading = read_place(proposal.base, [place.root], lambda _: None)
            proposal.facts += _counts([place.root], reading)
    proposal.advice += foreign.described(proposal.base, [*found.others, *files])


def _start(proposal: Proposal, root: str) -> None:
    """Begin with an example, since there are no prompts."""
    where = "this repository" if root == _EXAMPLE_ROOT else f"{root}/"
    proposal.facts.append(f"no prompts found in {where}: {root}/{_EXAMPLE_FILE} is a new example to start from")
    proposal.writes[proposal.base / root / _EXAMPLE_FILE] = EXAMPLE
    proposal.writes[proposal.base / CONFIG_FILE] = settings_text({"prompts_root": (root,)})
    proposal.prompts = 1


def _counts(roots: Sequence[str], reading: Reading) -> list[str]:
    """Write the number of files, and those of its groups, which add up to it."""
    of_prompts = reading.found - len(reading.left_out) - len(reading.blank)
    count = f"{len(reading.prompts)} {'prompt' if len(reading.prompts) == 1 else 'prompts'}"
    if more := of_prompts - len(reading.prompts):
        count += f" with {more} more {'file' if more == 1 else 'files'} of chat folders"
    groups = [count]
    groups += [f"{len(reading.blank)} empty"] if reading.blank else []
    groups += [f"{len(reading.left_out)} left out"] if reading.left_out else []
    where = "in the repository" if tuple(roots) == (".",) else f"below {', '.join(roots)}"
    lines = [f"{reading.found} {'file' if reading.found == 1 else 'files'} {where}: {', '.join(groups)}"]
    shown, others = reading.reasons[:_REASONS_SHOWN], reading.reasons[_REASONS_SHOWN:]
    lines += [f"  {len(files)} {_files(files)}: {reason}" for reason, files in shown]
    if others:
        files = [file for _, group in others for file in group]
        named = "; ".join(reason for reason, _ in others[:_REASONS_SHOWN])
        rest = f"; and {len(others) - _REASONS_SHOWN} more" if len(others) > _REASONS_SHOWN else ""
        lines.append(f"  {len(files)} {_files(files)}: {named}{rest}")
    return lines


def _files(files: Sequence[str]) -> str:
    return "file" if len(files) == 1 else "files"


def _leave_out(proposal: Proposal, reading: Reading) -> None:
    file = proposal.base / based(proposal.chosen)[0] / IGNORE_FILE
    if file.exists():
        shown = ", ".join(sorted(reading.left_out)[:5])
        proposal.advice.append(f"{len(reading.left_out)} files are not prompts; name them in {file}: {shown}")
        return
    proposal.writes[file] = ignore_text(reading)


def _keep_local_files_out_of_git(proposal: Proposal) -> None:
    ignore = proposal.base / ".gitignore"
    if repository_root(proposal.base) is None:
        return
    if not ignore.exists():
        proposal.writes[ignore] = "\n".join(_LOCAL_FILES) + "\n"
        return
    present = ignore.read_text(encoding="utf-8", errors="replace").split()
    if missing := [name for name in _LOCAL_FILES if name not in present]:
        proposal.advice.append(f"add to .gitignore: {' '.join(missing)}")
