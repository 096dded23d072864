"""The comment on a pull request: what it says, how long it gets, and that nothing in a prompt means anything in it."""

import re
from pathlib import Path

import pytest
from clitools import Run
from hypothesis import given
from hypothesis import strategies as st
from registries import write

from promptdb.cli.present.plan_markdown import MAX_COMMENT, code, plan_comment, problems_comment
from promptdb.domain.changes import ContractChange
from promptdb.domain.plan import Action, Change, Plan
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.spec import PromptSpec
from promptdb.problems import Code, Problem

COMMENT = """\
### promptdb plan

1 new version, 1 unchanged

#### Contract: 1 breaking change

- **breaking** `default/greet`: `variable 'place' removed`

| change | prompt | revision | what |
|---|---|---|---|
| new version | `default/greet` | 1 -> 2 | template |

<details><summary><code>default/greet</code>: template</summary>

```diff
--- default/greet:rev:1
+++ greet.txt
@@ -1 +1 @@ template
-Hello {name}, welcome to {place}!
+Hi {name}!
```

</details>
"""


def comment(run: Run) -> str:
    ran = run("plan", "--format", "markdown")
    assert (ran.code, ran.err) == (0, "")
    return ran.out


def test_a_comment_says_what_breaks_what_changes_and_how(run: Run, synced: Path) -> None:
    write(synced, {"prompts/greet.txt": "Hi {name}!"})
    assert comment(run) == COMMENT


def test_without_changes_it_is_one_line(run: Run, synced: Path) -> None:
    assert comment(run) == "### promptdb plan\n\n2 unchanged\n"


NEW = """
| create | `support/triage` | 1 |  |

<details><summary><code>default/greet</code>: new</summary>

```
kind: string
template_format: f-string
template:
  Hello {name}, welcome·
  →	to {place}!
```

</details>

<details><summary><code>support/triage</code>: new</summary>

```
kind: chat
template_format: f-string
variables:
  ticket:
    type: string
    description: As it came in
  tries:
    type: integer
    required: false
    default: 1
messages[0] system:
  Triage the ticket, try {tries}.
messages[1] human:
  {ticket}
```

</details>

In these texts, · marks a space at the end of a line, and → a tab.
"""


def test_the_texts_of_new_prompts_are_shown(run: Run, project: Path) -> None:
    assert run("db", "upgrade").code == 0
    write(project, {"prompts/greet.txt": "Hello {name}, welcome \n\tto {place}!"})
    assert comment(run).endswith(NEW)


STANDING = """
#### Protected aliases stay where they are

Merging does not move them: `promptdb promote` does.

- `default/greet:production` stays at rev:1, and the new version is rev:3

"""


def test_it_says_where_protected_aliases_stay(run: Run, two_versions: Path) -> None:
    assert run("promote", "support/triage", "production").code == 0
    write(two_versions, {"prompts/greet.txt": "Hi {name} of {place}!"})
    assert STANDING in comment(run)


def test_a_protected_alias_that_merging_moves_does_not_stay(run: Run, two_versions: Path) -> None:
    write(two_versions, {"prompts/greet.txt": "Hi {name} of {place}!"})
    write(two_versions, {"prompts/_aliases.yaml": "production: {greet: latest}\n"})
    assert "stays at" not in comment(run)
    assert "- `default/greet:production`: rev:1 to rev:3, " in comment(run)


def test_a_protected_alias_of_a_renamed_prompt_has_its_new_name(run: Run, two_versions: Path) -> None:
    (two_versions / "prompts/greet.txt").rename(two_versions / "prompts/welcome.txt")
    write(two_versions, {"prompts/welcome.txt": "---\nrenamed_from: [greet]\n---\nHi {name}, welcome to {place}!\n"})
    assert "- `default/welcome:production` stays at rev:1\n" in comment(run)


def test_files_that_are_gone_are_told(run: Run, synced: Path) -> None:
    """A comment has no standard error."""
    (synced / "prompts/greet.txt").unlink()
    assert comment(run).endswith("\n\n`1 prompt without a file stays: default/greet`\n")


def test_a_change_that_is_not_in_the_text_is_told(run: Run, project: Path) -> None:
    write(project, {"prompts/a.yaml": "template: x\nassets: [{path: _data.csv}]\n", "prompts/_data.csv": "a"})
    assert run("sync").code == 0
    write(project, {"prompts/_data.csv": "b"})
    assert "<code>default/a</code>: assets</summary>\n\nThe texts are equal.\n\n</details>" in comment(run)


