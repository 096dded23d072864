"""Tables, badges and times as HTML. `Html` is text that is escaped already."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from promptdb.dashboard.showing.escaping import in_attribute, in_html

Html = str
"""HTML without untrusted markup: the output of the functions of this folder."""


def table_html(caption: str, header: Sequence[str], lines: Iterable[Sequence[Html]]) -> Html:
    """Write a table. The caption is for screen readers, the first cell of each line names it."""
    head = "".join(f'<th scope="col">{in_html(name)}</th>' for name in header)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in others)}</tr>'
        for first, *others in lines
    )
    return (
        f'<div class="pdb-scroll" tabindex="0" role="region" aria-label="{in_attribute(caption)}"><table class="pdb-table">'
        f"<caption>{in_html(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def badges_html(names: Iterable[str], sign: str = "") -> Html:
    """Write each name in a frame."""
    return " ".join(f'<span class="pdb-badge">{sign}{in_html(name)}</span>' for name in names)


def code_html(text: str) -> Html:
    return f"<code>{in_html(text)}</code>"


def time_html(at: datetime) -> Html:
    """Write a time in UTC to the minute, with the exact one for those who point at it."""
    exact = in_attribute(at.isoformat())
    return f'<time datetime="{exact}" title="{exact}">{at:%Y-%m-%d %H:%M} UTC</time>'


def fact_html(name: str, value: Html) -> Html:
    """Write one fact of several in a line."""
    return f'<span class="pdb-fact"><span class="pdb-name">{in_html(name)}</span> {value}</span>'


def facts_html(facts: Iterable[tuple[str, Html | None]]) -> Html:
    """Write facts in a line. Facts without a value are left out."""
    return f'<p class="pdb-facts">{" ".join(fact_html(name, value) for name, value in facts if value)}</p>'
