"""The rules of a repository for its prompt files: what a file means where it does not say so itself."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Its import is slow, and finding unchanged files does not need it.
    from promptdb.domain.spec import Role, TemplateFormat, Undefined

ROLE_SYNONYMS = {"user": "human", "assistant": "ai", "developer": "system"}


@dataclass(frozen=True)
class TextDefaults:
    """The fields of a prompt whose file does not name them.

    `template_format` and `role` are those of text prompts. `undefined` is that of every jinja2 prompt.
    """

    template_format: "TemplateFormat" = "f-string"
    role: "Role | None" = None
    undefined: "Undefined" = "strict"
    ignored: tuple[str, ...] = ()
    """Fields of any prompt file that are dropped if there are no such fields."""


@dataclass(frozen=True)
class FileRules:
    """The rules of one tree. Equal rules read the same bytes as the same prompt.

    `folders` has paths from the prompts root, without `/` at the end, and the defaults in and below each of them.
    """

    text: TextDefaults = TextDefaults()
    folders: tuple[tuple[str, TextDefaults], ...] = ()

    def text_at(self, path: str) -> TextDefaults:
        """Find the defaults for a prompt file by its path from the prompts root."""
        around = [(folder, defaults) for folder, defaults in self.folders if path.startswith(f"{folder}/")]
        return max(around, key=lambda found: len(found[0]))[1] if around else self.text

    def ignoring(self, fields: Iterable[str]) -> "FileRules":
        """Drop unknown fields of these names too."""
        ignored = tuple(dict.fromkeys((*self.text.ignored, *fields)))
        folders = tuple((folder, replace(defaults, ignored=ignored)) for folder, defaults in self.folders)
        return FileRules(replace(self.text, ignored=ignored), folders)