def test_contract_changes_that_break_nobody_follow_those_that_do(run: Run, synced: Path) -> None:
    write(synced, {"prompts/greet.txt": "---\nvariables: {name: {default: you}, x: {}}\n---\n{name} {x}"})
    assert "#### Contract: 2 breaking changes\n\n- **breaking** " in comment(run)
    assert comment(run).index("`variable 'place' removed`") < comment(run).index(
        "- `default/greet`: `variable 'name' is optional"
    )


def test_a_renamed_variable_is_told_as_renamed(run: Run, synced: Path) -> None:
    write(synced, {"prompts/greet.txt": "Hello {name}, welcome to {city}!"})
    assert (
        "#### Contract: 1 breaking change\n\n"
        "- **breaking** `default/greet`: `variable 'place' renamed to 'city'`\n\n" in comment(run)
    )


def test_who_uses_a_changed_fragment_is_told(run: Run, project: Path) -> None:
    prompts = {f"prompts/n{number}.j2": '{% include "_tone.md" %}' for number in range(10)}
    write(project, {**prompts, "prompts/_tone.md": "Be kind."})
    assert run("sync").code == 0
    write(project, {"prompts/_tone.md": "Be brief."})
    out = comment(run)
    assert "| new version | `default/n0` | 1 -> 2 | template, via `_tone.md` |\n" in out
    assert "\n- `_tone.md`: 10 new versions, of `default/n0`, `default/n1`, " in out
    assert "`default/n7` and 2 more\n" in out


def test_invalid_files_are_told_in_the_comment(run: Run, project: Path) -> None:
    write(project, {"prompts/bad.txt": "{"})
    ran = run("plan", "--format", "markdown")
    assert ran.code == 4
    assert ran.out.startswith(
        "### promptdb plan\n\n**No plan:** 1 error in 1 file. Fix the errors before you sync.\n\n"
        "- error PDB301 `prompts/bad.txt:1:1`: `a single '{' that is not part of a variable` (`"
    )


# What a prompt holds


FENCE = "`" * 7
HOSTILE = [
    "```\n</details>\n@octocat <img src=x onerror=y>\n```",
    f"{FENCE}\n# heading\n{FENCE}",
    "~~~\n@octocat\n~~~",
    "</details></summary><script>alert(1)</script>",
    "::add-mask::everything\n  ::error::x",
    "text ##[add-path]/evil",
    "a\r::add-mask::b",
    "a\u2028::add-mask::b\x0b::add-mask::c\x85::add-mask::d",
    "@octocat #1 GH-1 https://example.com [x](javascript:y)",
    "\x1b[31mred\u202e",
]


