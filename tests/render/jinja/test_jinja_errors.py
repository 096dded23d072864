"""Errors of a render: one line, with the place in the template and in its fragment, and what is missing."""

from typing import Any

import pytest

from promptdb.errors import TemplateError
from promptdb.render.jinja.engine import compile_template

VALUES: dict[str, Any] = {"user": {"name": "Ann", "tags": ["a"]}, "xs": [1, 2], "n": 1, "s": "secret " * 1_000}
FRAGMENTS = {
    "_shared/tone.md": "Be kind.\n\n{{ user.nam }}",
    "_shared/outer.md": "a\n{% include '_shared/tone.md' %}",
    "_shared/macros.md": "{% macro hi(x) %}\n{{ x.nam }}\n{% endmacro %}",
    "_shared/base.md": "a\nb {% block body %}\n{{ 1 / 0 }}{% endblock %}",
    "_shared/leaf.md": "x",
}


@pytest.mark.parametrize(
    ("template", "line", "message"),
    [
        pytest.param("{{ 1 / 0 }}", 1, "the template failed: division by zero", id="first line"),
        pytest.param("a\n\nb {{ 1 / 0 }}\n", 3, "the template failed: division by zero", id="later line"),
        pytest.param("{% for x in xs %}\n{{ x / 0 }}\n{% endfor %}", 2, "division by zero", id="in a loop"),
        pytest.param("a\n{% for x in n %}{% endfor %}", 2, "'int' object is not iterable", id="of a loop"),
        pytest.param("{% if n %}\n\n{% if 1 / 0 %}{% endif %}{% endif %}", 3, "division by zero", id="a condition"),
        pytest.param("{% set a = 1 %}\n{% set b = 1 / 0 %}", 2, "division by zero", id="set"),
        pytest.param("{% set a %}\n\n{{ 1 / 0 }}{% endset %}", 3, "division by zero", id="set block"),
        pytest.param(
            "{% macro m() %}\n{{ 1 / 0 }}{% endmacro %}\n\n{{ m() }}", 2, "division by zero", id="inside of a macro"
        ),
        pytest.param("{% block b %}\n{{ 1 / 0 }}{% endblock %}", 2, "division by zero", id="block"),
        pytest.param("{{ n }}\n{{ xs | join(attribute='a.b') }}", 2, "no attribute 'a'", id="a filter"),
        pytest.param("a\n{{ n.bit_length(1) }}", 2, "takes no arguments", id="a method"),
        pytest.param("a\n{{ user() }}", 2, "the sandbox refused: an object of type 'dict' cannot be called", id="call"),
        pytest.param("a\n{{ n.__class__ }}", 2, "the sandbox refused: access to attribute '__class__'", id="sandbox"),
        pytest.param(
            "a\n{% for x in range(100000) %}\n{{ 'a' * 9999 }}{% endfor %}",
            None,
            "makes more than 100,000,000 characters",
            id="limit",
        ),
        pytest.param("{% macro m() %}\n{{ m() }}{% endmacro %}{{ m() }}", 2, "calls itself endlessly", id="endless"),
        pytest.param("a\n{{ '%(x)s' % {} }}", 2, "the template failed: no value for 'x'", id="format"),
    ],
)
def test_the_line_is_told(template: str, line: int | None, message: str):
    with pytest.raises(TemplateError) as caught:
        compile_template(template, {}).render(VALUES)
    assert caught.value.line == line
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("template", "line", "where"),
    [
        pytest.param(
            "a\n{% include '_shared/tone.md' %}", None, "in line 3 of the fragment _shared/tone.md", id="include"
        ),
        pytest.param(
            "{% include '_shared/outer.md' %}", None, "in line 3 of the fragment _shared/tone.md", id="nested"
        ),
        pytest.param(
            "{% import '_shared/macros.md' as m %}\n\n\n{{ m.hi(user) }}",
            None,
            "in line 2 of the fragment _shared/macros.md",
            id="macro of an import",
        ),
        pytest.param(
            "{% extends '_shared/base.md' %}", None, "in line 3 of the fragment _shared/base.md", id="extends"
        ),
        pytest.param(
            "{% extends '_shared/base.md' %}\n{% block body %}{{ 1 / 0 }}{% endblock %}", 2, "by zero", id="own block"
        ),
        pytest.param("a\n{% include '_shared/leaf.md' %}\n{{ 1 / 0 }}", 3, "by zero", id="behind an include"),
    ],
)
def test_the_fragment_is_told(template: str, line: int | None, where: str):
    with pytest.raises(TemplateError) as caught:
        compile_template(template, FRAGMENTS).render(VALUES)
    assert caught.value.line == line
    assert caught.value.message.endswith(where)


@pytest.mark.parametrize(
    ("template", "missing"),
    [
        pytest.param("{{ user.nam }}", "user.nam is undefined ('dict object' has no attribute 'nam')", id="attribute"),
        pytest.param("{{ user['nam'] }}", "user.nam is undefined ('dict object' has no attribute 'nam')", id="key"),
        pytest.param("{{ xs[5] }}", "xs[5] is undefined (list object has no element 5)", id="index"),
        pytest.param("{{ user.tags[3].x }}", "user.tags[3] is undefined", id="the part that is missing"),
        pytest.param("{{ user.a.b }}", "user.a is undefined", id="a part in the middle"),
        pytest.param("{{ user.nam | upper }} {{ user.name }}", "user.nam is undefined", id="in a filter"),
        pytest.param("{{ user.nam }}{{ n.nam }}", "'dict object' has no attribute 'nam'", id="two that may be meant"),
        pytest.param("{{ user[n] }}", "dict object has no element 1", id="a key that is a variable"),
        pytest.param(
            "{% for x in xs %}{{ x.nam }}{% endfor %}",
            "x.nam is undefined ('int object' has no attribute",
            id="in a loop",
        ),
        pytest.param("{% import '_shared/leaf.md' as m %}{{ m.hi() }}", "m.hi is undefined", id="of an import"),
        pytest.param(
            "{% from '_shared/leaf.md' import hi %}{{ hi() }}", "does not export the requested name 'hi'", id="import"
        ),
        pytest.param(
            "{% macro m(a) %}{{ a }}{% endmacro %}{{ m() }}", "parameter 'a' was not provided", id="parameter"
        ),
    ],
)
def test_what_is_missing_is_told(template: str, missing: str):
    with pytest.raises(TemplateError) as caught:
        compile_template(template, FRAGMENTS).render(VALUES)
    assert missing in caught.value.message


@pytest.mark.parametrize(
    "template", ["{{ xs.index(s) }}", "{{ user[s] }}", "{{ s.nosuch }}", "{{ '{x[0]}'.format(x=user)[s] }}"]
)
def test_a_message_is_one_short_line(template: str):
    with pytest.raises(TemplateError) as caught:
        compile_template(template, {}).render({**VALUES, "s": "secret\n" * 1_000})
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 300


def test_errors_of_the_application_pass():
    class Broken:
        def __str__(self) -> str:
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        compile_template("{{ x }}", {}).render({"x": Broken()})
