"""One prompt file -> one `ParsedPrompt`, or every problem it has."""

from dataclasses import dataclass, field
from typing import NamedTuple

from promptdb.domain.changes import TextField
from promptdb.domain.digest import Digest
from promptdb.domain.prompt_file import GoldenTest, PromptFile
from promptdb.domain.prompt_id import DEFAULT_NAMESPACE, PromptId
from promptdb.domain.spec import PromptSpec, SpecFields, TemplateFormat
from promptdb.domain.suffixes import file_suffix
from promptdb.errors import InvalidRef
from promptdb.files.findings import Unreadable
from promptdb.files.reading.datasets import asset_problems
from promptdb.files.reading.document import Document
from promptdb.files.reading.fields import declared_variables, validate_fields
from promptdb.files.reading.formats import decode, problems_of, read_document
from promptdb.files.reading.references import References
from promptdb.files.streams import StoredFile
from promptdb.files.tree import Tree
from promptdb.problems import Code, Problem, in_order
from promptdb.render.assets import OpenBlob
from promptdb.render.compiled import CompiledPrompt
from promptdb.render.templates import CompiledTemplates
from promptdb.render.validation import SpecProblem, validate_spec


@dataclass(frozen=True)
class ParsedPrompt:
    """`reads` maps each other file that went into the spec to its digest. `document` finds places.

    `stored` has the assets by their paths from the prompts root, `texts` the `template_file` and the `examples_file`.
    """

    spec: PromptSpec
    document: Document
    templates: CompiledTemplates
    renamed_from: tuple[PromptId, ...] = ()
    tests: tuple[GoldenTest, ...] = ()
    reads: dict[str, Digest] = field(default_factory=dict)
    stored: dict[str, StoredFile] = field(default_factory=dict)
    texts: dict[TextField, str] = field(default_factory=dict)

    def compiled(self, open_blob: OpenBlob) -> CompiledPrompt:
        """The prompt ready to render; `open_blob` reads its assets."""
        return CompiledPrompt(self.spec, open_blob, self.templates)


class ParseResult(NamedTuple):
    """`prompt` is None where a problem is an error; warnings come along with a prompt."""

    prompt: ParsedPrompt | None
    problems: tuple[Problem, ...] = ()


def parse_file(path: str, data: bytes, tree: Tree, text_format: TemplateFormat) -> ParseResult:
    """Read, validate and resolve a prompt file.

    Args:
        path: relative to the prompts root; its suffix says how to read.
        data: its bytes.
        tree: where the files that it names are read.
        text_format: of text prompts whose suffix does not tell.
    """
    try:
        document = read_document(path, file_suffix(path), data, text_format)
    except Unreadable as error:
        problems = problems_of(path, error)
        if isinstance(error.data, dict):  # such as a key that stands twice: the rest of the file can be checked
            _, more = validate_fields(Document(path, error.data, decode(data)))
            problems += more
        return ParseResult(None, tuple(in_order(problems)))
    return parse_document(document, tree)


def parse_document(document: Document, tree: Tree) -> ParseResult:
    """The same for a file that is read already, or for fields that never were a file."""
    file, problems = validate_fields(document)
    if file is None:
        return ParseResult(None, tuple(in_order(problems)))
    references = References(document, tree)
    spec = _resolve(file, references)
    problems = [*problems, *references.problems]
    findings, templates = validate_spec(spec)
    problems += _spec_problems(spec, findings, document, incomplete=bool(problems))
    if spec.assets and not any(problem.is_error for problem in problems):
        problems += asset_problems(spec, templates, document, tree, references.stored)
    renamed_from = _renamed_from(file, document, problems)
    if any(problem.is_error for problem in problems):
        return ParseResult(None, tuple(in_order(problems)))
    parsed = ParsedPrompt(
        spec, document, templates, renamed_from, tuple(file.tests), references.read, references.stored, references.texts
    )
    return ParseResult(parsed, tuple(in_order(problems)))


def _spec_problems(
    spec: PromptSpec, findings: list[SpecProblem], document: Document, *, incomplete: bool
) -> list[Problem]:
    """What does not fit together; of an `incomplete` spec, for which a file could not be had, only what stands for itself."""
    problems = []
    alone = {Code.UNDECLARED_VARIABLE, Code.CONTRACT} | (set() if spec.includes else {Code.TEMPLATE_SYNTAX})
    for found in findings:
        if incomplete and found.code not in alone:
            continue
        if found.line is not None:
            problem = document.problem_inside(
                found.path, found.line, found.column, found.code, found.message, found.hint
            )
        else:
            problem = document.problem(found.path, found.code, found.message, found.hint, key=found.key)
        problems.append(problem)
    return problems


def _resolve(file: PromptFile, references: References) -> PromptSpec:
    fields = {name: getattr(file, name) for name in SpecFields.model_fields}
    fields["template"] = references.template_text(file)
    fields["variables"] = declared_variables(file)
    spec = PromptSpec.model_construct(
        **fields,
        kind=file.kind or ("chat" if file.messages is not None else "string"),
        template_format=file.template_format or "f-string",
        few_shot=references.few_shot(file),
        assets=references.assets(file),
        includes={},
    )
    includes = references.includes(spec)
    return spec.model_copy(update={"includes": includes}) if includes else spec


def _renamed_from(file: PromptFile, document: Document, problems: list[Problem]) -> tuple[PromptId, ...]:
    found = []
    own = document.path.rpartition(".")[0]
    for index, name in enumerate(file.renamed_from):
        try:
            earlier = PromptId.parse(name)
            if str(earlier) == own or f"{DEFAULT_NAMESPACE}/{own}" == str(earlier):
                problems.append(
                    document.problem(("renamed_from", index), Code.RENAME, f"{name!r} is this prompt itself")
                )
            found.append(earlier)
        except InvalidRef as error:
            problems.append(document.problem(("renamed_from", index), Code.BAD_NAME, error.message, error.hint))
    return tuple(found)
