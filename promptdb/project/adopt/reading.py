"""Finds the settings under which the files of a place read best, and says what becomes of each file."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from promptdb.domain.layout import Layout
from promptdb.domain.prompt_id import DEFAULT_NAMESPACE
from promptdb.domain.suffixes import TEXT_FORMATS, file_suffix
from promptdb.errors import OutsideRoot, PromptDBError
from promptdb.files.scan import Candidate, scan
from promptdb.files.tree import MAX_TEXT_BYTES, FileTooLarge
from promptdb.git.worktree import open_work_tree
from promptdb.problems import Code
from promptdb.project.adopt.braces import braces, chosen_format, literal_names
from promptdb.project.adopt.foreign import LANGCHAIN_FIELDS
from promptdb.project.adopt.names import proposed_names
from promptdb.project.parallel import ordered_map
from promptdb.project.read_file import LoadedFile, Loader
from promptdb.project.view import OpenView, open_view
from promptdb.render.compiled import CompiledPrompt
from promptdb.render.formats import engine
from promptdb.render.templates import templates
from promptdb.settings import AppSettings

_UNKNOWN = re.compile(r"unknown field '(\w+)'")
_OF_SYSTEM = re.compile(r"system", re.IGNORECASE)

BAD_NAME = "its name cannot be that of a prompt"
_TWICE = "another file has its name"
_OF_NAMES = frozenset({Code.BAD_NAME, Code.SAME_IDENTITY, Code.NAME_WITHOUT_FILE})

_File = tuple[Candidate, LoadedFile]
_Choice = tuple[dict[str, Any], str]
"""Settings, and the fact behind them."""

Skip = Callable[[str], str | None]
"""Returns the reason to leave out a file, by its path from the top of the repository, or None."""


@dataclass
class Reading:
    """The files of a place under some settings. Paths start at `prompts_path` of the settings.

    `left_out` has the reason for each file that is not a prompt. `blank` are empty files of chat folders. `literal` are texts
    with names in braces that are not variables there, by the braces and the format.
    """

    settings: dict[str, Any]
    found: int = 0
    prompts: list[Candidate] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    blank: list[str] = field(default_factory=list)
    literal: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    facts: list[str] = field(default_factory=list)
    example: str | None = None
    """A prompt with variables that renders with these `values`, or any prompt."""
    values: tuple[str, ...] = ()
    unknown: dict[str, list[str]] = field(default_factory=dict)
    """The unknown fields in the front matter of each file that has some."""
    broken: int = 0
    """How many texts are left out because of their braces."""

    @property
    def reasons(self) -> list[tuple[str, list[str]]]:
        """The reasons, each with its files, those with the most files first."""
        groups: dict[str, list[str]] = {}
        for path, reason in sorted(self.left_out.items()):
            groups.setdefault(reason, []).append(path)
        return sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))


def read_place(base: Path, roots: Sequence[str], skip: Skip) -> Reading:
    """Read the files of a place, and choose the settings for them."""
    reading = Reading({"prompts_root": tuple(roots)})
    opened = _opened(base, reading)
    if _are_chats([candidate.path for candidate in opened.found.candidates]):
        reading.settings["chat_folders"] = True
        opened = _opened(base, reading)
    if unusable := {p.path: p.message for p in opened.found.problems if p.is_error and p.code not in _OF_NAMES}:
        reading.left_out = {path: reason for path, reason in unusable.items() if path != "."}
        opened = _opened(base, reading)
    if twice := [problem.path for problem in opened.found.problems if problem.code is Code.SAME_IDENTITY]:
        kept = dict(reading.left_out)
        reading.left_out = kept | dict.fromkeys(twice, _TWICE)
        opened = _opened(base, reading)
        if better := _better(opened, twice):
            reading.left_out = kept | dict.fromkeys([better.get(path, path) for path in twice], _TWICE)
            opened = _opened(base, reading)
    bad = [problem.path for problem in opened.found.problems if problem.code is Code.BAD_NAME]
    taken = {candidate.prompt.folded for candidate in opened.found.candidates}
    names = proposed_names([path for path in bad if not skip(path)], opened.settings.layout, taken)
    if names:
        reading.settings["names"] = names
        opened = _opened(base, reading)
    loaded = _loaded(base, opened, reading, skip)
    _judge(opened, loaded, reading, skip)
    if names := {path: name for path, name in names.items() if path not in reading.left_out}:
        reading.settings["names"] = names
    else:
        reading.settings.pop("names", None)
    return reading


def _better(opened: OpenView, twice: Sequence[str]) -> dict[str, str]:
    """Find files that are valid, unlike the file that has the same name. Return that file for each."""
    layout, load = opened.settings.layout, Loader(opened.tree, opened.settings.file_rules)
    first = {candidate.prompt.folded: candidate for candidate in opened.found.candidates if not candidate.parts}
    better: dict[str, str] = {}
    # The parts of a chat folder have no names of their own.
    for path in (each for each in twice if layout.chat_role(each) is None):
        prompt = layout.prompt(path)
        other = first.get(prompt.folded)
        if other is None or other.path in better.values() or load(other).is_valid:
            continue
        if load(Candidate(path, prompt)).is_valid:
            better[path] = other.path
    return better


def _opened(base: Path, reading: Reading) -> OpenView:
    settings = AppSettings(base=base, **reading.settings)
    opened = open_view(settings)
    if not reading.left_out:
        return opened
    # As the ignore file will leave them out.
    work_tree = open_work_tree(settings.prompts_path, settings.layout)

    def ignores(path: str) -> bool:
        return path in reading.left_out or (work_tree is not None and work_tree.ignores(path))

    return replace(opened, found=scan(settings.prompts_path, settings.layout, ignores))


def _are_chats(paths: Sequence[str]) -> bool:
    """Test whether folders hold the messages of one chat each, such as system.md and user.md."""
    layout = Layout(chat_folders=True)
    roles = Counter(role for path in paths if "/" in path and (role := layout.chat_role(path)) is not None)
    return roles["system"] > 1


def _loaded(base: Path, opened: OpenView, reading: Reading, skip: Skip) -> list[LoadedFile]:
    """Load the candidates under the settings that make the most of them valid."""
    loaded = _load(opened)
    for choose in (_fields_of_others, _text_format, _text_role, _undefined):
        files = zip(opened.found.candidates, loaded, strict=True)
        if chosen := choose(opened, [(candidate, file) for candidate, file in files if not skip(candidate.path)]):
            settings, fact = chosen
            reading.settings |= settings
            reading.facts.append(fact)
            loaded = _load(_opened(base, reading)) if settings else loaded
    return loaded


def _fields_of_others(_: OpenView, files: Sequence[_File]) -> _Choice | None:
    fields = {match[1] for _, file in files for p in file.problems if (match := _UNKNOWN.fullmatch(p.message))}
    if "_type" not in fields:
        return None
    ignored = [name for name in LANGCHAIN_FIELDS if name in fields]
    return {"ignored_fields": ignored}, f"files of LangChain are read without {', '.join(ignored)}: ignored_fields"


def _text_format(opened: OpenView, files: Sequence[_File]) -> _Choice | None:
    return chosen_format(
        [
            braces(_text(opened, candidate), is_broken=_is_broken(file))
            for candidate, file in files
            # Front matter can name another format.
            if _is_text(candidate.path) and (file.content is None or file.content.spec.template_format == "f-string")
        ]
    )


def _is_broken(file: LoadedFile) -> bool:
    return Code.TEMPLATE_SYNTAX in {problem.code for problem in file.problems}


def _text(opened: OpenView, candidate: Candidate) -> str:
    return "\n".join(_text_of(opened, path) for path in candidate.parts or (candidate.path,))


def _text_of(opened: OpenView, path: str) -> str:
    with suppress(FileTooLarge, OSError, OutsideRoot):
        return opened.tree.read_scanned(path, MAX_TEXT_BYTES).decode(errors="replace")
    return ""


def _text_role(opened: OpenView, files: Sequence[_File]) -> _Choice | None:
    paths = [candidate.path for candidate, _ in files if file_suffix(candidate.path) in TEXT_FORMATS]
    if _are_chats(paths):
        return None
    if not paths or not all(map(_is_text, paths)):
        return None
    if sum(1 for path in paths if _OF_SYSTEM.search(path)) * 2 > len(paths) or _OF_SYSTEM.search(
        opened.settings.base.name
    ):
        return {"text_role": "system"}, 'texts are read as system messages: text_role = "system"'
    return {}, 'texts are read as strings; text_role = "system" makes system messages of them'


def _undefined(_: OpenView, files: Sequence[_File]) -> _Choice | None:
    specs = [file.content.spec for _, file in files if file.content is not None]
    # A prompt that declares its variables was written for promptdb.
    jinja = [spec for spec in specs if spec.template_format == "jinja2" and spec.variables is None]
    asking = sum(1 for spec in jinja if any(_asks(text, spec.includes) for text in templates(spec).values()))
    if not asking:
        return None
    fact = f"{asking} of {len(jinja)} jinja2 prompts test values that may be missing"
    return {"undefined": "lenient"}, f'{fact}: undefined = "lenient"'


def _is_text(path: str) -> bool:
    return TEXT_FORMATS.get(file_suffix(path), "") is None


def _load(opened: OpenView) -> list[LoadedFile]:
    return list(ordered_map(Loader(opened.tree, opened.settings.file_rules, run_tests=True), opened.found.candidates))


def _asks(text: str, includes: Mapping[str, str]) -> bool:
    return bool(engine("jinja2", "lenient").compile_template(text, includes).optional)


def _judge(opened: OpenView, loaded: Sequence[LoadedFile], reading: Reading, skip: Skip) -> None:
    """Decide for each file whether it is a prompt, and if not, why."""
    for problem in opened.found.problems:
        if problem.code is Code.BAD_NAME:
            reading.left_out[problem.path] = skip(problem.path) or BAD_NAME
    for candidate, file in zip(opened.found.candidates, loaded, strict=True):
        paths = candidate.parts or (candidate.path,)
        wrong = (problem for problem in file.problems if problem.is_error or problem.code is Code.EMPTY_TEMPLATE)
        reason = next((problem.message for problem in wrong), None)
        reason = skip(candidate.path) or reason
        if file.blank:
            reading.blank += paths
        elif reason is not None:
            reading.left_out |= dict.fromkeys(paths, reason)
            reading.broken += _is_broken(file) and _is_text(candidate.path)
            unknown = [match[1] for p in file.problems if (match := _UNKNOWN.fullmatch(p.message))]
            if unknown and file_suffix(candidate.path) in TEXT_FORMATS:
                reading.unknown[candidate.path] = unknown
        else:
            reading.prompts.append(candidate)
            _set_example(reading, candidate, file)
            _add_literal(reading, opened, candidate, file)
    used = sum(len(candidate.parts) or 1 for candidate in reading.prompts)
    reading.found = used + len(reading.left_out) + len(reading.blank)


def _set_example(reading: Reading, candidate: Candidate, file: LoadedFile) -> None:
    if reading.values or file.content is None:
        return
    compiled = CompiledPrompt(file.content.spec, file.content.open_blob)
    values = tuple(sorted(compiled.inputs.required))
    with suppress(PromptDBError):
        compiled.render_text(dict.fromkeys(values, "..."))
        if reading.example is None or values:
            reading.example, reading.values = str(candidate.prompt).removeprefix(f"{DEFAULT_NAMESPACE}/"), values


def _add_literal(reading: Reading, opened: OpenView, candidate: Candidate, file: LoadedFile) -> None:
    form = file.content.spec.template_format if file.content is not None else "jinja2"
    if form == "jinja2" or not (_is_text(candidate.path) or form == "plain"):
        return
    for path in candidate.parts or (candidate.path,):
        for shape in literal_names(_text_of(opened, path), form):
            reading.literal.setdefault((shape, form), []).append(path)
