"""A strict reader of YAML 1.2 with the core schema (https://yaml.org/spec/1.2.2, section 10.3).

libyaml builds the nodes, and this module turns them into JSON data.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]

from promptdb.files.findings import FileProblem, Unreadable
from promptdb.problems import Code
from promptdb.render.formats import line_and_column

MAX_DEPTH = 64
MAX_DIGITS = 300

# Characters after anchors are expanded. A node counts as `_NODE_COST` of them.
MAX_EXPANSION = 4 * 1024 * 1024
_NODE_COST = 8

# libyaml composes recursively in C, and overflows the stack near 20,000 levels. Each level needs one of `[{-?:`.
_SAFE_INDICATORS = 1000

_PLAIN, _QUOTED, _COLLECTION = "plain", "quoted", "collection"
_OTHER_LINE_BREAK = re.compile("[\x85\u2028\u2029]|\r(?!\n)")
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_CONSTANTS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_HINTS = {
    "mapping values are not allowed": "quote a value that contains ': '",
    "cannot start any token": "indent with spaces, not tabs, and quote a value that starts with @, ` or %",
    "could not find expected ':'": "check the indentation, and quote values that contain ': ' or '#'",
    "did not find expected key": "check the indentation of this line and the one before",
    "undefined alias": "quote a value that starts with *",
    "while scanning an alias": "quote a value that starts with *",
    "while scanning an anchor": "quote a value that starts with &",
    "while parsing a flow mapping": "quote a value that starts with {",
    "while scanning a quoted scalar": "close the quotation mark",
}
_AFTER_A_WORD = ("mapping values are not allowed in this context", "could not find expected ':'")
_WORD = re.compile(r"[ -]*(\w{1,40}) *|[ -]*([a-z_]{1,40}) [^:#]*")
_SPECIAL_STARTS = frozenset(["", *"+-.0123456789~ntfNTF"])


class _Parser(CParser):
    """Tags scalars as plain or quoted, and keeps every other tag, to be refused."""

    def resolve(self, kind: type, value: str, implicit: Any) -> str:  # noqa: ARG002
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else _QUOTED
        return _COLLECTION

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:
        pass

    def ascend_resolver(self) -> None:
        pass


def compose(text: str) -> yaml.Node | None:
    """Parse one document into nodes; None if there is none. Raise Unreadable for other text, or if it is too deep."""
    if (not text.isascii() or "\r" in text) and (match := _OTHER_LINE_BREAK.search(text)) is not None:
        raise Unreadable(_line_break(text, match.start()))
    try:
        if sum(map(text.count, "[{-?:")) > _SAFE_INDICATORS:
            _refuse_depth(text)
        node: yaml.Node | None = _Parser(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        raise Unreadable(_without_colon(text, error) or _syntax(error)) from error
    except yaml.reader.ReaderError as error:
        before = text.encode()[: error.position].decode(errors="replace")
        number = ord(error.character) if isinstance(error.character, str) else error.character
        message = f"the character U+{number:04X} is not allowed in YAML"
        hint = 'write it as an escape, for example "\\u0007"'
        place = line_and_column(before, len(before))
        raise Unreadable(FileProblem(Code.BAD_CHARACTER, message, hint, *place)) from error
    return node


def construct(root: yaml.Node, *, has_aliases: bool = True) -> Any:
    """Convert nodes to JSON data. Raise Unreadable with every duplicate key, tag, merge key and bad number.

    Only aliases make the data larger than the text. Without any, `has_aliases=False` skips the check of its size.
    """
    builder = _Builder(measured=has_aliases)
    value = builder.build(root, 0)
    if builder.findings:
        raise Unreadable(*builder.findings, data=value)
    return value


class _Builder:
    def __init__(self, *, measured: bool) -> None:
        self.findings: list[FileProblem] = []
        self.budget = MAX_EXPANSION
        self._measured = measured

    def build(self, node: yaml.Node, depth: int) -> Any:
        if self._measured:
            self._spend(node)
        if type(node) is yaml.ScalarNode:
            value: str = node.value
            if node.tag is _PLAIN:
                return self._plain(node, value) if value[:1] in _SPECIAL_STARTS else value
            self._check_quoted(node)
            return value
        if node.tag is not _COLLECTION:
            self._refuse_tag(node)
        if depth >= MAX_DEPTH:
            raise _too_deep(node)
        if type(node) is yaml.MappingNode:
            return self._mapping(node, depth + 1)
        return [self.build(item, depth + 1) for item in node.value]

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        build = self.build
        for key_node, value_node in node.value:
            key = key_node.value
            if key_node.tag is not _PLAIN or key in result or key == "<<":
                if type(key_node) is not yaml.ScalarNode:
                    hint = "quote a value that starts with {"
                    self._find(key_node, Code.YAML_FEATURE, "a key must be text", hint)
                    continue
                self._check_key(key_node, result)
            if self._measured:
                self._spend(key_node)
            result[key] = build(value_node, depth)
        return result

    def _check_key(self, node: yaml.ScalarNode, seen: dict[str, Any]) -> None:
        if node.value in seen:
            self._find(node, Code.DUPLICATE_KEY, f"the key {node.value!r} appears twice", "keep one of them")
        if node.tag is _PLAIN and node.value == "<<":
            self._find(node, Code.YAML_FEATURE, "merge keys (<<) are not part of YAML 1.2", "write the keys out")
        if node.tag is not _PLAIN:
            self._check_quoted(node)

    def _check_quoted(self, node: yaml.ScalarNode) -> None:
        if node.tag is not _QUOTED or not node.style:
            self._refuse_tag(node)
        elif "\0" in node.value:
            self._find(node, Code.BAD_CHARACTER, "the character U+0000 is not allowed")

    def _plain(self, node: yaml.ScalarNode, text: str) -> Any:
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _INTEGER.fullmatch(text):
            if len(text) > MAX_DIGITS:
                self._find(node, Code.WRONG_VALUE, f"a number of more than {MAX_DIGITS} digits", "quote it")
                return 0
            return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        if _FLOAT.fullmatch(text):
            value = float(text)
            if value - value == 0:
                return value
        elif not _NOT_FINITE.fullmatch(text):
            return text
        self._find(node, Code.WRONG_VALUE, f"{text[:40]} is not a number that JSON can hold", "quote it if it is text")
        return 0

    def _spend(self, node: yaml.Node) -> None:
        self.budget -= _NODE_COST + (len(node.value) if type(node) is yaml.ScalarNode else 0)
        if self.budget < 0:
            message = "too large once its anchors are expanded"
            raise Unreadable(problem_at(node.start_mark, Code.TOO_COMPLEX, message, "use fewer aliases"))

    def _refuse_tag(self, node: yaml.Node) -> None:
        tag = "!" if node.tag in (_QUOTED, _COLLECTION) else node.tag.replace("tag:yaml.org,2002:", "!!")[:60]
        self._find(node, Code.YAML_FEATURE, f"the tag {tag} is not allowed", "remove it; quote text instead")

    def _find(self, node: yaml.Node, code: Code, message: str, hint: str | None = None) -> None:
        self.findings.append(problem_at(node.start_mark, code, message, hint))


def reads_as_text(text: str) -> bool:
    """Report whether a text without quotes reads as text, not as null, a boolean or a number."""
    return not (text in _CONSTANTS or any(p.fullmatch(text) for p in (_INTEGER, _FLOAT, _NOT_FINITE)))


def node_at(root: yaml.Node | None, path: tuple[str | int, ...], *, key: bool = False) -> yaml.Node | None:
    """Find the node under `path`, or the deepest node on the way there. With `key`, find the key that leads to it."""
    node, found = root, root
    for part in path:
        step = _child(node, part)
        if step is None:
            break
        found, node = (step[0] if key else step[1]), step[1]
    return found


def _child(node: yaml.Node | None, part: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        return next((pair for pair in node.value if pair[0].value == part), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None


def places_of_values(
    root: yaml.Node | None, depth: int, path: tuple[str, ...] = ()
) -> dict[tuple[str, ...], tuple[int, int]]:
    """Find the line and column of each value in mappings of mappings, by its keys, down to a depth."""
    found = {}
    for key, node in root.value if isinstance(root, yaml.MappingNode) else []:
        below = (*path, key.value)
        found[below] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if len(below) < depth:
            found |= places_of_values(node, depth, below)
    return found


def walk(node: yaml.Node | None) -> Iterator[yaml.Node]:
    """Yield a node and all nodes below it, keys included."""
    if node is not None:
        yield node
    if isinstance(node, yaml.CollectionNode):
        for item in node.value:
            for child in item if isinstance(item, tuple) else (item,):
                yield from walk(child)


def problem_at(mark: yaml.Mark, code: Code, message: str, hint: str | None = None) -> FileProblem:
    return FileProblem(code, message, hint, mark.line + 1, mark.column + 1)


def _refuse_depth(text: str) -> None:
    # libyaml gives events without recursion, so that the depth is known before nodes are built.
    parser, depth = _Parser(text), 0
    next_event: Callable[[], Any] = parser.get_event
    while (event := next_event()) is not None:
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise _too_deep(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _too_deep(node: Any) -> Unreadable:
    message = f"nested deeper than {MAX_DEPTH} levels"
    hint = "flatten it; an anchor may not contain an alias of itself"
    return Unreadable(problem_at(node.start_mark, Code.TOO_COMPLEX, message, hint))


def _line_break(text: str, position: int) -> FileProblem:
    # libyaml treats these as line breaks, as YAML 1.1 did, and would change them silently.
    escape = {"\x85": "\\N", "\u2028": "\\L", "\u2029": "\\P", "\r": "\\r"}[text[position]]
    message = f"the character U+{ord(text[position]):04X} must be escaped"
    hint = f'write it as "{escape}", in double quotes'
    return FileProblem(Code.BAD_CHARACTER, message, hint, *line_and_column(text, position))


def _without_colon(text: str, error: yaml.MarkedYAMLError) -> FileProblem | None:
    """Find the line before the error that starts with a word, and probably lacks a colon behind it."""
    if error.problem_mark is None or error.problem not in _AFTER_A_WORD:
        return None
    lines = text.split("\n")[: error.problem_mark.line + 1]
    row = next((row for row in range(len(lines) - 2, -1, -1) if lines[row].strip()), None)
    if row is None or (found := _WORD.fullmatch(lines[row])) is None or not lines[-1][:1].isspace():
        return None
    word = found[found.lastindex or 1]
    message = f"not valid YAML: there is no ':' after {word!r}"
    column = found.end(found.lastindex or 1) + 1
    return FileProblem(Code.SYNTAX, message, f"write '{word}:', or quote the text", row + 1, column)


def _syntax(error: yaml.MarkedYAMLError) -> FileProblem:
    mark = error.problem_mark or error.context_mark or yaml.Mark("", 0, 0, 0, None, 0)
    text = ", ".join(part for part in (error.problem, error.context) if part)
    if "expected a single document" in text:
        return problem_at(mark, Code.NOT_A_MAPPING, "more than one YAML document", "write one prompt in each file")
    hint = next((hint for part, hint in _HINTS.items() if part in text), None)
    return problem_at(mark, Code.SYNTAX, f"not valid YAML: {text}", hint)
