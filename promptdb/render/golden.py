"""Golden tests: expected results of renders, written in the prompt file."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from promptdb.domain.field_path import FieldPath
from promptdb.domain.file_rules import ROLE_SYNONYMS
from promptdb.domain.prompt_file import Expectation, ExpectedMessage, GoldenTest
from promptdb.errors import RenderError
from promptdb.problems import MAX_LISTED, Code
from promptdb.render.compiled import CompiledPrompt
from promptdb.render.formats import line_and_column
from promptdb.render.messages import RenderedMessage
from promptdb.render.text_diff import CONTEXT, MAX_LINES_COMPARED, text_diff
from promptdb.render.validation import SpecProblem

MAX_COMPARED = 1_000_000
"""Pairs of lines that the diffs of all tests of a file compare."""

_Failure = tuple[str, str, str | None]
"""The field of a failed expectation, a message, and a diff if it helps."""


def run_tests(prompt: CompiledPrompt, tests: Sequence[GoldenTest]) -> Iterator[SpecProblem]:
    """Yield the problems that the tests find, in order."""
    count = 0
    for outcome in outcomes(prompt, tests):
        yield from outcome.problems
        count += len(outcome.problems)
        left = len(tests) - outcome.index - 1
        if count >= MAX_LISTED and left:
            message = f"{left:,} more tests did not run, after {count:,} problems"
            yield SpecProblem(("tests", outcome.index + 1), Code.TEST_BROKEN, message)
            return


@dataclass(frozen=True)
class Rewrite:
    """The value with which a failed expectation would hold: a text for `equals`, or a list for `messages`."""

    test: str
    path: FieldPath
    value: str | list[dict[str, Any]]

    @property
    def field(self) -> str:
        return str(self.path[-1])


def rewrites(prompt: CompiledPrompt, tests: Sequence[GoldenTest]) -> Iterator[Rewrite]:
    """Derive new values of failed expectations from the current render.

    `contains` and `not_contains` cannot be derived, and a broken test has no render.
    """
    for outcome in outcomes(prompt, tests):
        failing = {problem.path for problem in outcome.problems if problem.code is Code.TEST_FAILED}
        if any(problem.code is Code.TEST_BROKEN for problem in outcome.problems):
            continue
        test = tests[outcome.index]
        place = ("tests", outcome.index, "expect")
        if (*place, "equals") in failing:
            yield Rewrite(test.name, (*place, "equals"), outcome.text)
        if (*place, "messages") in failing:
            values = _as_expected(test.expect.messages or [], outcome.messages)
            yield Rewrite(test.name, (*place, "messages"), values)


@dataclass(frozen=True)
class Outcome:
    """The render of the test with this index, and its problems. Without problems, it passed."""

    index: int
    problems: Sequence[SpecProblem]
    text: str = ""
    messages: Sequence[RenderedMessage] = ()


def outcomes(prompt: CompiledPrompt, tests: Sequence[GoldenTest]) -> Iterator[Outcome]:
    """Run each test, in order."""
    diffs = _Diffs()
    for index, test in enumerate(tests):
        problems = []
        if unknown := sorted(test.variables.keys() - prompt.inputs.names):
            message = f"test {test.name!r} gives {', '.join(unknown)}, which the prompt does not use"
            problems.append(SpecProblem(("tests", index, "variables", unknown[0]), Code.TEST_BROKEN, message, key=True))
        try:
            messages = prompt.render_messages(test.variables, ignore_extra=True)
            text = prompt.render_text(test.variables, ignore_extra=True)
        except RenderError as error:
            message = f"test {test.name!r} does not render: {error.message}"
            problems.append(SpecProblem(("tests", index), Code.TEST_BROKEN, message, error.hint))
            yield Outcome(index, problems)
            continue
        for field, failure, diff in _failures(test.expect, text, messages, diffs):
            where, message = ("tests", index, "expect", field), f"test {test.name!r}: {failure}"
            problems.append(SpecProblem(where, Code.TEST_FAILED, message, detail=diff))
        yield Outcome(index, problems, text, messages)


def _failures(
    expect: Expectation, text: str, messages: Sequence[RenderedMessage], diffs: "_Diffs"
) -> Iterator[_Failure]:
    if expect.equals is not None and text != expect.equals:
        yield "equals", _difference(expect.equals, text), diffs.of_texts(expect.equals, text)
    parts = [s for message in messages if not isinstance(message.content, str) for s in _strings(message.content)]
    searched = "\n".join([text, *parts])
    for needle in _as_list(expect.contains):
        if needle not in searched:
            yield "contains", f"{_short(needle)} is not in {_short(searched, 200)}", None
    for needle in _as_list(expect.not_contains):
        if needle in searched:
            line = searched.count("\n", 0, searched.index(needle)) + 1
            yield "not_contains", f"{_short(needle)} is in line {line} of the text", None
    if expect.messages is not None:
        yield from _message_failures(expect.messages, messages, diffs)


def _message_failures(
    expected: Sequence[ExpectedMessage], messages: Sequence[RenderedMessage], diffs: "_Diffs"
) -> Iterator[_Failure]:
    if len(expected) != len(messages):
        wanted = [f"{ROLE_SYNONYMS.get(item.role, item.role)}: {_short(_as_text(item.content))}" for item in expected]
        got = [f"{_role(message)}: {_short(_as_text(message.content))}" for message in messages]
        diff = diffs.of("\n".join(wanted), "\n".join(got), context=max(len(wanted), len(got)))
        yield "messages", f"expected {len(expected)} messages, got {len(messages)}", diff
        return
    for number, (item, message) in enumerate(zip(expected, messages, strict=True), 1):
        if not _fits(item.role, message):
            yield "messages", f"message {number}: expected role {item.role}, got {_role(message)}", None
        if item.content != message.content:
            difference = _difference(_as_text(item.content), _as_text(message.content))
            lines = diffs.of_texts(_as_text(item.content, indent=2), _as_text(message.content, indent=2))
            yield "messages", f"message {number}: {difference}", lines


def _as_expected(expected: Sequence[ExpectedMessage], messages: Sequence[RenderedMessage]) -> list[dict[str, Any]]:
    """Write messages as a test expects them, with the words for roles that its author chose."""
    words = [item.role for item in expected]
    values = []
    for index, message in enumerate(messages):
        choices = (*words[index : index + 1], *words, _role(message), message.role)
        role = next(word for word in choices if _fits(word, message))
        values.append({"role": role, "content": message.content})
    return values


def _fits(word: str, message: RenderedMessage) -> bool:
    return ROLE_SYNONYMS.get(word, word) in (message.role, message.role_name)


def _role(message: RenderedMessage) -> str:
    return message.role_name or message.role


def _as_list(value: list[str] | str) -> list[str]:
    return [value] if isinstance(value, str) else value


def _strings(content: object) -> Iterator[str]:
    """Yield all texts of a content, at any depth of its parts."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list | dict):
        items = [item for key, item in content.items() if key != "type"] if isinstance(content, dict) else content
        for item in items:
            yield from _strings(item)


