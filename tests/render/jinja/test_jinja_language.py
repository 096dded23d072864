"""The sandbox renders what jinja2 renders: its own code, filters and operators change nothing but the price."""

from typing import Any

import pytest
from jinja2 import DictLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from promptdb.errors import TemplateError
from promptdb.render.jinja.engine import compile_template

VALUES: dict[str, Any] = {
    "xs": [3, 1, 2],
    "words": ["Beta", "alpha", "Gamma", "alpha"],
    "users": [{"name": "Ann", "age": 31, "tags": ["a", "b"]}, {"name": "bob", "age": 4, "tags": []}],
    "tree": [{"n": 1, "kids": [{"n": 2, "kids": []}, {"n": 3, "kids": []}]}, {"n": 4, "kids": []}],
    "d": {"b": 1, "a": [1, {"c": None}], "é": "<&'\">"},
    "s": "Hello <b>World</b>, www.example.com and me@example.com\n\tsecond line  \n",
    "n": 7,
    "f": 2.5,
    "nothing": None,
    "yes": True,
    "pairs": [("a", 1), ("b", 2)],
    "table": {"items": "an item", "get": 5},
}
INCLUDES = {
    "_f": "[{{ n }}{% for x in xs %}{{ loop.index }}{% endfor %}]",
    "_m": "{% macro hi(name, mark='!') %}Hi {{ name }}{{ mark }}{{ varargs }}{{ kwargs }}{% endmacro %}{% set kept = 5 %}",
    "_base": "<{% block head %}base{{ n }}{% endblock %}|{% block body %}{% endblock %}>",
}
LOOPS = [
    "{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}",
    "{{ loop.previtem | default('-') }}{{ loop.nextitem | default('-') }}",
    "{{ loop.cycle('odd', 'even') }}{{ loop.changed(x) }}{{ loop.depth }}{{ loop.depth0 }}{{ loop }}",
]
ITEMS = [
    "xs",
    "xs | reverse",
    "xs | select('odd')",
    "range(4)",
    "d",
    "d.items()",
    "'abc'",
    "[]",
    "words | unique",
    "xs | batch(2)",
]
TEMPLATES = [
    *(f"{{% for x in {items} %}}{loop}{{{{ x }}}};{{% else %}}none{{% endfor %}}" for items in ITEMS for loop in LOOPS),
    "{% for x in xs if x > 1 %}{{ loop.index }}{{ loop.length }}{{ loop.last }}{% endfor %}",
    "{% for a, b in pairs %}{{ a }}{{ b }}{% for c in xs %}{{ loop.index }}{{ a }}{% endfor %}{% endfor %}",
    "{% for t in tree recursive %}{{ loop.depth }}{{ t.n }}({{ loop(t.kids) }}){% endfor %}",
    "{% for x in xs %}{% set y = x %}{{ y }}{% endfor %}{% for x in xs %}{% for y in loop %}{{ y[0] }}{% endfor %}{% endfor %}",
    "{% autoescape true %}{{ '<b>' ~ s }}{{ ('<i>' | safe) ~ s }}{% endautoescape %}",
    "{% set ns = namespace(n=0) %}{% for x in xs %}{% set ns.n = ns.n + x %}{% endfor %}{{ ns.n }}",
    "{% set t %}a{{ n }}{% for x in xs %}{{ x }}{% endfor %}{% endset %}{{ t }}{{ t | length }}{% set u | upper %}{{ t }}{% endset %}{{ u }}",
    "{% macro m(a, b=2) %}({{ a }}{{ b }}{{ caller() if caller is defined else '' }}){% endmacro %}{{ m(1) }}{{ m(1, b=3) }}{% call m(n) %}c{{ n }}{% endcall %}",
    "{% macro m() %}{{ caller(1, 2) }}{% endmacro %}{% call(a, b) m() %}{{ a }}{{ b }}{% endcall %}{{ m.name }}{{ m.arguments }}",
    "{% filter upper %}a{{ s }}{% endfilter %}{% with a = n, b = 2 %}{{ a }}{{ b }}{% endwith %}",
    "{% if n > 5 and f < 3 or not yes %}a{% elif n %}b{% else %}c{% endif %}{{ 'x' if yes else 'y' }}{{ 'x' if not yes }}",
    "{{ 1 < n < 9 }}{{ 1 < n > 9 }}{{ 2 in xs }}{{ 5 not in xs }}{{ 'a' in d }}{{ 'ell' in s }}{{ n in [7, 8] }}{{ n in (1, 2) }}{{ [1] == [1] }}",
    "{{ n + 1 }}{{ 1 + n }}{{ n - 1 }}{{ 10 - n }}{{ n * 2 }}{{ n / 2 }}{{ n // 2 }}{{ n % 4 }}{{ n ** 2 }}{{ -n }}{{ +n }}{{ n + f }}{{ f ** n }}",
    "{{ 'a' + 'b' }}{{ [1] + xs }}{{ (1,) + (2,) }}{{ 'ab' * 3 }}{{ [0] * 2 }}{{ '%s-%05.1f-%d%%' % ('a', f, n) }}{{ '%(a)s' % {'a': 1} }}{{ '%s' % n }}",
    "{{ 'a' ~ n ~ none ~ xs ~ f }}{{ s[1:4] }}{{ xs[::-1] }}{{ xs[-1] }}{{ d['b'] }}{{ d.a[1].c }}{{ table.items }}{{ table['items'] }}{{ table.get('get') }}",
    "{{ s.upper() }}{{ s.split() }}{{ s.split(',', 1) }}{{ s.replace('l', 'L', 1) }}{{ '-'.join(words) }}{{ s.center(80) }}{{ s.splitlines() }}{{ 'a'.zfill(3) }}",
    "{{ d.keys() | list }}{{ d.values() | list }}{{ d.get('zz', 3) }}{{ xs.index(1) }}{{ xs.count(1) }}{{ (5).bit_length() }}{{ f.is_integer() }}{{ 'é'.encode('utf-8') }}",
    "{{ '{} {:>5} {a!r:.3}'.format(n, 'x', a=s) }}{{ '{0[1]} {0!s:>{w}}'.format(xs, w=20) }}{{ '{b}'.format_map(d) }}{{ 'a\\tb'.expandtabs(4) }}",
    "{{ words | sort }}{{ words | sort(case_sensitive=true, reverse=true) }}{{ words | unique | list }}{{ words | min }}{{ words | max }}{{ xs | sum }}",
    "{{ users | sort(attribute='age') | map(attribute='name') | join(', ') }}{{ users | map('length') | list }}{{ users | sum('age') }}{{ users | max(attribute='age') }}",
    "{{ users | groupby('name') }}{% for k, v in users | groupby('age') %}{{ k }}{{ v }}{% endfor %}{{ users | selectattr('tags') | list }}{{ users | rejectattr('age', 'gt', 5) | list }}",
    "{{ xs | select('gt', 1) | list }}{{ xs | reject('odd') | list }}{{ words | map('upper') | list }}{{ words | map('replace', 'a', 'b') | join }}{{ xs | first }}{{ xs | last }}",
    "{{ d | dictsort }}{{ d | dictsort(by='key', reverse=true) }}{{ d | items | list }}{{ d | length }}{{ xs | batch(2, 'x') | list }}{{ xs | slice(2, 'y') | list }}{{ xs | reverse | list }}",
    "{{ d | tojson }}{{ d | tojson(2) }}{{ s | tojson }}{{ d | pprint }}{{ d | urlencode }}{{ s | urlencode }}{{ {'a': n, 'b': none} | xmlattr }}{{ xs | string }}{{ d | string }}",
    "{{ s | upper | lower | title | capitalize | trim }}{{ s | truncate(10) }}{{ s | truncate(10, true, '..', 0) }}{{ s | wordwrap(10) }}{{ s | wordwrap(9, false, '|') }}{{ s | wordcount }}",
    "{{ s | indent }}{{ s | indent(2, true) }}{{ s | indent('>', blank=true) }}{{ s | replace('l', 'L') }}{{ s | replace('l', 'L', 1) }}{{ s | center(90) }}{{ s | trim('H') }}",
    "{{ s | escape }}{{ s | e }}{{ s | safe | e }}{{ s | forceescape }}{{ s | striptags }}{{ s | urlize }}{{ s | urlize(20, true, target='_x') }}{{ '%s %s' | format(n, f) }}",
    "{{ f | round }}{{ 2.567 | round(2, 'floor') }}{{ -5 | abs }}{{ '42' | int }}{{ 'x' | int(9) }}{{ 'ff' | int(base=16) }}{{ '1.5' | float }}{{ 12345 | filesizeformat }}{{ xs | count }}",
    "{{ missing | default('z') }}{{ nothing | default('z', true) }}{{ missing is defined }}{{ n is odd }}{{ n is divisibleby 7 }}{{ n is in xs }}{{ s is upper }}{{ n is eq 7 }}{{ n is gt(5) }}",
    "{{ n is number }}{{ s is string }}{{ d is mapping }}{{ xs is iterable }}{{ xs is sequence }}{{ nothing is none }}{{ n is sameas n }}{{ 'upper' is filter }}{{ n is even }}{{ n is ne 7 }}",
    "{{ range(2, 10, 3) | list }}{{ dict(a=1, **{'b': 2}) }}{{ dict(pairs) }}{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.current }}{% set j = joiner() %}{{ j() }}{{ j() }}",
    "{% autoescape true %}{{ s }}{{ '<' ~ s }}{{ s | safe }}{{ xs | join('<') }}{{ s | replace('o', '<') }}{% macro m() %}<{% endmacro %}{{ m() }}{% endautoescape %}{{ s }}",
    "{% autoescape yes %}{{ s }}{{ '<' ~ s }}{{ n }}<{% endautoescape %}{% autoescape nothing %}{{ s }}{% endautoescape %}",
    "{% include '_f' %}{% include 'no' ignore missing %}{% include '_m' without context %}",
    "{% import '_m' as m %}{{ m.hi(n) }}{{ m.hi(1, 2, 3, a=4) }}{{ m.kept }}{% from '_m' import hi as h, kept with context %}{{ h('x') }}{{ kept }}",
    "{% extends '_base' %}{% set z = 1 %}{% block body %}{{ n }}{{ z }}{{ super() }}{% endblock %}{% block head %}{{ super() }}!{{ self.body() }}{% endblock %}",
    "{% block a %}{{ n }}{% for x in xs %}{% block b scoped %}{{ x }}{% endblock %}{% endfor %}{% endblock %}{{ self.a() }}",
    "{% raw %}{{ n }}{% endraw %}{# no #}a  {{- n -}}  b{{ [] }}{{ {} }}{{ () }}{{ {'a': [1, n]} }}{{ (n, 1) }}{{ 1.0 }}{{ 1e100 }}{{ 10 ** 20 }}",
]


