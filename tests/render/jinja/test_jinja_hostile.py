"""Templates are not trusted: what they cannot reach, and that none of them takes all memory or time."""

import json
import re
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja_attacks
import pytest
from jinja_attacks import ATTACKS, SECONDS
from sampling import sampled

from promptdb.errors import TemplateError
from promptdb.render.jinja.engine import compile_template

PEAK = 500_000_000
"""Bytes that the process of all attacks may come to. Their values are 30 million of them, Python 60 million."""

REFUSED = re.compile(
    r"makes more than 100,000,000 characters|takes more than 1,000,000 loop steps and calls|calls itself endlessly"
    r"|nested deeper than 100|a number of more than 300 digits|sandbox refused|round to more|can be rounded|has no attribute 'a'|encoding utf-8|whole number"
    r"|template failed: (Range too big|a number is needed|name 'nan')"
)
EVERY = "''.__class__.__mro__[1].__subclasses__()"


class Secret:
    """An object of the application."""

    token = "s3cret"

    def __init__(self) -> None:
        self.calls = 0
        self._key = "s3cret"

    def __call__(self, *args: Any) -> str:
        self.calls += 1
        return "s3cret"

    def method(self, *args: Any) -> str:
        self.calls += 1
        return "s3cret"


def values() -> dict[str, Any]:
    secret = Secret()
    return {
        "x": "v",
        "xs": [3, 1, 2],
        "d": {"a": 1},
        "s": {1, 2},
        "secret": secret,
        "function": secret.method,
        "generator": (number for number in range(3)),
        "cls": Secret,
        "module": sys,
        "error": ValueError("x"),
        "builtins": __builtins__,
    }


# What a template cannot reach

