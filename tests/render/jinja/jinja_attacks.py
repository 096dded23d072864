"""Templates that would take all memory or never end, and the process they are rendered in: a regression ends that one only.

As a program: renders the attack named on each line of its input, and answers with a line of JSON.
"""

import json
import re
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from promptdb.errors import TemplateError
from promptdb.render.jinja.engine import compile_template

MEMORY = 1_500_000_000
"""Bytes of address space of the process, of which Python and its libraries take 200 million."""

SECONDS = 30
"""Of the processor, for one attack; the slowest takes one or two."""


def ones() -> Iterator[int]:
    while True:
        yield 1


VALUES: dict[str, Any] = {
    "word": "a" * 1_000,
    "line": "a b " * 250_000,
    "big": "x" * 10_000_000,
    "long": list(range(100_000)),
    "tree": [[{"name": "x", "parts": [1, 2, 3]}] * 10] * 10,
    "names": {f"n{number}": number for number in range(20_000)},
    "endless": ones,
}
WORN = "{% for i in range(90000) %}{% endfor %}" * 10
"""Takes most of the steps that a render has, so that the rest of it is short."""

SPENT = "{{ (" + " ~ ".join(["big"] * 9) + ") and '' }}"
"""Makes most of the characters that a render may make."""

THOUSAND = "{% for i in range(1000) %}"
DOUBLED = "{% set ns = namespace(v=%s) %}{% for i in range(60) %}{% set ns.v = %s %}{% endfor %}"


def doubled(start: str, step: str, then: str = "") -> str:
    return DOUBLED.replace("%s", start, 1).replace("%s", step, 1) + then


