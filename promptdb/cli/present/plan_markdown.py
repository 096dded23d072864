"""A plan as a comment on a pull request: breaking changes, all changes, aliases, affected prompts, diffs and new texts.

Anyone may have written the names and texts. They are set as code behind fences that they cannot close, so markdown, HTML and
mentions have no effect. No line of them is a command in GitHub's log.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from promptdb.cli.github_log import harmless
from promptdb.cli.present.alias_moves import moves_summary
from promptdb.cli.present.holds import ended_line, hold_line, holds_summary
from promptdb.cli.present.plan import rename_notices, row, summary, unfiled
from promptdb.cli.present.problems import summary as problem_summary
from promptdb.cli.present.prompt_diff import (
    MARK_CHARACTERS,
    MARKS,
    diff_lines,
    header,
    marked_diff,
    prompt_lines,
    shortened_diff,
)
from promptdb.cli.present.text import count, escaped, one_line, pointed
from promptdb.domain.plan import Action, Change, Plan
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.splits import Split
from promptdb.domain.views import AliasView
from promptdb.problems import Problem
from promptdb.render.text_diff import shortened

if TYPE_CHECKING:
    from promptdb.domain.spec import PromptSpec

Text = tuple[Change, "PromptSpec | None", "PromptSpec"]
"""A change, its old spec or None for a new prompt, and its new spec."""

MAX_COMMENT = 65_536
"""GitHub's limit in UTF-16 code units, as `_size` counts them."""

_TITLE = "### promptdb plan"
_CONTRACT, _TABLE, _MOVES, _HOLDS, _STANDING, _SHARED = 14_000, 16_000, 4_000, 4_000, 4_000, 6_000
_RENAMES, _ONE_TEXT = 2_000, 12_000
"""Room for each section, and for one prompt's diff or text. All diffs and texts together get the rest."""

_RESERVE = 600
"""Room for notes about omissions, and for the marks around a diff."""

_MAX_TEXT, _MAX_LINE, _MAX_NEW_LINE, _MAX_USERS = 300, 500, 2_000, 8


def plan_comment(plan: Plan, texts: Iterable[Text], standing: Sequence[AliasView] = ()) -> str:
    """Write the plan in markdown, within `MAX_COMMENT`.

    Args:
        plan: with its changes described.
        texts: of updates and new prompts, in the order in which they are shown. They are read only as far as they fit.
        standing: protected aliases of changed prompts that the plan does not move.
    """
    blocks = [_TITLE, summary(plan), *_contract(plan), *_table(plan), *_moves(plan), *_holds(plan)]
    blocks += [*_standing(plan, standing), *_shared(plan)]
    if plan.missing:
        blocks.append(code(unfiled(plan)))
    if notices := rename_notices(plan):
        blocks.append(_fitting([f"- {code(notice)}" for notice in notices], _RENAMES, "rename"))
    room = MAX_COMMENT - _RESERVE - _size("\n\n".join(blocks))
    number = plan.count(Action.CREATE) + sum(bool(change.parts) for change in plan.changes)
    return "\n\n".join([*blocks, *_texts(texts, number, room)]) + "\n"


def problems_comment(problems: Sequence[Problem], root: str) -> str:
    """Write the comment for files that are invalid, errors first. `root` precedes each path."""
    lines = [_problem(problem, root) for problem in sorted(problems, key=lambda problem: not problem.is_error)]
    blocks = [_TITLE, f"**No plan:** {problem_summary(problems)}. Fix the errors before you sync."]
    return "\n\n".join([*blocks, _fitting(lines, MAX_COMMENT - _RESERVE, "problem")]) + "\n"


def code(text: str, limit: int = _MAX_TEXT) -> str:
    """Set a text as inline code on one line, where markdown has no effect."""
    line = harmless(one_line(text if len(text) <= limit else f"{text[: limit - 3]}...")) or " "
    fence = _longer_than_any(line, 1)
    pad = " " if line[0] in "` " or line[-1] in "` " else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def _problem(problem: Problem, root: str) -> str:
    place = code(f"{root}{problem.path}:{problem.line}:{problem.column}")
    hint = f" ({code(problem.hint)})" if problem.hint else ""
    return f"- {problem.severity} {problem.code} {place}: {code(problem.message)}{hint}"


def _contract(plan: Plan) -> Iterator[str]:
    found = [(change.prompt, part) for change in plan.changes for part in change.contract]
    if not found:
        return
    found.sort(key=lambda item: not item[1].is_breaking)
    number = sum(part.is_breaking for _, part in found)
    yield f"#### Contract: {count(number, 'breaking change')}" if number else "#### Contract: nothing breaks"
    lines = [f"- {'**breaking** ' * part.is_breaking}{code(str(name))}: {code(part.message)}" for name, part in found]
    yield _fitting(lines, _CONTRACT, "change")


def _table(plan: Plan) -> Iterator[str]:
    if not plan.changes:
        return
    rows = ["| " + " | ".join(_cells(change)) + " |" for change in plan.changes]
    shown = _fitting(rows, _TABLE, "change", before="\n")
    yield f"| change | prompt | revision | what |\n|---|---|---|---|\n{shown}"


def _cells(change: Change) -> Iterator[str]:
    word, prompt, revision, _, what = row(change, done=False, show=code)
    for cell in (word, code(prompt), revision, what):
        yield cell.replace("|", "\\|")  # a pipe ends a cell even inside code