ESCAPES = {
    "class": "{{ x.__class__ }}",
    "class by index": "{{ x['__class__'] }}",
    "class by a joined name": "{{ x['__cla' ~ 'ss__'] }}",
    "class by an escaped name": "{{ x['\\x5f\\x5fclass\\x5f\\x5f'] }}",
    "class by attr": "{{ x | attr('__class__') }}",
    "class by a joined attr": "{{ x | attr(['__cl', 'ass__'] | join) }}",
    "class by attr of a format": "{{ x | attr('%c%cclass%c%c' | format(95, 95, 95, 95)) }}",
    "class by map": "{{ [x] | map(attribute='__class__') | first }}",
    "class by map of attr": "{{ [x] | map('attr', '__class__') | first }}",
    "class by sort": "{{ [x, x] | sort(attribute='__class__') }}",
    "class by groupby": "{{ ([x] | groupby('__class__') | first).grouper }}",
    "class by join": "{{ [x] | join(attribute='__class__') }}",
    "class by sum": "{{ [x] | sum(attribute='__class__') }}",
    "class by max": "{{ [x] | max(attribute='__class__.__name__') }}",
    "class by selectattr": "{{ [x] | selectattr('__class__.__mro__', 'defined') | list }}{{ x.__class__ }}",
    "class by format": "{{ '{0.__class__}'.format(x) }}",
    "class by an index of format": "{{ '{0[__class__]}'.format(x) }}",
    "class by a name of format": "{{ '{a.__class__.__mro__}'.format(a=x) }}",
    "class by format_map": "{{ '{a.__class__}'.format_map({'a': x}) }}",
    "class by format, kept": "{% set f = '{0.__class__}'.format %}{{ f(x) }}",
    "class by attr format": "{{ ('{0.__class__}' | attr('format'))(x) }}",
    "class by format in a list": "{{ (['{0.__class__}'] | map(attribute='format') | first)(x) }}",
    "class by format_map in a list": "{{ (['{a.__class__}'] | map(attribute='format_map') | first)({'a': x}) }}",
    "class by index format": "{{ '{0.__class__}'['format'](x) }}",
    "class by format of safe text": "{{ ('{0.__class__}' | safe).format(x) }}",
    "class by format of format": "{{ '{0.format.__self__.__class__}'.format(x) }}",
    "class of a method": "{{ x.upper.__self__ }}",
    "method resolution order": "{{ cls.mro() }}",
    "all classes": "{{ " + EVERY + " }}",
    "all classes, filtered": "{% for c in " + EVERY + " %}{{ c }}{% endfor %}",
    "bases": "{{ ().__class__.__bases__[0] }}",
    "dict": "{{ secret.__dict__ }}",
    "private attribute": "{{ secret._key }}",
    "private attribute by attr": "{{ secret | attr('_key') }}",
    "private attribute by format": "{{ '{0._key}'.format(secret) }}",
    "globals of a function": "{{ function.__globals__ }}",
    "function of a method": "{{ function.__func__ }}",
    "code of a function": "{{ function.__code__ }}",
    "globals of cycler": "{{ cycler.__init__.__globals__.os }}",
    "globals of joiner": "{{ joiner.__init__.__globals__ }}",
    "globals of namespace": "{{ namespace.__init__.__globals__ }}",
    "globals of range": "{{ range.__globals__ }}",
    "globals of a macro": "{% macro m() %}{% endmacro %}{{ m.__call__.__globals__ }}",
    "function of a macro": "{% macro m() %}{% endmacro %}{{ m._func.__globals__ }}",
    "environment of a macro": "{% macro m() %}{% endmacro %}{{ m._environment }}",
    "globals of loop": "{% for i in xs %}{{ loop.__init__.__globals__ }}{% endfor %}",
    "undefined of loop": "{% for i in xs %}{{ loop._undefined }}{% endfor %}",
    "context of self": "{{ self._TemplateReference__context }}",
    "context of self by attr": "{{ self | attr('_TemplateReference__context') }}",
    "context of a block": "{% block b %}{{ self.b._context }}{% endblock %}",
    "globals of self": "{{ self.__init__.__globals__ }}",
    "globals of lipsum": "{{ lipsum.__globals__.os.popen('id') }}",
    "globals of an undefined": "{{ nothing.__init__.__globals__ }}",
    "attributes of a namespace": "{{ namespace(a=1)._Namespace__attrs }}",
    "attributes of namespace's class": "{{ namespace.mro() }}",
    "frame of a generator": "{{ generator.gi_frame }}",
    "frame by attr": "{{ generator | attr('gi_frame') }}",
    "frame by format": "{{ '{0.gi_frame.f_globals}'.format(generator) }}",
    "code of a generator": "{{ generator.gi_code }}",
    "traceback of an error": "{{ error.__traceback__ }}",
    "modules": "{{ module.modules }}{{ module.modules.os.system('true') }}",
    "builtins": "{{ builtins.__import__('os') }}{{ builtins['__import__']('os') }}",
    "calling an object": "{{ secret() }}",
    "calling a method": "{{ secret.method() }}",
    "calling a function": "{{ function() }}",
    "calling a class": "{{ cls() }}",
    "calling by a call block": "{% call function() %}{% endcall %}",
    "calling as a filter": "{{ xs | map(function) | list }}",
    "calling as a test": "{{ xs | select(function) | list }}",
    "calling by attr": "{{ (secret | attr('method'))() }}",
    "calling from a list": "{{ ([secret] | map(attribute='method') | first)() }}",
    "calling from a cycler": "{{ cycler(function).next()() }}",
    "calling a generator": "{{ generator.send(none) }}",
    "type of the type": "{{ cls.__class__('X', (), {}) }}",
    "fromkeys": "{{ dict.fromkeys(xs) }}",
    "from_bytes": "{{ (1).from_bytes(x.encode(), 'big') }}",
    "a fragment elsewhere": "{% include '../secrets.md' ignore missing %}{% include x %}",
    "a fragment of the system": "{% import '/etc/passwd' ~ '' as m %}",
}


@pytest.mark.parametrize("template", ESCAPES.values(), ids=ESCAPES)
def test_a_template_reaches_neither_python_nor_the_application(template: str):
    given = values()
    with pytest.raises(TemplateError) as caught:
        compile_template(template, {}).render(given)
    assert given["secret"].calls == 0
    assert "s3cret" not in caught.value.message
    assert "\n" not in caught.value.message


