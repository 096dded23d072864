"""Escapes text for HTML and for Markdown, and makes characters visible that could mislead a reader."""

import re
from html import escape

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
"""Characters that draw nothing: controls, those that turn the direction of text, those without width, halves of pairs."""

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>$:&^=])")

_INNER_UNDERSCORE = re.compile(r"(?<=[A-Za-z0-9])\\_(?=[A-Za-z0-9])")

_ADDRESS = re.compile(r"(?<=http)(?=:/)|(?<=https)(?=:/)|(?<=www)(?=\.)|(?=@[-\w]+\.\w)", re.IGNORECASE)
"""The places in which an address can be broken. Markdown makes links of addresses, even where their signs are escaped."""

_JOINER = "\u2060"
"""Draws nothing, and breaks no line (WORD JOINER)."""


def in_html(text: str) -> str:
    """Escape text for HTML. A character that draws nothing becomes a mark with its code."""
    return _HIDDEN.sub(_mark, escape(text))


def in_attribute(text: str) -> str:
    """Escape text for the value of an attribute between double quotes."""
    return escape(_HIDDEN.sub(_code, text))


def in_markdown(text: str) -> str:
    """Escape text for one line of Markdown, such as the label of a link."""
    line = _HIDDEN.sub(_code, text).replace("\n", " ").replace("\t", " ")
    return _MARKDOWN.sub(r"\\\1", _ADDRESS.sub(_JOINER, line))


def visible(text: str) -> str:
    """Make characters visible in text that is shown as it is, such as a choice of a field."""
    return _HIDDEN.sub(_code, text)


def in_label(text: str) -> str:
    """Escape text for the label of a field. Screen readers say it as it is written, so `order_id` stays as it is."""
    # Markdown takes no underscore between letters for a sign.
    return _INNER_UNDERSCORE.sub("_", in_markdown(text))


def _mark(match: re.Match[str]) -> str:
    return f'<span class="pdb-hidden">{_code(match)}</span>'


def _code(match: re.Match[str]) -> str:
    code = ord(match[0])
    # The sign for a control character says more than its number.
    return chr(0x2400 + code) if code < 0x20 else f"U+{code:04X}"
