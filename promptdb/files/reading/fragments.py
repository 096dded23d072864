"""The fragments that templates include, and the fragments that these include in turn."""

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from promptdb.errors import IncludeError, TemplateError
from promptdb.files.findings import Unreadable
from promptdb.files.reading.formats import decode, problems_of
from promptdb.problems import Code, Problem
from promptdb.render.formats import MAX_INCLUDE_DEPTH, Engine

# Fragments, each of which includes the next.
Chain = tuple[str, ...]


class Report(Protocol):
    """Locates a problem at a line of some text, or where the text starts."""

    def __call__(self, code: Code, message: str, hint: str | None, *, line: int | None = None) -> Problem: ...


@dataclass
class Fragments:
    """The fragments that one prompt includes, by their names, and the problems with them.

    `read` reads a fragment, and returns None after it has reported a problem.
    """

    language: Engine
    read: Callable[[Report, str], bytes | None]
    problems: list[Problem]
    found: dict[str, str] = field(default_factory=dict)
    _longest: dict[str, Chain] = field(default_factory=dict)

    def follow(self, text: str, report: Report, chain: Chain = ()) -> Chain:
        """Read the fragments that a text includes, and return the longest chain below it. `chain` led to the text."""
        longest: Chain = ()
        for name in self._names(text, report, is_fragment=bool(chain)):
            below = self._fragment(name, partial(report, line=_line_of_include(text, name)), (*chain, name))
            longest = max(longest, (name, *below), key=len)
        return longest

    def _names(self, text: str, report: Report, *, is_fragment: bool) -> tuple[str, ...]:
        try:
            return self.language.include_names(text)
        except IncludeError as error:
            self.problems.append(report(Code.INCLUDE, error.message, error.hint, line=error.line))
        except TemplateError as error:
            # The validation of the spec compiles templates, and reports their errors.
            if is_fragment:
                self.problems.append(report(Code.TEMPLATE_SYNTAX, error.message, error.hint, line=error.line))
        return ()

    def _fragment(self, name: str, report: Report, chain: Chain) -> Chain:
        """Return the longest chain below a fragment, which is read the first time. `chain` ends with the fragment."""
        if posixpath.normpath(name) in map(posixpath.normpath, chain[:-1]):
            message = f"fragments include one another: {' -> '.join(chain)}"
            self.problems.append(report(Code.INCLUDE, message, "remove one of these includes"))
            return ()
        whole = (*chain, *self._longest.get(name, ()))
        if len(whole) > MAX_INCLUDE_DEPTH:
            message = f"fragments are nested deeper than {MAX_INCLUDE_DEPTH}: {' -> '.join(whole)}"
            self.problems.append(report(Code.INCLUDE, message, "flatten them"))
        elif name not in self._longest:
            self._longest[name] = self._read(name, report, chain)
        return self._longest.get(name, ())

    def _read(self, name: str, report: Report, chain: Chain) -> Chain:
        data = self.read(report, name)
        if data is None:
            return ()
        try:
            text = self.found[name] = decode(data)
        except Unreadable as error:
            self.problems += problems_of(name, error)
            return ()
        report, known = partial(_in_fragment, name), len(self.problems)
        longest = self.follow(text, report, chain)
        if len(self.problems) == known:
            try:
                self.language.compile_template(text, self.found)
            except TemplateError as error:
                code = Code.INCLUDE if isinstance(error, IncludeError) else Code.TEMPLATE_SYNTAX
                self.problems.append(report(code, error.message, error.hint, line=error.line))
        return longest


def _line_of_include(text: str, name: str) -> int:
    # A jinja2 tag or a mustache partial.
    match = re.search(rf"(?:%[-+]?\s*\w+\s+[\"']|>\s*){re.escape(name)}(?![\w./-])", text)
    return text.count("\n", 0, match.end()) + 1 if match else 1


def _in_fragment(name: str, code: Code, message: str, hint: str | None, *, line: int | None = None) -> Problem:
    return Problem(name, line or 1, 1, code, message, hint)
