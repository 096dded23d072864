"""Golden tests: renders that must come out as written in the prompt file."""

from collections.abc import Iterator, Sequence

from promptdb.domain.problems import Code
from promptdb.domain.prompt_file import Expectation, GoldenTest
from promptdb.domain.spec import ROLE_SYNONYMS, PromptSpec
from promptdb.errors import RenderError
from promptdb.render.messages import RenderedMessage
from promptdb.render.prompt import CompiledPrompt
from promptdb.render.validation import SpecFinding


def run_tests(spec: PromptSpec, tests: Sequence[GoldenTest]) -> Iterator[SpecFinding]:
    """What the tests of a valid spec find, in their order."""
    compiled = CompiledPrompt(spec)
    for index, test in enumerate(tests):
        try:
            messages = compiled.render_messages(test.variables)
            text = compiled.render_text(test.variables)
        except RenderError as error:
            message = f"test {test.name!r} does not render: {error.message}"
            yield SpecFinding(("tests", index), Code.TEST_BROKEN, message, error.hint)
            continue
        for field, failure in _failures(test.expect, text, messages):
            where = ("tests", index, "expect", field)
            yield SpecFinding(where, Code.TEST_FAILED, f"test {test.name!r}: {failure}")


def _failures(expect: Expectation, text: str, messages: Sequence[RenderedMessage]) -> Iterator[tuple[str, str]]:
    if expect.equals is not None and text != expect.equals:
        yield "equals", f"got {_short(text)}, which differs {_first_difference(expect.equals, text)}"
    for needle in _as_list(expect.contains):
        if needle not in text:
            yield "contains", f"{_short(needle)} is not in {_short(text)}"
    for needle in _as_list(expect.not_contains):
        if needle in text:
            yield "not_contains", f"{_short(needle)} is in {_short(text)}"
    if expect.messages is not None:
        wanted = [(ROLE_SYNONYMS.get(message.role, message.role), message.content) for message in expect.messages]
        got = [(message.role_name or message.role, message.content) for message in messages]
        if len(wanted) != len(got):
            yield "messages", f"expected {len(wanted)} messages, got {len(got)}"
        for number, (one, other) in enumerate(zip(wanted, got, strict=False), 1):
            if one != other:
                yield "messages", f"message {number} is {other[0]}: {_short(str(other[1]))}"


def _as_list(value: list[str] | str) -> list[str]:
    return [value] if isinstance(value, str) else value


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _first_difference(wanted: str, got: str) -> str:
    position = next(
        (index for index, (one, other) in enumerate(zip(wanted, got, strict=False)) if one != other),
        min(len(wanted), len(got)),
    )
    line = got.count("\n", 0, position) + 1
    return f"at line {line}, column {position - got.rfind(chr(10), 0, position)}"
