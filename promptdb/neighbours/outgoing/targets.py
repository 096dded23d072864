"""The formats to export to, by the names of commands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from promptdb.domain.spec import PromptSpec
from promptdb.neighbours.foreign import Loss
from promptdb.neighbours.outgoing import (
    csv_rows,
    dotprompt,
    files,
    github_models,
    headings,
    langchain,
    langfuse,
    langsmith,
    mlflow,
    promptfoo,
    prompty,
)
from promptdb.neighbours.outgoing.origin import Origin


@dataclass(frozen=True, slots=True)
class Target:
    """A format to export to: what makes an item of a prompt, and what writes items as a file.

    `separator` stands for `/` in the names of a tool without namespaces.
    """

    item: Callable[[PromptSpec, Origin], tuple[Any, list[Loss]]]
    text: Callable[[Sequence[Any]], str]
    suffix: str
    holds_many: bool = False
    separator: str = "/"


OUTGOING = {
    "csv": Target(csv_rows.exported, csv_rows.table, ".csv", holds_many=True),
    "dotprompt": Target(dotprompt.exported, files.text_of_one, ".prompt"),
    "github-models": Target(github_models.exported, files.yaml_of_one, ".prompt.yml"),
    "jinja2": Target(headings.exported, files.text_of_one, ".jinja2"),
    "langchain": Target(langchain.exported, files.json_of_one, ".json"),
    "langfuse": Target(langfuse.exported, files.json_of_all, ".json", holds_many=True),
    "langsmith": Target(langsmith.exported, files.json_of_one, ".json", separator=langsmith.SEPARATOR),
    "mlflow": Target(mlflow.exported, files.json_of_all, ".json", holds_many=True, separator=mlflow.SEPARATOR),
    "promptfoo": Target(promptfoo.exported, files.json_of_one, ".json"),
    "prompty": Target(prompty.exported, files.text_of_one, ".prompty"),
}
