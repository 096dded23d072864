"""How long a jinja2 prompt takes to render, as a ratio to precompiled templates of jinja2.

    python benchmarks/render_jinja.py [--rounds 15]

Three sides render the same values to the same text, in turns of about 20 ms: a whole prompt by `render_text`, with the check of
its values; its template compiled in the same sandbox, limits included; and the template compiled in jinja2's own bare
`ImmutableSandboxedEnvironment(undefined=StrictUndefined)`. Measured is the processor time of the thread, so that what else
runs on the machine counts for little. Printed are the time of jinja2, and the ratios of the best rounds. What is above 1 in the
last column is the price of the limits: each piece of text is counted, and each filter says beforehand what it will make. Loops
that do little else show it most.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from promptdb.domain.spec import PromptSpec
from promptdb.render.compiled import CompiledPrompt
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
    print(f"{'':<24}{'jinja2':>12}{'prompt / same sandbox':>24}{'prompt / bare sandbox':>24}")
    for name, (template, values) in CASES.items():
        bare, same, whole = measure(template, values, options.rounds)
        print(f"{name:<24}{bare * 1e6:9.1f} us{whole / same:24.2f}{whole / bare:24.2f}")


def measure(template: str, values: dict[str, Any], rounds: int) -> list[float]:
    """Seconds per render in the best round: bare jinja2, the template in promptdb's sandbox, the whole prompt."""
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    fields = {"kind": "string", "template_format": "jinja2", "template": template}
    prompt = CompiledPrompt(PromptSpec.model_validate(fields))
    sides = [environment.from_string(template).render, compile_template(template, {}).render, prompt.render_text]
    if len({render(values) for render in sides}) != 1:
        raise SystemExit(f"renders differ: {template!r}")
    times = max(1, int(0.02 / timed(lambda: sides[0](values), 3)))
    found = [[timed(partial(render, values), times) for render in sides] for _ in range(rounds)]
    return [min(side) for side in zip(*found, strict=True)]


def timed(render: Callable[[], str], times: int) -> float:
    start = time.thread_time()
    for _ in range(times):
        render()
    return (time.thread_time() - start) / times


if __name__ == "__main__":
    main()
