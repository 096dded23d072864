"""Parses one prompt file into a `ParsedPrompt`, or reports every problem of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from promptdb.domain.digest import Digest, digest_of
from promptdb.domain.field_path import FieldPath
from promptdb.domain.file_rules import TextDefaults
from promptdb.domain.prompt_file import GoldenTest, PromptFile
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.spec import PromptSpec, SpecFields, Undefined
from promptdb.domain.suffixes import file_suffix
from promptdb.errors import InvalidRef
from promptdb.files.findings import Unreadable
from promptdb.files.reading.chat_folder import read_chat
from promptdb.files.reading.datasets import asset_problems
from promptdb.files.reading.document import Document
from promptdb.files.reading.fields import declared_variables, validate_fields
from promptdb.files.reading.formats import decode, problems_of, read_document
from promptdb.files.reading.references import References
from promptdb.files.streams import StoredFile
from promptdb.files.tree import Tree
from promptdb.problems import Code, Problem, listed
from promptdb.render.assets import OpenBlob
from promptdb.render.compiled import CompiledPrompt
from promptdb.render.templates import CompiledTemplates
from promptdb.render.validation import validate_spec
from promptdb.render.work import limited_work


@dataclass(frozen=True)
class ParsedPrompt:
    """A valid prompt file. Its `document` locates problems, and paths start at the prompts root.

    `reads` has the digest of each file that it names, `stored` the assets, and `texts` the file of each text that has one.
    """

    spec: PromptSpec
    document: Document
    templates: CompiledTemplates
    renamed_from: tuple[PromptId, ...] = ()
    tests: tuple[GoldenTest, ...] = ()
    reads: dict[str, Digest] = field(default_factory=dict)
    stored: dict[str, StoredFile] = field(default_factory=dict)
    texts: dict[FieldPath, str] = field(default_factory=dict)

    def compiled(self, open_blob: OpenBlob) -> CompiledPrompt:
        return CompiledPrompt(self.spec, open_blob, self.templates)


class ParseResult(NamedTuple):
    """A prompt, perhaps with warnings, or None if a problem is an error."""

    prompt: ParsedPrompt | None
    problems: tuple[Problem, ...] = ()


def parse_file(
    path: str, data: bytes, tree: Tree, defaults: TextDefaults, prompt: PromptId | None = None
) -> ParseResult:
    """Read, validate and resolve the prompt file at a path from the prompts root.

    `tree` reads the files that it names. `prompt` is the name that follows from the path.
    """
    try:
        document = read_document(path, file_suffix(path), data, defaults)
    except Unreadable as error:
        problems = problems_of(path, error)
        # After a duplicate key, for example, the rest of the file can be checked.
        if isinstance(error.data, dict):
            problems += validate_fields(Document(path, error.data, decode(data)))[1]
        return ParseResult(None, listed(path, problems))
    document.prompt = prompt
    _drop(document, defaults.ignored)
    return parse_document(document, tree, defaults.undefined)


def parse_chat(
    files: Mapping[str, bytes], tree: Tree, defaults: TextDefaults, prompt: PromptId | None = None
) -> ParseResult:
    """Read the files of a chat folder, in the order of its messages, as `parse_file` reads one file."""
    found = read_chat({path: data for path, data in files.items() if data.strip()} or files, defaults)
    if not isinstance(found, Document):
        return ParseResult(None, listed(next(iter(files)), found))
    found.prompt = prompt
    _drop(found, defaults.ignored)
    result = parse_document(found, tree, defaults.undefined)
    if result.prompt is not None:
        # Blank files count as well: a text in them would be a message.
        result.prompt.reads.update((path, digest_of(data)) for path, data in list(files.items())[1:])
    return result


def _drop(document: Document, fields: Iterable[str]) -> None:
    for name in fields:
        if name not in PromptFile.model_fields:
            document.data.pop(name, None)


def parse_document(document: Document, tree: Tree, undefined: Undefined = "strict") -> ParseResult:
    """Validate and resolve a prompt file that is already read, or fields that never were a file.

    `undefined` holds for a jinja2 prompt that does not name it.
    """
    file, problems = validate_fields(document)
    if file is None:
        return ParseResult(None, listed(document.path, problems))
    references = References(document, tree)
    spec = _resolve(file, references, undefined)
    problems = [*problems, *references.problems]
    with limited_work():
        findings, templates = validate_spec(spec)
    if problems:
        # The spec is incomplete: report only what is wrong without the missing part, too.
        certain = {Code.UNDECLARED_VARIABLE, Code.CONTRACT} | (set() if spec.includes else {Code.TEMPLATE_SYNTAX})
        findings = [found for found in findings if found.code in certain]
    problems += [
        document.problem(f.path, f.code, f.message, f.hint, key=f.key, line=f.line, column=f.column) for f in findings
    ]
    if spec.assets and not any(problem.is_error for problem in problems):
        with limited_work():
            problems += asset_problems(spec, templates, document, tree, references.stored)
    renamed_from = _renamed_from(file, document, problems)
    if any(problem.is_error for problem in problems):
        return ParseResult(None, listed(document.path, problems))
    parsed = ParsedPrompt(
        spec, document, templates, renamed_from, tuple(file.tests), references.read, references.stored, references.texts
    )
    return ParseResult(parsed, listed(document.path, problems))


def _resolve(file: PromptFile, references: References, undefined: Undefined) -> PromptSpec:
    fields = {name: getattr(file, name) for name in SpecFields.model_fields}
    template_format = file.template_format or "f-string"
    fields["template"] = references.template_text(file)
    fields["messages"] = references.messages(file)
    fields["variables"] = declared_variables(file)
    spec = PromptSpec.model_construct(
        **fields,
        kind=file.kind or ("chat" if file.messages is not None else "string"),
        template_format=template_format,
        undefined=file.undefined or (undefined if template_format == "jinja2" else "strict"),
        few_shot=references.few_shot(file),
        assets=references.assets(file),
        includes={},
    )
    includes = references.includes(spec)
    return spec.model_copy(update={"includes": includes}) if includes else spec


def _renamed_from(file: PromptFile, document: Document, problems: list[Problem]) -> tuple[PromptId, ...]:
    found = []
    for index, name in enumerate(file.renamed_from):
        try:
            earlier = PromptId.parse(name)
            found.append(earlier)
            if earlier == document.prompt:
                message = f"{name!r} is this prompt itself"
                problems.append(document.problem(("renamed_from", index), Code.RENAME, message))
        except InvalidRef as error:
            problems.append(document.problem(("renamed_from", index), Code.BAD_NAME, error.message, error.hint))
    return tuple(found)
