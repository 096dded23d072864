"""Golden tests: renders that must come out as written in the prompt file."""

import json
from collections.abc import Iterator, Sequence

from promptdb.domain.prompt_file import Expectation, GoldenTest
from promptdb.domain.spec import ROLE_SYNONYMS, PromptSpec
from promptdb.errors import RenderError
from promptdb.problems import Code
from promptdb.render.messages import RenderedMessage
from promptdb.render.prompt import CompiledPrompt
from promptdb.render.validation import SpecFinding


def run_tests(spec: PromptSpec, tests: Sequence[GoldenTest]) -> Iterator[SpecFinding]:
    """What the tests of a valid spec find, in their order."""
    compiled = CompiledPrompt(spec)
    for index, test in enumerate(tests):
        unknown = sorted(test.variables.keys() - compiled.inputs.names)
        if unknown:
            message = f"test {test.name!r} gives {', '.join(unknown)}, which the prompt does not use"
            yield SpecFinding(("tests", index, "variables", unknown[0]), Code.TEST_BROKEN, message, key=True)
        try:
            messages = compiled.render_messages(test.variables, ignore_extra=True)
            text = compiled.render_text(test.variables, ignore_extra=True)
        except RenderError as error:
            message = f"test {test.name!r} does not render: {error.message}"
            yield SpecFinding(("tests", index), Code.TEST_BROKEN, message, error.hint)
            continue
        for field, failure in _failures(test.expect, text, messages):
            where = ("tests", index, "expect", field)
            yield SpecFinding(where, Code.TEST_FAILED, f"test {test.name!r}: {failure}")


def _failures(expect: Expectation, text: str, messages: Sequence[RenderedMessage]) -> Iterator[tuple[str, str]]:
    if expect.equals is not None and text != expect.equals:
        yield "equals", _difference(expect.equals, text)
    parts = [s for message in messages if not isinstance(message.content, str) for s in _strings(message.content)]
    searched = "\n".join([text, *parts])
    for needle in _as_list(expect.contains):
        if needle not in searched:
            yield "contains", f"{_short(needle)} is not in {_short(searched, 200)}"
    for needle in _as_list(expect.not_contains):
        if needle in searched:
            line = searched.count("\n", 0, searched.index(needle)) + 1
            yield "not_contains", f"{_short(needle)} is in line {line} of the text"
    if expect.messages is None:
        return
    if len(expect.messages) != len(messages):
        yield "messages", f"expected {len(expect.messages)} messages, got {len(messages)}"
    for number, (wanted, got) in enumerate(zip(expect.messages, messages, strict=False), 1):
        if ROLE_SYNONYMS.get(wanted.role, wanted.role) not in (got.role, got.role_name):
            yield "messages", f"message {number}: expected role {wanted.role}, got {got.role_name or got.role}"
        if wanted.content != got.content:
            yield "messages", f"message {number}: {_difference(_as_text(wanted.content), _as_text(got.content))}"


def _as_list(value: list[str] | str) -> list[str]:
    return [value] if isinstance(value, str) else value


def _strings(content: object) -> Iterator[str]:
    """All texts of a content, those deep in its parts too."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list | dict):
        items = [item for key, item in content.items() if key != "type"] if isinstance(content, dict) else content
        for item in items:
            yield from _strings(item)


def _as_text(content: object) -> str:
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, sort_keys=True)


def _short(text: str, limit: int = 60) -> str:
    return repr(text if len(text) <= limit else text[: limit - 3] + "...")


def _difference(wanted: str, got: str) -> str:
    """Where two texts part, and how each goes on from there."""
    pairs = zip(wanted, got, strict=False)
    position = next((index for index, (one, other) in enumerate(pairs) if one != other), min(len(wanted), len(got)))
    line, column = got.count("\n", 0, position) + 1, position - got.rfind("\n", 0, position)
    return f"line {line}, column {column}: expected {_short(wanted[position:])}, got {_short(got[position:])}"
