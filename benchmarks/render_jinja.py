"""How long a jinja2 prompt takes to render, as a ratio to jinja2's own sandbox without limits on work.

    python benchmarks/render_jinja.py [--rounds 15]

Each template is compiled once by promptdb and once in a bare `ImmutableSandboxedEnvironment(undefined=StrictUndefined)`, and
both give the same text. Each round renders with one, then with the other, about 20 ms each, and measures the processor time
of the thread, so that what else runs on the machine counts for little. Printed are the time of jinja2, the ratio of the best
rounds, and the median of the ratios. The aim is 1.3 or less; 1.5 is too much.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from promptdb.render.jinja.engine import compile_template

ORDINARY = """\
Hello {{ user.name }}, you write to {{ company }}.
{% if premium %}Your answer comes within the hour.{% else %}Your answer comes within a day.{% endif %}
{% for item in items %}- {{ item.name | upper }}: {{ item.price }}
{% endfor %}Topics: {{ topics | join(', ') }}
"""
LOOP = "{% for item in items %}{{ loop.index }}. {{ item.name }}{% if not loop.last %},\n{% endif %}{% endfor %}"
MACRO = """\
{% macro line(x, mark='-') %}{{ mark }} {{ x }}
{% endmacro %}{% for item in items %}{{ line(item.name) }}{% endfor %}"""
SUM = (
    "{% set ns = namespace(total=0) %}{% for item in items %}{% set ns.total = ns.total + item.price %}{% endfor %}"
    "{{ ns.total }}{% set lines %}{% for item in items %}{{ item.name }}{% endfor %}{% endset %}{{ lines }}"
)
FILTERS = """\
{% for item in items %}{{ item.name | trim | title }} {{ item.topics | join(', ') }} {{ item | tojson }}
{% endfor %}"""
METHODS = "{% for item in items %}{{ item.name.upper() }}{{ item.get('price') }}{{ item.name ~ ':' ~ item.price }}{% endfor %}"


def items(count: int) -> list[dict[str, Any]]:
    return [{"name": f"item {number}", "price": number * 1.5, "topics": ["a", "b"]} for number in range(count)]


CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "one variable": ("Hi {{ name }}!", {"name": "Ann"}),
    "ordinary, 20 items": (
        ORDINARY,
        {"user": {"name": "Ann"}, "company": "ACME", "premium": True, "items": items(20), "topics": ["x", "y"]},
    ),
    "loop of 1,000 items": (LOOP, {"items": items(1_000)}),
    "loop of 1,000 texts": ("{% for x in xs %}- {{ x }}\n{% endfor %}", {"xs": [f"item {n}" for n in range(1_000)]}),
    "loop of 1,000 numbers": ("{% for x in xs %}{{ x }} {% endfor %}", {"xs": list(range(1_000))}),
    "macro, 100 calls": (MACRO, {"items": items(100)}),
    "sum and capture": (SUM, {"items": items(100)}),
    "filters, 100 items": (FILTERS, {"items": items(100)}),
    "methods, 100 items": (METHODS, {"items": items(100)}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    print(f"{'':<24}{'jinja2':>12}{'best':>8}{'median':>8}")
    for name, (template, values) in CASES.items():
        rounds = measure(template, values, options.rounds)
        plain, ours = (min(times) for times in zip(*rounds, strict=True))
        median = statistics.median(one / other for other, one in rounds)
        print(f"{name:<24}{plain * 1e6:9.1f} us{ours / plain:8.2f}{median:8.2f}")


def measure(template: str, values: dict[str, Any], rounds: int) -> list[tuple[float, float]]:
    """Seconds per render of jinja2 and of promptdb, for each round."""
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    plain, ours = environment.from_string(template).render, compile_template(template, {}).render
    if plain(values) != ours(values):
        raise SystemExit(f"renders differ: {template!r}")
    times = max(1, int(0.02 / timed(lambda: plain(values), 3)))
    return [(timed(lambda: plain(values), times), timed(lambda: ours(values), times)) for _ in range(rounds)]


def timed(render: Callable[[], str], times: int) -> float:
    start = time.thread_time()
    for _ in range(times):
        render()
    return (time.thread_time() - start) / times


if __name__ == "__main__":
    main()