@pytest.mark.parametrize("template", TEMPLATES, ids=range(len(TEMPLATES)))
def test_a_render_is_that_of_jinja2(template: str):
    plain = ImmutableSandboxedEnvironment(undefined=StrictUndefined, loader=DictLoader(INCLUDES))
    expected = plain.from_string(template).render(VALUES)
    assert compile_template(template, INCLUDES).render(VALUES) == expected


FAILING = [
    "{{ n + s }}",
    "{{ s + n }}",
    "{{ n - s }}",
    "{{ xs[s] }}",
    "{{ {[]: 1} }}",
    "{{ [] in d }}",
    "{{ n in n }}",
    "{{ 1 < s }}",
    "{{ n < s }}",
    "{{ '%d' % s }}",
    "{{ '%s%s' % n }}",
    "{{ '{}{}'.format(n) }}",
    "{{ '{x}'.format() }}",
    "{{ s.split(1) }}",
    "{{ s.nosuch() }}",
    "{{ n() }}",
    "{{ words | sum }}",
    "{{ xs | sort(attribute='a') }}",
    "{{ xs | join(attribute='a') }}",
    "{{ users | map('nosuch') | list }}",
    "{{ users | map | list }}",
    "{{ s | center('x') }}",
    "{{ s | round }}",
    "{{ n | batch(2) | list }}",
    "{{ s | truncate(1) }}",
    "{{ users | sort }}",
    "{{ [xs] | unique | list }}",
    "{{ cycler() }}",
    "{% for a, b in xs %}{% endfor %}",
    "{% for a in n %}{% endfor %}",
    "{% for a in nothing %}{{ loop.index }}{% endfor %}",
    "{% set a, b = xs %}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m() }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}",
    "{% set nothing.x = 1 %}",
    "{{ d.nosuch }}",
    "{{ d['nosuch'] }}",
    "{{ users[0].nosuch.x }}",
    "{{ 1 / 0 }}",
    "{{ f(1) }}",
]


@pytest.mark.parametrize("template", FAILING)
def test_what_fails_in_jinja2_is_a_template_error(template: str):
    plain = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    with pytest.raises(Exception):  # noqa: B017, PT011  (whatever jinja2 lets through)
        plain.from_string(template).render(VALUES)
    with pytest.raises(TemplateError):
        compile_template(template, {}).render(VALUES)
