"""Shows the text of a template with its variables marked."""

import re
from collections.abc import Iterator, Mapping

from promptdb.dashboard.showing.escaping import in_attribute, in_html
from promptdb.domain.spec import TemplateFormat, Variable

MAX_SHOWN = 100_000
"""Characters of one text on a page. The rest is in the download."""

_TAGS: dict[TemplateFormat, tuple[tuple[str, str], ...]] = {
    "f-string": (("{", "}"),),
    "jinja2": (("{{", "}}"), ("{%", "%}"), ("{#", "#}")),
    "mustache": (("{{{", "}}}"), ("{{", "}}")),
    "plain": (),
}
"""The opening and closing of what a format replaces. A longer opening comes before its beginning."""


def template_html(text: str, template_format: TemplateFormat, contract: Mapping[str, Variable] | None = None) -> str:
    """Write a template as HTML. Each tag is marked, and says what the contract has for its variable."""
    pieces = (
        f'<mark class="pdb-tag"{_title(piece, contract or {})}>{in_html(piece)}</mark>' if is_tag else in_html(piece)
        for is_tag, piece in split_tags(text[:MAX_SHOWN], template_format)
    )
    return text_html("".join(pieces)) + cut_note(text)


def text_html(body: str) -> str:
    """Wrap HTML as preformatted text, whose direction is that of its first letters."""
    return f'<pre class="pdb-text" dir="auto" tabindex="0">{body}</pre>'


def cut_note(text: str) -> str:
    if len(text) <= MAX_SHOWN:
        return ""
    shown = f"The first {MAX_SHOWN:,} of {len(text):,} characters. The download has all."
    return f'<p class="pdb-note">{shown}</p>'


def split_tags(text: str, template_format: TemplateFormat) -> Iterator[tuple[bool, str]]:
    """Split a template into text and tags, for readers: a template that does not parse is split too."""
    start = at = 0
    gone: set[str] = set()
    tags = _TAGS[template_format]
    while tags and (found := _next(text, at, tags, gone)) is not None:
        begin, end = found
        if template_format == "f-string" and text.startswith("{{", begin):
            # An escaped brace.
            at = begin + 2
            continue
        if begin > start:
            yield False, text[start:begin]
        yield True, text[begin:end]
        start = at = end
    if start < len(text):
        yield False, text[start:]


def _next(text: str, at: int, tags: tuple[tuple[str, str], ...], gone: set[str]) -> tuple[int, int] | None:
    """Find the first tag from a place on. `gone` has the tags that the rest of the text does not close, or open."""
    places = []
    for opening, closing in tags:
        if opening not in gone:
            begin = text.find(opening, at)
            end = text.find(closing, begin + len(opening)) if begin >= 0 else -1
            if end < 0:
                gone.add(opening)
            else:
                places.append((begin, -len(opening), end + len(closing)))
    if not places:
        return None
    begin, _, end = min(places)
    return begin, end


def _title(tag: str, contract: Mapping[str, Variable]) -> str:
    name = re.split(r"[|.:!\[ ]", tag.strip("{}%#&/^ \t\n"), maxsplit=1)[0]
    variable = contract.get(name)
    return "" if variable is None else f' title="{in_attribute(described(name, variable))}"'


def described(name: str, variable: Variable) -> str:
    """Describe a variable on one line."""
    need = "required" if variable.required else "optional"
    about = f": {variable.description}" if variable.description else ""
    return f"{name}, {variable.type or 'any value'}, {need}{about}"
