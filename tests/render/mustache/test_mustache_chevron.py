"""Generated templates, rendered by promptdb and by chevron: both write the same, except where docs/prompt-files.md says otherwise.

The templates also avoid four places in which chevron departs from the specification: false items of a list, an inverted section
within a section of the same name, the indentation of partials, and spaces between a tag that stands alone and the end of the text.
"""

from typing import Any

import chevron
from hypothesis import given
from hypothesis import strategies as st

from promptdb.render.mustache.engine import compile_template

PARTIALS = {"one": "1 {{text}}\n{{#things}}\n- {{x}}\n{{/things}}\n", "two": "{{! gone }}[{{number}}]"}
TEXTS = st.text("ab '\n", max_size=4)
SCALARS = TEXTS | st.integers(-3, 3) | st.booleans() | st.none() | st.floats(-2, 2)
ITEMS = st.text("ab ", min_size=1, max_size=3) | st.integers(1, 9)
THINGS = st.fixed_dictionaries({"x": SCALARS}, optional={"y": SCALARS, "text": SCALARS})
VALUES = st.fixed_dictionaries(
    {
        "text": SCALARS,
        "number": st.integers(),
        "object": st.fixed_dictionaries({"x": SCALARS, "inner": st.fixed_dictionaries({"y": SCALARS})}),
        "things": st.lists(THINGS, max_size=3),
        "items": st.lists(ITEMS, max_size=3),
        "flag": st.booleans() | st.none() | st.just(""),
    }
)
TAGS = ["{{NAME}}", "{{ NAME }}", "{{{NAME}}}", "{{&NAME}}", "{{& NAME }}", "{{=<% %>=}}<%NAME%><%={{ }}=%>"]
NAMES = ["text", "number", "object.x", "object.inner.y"]
BREAKS = st.sampled_from(["", "\n", " ", "\r\n"])


@st.composite
def templates(draw: st.DrawFn, within: tuple[str, ...] = ()) -> str:
    """Draw text, tags, partials, and sections of names that are not open yet."""
    pieces = [draw(TEXTS)]
    names = [*NAMES, *(["x", "y"] if "things" in within else []), *(["."] if within[-1:] == ("items",) else [])]
    sections = [name for name in ("object", "things", "items", "flag", "text") if name not in within]
    kinds = ["name", "name", "comment", "partial", *(["section", "inverted"] if len(within) < 3 else [])]
    for kind in draw(st.lists(st.sampled_from(kinds), max_size=3)):
        if kind == "name":
            pieces.append(draw(st.sampled_from(TAGS)).replace("NAME", draw(st.sampled_from(names))))
        elif kind == "comment":
            pieces.append(f"{{{{! {draw(TEXTS)} }}}}")
        elif kind == "partial":
            partial = f"{{{{> {draw(st.sampled_from([*PARTIALS]))}}}}}"
            pieces.append(draw(st.sampled_from([f"|{partial}", f"\n{partial}\n"])))
        else:
            name = draw(st.sampled_from(sections))
            body = draw(templates((*within, name if kind == "section" else f"not {name}")))
            opened = ("{{#" if kind == "section" else "{{^") + name + "}}"
            pieces.append(f"{opened}{draw(BREAKS)}{body}{draw(BREAKS)}{{{{/{name}}}}}")
        pieces.append(draw(BREAKS) + draw(TEXTS))
    return "".join(pieces)


@given(templates(), VALUES)
def test_ours_writes_what_chevron_writes(template: str, values: dict[str, Any]):
    template += "|"
    theirs = chevron.render(template, values, partials_path=None, partials_dict=PARTIALS)
    assert compile_template(template, PARTIALS).render(values) == theirs
