"""Template languages of other tools: writes text and variables so that the tool renders them as promptdb does."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from promptdb.domain.spec import TemplateFormat
from promptdb.neighbours.outgoing.pieces import Pieces, Slot, parts, refuse

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OF_JINJA = frozenset(
    {"true", "false", "none", "True", "False", "None", "and", "or", "not", "in", "is", "if", "else", "for", "recursive"}
)
_OF_HANDLEBARS = frozenset(
    {
        *("this", "else", "true", "false", "null", "undefined", "if", "unless", "each", "with", "lookup", "log"),
        *("role", "history", "media", "section", "json", "ifEquals", "unlessEquals", "as"),
    }
)


@dataclass(frozen=True)
class Braces:
    """A language with `{{name}}`, without an escape for what `closed` finds in text.

    A variable cannot follow a character in `closed_before`: it would be part of the tag.
    """

    name: str
    read_as: TemplateFormat = "mustache"
    closed: re.Pattern[str] = re.compile(r"\{\{")
    reserved: frozenset[str] = frozenset()
    closed_before: tuple[str, ...] = ("{",)

    def written(self, pieces: Pieces, place: str) -> str:
        """Write a template.

        Raises:
            NotHeld: it has text, a name or a format that the language cannot express.
        """
        found = ""
        for piece in parts(pieces):
            if isinstance(piece, str):
                text = piece
                if match := self.closed.search(text):
                    refuse(place, f"the literal {match[0]!r}: {self.name} would take it for a tag")
            else:
                require_plain_name(piece, place, self.name, self.reserved)
                if found.endswith(self.closed_before):
                    refuse(place, f"{found[-1]!r} before the variable {piece.name!r}")
                text = f"{{{{{piece.name}}}}}"
            found += text
        return found


PLAIN_BRACES = Braces("{{name}}")
MLFLOW = Braces("MLflow", closed=re.compile(r"\{[{%#]"))
LANGFUSE = Braces("Langfuse", closed=re.compile(r"\{\{|@@@langfusePrompt:"))
HANDLEBARS = Braces("Handlebars", "mustache", re.compile(r"\{\{|<<<"), _OF_HANDLEBARS, ("{", "\\"))
NUNJUCKS = Braces("Nunjucks", "jinja2", re.compile(r"\{[{%#]|#\}"), _OF_JINJA)
"""It takes the end of a comment for an error, where jinja2 takes it for text."""


class FString:
    """LangChain's default, with the formats of Python."""

    read_as: TemplateFormat = "f-string"

    def written(self, pieces: Pieces, place: str = "") -> str:  # noqa: ARG002  like its siblings
        """Write an f-string with the formats of its variables."""
        return "".join(
            piece.replace("{", "{{").replace("}", "}}") if isinstance(piece, str) else str(piece)
            for piece in parts(pieces)
        )


class Jinja:
    """jinja2, for prompts that were not written in it."""

    read_as: TemplateFormat = "jinja2"

    def written(self, pieces: Pieces, place: str) -> str:
        """Write a jinja2 template.

        Raises:
            NotHeld: a variable has a format, or a name that jinja2 reserves.
        """
        text = "".join(_jinja_parts(pieces, place))
        # jinja2 drops one line break at the end.
        return f"{text}\n" if text.endswith("\n") else text


def _jinja_parts(pieces: Pieces, place: str) -> Iterator[str]:
    for index, piece in enumerate(parts(pieces)):
        if isinstance(piece, Slot):
            require_plain_name(piece, place, "jinja2", _OF_JINJA)
            yield f"{{{{ {piece.name} }}}}"
        else:
            text = re.sub(r"\{(?=[{%#])", '{{ "{" }}', piece)
            # jinja2 reads it as a line break.
            text = text.replace("\r", '{{ "\\r" }}')
            is_before_slot = index + 1 < len(pieces)
            yield f'{text[:-1]}{{{{ "{{" }}}}' if is_before_slot and text.endswith("{") else text


def require_plain_name(slot: Slot, place: str, language: str, reserved: frozenset[str] = frozenset()) -> None:
    if slot.form:
        refuse(place, f"the format of {slot}")
    if not _NAME.fullmatch(slot.name) or slot.name in reserved:
        refuse(place, f"the name {slot.name!r}, which {language} reserves")
