"""The formats of other tools by the names of commands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from promptdb.neighbours.foreign import ForeignPrompt, Unread
from promptdb.neighbours.incoming import (
    csv_rows,
    dotprompt,
    github_models,
    headings,
    langchain,
    langfuse,
    mlflow,
    promptfoo,
    prompty,
)

TEXTS = (".txt", ".md")


@dataclass(frozen=True, slots=True)
class Format:
    """A format: the tool, what reads a file of it, and the ends of its file names.

    `read_text` reads files with an end in `TEXTS`, if the tool reads them in another way.
    """

    title: str
    read: Callable[[bytes], Sequence[ForeignPrompt | Unread]]
    suffixes: tuple[str, ...]
    read_text: Callable[[bytes], Sequence[ForeignPrompt | Unread]] | None = None

    def prompts(self, place: str, data: bytes) -> Sequence[ForeignPrompt | Unread]:
        """Read the prompts of the file at this place. Raise NotHeld if it is not of the format."""
        read = self.read_text if self.read_text and place.lower().endswith(TEXTS) else self.read
        return read(data)


INCOMING = {
    "csv": Format("CSV", csv_rows.read, csv_rows.SUFFIXES),
    "dotprompt": Format("dotprompt", dotprompt.read, dotprompt.SUFFIXES),
    "github-models": Format("GitHub Models", github_models.read, github_models.SUFFIXES),
    "jinja2": Format("jinja2 with headings for roles", headings.read, headings.SUFFIXES),
    "langchain": Format("LangChain", langchain.read, langchain.SUFFIXES),
    "langfuse": Format("Langfuse", langfuse.read, langfuse.SUFFIXES),
    "langsmith": Format("LangSmith", langchain.read_manifest, langchain.SUFFIXES),
    "mlflow": Format("MLflow", mlflow.read, mlflow.SUFFIXES),
    "promptfoo": Format("promptfoo", promptfoo.read, promptfoo.SUFFIXES, promptfoo.read_text),
    "prompty": Format("Prompty", prompty.read, prompty.SUFFIXES),
}
