"""Reads the other files that a prompt names: its `template_file`, `examples_file`, assets and includes."""

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from promptdb.domain.digest import Digest, digest_of
from promptdb.domain.field_path import FieldPath
from promptdb.domain.prompt_file import MessageInFile, PromptFile
from promptdb.domain.spec import MAX_ITEMS, Asset, FewShot, JsonObject, Message, Placeholder, PromptSpec
from promptdb.domain.suffixes import file_suffix
from promptdb.errors import NotInRoots, OutsideRoot
from promptdb.files.findings import Unreadable
from promptdb.files.reading.document import Body, Document
from promptdb.files.reading.formats import decode, problems_of, read_examples, text_body
from promptdb.files.reading.fragments import Found, Fragments, Report
from promptdb.files.streams import StoredFile
from promptdb.files.tree import (
    ABSENT,
    MAX_ASSET_BYTES,
    MAX_TEXT_BYTES,
    FileTooLarge,
    Tree,
    beside,
    measure,
    size_text,
)
from promptdb.problems import Code, Problem
from promptdb.render.formats import engine
from promptdb.render.templates import templates

MAX_TEXTS_BYTES = 4 * MAX_TEXT_BYTES
"""All texts that one prompt names, each as often as it is named."""

_BYTES_OF_FILE = 4096
"""The least that a text counts as, so that a prompt names a thousand files at most."""

_BYTES_OF_SEARCH = 256

_EXAMPLE = TypeAdapter(JsonObject)
_T = TypeVar("_T")