CHANGES = {
    **{f"list.{call}": f"{{{{ xs.{call} }}}}" for call in ("append(1)", "extend([1])", "insert(0, 1)", "remove(1)")},
    **{f"list.{call}": f"{{{{ xs.{call} }}}}" for call in ("pop()", "clear()", "sort()", "reverse()")},
    **{f"dict.{call}": f"{{{{ d.{call} }}}}" for call in ("update(b=1)", "pop('a')", "popitem()", "clear()")},
    "dict.setdefault": "{{ d.setdefault('b', 1) }}",
    **{f"set.{call}": f"{{{{ s.{call} }}}}" for call in ("add(3)", "discard(1)", "remove(1)", "pop()", "clear()")},
    "set.update": "{{ s.update([3]) }}",
    "set.intersection_update": "{{ s.intersection_update([]) }}",
    "set.difference_update": "{{ s.difference_update([1]) }}",
    "set.symmetric_difference_update": "{{ s.symmetric_difference_update([1]) }}",
    "append by attr": "{{ (xs | attr('append'))(1) }}",
    "append from a list": "{{ ([xs] | map(attribute='append') | first)(1) }}",
    "append by format": "{{ '{0.append}'.format(xs) }}",
    "indent, which adds to a list": "{{ xs | indent }}",
    "an item": "{% set xs[0] = 1 %}",
    "an attribute": "{% set secret.token = 1 %}",
}


@pytest.mark.parametrize("template", CHANGES.values(), ids=CHANGES)
def test_a_template_changes_none_of_its_values(template: str):
    given = values()
    before = repr([given["xs"], given["d"], given["s"], given["secret"].token])
    with pytest.raises(TemplateError):
        compile_template(template, {}).render(given)
    assert repr([given["xs"], given["d"], given["s"], given["secret"].token]) == before


@pytest.mark.parametrize(
    "template",
    [
        pytest.param("{{ x }}", id="written"),
        pytest.param("{{ x ~ '' }}", id="joined"),
        pytest.param("{% set y %}{{ x }}{% endset %}{{ y }}", id="captured"),
        pytest.param("{% macro m(a) %}{{ a }}{% endmacro %}{{ m(x) }}", id="through a macro"),
        pytest.param("{{ '%s' | format(x) }}", id="formatted"),
        pytest.param("{{ '{}'.format(x) }}", id="formatted by the method"),
        pytest.param("{% include 'f' %}", id="in a fragment"),
    ],
)
@pytest.mark.parametrize("value", ["{{ 7 * 7 }}", "{% include 'f' %}", "{# #}", "%s {0.__class__} {x}"])
def test_a_value_that_holds_template_syntax_is_data(template: str, value: str):
    assert compile_template(template, {"f": "{{ x }}"}).render({"x": value}) == value


# What a template cannot use up


class Victim:
    """A process that renders attacks; started anew when one of them has ended it."""

    def __init__(self) -> None:
        command = [sys.executable, str(Path(jinja_attacks.__file__))]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def render(self, name: str) -> dict[str, Any] | None:
        """The outcome; None if the process was ended or does not answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(name.encode() + b"\n")
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], 10 * SECONDS)
        line = self._process.stdout.readline() if ready else b""
        return json.loads(line) if line else None

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def victims() -> Iterator[list[Victim]]:
    started = [Victim()]
    yield started
    started[0].end()


@sampled(few=list(ATTACKS)[::6])
@pytest.mark.slow
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_before_it_takes_memory_or_time(name: str, victims: list[Victim]):
    outcome = victims[0].render(name)
    if outcome is None:
        victims[0].end()
        victims[0] = Victim()
        pytest.fail(f"{name}: out of memory, a crash, or more than {SECONDS} s of work")
    assert REFUSED.search(outcome.get("error", f"rendered: {outcome.get('text')}"))
    assert outcome["peak"] < PEAK
