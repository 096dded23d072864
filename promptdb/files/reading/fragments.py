"""The fragments that templates include, and the fragments that these include in turn."""

import posixpath
import re
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, Protocol

from promptdb.errors import IncludeError, TemplateError
from promptdb.files.findings import Unreadable
from promptdb.files.reading.formats import decode, problems_of
from promptdb.problems import Code, Problem
from promptdb.render.formats import MAX_COST, MAX_INCLUDE_DEPTH, Engine

MAX_FRAGMENTS = 500
"""Different fragments of one prompt."""

# Fragments, each of which includes the next.
Chain = tuple[str, ...]


class Report(Protocol):
    """Locates a problem at a line of some text, or where the text starts."""

    def __call__(self, code: Code, message: str, hint: str | None, *, line: int | None = None) -> Problem: ...


class Find(Protocol):
    """Finds the fragment that the text of the file `includer` names. Returns None after it has reported a problem."""

    def __call__(self, report: Report, name: str, includer: str) -> "Found | None": ...


class Found(NamedTuple):
    """A fragment, by its path from the prompts root."""

    path: str
    data: bytes


@dataclass
class Fragments:
    """The fragments that one prompt includes, by the names that templates use, and the problems with them.

    `paths` has the file of each name.
    """

    language: Engine
    find: Find
    problems: list[Problem]
    found: dict[str, str] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    _places: dict[tuple[str, str], str | None] = field(default_factory=dict)
    _longest: dict[str, Chain] = field(default_factory=dict)
    _cost: int = 0
    _cost_to_compile: int = 0

    def follow(self, text: str, file: str, report: Report, chain: Chain = ()) -> Chain:
        """Read the fragments that a text in a file includes, and return the longest chain below it. `chain` led to the text."""
        longest: Chain = ()
        for name in self._names(text, report, is_fragment=bool(chain)):
            if len(self._places) >= MAX_FRAGMENTS:
                message = f"the prompt names more than {MAX_FRAGMENTS} fragments"
                self.problems.append(report(Code.INCLUDE, message, "put them together"))
                break
            below = self._fragment(name, file, _at_include(report, text, name), (*chain, name))
            longest = max(longest, (name, *below), key=len)
        return longest

    def _names(self, text: str, report: Report, *, is_fragment: bool) -> tuple[str, ...]:
        self._cost += self.language.cost(text)
        if self._cost > MAX_COST:
            return ()  # the validation of the spec reports it
        try:
            return self.language.include_names(text)
        except IncludeError as error:
            self.problems.append(report(Code.INCLUDE, error.message, error.hint, line=error.line))
        except TemplateError as error:
            # The validation of the spec compiles templates, and reports their errors.
            if is_fragment:
                self.problems.append(report(Code.TEMPLATE_SYNTAX, error.message, error.hint, line=error.line))
        return ()

    def _fragment(self, name: str, includer: str, report: Report, chain: Chain) -> Chain:
        """Return the longest chain below a fragment, which is read the first time. `chain` ends with the fragment."""
        key = (posixpath.dirname(includer), name)
        if key not in self._places:
            self._places[key] = self._place(name, includer, report)
        path = self._places[key]
        if path is None:
            return ()
        if path in [self.paths[before] for before in chain[:-1]]:
            message = f"fragments include one another: {' -> '.join(chain)}"
            self.problems.append(report(Code.INCLUDE, message, "remove one of these includes"))
            return ()
        whole = (*chain, *self._longest.get(name, ()))
        if len(whole) > MAX_INCLUDE_DEPTH:
            message = f"fragments are nested deeper than {MAX_INCLUDE_DEPTH}: {' -> '.join(whole)}"
            self.problems.append(report(Code.INCLUDE, message, "flatten them"))
        elif name not in self._longest:
            self._longest[name] = self._below(name, chain)
        return self._longest.get(name, ())

    def _place(self, name: str, includer: str, report: Report) -> str | None:
        """Find the file of a name. In one prompt, a name is one file: the version records its text by the name."""
        found = self.find(report, name, includer)
        if found is None:
            return None
        if (other := self.paths.setdefault(name, found.path)) != found.path:
            message = f"{name!r} is {found.path} here, and {other} in another text of this prompt"
            self.problems.append(report(Code.INCLUDE, message, "write one of them with its path from the prompts root"))
            return None
        if name not in self.found:
            try:
                self.found[name] = decode(found.data)
            except Unreadable as error:
                self.problems += problems_of(found.path, error)
                return None
        return found.path

    def _below(self, name: str, chain: Chain) -> Chain:
        text, path = self.found[name], self.paths[name]
        report, known = partial(_in_fragment, path), len(self.problems)
        longest = self.follow(text, path, report, chain)
        # Each fragment is compiled with those below it. The template has their errors too, if that would take long.
        self._cost_to_compile += sum(map(self.language.cost, self.found.values()))
        if len(self.problems) == known and self._cost_to_compile <= MAX_COST:
            try:
                self.language.compile_template(text, self.found)
            except TemplateError as error:
                code = Code.INCLUDE if isinstance(error, IncludeError) else Code.TEMPLATE_SYNTAX
                self.problems.append(report(code, error.message, error.hint, line=error.line))
        return longest


def _at_include(report: Report, text: str, name: str) -> Report:
    def located(code: Code, message: str, hint: str | None, *, line: int | None = None) -> Problem:  # noqa: ARG001
        return report(code, message, hint, line=_line_of_include(text, name))

    return located


def _line_of_include(text: str, name: str) -> int:
    # A jinja2 tag or a mustache partial.
    match = re.search(rf"(?:%[-+]?\s*\w+\s+[\"']|>\s*){re.escape(name)}(?![\w./-])", text)
    return text.count("\n", 0, match.end()) + 1 if match else 1


def _in_fragment(path: str, code: Code, message: str, hint: str | None, *, line: int | None = None) -> Problem:
    return Problem(path, line or 1, 1, code, message, hint)
