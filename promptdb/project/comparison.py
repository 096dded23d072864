"""The differences of two prompts, as every door shows them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from promptdb.domain.changes import ContractChange, changed_parts
from promptdb.project.edits.write_version import sections
from promptdb.render.caller_interface import changes_between
from promptdb.render.section_diff import ChangedText, DiffLine, changed_texts, unified

if TYPE_CHECKING:
    from promptdb.domain.spec import PromptSpec


@dataclass(frozen=True)
class Comparison:
    """The names of the parts that differ, the effects on callers, breaking ones first, and the texts that differ."""

    parts: tuple[str, ...]
    contract: tuple[ContractChange, ...]
    texts: tuple[ChangedText, ...]

    @property
    def lines(self) -> list[DiffLine]:
        """The lines of a unified diff without its header. There are none if only files of the prompts differ."""
        return [line for text in self.texts for line in unified(text)]


def compare(old: "PromptSpec", new: "PromptSpec") -> Comparison:
    """Compare two versions, or a version and a file."""
    texts = changed_texts(sections(old), sections(new))
    return Comparison(changed_parts(old, new), changes_between(old, new), tuple(texts))