def _as_text(content: object, indent: int | None = None) -> str:
    if isinstance(content, str):
        return content
    return json.dumps(content, ensure_ascii=False, sort_keys=True, indent=indent)


def _short(text: str, limit: int = 60) -> str:
    return repr(text if len(text) <= limit else text[: limit - 3] + "...")


def _difference(wanted: str, got: str) -> str:
    """Describe the first difference of two texts."""
    pairs = zip(wanted, got, strict=False)
    position = next((index for index, (one, other) in enumerate(pairs) if one != other), min(len(wanted), len(got)))
    line, column = line_and_column(got, position)
    return f"line {line}, column {column}: expected {_short(wanted[position:])}, got {_short(got[position:])}"


class _Diffs:
    """The diffs of one file, as many as can be compared in a second or two."""

    def __init__(self) -> None:
        self._pairs = MAX_COMPARED

    def of_texts(self, wanted: str, got: str) -> str | None:
        # For texts of one line, `_difference` says enough.
        return self.of(wanted, got) if "\n" in wanted or "\n" in got else None

    def of(self, wanted: str, got: str, context: int = CONTEXT) -> str | None:
        if self._pairs < 0:
            return None
        lines = (min(text.count("\n") + 1, MAX_LINES_COMPARED) for text in (wanted, got))
        self._pairs -= prod(lines)
        return text_diff(wanted, got, context)
