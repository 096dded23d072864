"""Files just below the size limit that once kept a check busy for half a minute and more: their paths and contents."""

from collections.abc import Callable

Files = dict[str, str]

_TEST = "tests:\n- {name: t, variables: {}, expect: {contains: x}}\n"
_TEST_OF_TEXT = '- {{name: t{}, variables: {{}}, expect: {{equals: "TEXT"}}}}'


def _lines(template: str, count: int) -> str:
    return "".join(template.format(number) + "\n" for number in range(count))


def _jinja(body: str, rest: str = "") -> Files:
    return {"a.yaml": f"template_format: jinja2\ntemplate: |\n  {body}\n{rest}"}


def _doubling(suffix: str, include: str) -> Files:
    files = {f"_f/{number}.md": include.format(number + 1) * 2 for number in range(18)}
    return {f"a.{suffix}": include.format(0) * 2, **files, "_f/18.md": "x"}


_INCLUDE, _PARTIAL = '{{% include "_f/{}.md" %}}', "{{{{> _f/{}.md}}}}"

LARGE: dict[str, Callable[[], Files]] = {
    "undeclared fields": lambda: {"a.yaml": "variables: {x: {}}\ntemplate: |\n" + _lines("  {{v{}}}", 60_000)},
    "undeclared and declared": lambda: {
        "a.yaml": f"variables:\n{_lines('  some_name_{}x: {{}}', 8000)}template: |\n{_lines('  {{some_name_{}y}}', 8000)}"
    },
    "undeclared in jinja2": lambda: _jinja("x\n" + _lines("  {{{{ v{} }}}}", 3000), "variables: {x: {}}\n"),
    "undeclared in mustache": lambda: {
        "a.yaml": "template_format: mustache\nvariables: {x: {}}\ntemplate: |\n" + _lines("  {{{{v{}}}}}", 60_000)
    },
    "unused variables": lambda: {"a.yaml": "template: x\nvariables:\n" + _lines("  v{}: {{}}", 60_000)},
    "unknown fields": lambda: {"a.yaml": "template: x\n" + _lines("u{}: 1", 60_000)},
    "unknown fields of JSON": lambda: {"a.json": "{" + ",".join(f'"u{n}":1' for n in range(60_000)) + "}"},
    "duplicate keys": lambda: {"a.yaml": "template: x\n" + "a: 1\n" * 100_000},
    "messages": lambda: {"a.yaml": "messages:\n" + "- {role: human, template: 'hi {x}'}\n" * 25_000},
    "wrong messages": lambda: {"a.yaml": "messages:\n" + "- {role: x, templat: 'hi {x}'}\n" * 25_000},
    "messages of jinja2": lambda: {
        "a.yaml": "template_format: jinja2\nmessages:\n" + "- {role: human, template: '{{x}}'}\n" * 25_000
    },
    "wrong tags": lambda: {"a.yaml": f"template: x\nmetadata: {{tags: [{'1,' * 400_000}]}}\n"},
    "wrong enum": lambda: {
        "a.yaml": f"template: '{{a}}'\nvariables: {{a: {{type: integer, enum: [{'x,' * 400_000}]}}}}"
    },
    "assets": lambda: {"a.yaml": "template: x\nassets:\n" + _lines("- path: p{}", 40_000)},
    "the same large text": lambda: {
        "a.yaml": "messages:\n" + "- {role: human, template_file: b.txt}\n" * 20_000,
        "b.txt": "x" * 1_000_000,
    },
    "a text many times": lambda: {"a.yaml": "template: x\nrenamed_from: [" + "_a," * 300_000 + "]\n"},
    "includes that double": lambda: _doubling("j2", _INCLUDE),
    "includes that double, rendered": lambda: {
        **_doubling("j2", _INCLUDE),
        "a.j2": f"---\n{_TEST}---\n{_INCLUDE.format(0)}",
    },
    "partials that double": lambda: _doubling("mustache", _PARTIAL),
    "missing partials": lambda: {"a.mustache": _lines(_PARTIAL, 20_000)},
    "tags of jinja2": lambda: {"a.j2": "{{a}}" * 200_000},
    "a sum of jinja2": lambda: {"a.j2": "{{ " + "+".join("a" * 400_000) + " }}"},
    "powers in a loop": lambda: _jinja("{% for i in range(99999) %}{% set x = 3 ** 500000 %}{% endfor %}", _TEST),
    "tests that loop": lambda: _jinja(
        "{% for i in range(9) %}{% for j in range(50000) %}{{ i }}{% endfor %}{% endfor %}",
        "tests:\n" + _lines("- {{name: t{}, variables: {{}}, expect: {{contains: x}}}}", 500),
    ),
    "tests with long results": lambda: {
        "a.yaml": "template: '"
        + "{x:>999}" * 50_000
        + "'\ntests:\n"
        + _lines("- {{name: t{}, variables: {{x: a}}, expect: {{contains: x}}}}", 500)
    },
    "tests with diffs": lambda: {
        "a.yaml": "template: |\n"
        + "".join(f"  {number**2 % 7 % 2}\n" for number in range(700))
        + "tests:\n"
        + _lines(_TEST_OF_TEXT.replace("TEXT", r"0\n1\n" * 300), 200)
    },
    "examples without values": lambda: {
        "a.yaml": "template: '{e}'\nfew_shot:\n  insert_at: e\n  string_template: '{x}'\n  examples:\n"
        + "  - {y: a}\n" * 60_000
    },
    "declared aliases": lambda: {"_aliases.yaml": "production:\n" + _lines("  a{}: rev:1", 40_000), "a.md": "x"},
    "wrong aliases": lambda: {"_aliases.yaml": "production:\n" + _lines("  _a{}: rev:1", 40_000), "a.md": "x"},
}
