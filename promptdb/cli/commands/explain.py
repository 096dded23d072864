"""`promptdb explain`."""

import textwrap

import click

from promptdb.cli.code_pages import CodePage, code_pages
from promptdb.domain.nearest import close_matches
from promptdb.errors import NotFound
from promptdb.problems import WARNINGS

_WIDTH = 80


@click.command("explain")
@click.argument("code")
def command(code: str) -> None:
    """Explain a problem code or a finding of verify, such as PDB302 or V402.

    Prints what is wrong, an example and the remedy.
    """
    pages = code_pages()
    page = pages.get(code.upper())
    if page is None:
        near = close_matches(code.upper(), pages, 3)
        hint = f"did you mean {' or '.join(near)}?" if near else "codes look like PDB302 or V402; see docs/errors.md"
        raise NotFound(f"no code {code!r}", hint)
    click.echo(_as_text(page))


def _as_text(page: CodePage) -> str:
    parts = [f"{page.code}: {_kind(page.code)}", _wrapped(_sentence(page.wrong))]
    if page.cause is not None:
        parts.append(_wrapped(f"Example: {page.cause}"))
    parts += [f"Example, {path}:\n\n{textwrap.indent(text.rstrip(), '    ')}" for path, text in page.files.items()]
    return "\n\n".join([*parts, _wrapped(f"Remedy: {page.remedy}.")])


def _kind(code: str) -> str:
    if not code.startswith("PDB"):
        return "a finding of 'promptdb verify'"
    return "a warning" if code in WARNINGS else "an error"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _wrapped(text: str) -> str:
    return textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
