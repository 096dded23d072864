"""`_aliases.yaml`: the version that each alias of a prompt should point at, read as strictly as prompt files."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from promptdb.domain.aliases import Declaration, DeclaredArm
from promptdb.domain.git_refs import RefRules
from promptdb.domain.layout import ALIASES_FILE, MISNAMED_ALIASES
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import parse_alias, parse_selector
from promptdb.domain.splits import MAX_TOTAL, Arm, Split
from promptdb.errors import InvalidRef, OutsideRoot
from promptdb.files.findings import Unreadable
from promptdb.files.tree import MAX_TEXT_BYTES, FileTooLarge, Tree, size_text
from promptdb.problems import Code, Problem, listed

if TYPE_CHECKING:
    from promptdb.files.reading.document import Document

_EXAMPLE = "for example 'production: {support/triage: rev:3}'"
_SPLIT = "for example 'support/triage: {rev:3: 90, rev:4: 10}'"


@dataclass(frozen=True)
class AliasesFile:
    """The bytes of the file, if there is one, and the declarations without a problem. A blank file may hold comments."""

    data: bytes | None = None
    declarations: tuple[Declaration, ...] = ()
    problems: tuple[Problem, ...] = ()
    is_blank: bool = True


def read_aliases(tree: Tree, rules: RefRules) -> AliasesFile:
    """Read the file of a tree. Aliases that refs move by the `rules` cannot be declared as well."""
    try:
        data = tree.read(ALIASES_FILE, MAX_TEXT_BYTES)
    except FileNotFoundError:
        return _misnamed(tree)
    except FileTooLarge:
        return _unreadable(Code.TOO_LARGE, f"larger than {size_text(MAX_TEXT_BYTES)}")
    except OutsideRoot as error:
        return _unreadable(Code.OUTSIDE_ROOT, error.message)
    except OSError as error:
        return _unreadable(Code.UNREADABLE, f"cannot be read: {error.strerror}")
    # A tree without the file needs no parser.
    from promptdb.files.reading.document import Document
    from promptdb.files.reading.formats import decode, problems_of
    from promptdb.files.reading.yaml import compose, construct, places_of_values

    try:
        text = decode(data)
        root = compose(text)
        value = construct(root, has_aliases="*" in text) if root is not None else {}
    except Unreadable as error:
        return AliasesFile(data, problems=listed(ALIASES_FILE, problems_of(ALIASES_FILE, error)))
    reader = _Reader(Document(ALIASES_FILE, value, text), rules, places_of_values(root, 3))
    declarations = tuple(reader.declarations(value))
    return AliasesFile(data, declarations, listed(ALIASES_FILE, reader.problems), root is None)


def without_file(declarations: Collection[Declaration], known: Collection[PromptId]) -> tuple[Problem, ...]:
    """Warn about each declaration whose prompt is not `known`. Earlier names of prompts are known, too."""
    hint = "remove this line if the file is gone for good, and the alias stays; keep it for a prompt registered without a file"
    found = (
        Problem(ALIASES_FILE, d.line, d.column, Code.ALIAS_WITHOUT_FILE, f"the prompt {d.prompt} has no file", hint)
        for d in declarations
        if d.prompt not in known
    )
    return listed(ALIASES_FILE, found)


def _misnamed(tree: Tree) -> AliasesFile:
    # A file with another suffix would be ignored silently, with all that it declares.
    for name in MISNAMED_ALIASES:
        try:
            tree.read(name, MAX_TEXT_BYTES)
        except FileNotFoundError:
            continue
        except (OSError, FileTooLarge, OutsideRoot):
            pass
        return AliasesFile(
            problems=(Problem(name, 1, 1, Code.ALIAS_NAME, f"{name} is not read", f"name it {ALIASES_FILE}"),)
        )
    return AliasesFile()


def _unreadable(code: Code, message: str) -> AliasesFile:
    return AliasesFile(b"", problems=(Problem(ALIASES_FILE, 1, 1, code, message),))


@dataclass
class _Reader:
    document: "Document"
    rules: RefRules
    places: Mapping[tuple[str, ...], tuple[int, int]]
    problems: list[Problem] = field(default_factory=list)

    def declarations(self, value: Any) -> Iterator[Declaration]:
        if not isinstance(value, dict):
            self._report(Code.NOT_A_MAPPING, "expected aliases with their prompts", _EXAMPLE)
            return
        for alias, targets in value.items():
            if not self._is_free(alias):
                continue
            if not isinstance(targets, dict):
                self._report(Code.WRONG_VALUE, "expected prompts with their versions", _EXAMPLE, alias)
                continue
            seen = set[PromptId]()
            for name, selector in targets.items():
                found = self._declaration(alias, name, selector)
                if found is not None and found.prompt in seen:
                    self._report(Code.ALIAS_CLAIMED, f"{found.prompt} stands here twice", "keep one", alias, name)
                elif found is not None:
                    seen.add(found.prompt)
                    yield found

    def _is_free(self, alias: str) -> bool:
        try:
            parse_alias(alias)
        except InvalidRef as error:
            hint = _EXAMPLE if "/" in alias else error.hint
            self._report(Code.ALIAS_NAME, error.message, hint, alias, key=True)
            return False
        pattern = self.rules.moving(alias)
        if pattern is not None:
            message = f"{alias!r} is moved by syncs of {pattern!r} already"
            hint = "declare the alias here or name it in the setting refs, not both"
            self._report(Code.ALIAS_CLAIMED, message, hint, alias, key=True)
        return pattern is None

    def _declaration(self, alias: str, name: str, selector: Any) -> Declaration | None:
        prompt = None
        try:
            prompt = PromptId.parse(name)
            if isinstance(selector, str):
                return Declaration(alias, prompt, parse_selector(selector), selector, *self.places[alias, name])
            if isinstance(selector, dict):
                return self._split(alias, prompt, name, selector)
            hint = "write rev:3, sha256:ab12cd34, git:COMMIT, latest, or a user_version in quotes"
            self._report(Code.WRONG_VALUE, "expected a version", hint, alias, name)
        except InvalidRef as error:
            self._report(Code.ALIAS_TARGET, error.message, error.hint, alias, name, key=prompt is None)
        return None

    def _split(self, alias: str, prompt: PromptId, name: str, weights: dict[str, Any]) -> Declaration | None:
        arms = [
            DeclaredArm(parse_selector(text), text, weight, *self.places[alias, name, text])
            for text, weight in weights.items()
            if self._is_weight(weight, alias, name, text)
        ]
        if len(arms) < len(weights):
            return None
        try:
            # The revisions are not known yet: any will do to check the weights.
            Split.of(Arm(number, arm.weight) for number, arm in enumerate(arms, start=1))
        except InvalidRef as error:
            self._report(Code.WRONG_VALUE, error.message, _SPLIT, alias, name)
            return None
        text = " ".join(f"{arm.text}={arm.weight}" for arm in arms)
        return Declaration(alias, prompt, arms[0].selector, text, *self.places[alias, name], tuple(arms))

    def _is_weight(self, value: Any, *path: str) -> bool:
        is_weight = type(value) is int and 1 <= value <= MAX_TOTAL
        if not is_weight:
            self._report(Code.WRONG_VALUE, f"expected a weight: a whole number from 1 to {MAX_TOTAL:,}", _SPLIT, *path)
        return is_weight

    def _report(self, code: Code, message: str, hint: str | None, *path: str, key: bool = False) -> None:
        self.problems.append(self.document.problem(path, code, message, hint, key=key))