def _moves(plan: Plan) -> Iterator[str]:
    if not plan.moves:
        return
    yield f"#### Aliases: {moves_summary(plan)}"
    lines = []
    for move in plan.moves:
        there, target = _pointed(move.from_revision, move.from_split), _pointed(move.to_revision, move.to_split)
        line = f"- {code(f'{move.prompt}:{move.alias}')}: {there} to {target}, {code(move.reason or '')}"
        if move.breaking:
            line += f" — **breaks callers**: {code('; '.join(change.message for change in move.breaking))}"
        lines.append(line)
    yield _fitting(lines, _MOVES, "move")


def _holds(plan: Plan) -> Iterator[str]:
    lines = [f"- {code(ended_line(ended))}" for ended in plan.ended_holds]
    lines += [f"- {code(hold_line(hold))}" for hold in plan.held]
    if lines:
        yield f"#### {holds_summary(plan).capitalize() or 'Holds of aliases'}"
        yield _fitting(lines, _HOLDS, "hold")


def _standing(plan: Plan, standing: Sequence[AliasView]) -> Iterator[str]:
    held = {(hold.prompt, hold.alias) for hold in plan.held}
    standing = [view for view in standing if (view.prompt, view.alias) not in held]
    if not standing:
        return
    new = {change.prompt: change.revision for change in plan.changes if change.revision is not None}
    yield "#### Protected aliases stay where they are"
    yield "Merging does not move them: `promptdb promote` does."
    lines = [
        f"- {code(f'{view.prompt}:{view.alias}')} stays at {pointed(view.revision, view.split)}"
        + (f", and the new version is rev:{new[view.prompt]}" if view.prompt in new else "")
        for view in standing
    ]
    yield _fitting(lines, _STANDING, "protected alias")


def _pointed(revision: int | None, split: Split | None) -> str:
    return "nothing" if revision is None else pointed(revision, split)


def _shared(plan: Plan) -> Iterator[str]:
    users: dict[str, list[PromptId]] = {}
    for change in plan.changes:
        for file in change.files:
            if file.change == "changed":
                users.setdefault(file.path, []).append(change.prompt)
    if not users:
        return
    yield "#### Changed files that prompts share or name"
    most_used = sorted(users.items(), key=lambda item: (-len(item[1]), item[0]))
    yield _fitting([_users(path, prompts) for path, prompts in most_used], _SHARED, "file")


def _users(path: str, prompts: Sequence[PromptId]) -> str:
    named = ", ".join(code(str(prompt)) for prompt in prompts[:_MAX_USERS])
    more = f" and {len(prompts) - _MAX_USERS:,} more" if len(prompts) > _MAX_USERS else ""
    return f"- {code(path)}: {count(len(prompts), 'new version')}, of {named}{more}"


def _texts(texts: Iterable[Text], number: int, room: int) -> Iterator[str]:
    shown, is_marked = 0, False
    for change, old, new in texts:
        limit = min(room, _ONE_TEXT)
        block = _new_text(change, new, limit) if old is None else _diff(change, old, new, limit)
        if _size(block) > room:
            break
        yield block
        room -= _size(block) + 2
        shown += 1
        is_marked = is_marked or any(mark in block for mark in MARK_CHARACTERS)
    if is_marked:
        yield f"In these texts, {MARKS}."
    if shown < number:
        left = f"{count(number - shown, 'text')} of changed and new prompts left out"
        yield f"{left}: a comment has at most {MAX_COMMENT:,} characters."


def _diff(change: Change, old: "PromptSpec", new: "PromptSpec", room: int) -> str:
    title = f"<details><summary><code>{change.prompt}</code>: {', '.join(change.parts)}</summary>"
    changed = shortened_diff(marked_diff(diff_lines(old, new)), _MAX_LINE)
    if not changed:
        return f"{title}\n\nThe texts are equal.\n\n</details>"
    names = header(f"{change.prompt}:rev:{change.old_revision}", change.path or f"rev:{change.revision}")
    return _folded(title, [*names, *map(str, changed)], room, "diff")


def _new_text(change: Change, spec: "PromptSpec", room: int) -> str:
    title = f"<details><summary><code>{change.prompt}</code>: new</summary>"
    return _folded(title, [shortened(line, 0, _MAX_NEW_LINE) for line, _ in prompt_lines(spec)], room)


def _folded(title: str, lines: Sequence[str], room: int, language: str = "") -> str:
    safe = [harmless(escaped(line).replace("\n", "\\n")) for line in lines]
    shown = _fitting(safe, room - _RESERVE, "line")
    fence = _longer_than_any(shown, 3)
    return "\n".join([title, "", f"{fence}{language}", shown, fence, "", "</details>"])


def _fitting(lines: Sequence[str], room: int, noun: str, *, before: str = "") -> str:
    """Join the lines that fit into `room`, and a last one that counts the others."""
    shown: list[str] = []
    for line in lines:
        room -= _size(line) + 1
        if room < 0:
            shown.append(f"{before}... and {count(len(lines) - len(shown), f'more {noun}')}")
            break
        shown.append(line)
    return "\n".join(shown)


def _longer_than_any(text: str, least: int) -> str:
    """Return more backticks than any run of them in the text has, and at least `least`."""
    return "`" * max(least, 1 + max(map(len, re.findall("`+", text)), default=0))


def _size(text: str) -> int:
    return len(text) + sum(character > "\uffff" for character in text)
