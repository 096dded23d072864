"""The English of docstrings, messages, help texts and pages, as far as a list of words can hold it."""

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest
from sources import MODULES, ROOT, syntax

OPENERS = re.compile(r"(What|Whether|Where|Which|How|Who|Whom|Whose|When|Of|Those|That|This|These|It)\b")
"""First words of docstrings that keep the reader waiting for the subject."""

NOT_A_VERB = re.compile(
    r"(The|A|An|All|Any|Each|Every|One|Some|No|None|Not|As|At|In|On|By|For|From|With|Same|Errors|Is|Are|If)\b"
)
"""First words of a function's docstring that stand where its verb should be. (ruff knows other forms of verbs: D401.)"""

WORDS = {
    r"\b(tell|tells|telling|told)\b": "report, say, show",
    r"\bmend(s|ed|ing)?\b": "fix, repair",
    r"\banew\b": "again",
    r"\bshall\b": "must, will",
    r"\bnobody\b": "no one",
    r"[,;] else\b(?! if)": "otherwise",
    r"(?<![Tt]here )\b(is|are|was|were) no (?!longer|more|other|such|faster|better)": "is not a",
    r"\bleaves? with \d": "exit with status",
    r"\bgoes with no\b": "cannot be combined with",
    r"(?:^|[.!?] )(Of|Those|What|Whether) [^?]*$": "another opening",
}
PAGES = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md")]
PAGES += sorted((ROOT / "docs").glob("*.md"))
RULES = "CONTRIBUTING.md"
"""The page that names the words in order to forbid them."""


def place(module: str, node: ast.AST) -> str:
    return f"{module.replace('.', '/')}:{getattr(node, 'lineno', 1)}"


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def is_property(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    names = {ast.unparse(decorator).rpartition(".")[2] for decorator in function.decorator_list}
    return bool(names & {"property", "cached_property", "setter"})


def texts() -> Iterator[tuple[str, str]]:
    """Each sentence-like text with its place: docstrings, messages and help texts of the package, and lines of pages."""
    for module, file in MODULES.items():
        for node in ast.walk(syntax(file)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
                yield place(module, node), node.value
    for page in PAGES:
        text = re.sub(r"^```.*?^```|`[^`\n]*`", "x", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
        for number, paragraph in enumerate(re.split(r"\n\s*\n|\n(?=[-|#])", text)):
            if page.name != RULES:
                yield f"{page.relative_to(ROOT)}, paragraph {number}: {paragraph[:40]!r}", " ".join(paragraph.split())


def comments() -> Iterator[tuple[str, str]]:
    for module, file in MODULES.items():
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if "#" in line and "noqa" not in line and (found := re.search(r"(?:^|\s)# (.*)$", line)):
                yield f"{module.replace('.', '/')}:{number}", found.group(1)


def test_a_module_opens_with_a_noun_or_a_verb() -> None:
    openings = {name: ast.get_docstring(syntax(file)) or "" for name, file in MODULES.items()}
    assert [f"{name}: {text.splitlines()[0]}" for name, text in openings.items() if OPENERS.match(text)] == []


def test_a_function_opens_with_an_imperative_verb() -> None:
    wrong = [
        f"{place(name, node)} {node.name}: {text.splitlines()[0]}"
        for name, file in MODULES.items()
        for node in functions(syntax(file))
        if (text := ast.get_docstring(node))
        and not is_property(node)
        and (OPENERS.match(text) or NOT_A_VERB.match(text))
    ]
    assert wrong == []


@cache
def everything() -> tuple[tuple[str, str], ...]:
    return (*texts(), *comments())


@pytest.mark.parametrize("pattern", WORDS)
def test_words_that_make_a_sentence_hard_to_read_are_not_used(pattern: str) -> None:
    search = re.compile(pattern)
    wrong = [
        f"{where}: ...{text[max(0, m.start() - 30) : m.end() + 20]}"
        for where, text in everything()
        if (m := search.search(text))
    ]
    assert wrong == [], f"say: {WORDS[pattern]}"
