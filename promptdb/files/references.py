"""The other files a prompt names: `template_file`, `examples_file`, assets and includes, read through one tree."""

import posixpath
from dataclasses import dataclass, field

from pydantic import TypeAdapter, ValidationError

from promptdb.domain.digest import Digest, digest_of
from promptdb.domain.prompt_file import PromptFile
from promptdb.domain.spec import Asset, FewShot, JsonObject, PromptSpec
from promptdb.errors import IncludeError, OutsideRoot, TemplateError
from promptdb.files.document import Body, Document, Path
from promptdb.files.finding import Unreadable
from promptdb.files.read import decode, file_suffix, problems_of, read_examples, text_body
from promptdb.files.tree import MAX_ASSET_BYTES, MAX_TEXT_BYTES, FileTooLarge, Tree
from promptdb.problems import Code, Problem
from promptdb.render.engine import engine
from promptdb.render.templates import templates

_EXAMPLE = TypeAdapter(JsonObject)


def beside(path: str, name: str) -> str:
    """The path from the prompts root of a file that the prompt at `path` names."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), name))


@dataclass
class References:
    """Reads what one prompt names, collects the problems, and remembers digest and size of each file it read."""

    document: Document
    tree: Tree
    problems: list[Problem] = field(default_factory=list)
    read: dict[str, Digest] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    def template_text(self, file: PromptFile) -> str | None:
        if file.template_file is None:
            return file.template
        path: Path = ("template_file",)
        if file.template is not None or file.messages is not None:
            other = "template" if file.template is not None else "messages"
            self._add(path, Code.CONFLICTING_FIELDS, f"both 'template_file' and '{other}'", "keep one of them")
            return file.template
        where, data = self._bytes(path, file.template_file, MAX_TEXT_BYTES)
        if data is None:
            return ""
        try:
            text = decode(data)
        except Unreadable as error:
            self.problems += problems_of(where, error)
            return ""
        self.document.bodies[("template",)] = Body(where, len(text) - len(text.lstrip("\n")) + 1)
        return text_body(text)

    def few_shot(self, file: PromptFile) -> FewShot | None:
        if file.few_shot is None:
            return None
        fields = {name: getattr(file.few_shot, name) for name in FewShot.model_fields}
        if file.few_shot.examples_file is not None:
            fields["examples"] = self._examples(file.few_shot.examples_file)
        return FewShot.model_construct(**fields)

    def assets(self, file: PromptFile) -> list[Asset]:
        assets = []
        for index, asset in enumerate(file.assets):
            _, data = self._bytes(("assets", index, "path"), asset.path, MAX_ASSET_BYTES)
            if data is not None:
                assets.append(Asset(path=asset.path, kind=asset.kind, digest=digest_of(data)))
        return assets

    def includes(self, spec: PromptSpec) -> dict[str, str]:
        """The fragments that the templates name, and those that these name in turn."""
        found: dict[str, str] = {}
        include_names = engine(spec.template_format).include_names
        for path, text in templates(spec):
            try:
                names = include_names(text)
            except IncludeError as error:
                self.problems.append(
                    self.document.problem_inside(path, error.line, None, Code.INCLUDE, error.message, error.hint)
                )
                continue
            except TemplateError:
                continue  # told when the template is compiled
            for name in names:
                self._include(path, name, (), found, spec)
        return found

    def _include(self, path: Path, name: str, chain: tuple[str, ...], found: dict[str, str], spec: PromptSpec) -> None:
        if name in chain:
            self._add(path, Code.INCLUDE, f"fragments include one another: {' -> '.join((*chain, name))}", None)
            return
        if name in found:
            return
        _, data = self._bytes(path, name, MAX_TEXT_BYTES, from_root=True)
        if data is None:
            return
        try:
            found[name] = decode(data)
            names = engine(spec.template_format).include_names(found[name])
        except Unreadable as error:
            self.problems += problems_of(name, error)
        except TemplateError as error:
            line, column = error.line or 1, error.column or 1
            self.problems.append(Problem(name, line, column, Code.TEMPLATE_SYNTAX, error.message, error.hint))
        else:
            for inner in names:
                self._include(path, inner, (*chain, name), found, spec)

    def _examples(self, name: str) -> list[JsonObject]:
        where, data = self._bytes(("few_shot", "examples_file"), name, MAX_TEXT_BYTES)
        if data is None:
            return []
        try:
            values, lines = read_examples(file_suffix(name), data)
        except Unreadable as error:
            self.problems += problems_of(where, error)
            return []
        examples = []
        for index, (value, line) in enumerate(zip(values, lines, strict=True)):
            self.document.bodies["few_shot", "examples", index] = Body(where, line)
            try:
                examples.append(_EXAMPLE.validate_python(value))
            except ValidationError:
                message = f"example {index + 1} is not a mapping of names to values"
                self.problems.append(Problem(where, line, 1, Code.WRONG_VALUE, message))
        return examples

    def _bytes(self, path: Path, name: str, limit: int, *, from_root: bool = False) -> tuple[str, bytes | None]:
        """Path from the prompts root and content of a file; None after a problem."""
        where = posixpath.normpath(name) if from_root else beside(self.document.path, name)
        try:
            data = self.tree.read(where, limit)
        except OutsideRoot as error:
            self._add(path, Code.OUTSIDE_ROOT, f"{name!r} leads outside the prompts folder", error.hint)
        except FileTooLarge:
            self._add(path, Code.TOO_LARGE, f"{name!r} is larger than {limit // 1024:,} KiB", None)
        except FileNotFoundError:
            self._add(path, Code.FILE_MISSING, f"the file {name!r} does not exist", f"looked for {where}")
        except OSError as error:
            self._add(path, Code.UNREADABLE, f"the file {name!r} cannot be read: {error.strerror}", None)
        else:
            self.read[where] = digest_of(data)
            self.sizes[where] = len(data)
            return where, data
        return where, None

    def _add(self, path: Path, code: Code, message: str, hint: str | None) -> None:
        self.problems.append(self.document.problem(path, code, message, hint))
