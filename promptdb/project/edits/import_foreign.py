"""Writes prompts of other tools as prompt files."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from promptdb.domain.blob import Blob
from promptdb.domain.layout import Root
from promptdb.domain.prompt_id import DEFAULT_NAMESPACE, PromptId
from promptdb.domain.spec import PromptSpec
from promptdb.errors import ConfigError, InvalidPrompts, InvalidRef, PromptDBError, StorageError
from promptdb.files.editing.canonical import canonical_text
from promptdb.files.editing.write import yaml_text
from promptdb.files.tree import MAX_TEXT_BYTES, size_text
from promptdb.neighbours.foreign import ForeignPrompt, Loss, NotHeld, Unread
from promptdb.neighbours.formats import INCOMING, Format
from promptdb.problems import Code
from promptdb.project.adopt.names import slug
from promptdb.project.edits.new_files import NewFiles
from promptdb.project.edits.write_all import write_all
from promptdb.project.single_file import content_from_spec
from promptdb.render.compiled import CompiledPrompt
from promptdb.safe_paths import open_below
from promptdb.settings import AppSettings

MAX_FILES = 10_000
MAX_BYTES = 64 * MAX_TEXT_BYTES
"""Bytes of one foreign file, which may have many prompts."""


@dataclass(frozen=True, slots=True)
class Imported:
    """One prompt: where it came from, its new file with its text, and what it loses. `path` starts at the prompts root."""

    source: str
    prompt: PromptId
    path: str
    text: str
    losses: tuple[Loss, ...]


@dataclass(frozen=True, slots=True)
class NotImported:
    """A prompt that cannot be imported, or a file of a folder that was not read."""

    source: str
    reason: str


@dataclass(frozen=True)
class ImportPlan:
    """The files that an import writes, the prompts that it cannot write, and the files of a folder that it did not read."""

    root: Path
    imported: list[Imported] = field(default_factory=list)
    refused: list[NotImported] = field(default_factory=list)
    passed_over: list[NotImported] = field(default_factory=list)

    def write(self, *, overwrite: bool) -> None:
        """Write all files, or none. Errors as in `write_all`."""
        if self.imported:
            write_all({self.root / one.path: Blob.of(one.text.encode()) for one in self.imported}, overwrite=overwrite)


def plan_import(
    name: str,
    paths: Sequence[Path],
    settings: AppSettings,
    namespace: str | None = None,
    downloads: Mapping[str, bytes] | None = None,
    *,
    overwrite: bool = False,
) -> ImportPlan:
    """Read the prompts in files of another tool, and decide where each goes.

    A prompt has the name that its file says, or that of the file, in the characters of names. `namespace` comes before it.

    Args:
        name: a format in `INCOMING`.
        paths: files, and folders whose files of this format are read.
        downloads: what was read from servers, by their addresses.
        overwrite: replace files that exist and differ.

    Raises:
        ConfigError: there is no such format or file, or no single folder for new prompts.
        InvalidRef: `namespace` is malformed.
        StorageError: a file cannot be read.
    """
    if name not in INCOMING:
        raise ConfigError(f"promptdb does not import {name!r}", f"choose one of {', '.join(INCOMING)}")
    chosen = INCOMING[name]
    before = [] if namespace is None else PromptId.parse(f"{namespace}/x").namespace.split("/")
    plan, taken, places = ImportPlan(_new_prompts(settings)), set[str](), NewFiles(settings, overwrite=overwrite)
    sources = [(place, partial(_read, file)) for file, place in _files(paths, chosen, plan.passed_over)]
    sources += [(address, partial(bytes, data)) for address, data in (downloads or {}).items()]
    for place, data in sources:
        try:
            found = chosen.prompts(place, data())
        except NotHeld as error:
            plan.refused.append(NotImported(place, str(error)))
            continue
        for at, foreign in enumerate(found, 1):
            named = "" if foreign.name is None else f" {foreign.name!r:.80}"
            source = place if len(found) == 1 else f"{place}, prompt {at}{named}"
            try:
                if isinstance(foreign, Unread):
                    raise NotHeld(foreign.reason)
                prompt = _name(foreign, at if len(found) > 1 else 0, place, before, chosen, taken)
                made = _imported(source, prompt, foreign)
                if reason := places.refusal(prompt, made.path, made.text):
                    raise NotHeld(reason)
                plan.imported.append(made)
            except InvalidPrompts as error:
                plan.refused.append(NotImported(source, error.problems[0].message))
            except (InvalidRef, NotHeld) as error:
                plan.refused.append(NotImported(source, str(error)))
    return plan


def _new_prompts(settings: AppSettings) -> Path:
    roots = settings.prompts_root
    if len(roots) != 1 or Root(tuple(roots[0].split("/"))).is_pattern:
        raise ConfigError(
            "there are several prompts roots, so new prompts have no single folder", "set prompts_root to one folder"
        )
    return settings.prompts_path


def _files(paths: Sequence[Path], chosen: Format, passed_over: list[NotImported]) -> Iterator[tuple[Path, str]]:
    """Yield the files, each with the path that names its prompt: below the folder that was given, or its name.

    Adds the files of a folder that are not read to `passed_over`: links, which may lead out of the
    folder, and names that start with `_`, such as the partials of dotprompt.
    """
    count = 0
    for path in paths:
        if not path.is_dir():
            yield path, path.name
            continue
        inner = []
        for file in sorted(path.rglob("*")):
            below = file.relative_to(path)
            if file.is_symlink() and file.is_dir():
                passed_over.append(NotImported(below.as_posix(), "it is a link to a folder"))
                continue
            if not file.name.lower().endswith(chosen.suffixes) or not file.is_file() or file.name.startswith("."):
                continue
            if file.is_symlink():
                passed_over.append(NotImported(below.as_posix(), "it is a link"))
            elif file.name.startswith("_"):
                passed_over.append(NotImported(below.as_posix(), "its name starts with _"))
            else:
                inner.append((file, below.as_posix()))
        if not inner:
            raise ConfigError(
                f"{path} has no files of {chosen.title}", f"their names end in {', '.join(chosen.suffixes)}"
            )
        count += len(inner)
        if count > MAX_FILES:
            raise ConfigError(f"{path} has more than {MAX_FILES:,} files", "import one folder after the other")
        yield from inner


def _read(file: Path) -> bytes:
    try:
        stream, status = open_below(file.parent, file.name)
        with stream:
            if status.st_size > MAX_BYTES:
                raise NotHeld(f"it is larger than {size_text(MAX_BYTES)}")
            return stream.read(MAX_BYTES)
    except OSError as error:
        raise StorageError(f"cannot read {file}: {error.strerror}", "name a file, not a link") from error


def _name(
    foreign: ForeignPrompt, number: int, place: str, before: list[str], chosen: Format, taken: set[str]
) -> PromptId:
    suffix = max((end for end in chosen.suffixes if place.lower().endswith(end)), key=len, default="")
    stem = place.removesuffix(place[len(place) - len(suffix) :]) if suffix else place.rpartition(".")[0] or place
    given = foreign.name if foreign.name is not None else f"{stem}-{number}" if number else stem
    segments = [found for segment in given.split("/") if (found := slug(segment))]
    if not segments:
        raise NotHeld(f"{given!r:.60} has no character that a name may have")
    for end in ("", *(f"-{more}" for more in range(2, 1000))):
        prompt = PromptId.from_segments([*before, *segments[:-1], f"{segments[-1]}{end}"])
        if prompt.folded not in taken:
            taken.add(prompt.folded)
            return prompt
    raise NotHeld(f"a thousand prompts are named {given!r:.60}")


def _imported(source: str, prompt: PromptId, foreign: ForeignPrompt) -> Imported:
    declared, added = _declared(foreign.fields)
    spec = content_from_spec(declared).spec
    tests, losses = _tests(spec, foreign)
    fields = {**declared, **({"tests": tests} if tests else {})}
    path = str(prompt).removeprefix(f"{DEFAULT_NAMESPACE}/")
    text = canonical_text(".yaml", yaml_text(fields))
    return Imported(source, prompt, f"{path}.yaml", text, (*foreign.losses, *added, *losses))


def _declared(fields: dict[str, Any]) -> tuple[dict[str, Any], list[Loss]]:
    """Declare the variables that the templates use beside the declared ones. Other tools take such a file."""
    try:
        content_from_spec(fields)
    except InvalidPrompts as error:
        if not fields.get("variables") or any(one.code is not Code.UNDECLARED_VARIABLE for one in error.problems):
            raise
    else:
        return fields, []
    bare = content_from_spec({name: value for name, value in fields.items() if name != "variables"}).spec
    missing = [name for name in CompiledPrompt(bare).inputs.contract if name not in fields["variables"]]
    variables = {**fields["variables"], **{name: {} for name in missing}}
    reason = "the template uses it and the file does not declare it, so it is declared as any value"
    return {**fields, "variables": variables}, [Loss(f"variables.{name}", reason) for name in missing]


def _tests(spec: PromptSpec, foreign: ForeignPrompt) -> tuple[list[dict[str, Any]], list[Loss]]:
    """Make golden tests of the renders as they are now."""
    compiled, tests, losses = CompiledPrompt(spec), [], []
    for name, given in foreign.cases.items():
        values = {key: value for key, value in given.items() if key in compiled.inputs.contract}
        losses += [Loss(f"{name}, {key}", "no template uses it") for key in given if key not in values]
        try:
            if spec.kind == "string":
                expected: dict[str, Any] = {"equals": compiled.render_text(values)}
            else:
                messages = compiled.render_messages(values)
                expected = {"messages": [{"role": one.role, "content": one.content} for one in messages]}
        except PromptDBError as error:
            losses.append(Loss(name, f"it does not render: {error.message}"))
            continue
        tests.append({"name": name, "variables": values, "expect": expected})
    return tests, losses
