"""Prints prompts, and the differences of two prompts, line by line as their files have them."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING

import click

from promptdb.cli.present.output import printable
from promptdb.cli.present.problems import DIFF_COLOURS
from promptdb.cli.present.text import one_line
from promptdb.render.section_diff import DiffLine, lines_of, section_diff
from promptdb.render.text_diff import fully_marked, look, marked, shortened, window

if TYPE_CHECKING:
    from promptdb.domain.spec import PromptSpec

MARKS = "· marks a space at the end of a line, and → a tab"
MARK_CHARACTERS = "·→"


def diff_lines(old: "PromptSpec", new: "PromptSpec") -> list[DiffLine]:
    """Return the lines of a unified diff without its header; none if the texts are equal."""
    from promptdb.project.edits.write_version import sections

    return list(section_diff(sections(old), sections(new)))


def header(before: str, after: str) -> tuple[str, str]:
    return f"--- {before}", f"+++ {after}"


def marked_diff(lines: Sequence[DiffLine]) -> list[DiffLine]:
    """Make blanks visible that a reader would miss. Lines that look the same on both sides get more marks."""
    sides = {sign: {look(line.text) for line in lines if line.sign == sign} for sign in "-+"}
    others = {"-": sides["+"], "+": sides["-"]}
    return [
        line
        if line.sign in "@\\"
        else DiffLine(line.sign, (fully_marked if look(line.text) in others.get(line.sign, ()) else marked)(line.text))
        for line in lines
    ]


def shortened_diff(lines: Sequence[DiffLine], width: int) -> list[DiffLine]:
    """Cut long lines. An old line and the new one in its place both show their first difference."""
    result = list[DiffLine]()
    for is_change, run in groupby(lines, lambda line: line.sign in "-+\\"):
        block = list(run)
        old, new = ([line.text for line in block if line.sign == sign] for sign in "-+")
        windows = [window(one, other, width) for one, other in zip_longest(old, new, fillvalue="")] if is_change else []
        starts = {"-": iter(windows), "+": iter(windows)}
        result += [
            DiffLine(line.sign, shortened(line.text, next(starts.get(line.sign, iter([0]))), width)) for line in block
        ]
    return result


def print_diff(lines: Sequence[DiffLine], before: str, after: str) -> None:
    if not lines:
        return
    for text in header(before, after):
        click.secho(printable(one_line(text)), fg=DIFF_COLOURS[text[0]], bold=True)
    shown = marked_diff(lines)
    for line in shown:
        text = one_line(str(line)) if line.sign == "@" else printable(str(line))
        click.secho(text, fg=DIFF_COLOURS.get(line.sign))
    _explain_marks(is_marked=shown != lines)


def prompt_lines(spec: "PromptSpec", mark: Callable[[str], str] = marked) -> Iterator[tuple[str, bool]]:
    """Yield the lines of a prompt for readers, and if each is a heading. The text below a heading is indented."""
    from promptdb.project.edits.write_version import sections

    for section in sections(spec):
        if not section.is_field:
            ending = " (with a line break at the end)" if section.text.endswith("\n") and section.is_template else ""
            yield f"{one_line(section.title)}{ending}:", True
        for line in lines_of(section.text):
            text = mark(line.removesuffix("\n"))
            yield text if section.is_field or not text else f"  {text}", False


def print_prompt(spec: "PromptSpec") -> None:
    lines = list(prompt_lines(spec))
    for line, is_heading in lines:
        click.secho(printable(line), bold=is_heading or None)
    _explain_marks(is_marked=lines != list(prompt_lines(spec, mark=str)))


def _explain_marks(*, is_marked: bool) -> None:
    if is_marked:
        click.echo(f"note: {MARKS}", err=True)
