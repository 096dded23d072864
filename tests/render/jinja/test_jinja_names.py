"""The variables of a jinja2 template: what a caller must give, and nothing that the template sets itself."""

import pytest

from promptdb.render.jinja.engine import compile_template

FRAGMENTS = {
    "_q": "{{ q }}",
    "_set": "{% set q = 1 %}{{ r }}",
    "_macro": "{% macro hi(x) %}{{ x }}{{ q }}{% endmacro %}",
    "_base": "{{ top }}{% block body %}{{ inner }}{% endblock %}{% block foot %}{{ foot }}{% endblock %}",
    "_outer": "{{ p }}{% include '_q' %}",
    "_loop": "{% include '_loop' %}{{ l }}",
    "_unused": "{{ never }}",
}


@pytest.mark.parametrize(
    ("template", "names"),
    [
        # expressions
        pytest.param("{{ a.b }}{{ c['d'] }}{{ e[f] }}{{ g[1:h] }}", "a c e f g h", id="the outermost name"),
        pytest.param("{{ a if b else c }}", "b a c", id="inline condition"),
        pytest.param("{{ a(b, *c, **d) }}", "a b c d", id="a call"),
        pytest.param("{{ true }}{{ none }}{{ True }}{{ None }}{{ false }}", "", id="constants"),
        pytest.param("{{ a | map(attribute='b') | select('eq', c) | list }}", "a c", id="filters and their arguments"),
        pytest.param("{{ a is divisibleby b }}{{ c is in d }}", "a b c d", id="tests and their arguments"),
        pytest.param("{{ a is defined }}{{ b is not defined }}{{ c is none }}", "a b c", id="is defined"),
        pytest.param("{{ a | default(b) }}{{ c.d | default('x') }}", "a b c", id="default"),
        pytest.param("{# {{ a }} #}{% raw %}{{ b }}{% endraw %}", "", id="comments and raw text"),
        # loops
        pytest.param("{% for a in b %}{{ a }}{{ loop.index }}{% endfor %}", "b", id="a loop"),
        pytest.param("{% for a, b in c.items() %}{{ a }}{{ b }}{% endfor %}", "c", id="a loop over pairs"),
        pytest.param("{% for a in a %}{{ a }}{% endfor %}", "a", id="a loop over what it hides"),
        pytest.param("{% for a in b %}{% endfor %}{{ a }}", "b a", id="after a loop"),
        pytest.param("{% for a in b %}{% set c = a %}{% endfor %}{{ c }}", "b c", id="set in a loop, read after it"),
        pytest.param("{% for a in b %}{% else %}{{ a }}{{ c }}{% endfor %}", "b a c", id="the else of a loop"),
        pytest.param("{% for a in b if a.c and d %}{{ a }}{% endfor %}", "b d", id="the condition of a loop"),
        pytest.param("{% for a in b recursive %}{{ loop(a.c) }}{% endfor %}", "b", id="a recursive loop"),
        pytest.param("{{ loop.index }}", "loop", id="loop outside of a loop"),
        # set
        pytest.param("{% set a = b %}{{ a }}", "b", id="set"),
        pytest.param("{% set a = a + 1 %}{{ a }}", "a", id="set from itself"),
        pytest.param("{{ a }}{% set a = 1 %}", "a", id="set after it is read"),
        pytest.param("{% set a, b = c %}{{ a }}{{ b }}", "c", id="set of two"),
        pytest.param("{% set a %}{{ b }}{% endset %}{{ a }}", "b", id="set block"),
        pytest.param("{% set a | upper %}{{ b }}{% endset %}{{ a }}", "b", id="set block with a filter"),
        pytest.param("{% if a %}{% set b = 1 %}{% endif %}{{ b }}", "a b", id="set in one branch"),
        pytest.param("{% if a %}{% set b = 1 %}{{ b }}{% endif %}", "a", id="set and read in one branch"),
        pytest.param(
            "{% if a %}{% set b = 1 %}{% else %}{% set b = c %}{% endif %}{{ b }}", "a c", id="in both branches"
        ),
        pytest.param(
            "{% if a %}{% set x = 1 %}{% elif b %}{% set x = 2 %}{% else %}{% set x = 3 %}{% endif %}{{ x }}",
            "a b",
            id="in all of three branches",
        ),
        pytest.param("{% if a %}{% set x = 1 %}{% elif b %}{% set x = 2 %}{% endif %}{{ x }}", "a b x", id="no else"),
        pytest.param("{% if a is not defined %}{% set a = 1 %}{% endif %}{{ a }}", "a", id="set where it is absent"),
        pytest.param(
            "{% set ns = namespace(a=b) %}{% for c in d %}{% set ns.a = ns.a + c %}{% endfor %}{{ ns.a }}",
            "b d",
            id="namespace",
        ),
        pytest.param("{% with a = b, c = 1 %}{{ a }}{{ c }}{{ d }}{% endwith %}{{ a }}", "b d a", id="with"),
        pytest.param("{% with a = 1, b = a %}{{ b }}{% endwith %}", "a", id="with, from outside"),
        # macros and blocks
        pytest.param("{% macro m(a, b=c) %}{{ a }}{{ b }}{{ d }}{% endmacro %}{{ m(e) }}", "c d e", id="macro"),
        pytest.param("{% macro m() %}{{ varargs }}{{ kwargs }}{{ caller() }}{% endmacro %}", "", id="names of macros"),
        pytest.param("{% macro m(n) %}{{ m(n - 1) }}{% endmacro %}{{ m(a) }}", "a", id="a macro that calls itself"),
        pytest.param(
            "{% macro m() %}{{ caller(1) }}{% endmacro %}{% call(a) m() %}{{ a }}{{ b }}{% endcall %}", "b", id="call"
        ),
        pytest.param("{% set a = 1 %}{% macro m() %}{{ a }}{% endmacro %}{{ m() }}", "", id="set before a macro"),
        pytest.param("{% filter replace(a, b) %}{{ c }}{% endfilter %}", "c a b", id="filter block"),
        pytest.param("{% block a %}{{ b }}{{ self.a() }}{{ super() }}{% endblock %}", "b", id="block"),
        pytest.param("{% set a = 1 %}{% block b %}{{ a }}{% endblock %}", "", id="a block sees what is set at the top"),
        pytest.param("{% for a in b %}{% block c %}{{ a }}{% endblock %}{% endfor %}", "b a", id="but not a loop"),
        pytest.param("{% for a in b %}{% block c scoped %}{{ a }}{% endblock %}{% endfor %}", "b", id="unless scoped"),
        # globals
        pytest.param("{{ range(a) }}{{ dict(b=c) }}{{ cycler(d) }}", "a c d", id="functions of jinja2"),
        pytest.param("{{ range }}", "range", id="the name of a function as a value"),
        pytest.param("{% for dict in dicts %}{{ dict.x }}{% endfor %}", "dicts", id="the name of a function in a loop"),
        pytest.param("{% set range = 1 %}{{ range }}", "", id="the name of a function, set"),
        pytest.param("{% macro m(dict) %}{{ dict }}{% endmacro %}", "", id="the name of a function as a parameter"),
        # fragments
        pytest.param("{{ a }}", "a", id="no fragment: those of other templates do not count"),
        pytest.param("{{ a }}{% include '_q' %}{{ b }}", "a q b", id="include"),
        pytest.param("{% include '_outer' %}", "p q", id="include in an include"),
        pytest.param("{% include ['nosuch', '_q'] %}", "q", id="include of the first there is"),
        pytest.param("{% include '_q' without context %}", "", id="include without context"),
        pytest.param("{% include '_loop' %}", "l", id="a fragment that includes itself"),
        pytest.param("{% set q = 1 %}{% include '_q' %}", "", id="set before an include"),
        pytest.param("{% include '_q' %}{% set q = 1 %}", "q", id="set after an include"),
        pytest.param(
            "{% if a %}{% set q = 1 %}{% endif %}{% include '_q' %}", "a q", id="set on one path to an include"
        ),
        pytest.param("{% for q in qs %}{% include '_q' %}{% endfor %}", "qs", id="set by a loop around an include"),
        pytest.param("{% include '_set' %}{{ q }}", "r q", id="set in a fragment, read outside"),
        pytest.param("{% import '_macro' as m %}{{ m.hi(a) }}", "a", id="import"),
        pytest.param("{% import '_macro' as m with context %}{{ m.hi(a) }}", "q a", id="import with context"),
        pytest.param("{% from '_macro' import hi as h %}{{ h(a) }}", "a", id="import by name"),
        pytest.param("{% extends '_base' %}", "top inner foot", id="extends"),
        pytest.param("{% extends '_base' %}{% block body %}{{ a }}{% endblock %}", "a top foot", id="a block replaced"),
        pytest.param(
            "{% extends '_base' %}{% block body %}{{ super() }}{% endblock %}", "top inner foot", id="a block extended"
        ),
        pytest.param("{% extends '_base' %}{% set top = 1 %}{% set inner = 2 %}", "foot", id="set before the base"),
        pytest.param(
            "{% extends '_base' %}{% block foot %}{{ a }}{% endblock %}{% set a = 1 %}",
            "top inner",
            id="set below a block",
        ),
    ],
)
def test_variables(template: str, names: str):
    assert compile_template(template, FRAGMENTS).variables == tuple(names.split())


@pytest.mark.parametrize("value", [True, False])
def test_a_name_set_in_each_branch_needs_no_value(value: bool):
    template = "{% if a %}{% set b = 'x' %}{% else %}{% set b = 'y' %}{% endif %}{{ b }}"
    assert compile_template(template, {}).render({"a": value}) == ("x" if value else "y")