@dataclass
class References:
    """The files that one prompt names, and all problems with them. Paths start at the prompts root.

    `read` has the digest of each file, `stored` the assets, and `texts` the file of each text that has one.
    """

    document: Document
    tree: Tree
    problems: list[Problem] = field(default_factory=list)
    read: dict[str, Digest] = field(default_factory=dict)
    stored: dict[str, StoredFile] = field(default_factory=dict)
    texts: dict[FieldPath, str] = field(default_factory=dict)
    _size: int = 0

    def template_text(self, file: PromptFile) -> str | None:
        if file.template_file is None:
            return file.template
        if file.template is not None or file.messages is not None:
            self._conflict((), "template" if file.template is not None else "messages")
            return file.template
        return self._text((), file.template_file)

    def messages(self, file: PromptFile) -> list[Message | Placeholder] | None:
        if file.messages is None:
            return None
        return [
            item if isinstance(item, Placeholder) else self._message(("messages", index), item)
            for index, item in enumerate(file.messages)
        ]

    def _message(self, path: FieldPath, message: MessageInFile) -> Message:
        fields = {name: value for name, value in message.__dict__.items() if name != "template_file"}
        if message.template_file is not None:
            if message.template is not None:
                self._conflict(path, "template")
            else:
                fields["template"] = self._text(path, message.template_file)
        return Message.model_construct(**fields)

    def _conflict(self, path: FieldPath, other: str) -> None:
        message = f"both 'template_file' and '{other}'"
        found = self.document.problem((*path, "template_file"), Code.CONFLICTING_FIELDS, message, "keep one of them")
        self.problems.append(found)

    def _text(self, path: FieldPath, name: str) -> str:
        """Read the `template_file` of the prompt or of the message at `path`."""
        where, text = self._named((*path, "template_file"), name, decode)
        if text is None:
            return ""
        self.texts[*path, "template"] = where
        self.document.bodies[*path, "template"] = Body(where, len(text) - len(text.lstrip("\n")) + 1)
        return text_body(text)

    def few_shot(self, file: PromptFile) -> FewShot | None:
        if file.few_shot is None:
            return None
        fields = {name: getattr(file.few_shot, name) for name in FewShot.model_fields}
        named = file.few_shot.examples_file
        fields["examples"] = self._examples(named) if named is not None else file.few_shot.examples or []
        return FewShot.model_construct(**fields)

    def assets(self, file: PromptFile) -> list[Asset]:
        assets = []
        for index, asset in enumerate(file.assets):
            where = beside(self.document.path, asset.path)
            report = partial(self.document.problem, ("assets", index, "path"))
            if where not in self.stored:
                found = self._attempt(report, asset.path, where, MAX_ASSET_BYTES, partial(measure, self.tree))
                if found is None:
                    continue
                self.stored[where], self.read[where] = found
            assets.append(Asset(path=asset.path, kind=asset.kind, digest=self.stored[where].digest))
        return assets

    def includes(self, spec: PromptSpec) -> dict[str, str]:
        fragments = Fragments(engine(spec.template_format, spec.undefined), self._fragment, self.problems)
        if fragments.language.HAS_INCLUDES:
            for path, text in templates(spec).items():
                body = self.document.bodies.get(path)
                file = body.file if body is not None else self.document.path
                fragments.follow(text, file, partial(self.document.problem, path))
        self.texts |= {("includes", name): path for name, path in fragments.paths.items()}
        return fragments.found

    def _fragment(self, report: Report, name: str, includer: str) -> Found | None:
        places = _places_of_include(name, includer)
        where = next(filter(self._is_there, places[:-1]), places[-1])
        data = self._bytes(report, name, where, " or ".join(places))
        return Found(where, data) if data is not None else None

    def _is_there(self, where: str) -> bool:
        try:
            self.tree.open(where, MAX_TEXT_BYTES).close()
        except (FileNotFoundError, NotADirectoryError):
            self.read[where] = ABSENT
            self._size += _BYTES_OF_SEARCH
            return False
        except NotInRoots:
            return False
        except (OSError, OutsideRoot, FileTooLarge):
            # Reading it reports the problem.
            return True
        return True

    def _examples(self, name: str) -> list[JsonObject]:
        where, found = self._named(("few_shot", "examples_file"), name, partial(read_examples, file_suffix(name)))
        if found is None:
            return []
        self.texts["few_shot", "examples"] = where
        values, lines = found
        if len(values) > MAX_ITEMS:
            message = f"the file has more than {MAX_ITEMS:,} examples"
            self.problems.append(Problem(where, lines[MAX_ITEMS], 1, Code.FEW_SHOT, message, "choose the best"))
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

    def _named(self, path: FieldPath, name: str, parse: Callable[[bytes], _T]) -> tuple[str, _T | None]:
        """Read the file that the field at `path` names. Return its path from the prompts root, and the parsed content."""
        where = beside(self.document.path, name)
        data = self._bytes(partial(self.document.problem, path), name, where)
        try:
            return where, parse(data) if data is not None else None
        except Unreadable as error:
            self.problems += problems_of(where, error)
            return where, None

    def _bytes(self, report: Report, name: str, where: str, searched: str | None = None) -> bytes | None:
        if self._size > MAX_TEXTS_BYTES:
            return None  # it is reported already
        data = self._attempt(report, name, where, MAX_TEXT_BYTES, self.tree.read, searched)
        self._size += max(len(data or b""), _BYTES_OF_FILE)
        if self._size > MAX_TEXTS_BYTES:
            message = f"the files that the prompt names have more than {size_text(MAX_TEXTS_BYTES)} together"
            self.problems.append(report(Code.TOO_LARGE, message, "name fewer files, or make several prompts"))
        elif data is not None:
            self.read[where] = digest_of(data)
        return data

    def _attempt(
        self,
        report: Report,
        name: str,
        where: str,
        limit: int,
        read: Callable[[str, int], _T],
        searched: str | None = None,
    ) -> _T | None:
        try:
            return read(where, limit)
        except OutsideRoot as error:
            problem = report(Code.OUTSIDE_ROOT, f"{name!r} leads outside the prompts folder", error.hint)
        except FileTooLarge:
            problem = report(Code.TOO_LARGE, f"{name!r} is larger than {size_text(limit)}", None)
        except FileNotFoundError:
            problem = report(Code.FILE_MISSING, f"the file {name!r} does not exist", f"looked for {searched or where}")
        except OSError as error:
            problem = report(Code.UNREADABLE, f"the file {name!r} cannot be read: {error.strerror}", None)
        self.problems.append(problem)
        return None


def _places_of_include(name: str, includer: str) -> list[str]:
    """List where to look for a fragment: from the prompts root, beside the including file, then in the folders around it."""
    folder, folders = posixpath.dirname(includer), []
    while folder:
        folders.append(folder)
        folder = posixpath.dirname(folder)
    places = [posixpath.normpath(posixpath.join(folder, name)) for folder in ("", *folders)]
    inside = [place for place in dict.fromkeys(places) if not place.startswith(("/", "../"))]
    return inside or places[:1]