def outside_of_code(markdown: str) -> str:
    """What GitHub reads as markdown and HTML: fenced blocks and spans of code taken away, as CommonMark finds them."""
    kept, fence = [], ""
    for line in markdown.split("\n"):
        marks = re.match(r" {0,3}(`{3,})([^`]*)$", line)
        if fence:
            if marks and len(marks[1]) >= len(fence) and not marks[2].strip():
                fence = ""
        elif marks:
            fence = marks[1]
        else:
            kept.append(line)
    assert not fence, "a fence that is never closed"
    return re.sub(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", "", "\n".join(kept))


def is_command(line: str) -> bool:
    return line.strip().startswith("::") or "##[" in line


def require_harmless(markdown: str) -> None:
    text = outside_of_code(markdown)
    assert not re.search(r"@|#\d|GH-|javascript|script>|<img|https?:", text)
    assert set(re.findall(r"<[^>]*>", text)) <= {
        "<details>",
        "</details>",
        "<summary>",
        "</summary>",
        "<code>",
        "</code>",
    }
    assert text.count("<details>") == text.count("</details>")
    assert not any(map(is_command, re.split(r"[\r\n\u2028\x0b\x85]", markdown)))
    assert len(markdown) <= MAX_COMMENT


def spec(template: str, **fields: object) -> PromptSpec:
    return PromptSpec.model_validate({"kind": "string", "template_format": "plain", "template": template, **fields})


def update(name: str = "a", **fields: object) -> Change:
    prompt = PromptId.parse(name)
    return Change(Action.UPDATE, prompt, f"{name}.yaml", 2, None, 1, parts=("template",), **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("side", [0, 1])
def test_no_text_of_a_prompt_leaves_its_fence(text: str, side: int) -> None:
    specs = (spec(f"line\n{text}\nline"), spec("line\nother\nline"))
    change = update(contract=(ContractChange("variable_removed", text, f"variable {text!r} removed {text}", True),))
    require_harmless(plan_comment(Plan((change,)), [(change, specs[side], specs[1 - side])]))


@pytest.mark.parametrize("text", HOSTILE)
def test_no_fragment_and_no_context_leaves_its_fence(text: str) -> None:
    old, new = (spec(f"x{end}", includes={"_f": text}) for end in ("", "y"))
    change = update()
    require_harmless(plan_comment(Plan((change,)), [(change, old, new)]))


@pytest.mark.parametrize("text", HOSTILE)
def test_no_problem_leaves_its_code(text: str) -> None:
    require_harmless(problems_comment([Problem(text, 1, 1, Code.TEMPLATE_SYNTAX, text, text)], ""))


@given(st.text(st.sampled_from("`a |\\\n<@"), min_size=1, max_size=12))
def test_code_is_closed_where_it_ends(text: str) -> None:
    assert outside_of_code(f"a {code(text)} b") == "a  b"


def test_a_file_name_does_not_end_a_cell(run: Run, project: Path) -> None:
    name = "_<b>`|*x*|"
    texts = {f"prompts/{prompt}.mustache": f"{{{{> {name}}}}}" for prompt in "xy"}
    write(project, {**texts, f"prompts/{name}": "x"})
    assert run("sync").code == 0
    write(project, {f"prompts/{name}": "y"})
    out = comment(run)
    rows = [line for line in out.splitlines() if line.startswith("| new version")]
    assert [len(re.split(r"(?<!\\)\|", row)) for row in rows] == [6, 6]
    require_harmless(out)


# How long it gets


@pytest.mark.slow
def test_many_long_diffs_stay_below_the_limit_and_are_counted() -> None:
    old, new = (spec("".join(f"{word} {number}\n" for number in range(3000))) for word in ("old", "new"))
    changes = tuple(update(f"n{number}") for number in range(20))
    text = plan_comment(Plan(changes), [(change, old, new) for change in changes])
    require_harmless(text)
    assert len(text) > MAX_COMMENT / 2
    assert re.search(r"\n\.\.\. and [\d,]+ more lines\n```\n\n</details>\n", text)
    assert re.search(
        r"\n\n\d+ texts of changed and new prompts left out: a comment has at most 65,536 characters\.\n$", text
    )


@pytest.mark.slow
def test_thousands_of_changes_stay_below_the_limit_and_are_counted() -> None:
    contract = (ContractChange("variable_removed", "x", "variable 'x' removed " + "y" * 500, is_breaking=True),)
    changes = tuple(update(f"{'long-name' * 12}-{number}", contract=contract) for number in range(5000))
    text = plan_comment(Plan(changes), [(change, spec("a"), spec("b")) for change in changes])
    require_harmless(text)
    assert "#### Contract: 5,000 breaking changes" in text
    assert re.search(r"\n\n\.\.\. and [\d,]+ more changes\n", text)


@pytest.mark.slow
def test_characters_that_count_twice_are_counted_twice() -> None:
    old, new = spec("\n".join("😀" * 400 + str(number) for number in range(500))), spec("x")
    changes = tuple(update(f"n{number}") for number in range(20))
    text = plan_comment(Plan(changes), [(change, old, new) for change in changes])
    assert len(text.encode("utf-16-le")) // 2 <= MAX_COMMENT


def test_a_line_without_end_is_cut() -> None:
    change = update()
    text = plan_comment(Plan((change,)), [(change, spec("x"), spec("y" * 100_000))])
    assert len(text) < 5_000
    require_harmless(text)


def test_a_long_line_is_cut_around_its_difference() -> None:
    change = update()
    old, new = (spec("a" * 3000 + word + "b" * 3000) for word in ("old", "new"))
    text = plan_comment(Plan((change,)), [(change, old, new)])
    assert re.search(r"\n-…a+oldb+… .*\n\+…a+newb+… ", text)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_new_prompt_leaves_its_fence(text: str) -> None:
    change = Change(Action.CREATE, PromptId.parse("a"), "a.yaml", 1)
    hostile = spec(text, includes={text: text}, metadata={"title": text}, model={text: text})
    require_harmless(plan_comment(Plan((change,)), [(change, None, hostile)]))


def test_thousands_of_problems_stay_below_the_limit() -> None:
    problems = [Problem(f"{number}.txt", 1, 1, Code.TEMPLATE_SYNTAX, "m" * 400, "h") for number in range(5000)]
    text = problems_comment(problems, "prompts/")
    assert len(text) <= MAX_COMMENT
    assert re.search(r"\n\.\.\. and [\d,]+ more problems\n$", text)


@pytest.mark.slow
def test_diffs_that_nobody_sees_are_not_made() -> None:
    """Of ten thousand updates only those are read that find room."""
    changes = tuple(update(f"n{number}") for number in range(500))
    read: list[Change] = []
    old, new = (spec("".join(f"{word} {number}\n" for number in range(3000))) for word in ("old", "new"))
    plan_comment(Plan(changes), ((read.append(change), (change, old, new))[1] for change in changes))
    assert len(read) < 20
