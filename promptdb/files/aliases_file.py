"""`_aliases.yaml`: which version each alias of a prompt shall point at, read as strictly as prompt files."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from promptdb.domain.aliases import ALIASES_FILE, Declaration
from promptdb.domain.git_refs import RefRules
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import parse_alias, parse_selector
from promptdb.errors import InvalidRef, OutsideRoot
from promptdb.files.findings import Unreadable
from promptdb.files.tree import MAX_TEXT_BYTES, FileTooLarge, Tree
from promptdb.problems import Code, Problem

if TYPE_CHECKING:
    from promptdb.files.reading.document import Document

_MISNAMED = ("_aliases.yml", "_aliases.json")
_EXAMPLE = "for example 'production: {support/triage: rev:3}'"


@dataclass(frozen=True)
class AliasesFile:
    """`data` are its bytes, None where there is no such file; `declarations` are those without a problem.

    `is_blank`: it holds no data, though perhaps comments.
    """

    data: bytes | None = None
    declarations: tuple[Declaration, ...] = ()
    problems: tuple[Problem, ...] = ()
    is_blank: bool = True


def read_aliases(tree: Tree, rules: RefRules) -> AliasesFile:
    """Read the file of a tree.

    Args:
        tree: where it is.
        rules: what refs move cannot be declared as well.
    """
    try:
        data = tree.read(ALIASES_FILE, MAX_TEXT_BYTES)
    except FileNotFoundError:
        return _misnamed(tree)
    except FileTooLarge:
        return _unreadable(Code.TOO_LARGE, f"larger than {MAX_TEXT_BYTES // 1024:,} KiB")
    except OutsideRoot as error:
        return _unreadable(Code.OUTSIDE_ROOT, error.message)
    except OSError as error:
        return _unreadable(Code.UNREADABLE, f"cannot be read: {error.strerror}")
    from promptdb.files.reading.document import Document  # here, as below: a tree without the file needs no parser
    from promptdb.files.reading.formats import decode, problems_of
    from promptdb.files.reading.yaml import compose, construct

    try:
        text = decode(data)
        root = compose(text)
        value = construct(root, has_aliases="*" in text) if root is not None else {}
    except Unreadable as error:
        return AliasesFile(data, problems=tuple(problems_of(ALIASES_FILE, error)))
    reader = _Reader(Document(ALIASES_FILE, value, text), rules)
    declarations = tuple(reader.declarations(value))
    return AliasesFile(data, declarations, tuple(reader.problems), root is None)


def without_file(declarations: Collection[Declaration], known: Collection[PromptId]) -> list[Problem]:
    """A warning for each declaration whose prompt is not among the `known`, which include earlier names."""
    return [
        Problem(
            ALIASES_FILE,
            found.line,
            found.column,
            Code.ALIAS_WITHOUT_FILE,
            f"no file is the prompt {found.prompt}",
            "if its file is meant to be gone, take the line out: the alias stays where it is",
        )
        for found in declarations
        if found.prompt not in known
    ]


def _misnamed(tree: Tree) -> AliasesFile:
    """None, unless somebody gave the file another suffix: all that it declares would be passed over in silence."""
    for name in _MISNAMED:
        try:
            tree.read(name, MAX_TEXT_BYTES)
        except FileNotFoundError:
            continue
        except (OSError, FileTooLarge, OutsideRoot):
            pass
        message = f"nobody reads {name}"
        return AliasesFile(problems=(Problem(name, 1, 1, Code.ALIAS_NAME, message, f"name it {ALIASES_FILE}"),))
    return AliasesFile()


def _unreadable(code: Code, message: str) -> AliasesFile:
    return AliasesFile(b"", problems=(Problem(ALIASES_FILE, 1, 1, code, message),))


@dataclass
class _Reader:
    document: "Document"
    rules: RefRules
    problems: list[Problem] = field(default_factory=list)

    def declarations(self, value: Any) -> Iterator[Declaration]:
        if not isinstance(value, dict):
            self._tell((), Code.NOT_A_MAPPING, "expected aliases with their prompts", _EXAMPLE)
            return
        for alias, targets in value.items():
            if not self._is_free(alias):
                continue
            if not isinstance(targets, dict):
                self._tell((alias,), Code.WRONG_VALUE, "expected prompts with their versions", _EXAMPLE)
                continue
            seen = set[PromptId]()
            for name, selector in targets.items():
                found = self._declaration(alias, name, selector)
                if found is not None and found.prompt in seen:
                    self._tell((alias, name), Code.ALIAS_CLAIMED, f"{found.prompt} stands here twice", "keep one")
                elif found is not None:
                    seen.add(found.prompt)
                    yield found

    def _is_free(self, alias: str) -> bool:
        try:
            parse_alias(alias)
        except InvalidRef as error:
            self._tell((alias,), Code.ALIAS_NAME, error.message, error.hint, key=True)
            return False
        if (pattern := self.rules.moving(alias)) is not None:
            message = f"{alias!r} is moved by syncs of {pattern!r} already"
            hint = "an alias is declared here or named in [tool.promptdb.refs], not both"
            self._tell((alias,), Code.ALIAS_CLAIMED, message, hint, key=True)
            return False
        return True

    def _declaration(self, alias: str, name: str, selector: Any) -> Declaration | None:
        path = (alias, name)
        try:
            prompt = PromptId.parse(name)
        except InvalidRef as error:
            self._tell(path, Code.ALIAS_TARGET, error.message, error.hint, key=True)
            return None
        if not isinstance(selector, str):
            hint = "write rev:3, sha256:ab12cd34, git:COMMIT, latest, or a user_version in quotes"
            self._tell(path, Code.WRONG_VALUE, "expected a version", hint)
            return None
        try:
            parsed = parse_selector(selector)
        except InvalidRef as error:
            self._tell(path, Code.ALIAS_TARGET, error.message, error.hint)
            return None
        place = self.document.problem(path, Code.ALIAS_TARGET, "")
        return Declaration(alias, prompt, parsed, selector, place.line, place.column)

    def _tell(
        self, path: tuple[str, ...], code: Code, message: str, hint: str | None = None, *, key: bool = False
    ) -> None:
        self.problems.append(self.document.problem(path, code, message, hint, key=key))
