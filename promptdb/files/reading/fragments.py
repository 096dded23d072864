"""The fragments that templates include, and those that these include in turn."""

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from promptdb.errors import IncludeError, TemplateError
from promptdb.files.findings import Unreadable
from promptdb.files.reading.formats import decode, problems_of
from promptdb.problems import Code, Problem
from promptdb.render.formats import MAX_INCLUDE_DEPTH, Engine

Report = Callable[[Code, str, str | None], Problem]
"""Code, message and hint -> the problem at some place."""

AtLine = Callable[[int | None, Code, str, str | None], Problem]
"""The same for a line of some text."""

Chain = tuple[str, ...]
"""Fragments, each of which includes the next."""


@dataclass
class Fragments:
    """What the templates of one prompt include.

    Attributes:
        language: the format of templates and fragments.
        read: gives the bytes of a fragment; None after it has noted the problem that it reports.
        problems: where problems are noted.
        found: the text of each fragment by its name.
    """

    language: Engine
    read: Callable[[Report, str], bytes | None]
    problems: list[Problem]
    found: dict[str, str] = field(default_factory=dict)
    _longest: dict[str, Chain] = field(default_factory=dict)

    def follow(self, text: str, at: AtLine, chain: Chain = ()) -> Chain:
        """Read what a text names, and give the longest chain that starts there; `chain` has what led to the text."""
        longest: Chain = ()
        for name in self._names(text, at, is_fragment=bool(chain)):
            here = partial(at, _line_of_include(text, name))
            below = self._fragment(name, here, (*chain, name))
            longest = max(longest, (name, *below), key=len)
        return longest

    def _names(self, text: str, at: AtLine, *, is_fragment: bool) -> tuple[str, ...]:
        try:
            return self.language.include_names(text)
        except IncludeError as error:
            self.problems.append(at(error.line, Code.INCLUDE, error.message, error.hint))
        except TemplateError as error:
            if is_fragment:  # else it is told when the template is compiled
                self.problems.append(at(error.line, Code.TEMPLATE_SYNTAX, error.message, error.hint))
        return ()

    def _fragment(self, name: str, report: Report, chain: Chain) -> Chain:
        """The longest chain behind a fragment, which is read where it is met first. `chain` ends with it."""
        if posixpath.normpath(name) in map(posixpath.normpath, chain[:-1]):
            message = f"fragments include one another: {' -> '.join(chain)}"
            self.problems.append(report(Code.INCLUDE, message, "take one of these includes out"))
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
        known = len(self.problems)
        longest = self.follow(text, partial(_in_fragment, name), chain)
        if len(self.problems) == known:
            try:
                self.language.compile_template(text, self.found)
            except TemplateError as error:
                code = Code.INCLUDE if isinstance(error, IncludeError) else Code.TEMPLATE_SYNTAX
                self.problems.append(_in_fragment(name, error.line, code, error.message, error.hint))
        return longest


def _line_of_include(text: str, name: str) -> int:
    """Where a jinja2 tag or a mustache partial names a fragment."""
    match = re.search(rf"(?:%[-+]?\s*\w+\s+[\"']|>\s*){re.escape(name)}(?![\w./-])", text)
    return text.count("\n", 0, match.end()) + 1 if match else 1


def _in_fragment(name: str, line: int | None, code: Code, message: str, hint: str | None) -> Problem:
    return Problem(name, line or 1, 1, code, message, hint)