ATTACKS: dict[str, str] = {
    # loops and calls
    "nested loops": WORN + "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
    "five nested loops": THOUSAND * 5 + "{% endfor %}" * 5,
    "a loop over a filter": "{% for a in range(1000) | map('string') %}" + THOUSAND + "x{% endfor %}{% endfor %}",
    "a loop with a condition": "{% for a in range(100000) if a < 0 %}{% endfor %}" * 11,
    "an endless value": "{% for a in endless %}{% endfor %}",
    "a macro that calls itself twice": WORN
    + "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
    "a recursive loop": WORN
    + "{% for a in [1, 1] recursive %}{% if loop.depth < 60 %}{{ loop([1, 1]) }}{% endif %}{% endfor %}",
    "a call block that doubles": WORN
    + "{% macro m(n) %}{{ caller() if n }}{% if n %}{% call m(n - 1) %}x{% endcall %}{% call m(n - 1) %}x{% endcall %}{% endif %}"
    "{% endmacro %}{% call m(60) %}x{% endcall %}",
    "blocks that render one another": "{% set ns = namespace(n=0) %}{% block a %}{% set ns.n = 1 %}{{ self.b() }}{{ self.b() }}{% endblock %}"
    "{% block b %}{{ self.a() }}{{ self.a() }}{% endblock %}",
    "fragments that include one another twice": WORN + "{% include '0' %}",
    "a fragment in nested loops": WORN + THOUSAND + THOUSAND + "{% include 'leaf' %}{% endfor %}{% endfor %}",
    "a fragment that is imported in loops": WORN
    + THOUSAND
    + THOUSAND
    + "{% import 'macros' as m %}{% endfor %}{% endfor %}",
    "calls of methods": SPENT + THOUSAND + THOUSAND + "{{ word.upper() and '' }}{% endfor %}{% endfor %}",
    "empty outputs in a capture": WORN
    + "{% set s %}"
    + THOUSAND
    + THOUSAND
    + "{{ '' }}" * 500
    + "{% endfor %}{% endfor %}{% endset %}",
    "a body of many nodes": WORN
    + THOUSAND
    + "{% for j in range(990) %}"
    + "{{ i + j and '' }}" * 500
    + "{% endfor %}{% endfor %}",
    # text
    "writing a value again and again": THOUSAND + "{{ big }}{% endfor %}",
    "writing static text again and again": THOUSAND + THOUSAND + "x" * 9_000 + "{% endfor %}{% endfor %}",
    "writing a fragment again and again": THOUSAND + "{% include 'large' %}{% endfor %}",
    "a fragment without context": THOUSAND + THOUSAND + "{% include 'large' without context %}{% endfor %}{% endfor %}",
    "a capture of a value": "{% set s %}" + THOUSAND + "{{ big }}{% endfor %}{% endset %}",
    "a capture of fragments": WORN
    + "{% set s %}"
    + THOUSAND * 2
    + "{% include 'leaf' %}{% endfor %}{% endfor %}{% endset %}",
    "a macro that makes much": "{% macro m() %}{{ big }}{{ big }}{% endmacro %}"
    + THOUSAND
    + "{{ m() and '' }}{% endfor %}",
    "a filter block": "{% filter upper %}" + THOUSAND + "{{ big }}{% endfor %}{% endfilter %}",
    "a filter block of a default": THOUSAND + "{% filter default(big, true) %}{% endfilter %}{% endfor %}",
    "a list written out": SPENT + THOUSAND + "{{ long }}{% endfor %}",
    "escapes": SPENT + "{% autoescape true %}" + THOUSAND + "{{ big }}{% endfor %}{% endautoescape %}",
    "escapes, if wanted": "{% autoescape none %}" + THOUSAND + "{{ big }}{% endfor %}{% endautoescape %}",
    "doubled by ~": doubled("'x'", "ns.v ~ ns.v"),
    "doubled by +": doubled("'x'", "ns.v + ns.v"),
    "doubled lists": doubled("[1]", "ns.v + ns.v"),
    "doubled tuples": doubled("(1,)", "ns.v + ns.v"),
    "doubled by a capture": "{% set ns = namespace(v='x') %}{% for i in range(60) %}{% set s %}{{ ns.v }}{{ ns.v }}{% endset %}"
    "{% set ns.v = s %}{% endfor %}",
    "doubled by a macro": "{% macro m(x) %}{{ x }}{{ x }}{% endmacro %}" + doubled("'x'", "m(ns.v)"),
    "doubled by a filter block": "{% set ns = namespace(v='x') %}{% for i in range(60) %}{% set s | upper %}{{ ns.v * 2 }}{% endset %}"
    "{% set ns.v = s %}{% endfor %}",
    "doubled by join": doubled("'xx'", "[ns.v, ns.v] | join"),
    "doubled by replace": SPENT + doubled("'xx'", "ns.v | replace('x', 'xx')"),
    "doubled by the method replace": SPENT + doubled("'xx'", "ns.v.replace('x', 'xx')"),
    "doubled by format": doubled("'xx'", "'%s%s' | format(ns.v, ns.v)"),
    "doubled by the method format": doubled("'xx'", "'{0}{0}'.format(ns.v)"),
    "doubled by %": doubled("'xx'", "'%s%s' % (ns.v, ns.v)"),
    "doubled by the method join": doubled("'xx'", "ns.v.join([ns.v, ns.v])"),
    "doubled by sum": doubled("[1]", "[ns.v, ns.v] | sum(start=[])"),
    "doubled by *": doubled("'x'", "ns.v * 2 ~ ''"),
    "doubled by translate": SPENT + doubled("'xx'", "ns.v.translate({120: 'xx'})"),
    "kept in a list": doubled("[]", "[ns.v, big | upper]"),
    "kept slices": "{% set ns = namespace(v=[]) %}" + THOUSAND + "{% set ns.v = [ns.v, big[1:]] %}{% endfor %}",
    "kept slices of a list": "{% set ns = namespace(v=[]) %}"
    + THOUSAND
    + "{% set ns.v = [ns.v, long[1:]] %}{% endfor %}",
    "kept copies": "{% set ns = namespace(v=[]) %}" + THOUSAND + "{% set ns.v = [ns.v, long.copy()] %}{% endfor %}",
    "kept reversals": "{% set ns = namespace(v=[]) %}"
    + THOUSAND
    + "{% set ns.v = [ns.v, big | reverse] %}{% endfor %}",
    "kept lists": "{% set ns = namespace(v=[]) %}" + THOUSAND + "{% set ns.v = [ns.v, long | list] %}{% endfor %}",
    "kept literals": SPENT
    + "{% set ns = namespace(v=[]) %}"
    + THOUSAND
    + THOUSAND
    + "{% set ns.v = [ns.v, "
    + "0, " * 90
    + "] %}{% endfor %}{% endfor %}",
    "kept by imports": THOUSAND + "{% from 'macros' import keep %}{{ keep(big ~ i) }}{% endfor %}",
    # one argument that makes much
    "center": "{{ 'a' | center(10 ** 10) }}",
    "center, mapped": "{{ ['a'] | map('center', 10 ** 10) | list }}",
    "center, mapped over many": "{{ range(1000) | map('center', 10 ** 6) | list }}",
    "the method center": "{{ 'a'.center(10 ** 10) }}",
    "ljust": "{{ 'a'.ljust(10 ** 10) }}",
    "rjust": "{{ 'a'.rjust(10 ** 10) }}",
    "rjust of bytes": "{{ 'a'.encode().rjust(10 ** 10) }}",
    "zfill": "{{ 'a'.zfill(10 ** 10) }}",
    "expandtabs": "{{ '\\t'.expandtabs(10 ** 9) }}",
    "a method by the filter attr": "{{ ('a' | attr('center'))(10 ** 10) }}",
    "a method kept in a name": "{% set f = 'a'.center %}{{ f(10 ** 10) }}",
    "to_bytes": "{{ (1).to_bytes(10 ** 10, 'big') }}",
    "indent": "{{ 'a\\nb' | indent(10 ** 10) }}",
    "indent of many lines": "{{ line | replace(' ', '\\n') | indent(word) }}",
    "replace nothing": "{{ big | replace('', word) }}",
    "replace by the method": "{{ big.replace('', word) }}",
    "join by a long text": "{{ long | join(word) }}",
    "join by a method": "{{ word.join(big) }}",
    "a width in %": "{{ '%1000000000d' % 5 }}",
    "a width in % of a value": "{{ '%*d' % (10 ** 9, 5) }}",
    "a precision in %": "{{ '%.1000000000f' % 5 }}",
    "a width in the filter format": "{{ '%1000000000s' | format('a') }}",
    "a name again and again in %": "{{ ('%(a)s' * 1000) % {'a': big} }}",
    "a width in a test": "{{ '%1000000000d' is odd }}",
    "a width in another test": "{{ '%1000000000d' is divisibleby(3) }}",
    "a width in format": "{{ '{:>1000000000}'.format('a') }}",
    "a width given to format": "{{ '{:{w}}'.format('a', w=10 ** 9) }}",
    "a width in format_map": "{{ '{a:1000000000}'.format_map({'a': 1}) }}",
    "a precision in format": "{{ '{:.1000000000f}'.format(1.0) }}",
    "a field again and again": "{{ ('{0}' * 1000).format(big) }}",
    "fields of lists": SPENT + "{{ ('{0!r}' * 1000).format(long) }}",
    "format by the filter attr": "{{ ('{:1000000000}' | attr('format'))(1) }}",
    "format of marked text": "{{ ('{:1000000000}' | safe).format(1) }}",
    "tojson with an indent": "{{ [[1]] | tojson(indent=10 ** 9) }}",
    "a list that nests": doubled("[1]", "[ns.v, ns.v]", "{{ ns.v }}"),
    "a dict that nests": doubled("{}", "{'a': ns.v, 'b': ns.v}", "{{ ns.v }}"),
    "what nests, by format": doubled("[1]", "[ns.v, ns.v]", "{{ '{}'.format(ns.v) }}"),
    "what nests, compared": doubled("[1]", "[ns.v, ns.v]", "{% set ns.w = ns.v %}")
    + doubled("[1]", "[ns.v, ns.v]", "{% set a = ns.v %}")
    + doubled("[1]", "[ns.v, ns.v]", "{{ a == ns.v }}"),
    "what nests, as a key": doubled("(1,)", "(ns.v, ns.v)", "{{ {ns.v: 1} }}"),
    "nested too deeply for a hash": "{% set ns = namespace(v=()) %}{% for i in range(20000) %}{% set ns.v = (ns.v,) %}{% endfor %}{{ {}[ns.v] }}",
    "nested too deeply for an iterator": WORN
    + "{% set ns = namespace(v='ab') %}{% for i in range(100000) %}{% set ns.v = ns.v | map('upper') %}{% endfor %}"
    "{{ ns.v | list }}" + THOUSAND * 2 + "{% endfor %}{% endfor %}",
    "slice": "{{ [1] | slice(10 ** 9) | list }}",
    "batch": "{{ [1] | batch(10 ** 9, 0) | list }}",
    "a count that is no number": "{{ [1] | batch('nan' | float, 0) | list }}{{ 'a' | center(10 ** 10) }}",
    "a width that is no number": "{{ 'a b' | wordwrap('nan' | float) }}",
    "a negative width": "{{ 'a\\nb' | indent(-(10 ** 12)) }}{{ 'a' | center(10 ** 10) }}",
    "numbers that are kept": "{% set ns = namespace(n=1, v=[]) %}"
    + THOUSAND * 2
    + "{% set ns.n = ns.n + ns.n %}{% set ns.v = [ns.v, ns.n] %}{% endfor %}{% endfor %}",
    "a module for each iteration": THOUSAND
    + "{% from 'macros' import keep with context %}{{ keep(big ~ i) }}{% endfor %}",
    "wordwrap": "{{ line | replace(' ', '') | wordwrap(1) }}",
    "wordwrap by a long text": SPENT + "{{ line | wordwrap(1, true, word) }}",
    "urlize": "{{ ('x' ~ '(' * 900000 ~ ')' * 900000) | urlize }}",
    "urlize to a long target": "{{ ('www.x.com ' * 90000) | urlize(target=line) }}",
    "round": "{{ 5 | round(-(10 ** 9)) }}",
    "round to much": "{{ 5 | round(10 ** 9, 'floor') }}",
    "round a list": "{{ [0] | round(9, 'floor') }}",
    "a power": "{{ 10 ** (10 ** 10) }}",
    "a number that is squared": doubled("7", "ns.v * ns.v"),
    "a number of many digits": "{{ ('f' * 1000000) | int(base=16) * 2 }}",
    "a long range": "{{ range(10 ** 12) | list }}",
    "a list multiplied": "{{ ([0] * 1000000) * 1000000 }}",
    "comparing large texts": THOUSAND * 2 + "{{ big == big[1:] }}{% endfor %}{% endfor %}",
    "comparing long lists": "{% set other = long | list %}"
    + THOUSAND * 2
    + "{{ long == other }}{% endfor %}{% endfor %}",
    "testing a large text": THOUSAND * 2 + "{{ big is lower }}{% endfor %}{% endfor %}",
    "a method of a large text": THOUSAND * 2 + "{{ big.islower() }}{% endfor %}{% endfor %}",
    "products": THOUSAND + "{% set x = 'a' * 1000000 %}{% endfor %}",
    "strip": THOUSAND + "{{ (word * 1000).strip('b' * 900000 ~ 'a') }}{% endfor %}",
    "rfind": THOUSAND + "{{ line.rfind('b' ~ line[1:]) }}{% endfor %}",
    "split": THOUSAND + "{{ big.split('x') | length }}{% endfor %}",
    "splitlines": "{{ ('\\n' * 1000000 * 1).splitlines() | length }}" * 9,
    "searching a large value": WORN + THOUSAND * 2 + "{{ 'y' in big }}{% endfor %}{% endfor %}",
    "searching a long list": WORN + THOUSAND * 2 + "{{ -1 in long }}{% endfor %}{% endfor %}",
    "sorting": SPENT + THOUSAND + "{{ long | sort | first }}{% endfor %}",
    "sorting large texts": "{{ ([big] * 1000) | sort | first | length }}",
    "largest of large texts": "{{ ([big] * 1000) | max | length }}",
    "a long path": "{{ ([1] * 1000) | map(attribute='a.' * 400000) | list }}",
    "an encoding": "{{ big.encode('punycode') }}",
    "an encoding of errors": "{{ big.encode('ascii', 'namereplace') }}",
    "a constant that is folded": "{% autoescape 'a' | center(10 ** 10) %}{% endautoescape %}{{ 'a' | center(10 ** 10) }}",
    "arguments": SPENT + "{{ dict(*[long] * 1000) }}",
    "keywords": SPENT + THOUSAND + "{{ dict(**names) and '' }}{% endfor %}",
}
INCLUDES = {
    **{str(level): f"{{% include '{level + 1}' %}}" * 2 for level in range(60)},
    "60": "x",
    "leaf": "{{ i }}",
    "large": "x" * 500_000,
    "macros": "{% set kept = namespace(v=[]) %}{% macro keep(x) %}{% set kept.v = [kept.v, x] %}{% endmacro %}",
}


def attack(name: str) -> dict[str, Any]:
    values = {**VALUES, "endless": VALUES["endless"]()}
    try:
        template = ATTACKS[name]
        includes = INCLUDES if re.search("include|import|extends", template) else {}
        text = compile_template(template, includes).render(values)
    except TemplateError as error:
        outcome = {"error": error.message}
    else:
        outcome = {"text": text[:100]}
    return {"name": name, **outcome, "peak": peak()}


def peak() -> int:
    """Bytes of memory that this process had at most. `getrusage` would count that of its parent, too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for line in sys.stdin:
        # Work counts, and not time: other processes may keep this one waiting. One that goes on for longer is killed.
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + SECONDS, resource.RLIM_INFINITY))
        sys.stdout.write(json.dumps(attack(line.rstrip("\n"))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
