"""Assets that become a part of the prompt: whether they can, told before anything is rendered."""

from collections.abc import Iterator
from io import BufferedReader
from typing import BinaryIO, cast

from promptdb.domain.spec import PromptSpec
from promptdb.files.findings import Unreadable
from promptdb.files.reading.document import Document
from promptdb.files.reading.formats import decode
from promptdb.files.reading.json import read_json
from promptdb.files.streams import StoredFile
from promptdb.files.tree import Tree, beside, open_stored
from promptdb.problems import Code, Problem
from promptdb.render.asset_rules import DATASET, size_findings
from promptdb.render.assets import dataset
from promptdb.render.templates import CompiledTemplates
from promptdb.render.validation import example_problems

_MAX_PROBLEMS = 20
"""Of one dataset: more of them say nothing new."""


def asset_problems(
    spec: PromptSpec, templates: CompiledTemplates, document: Document, tree: Tree, stored: dict[str, StoredFile]
) -> Iterator[Problem]:
    """What is wrong with the content of the assets that a spec renders.

    Args:
        spec: valid but for that.
        templates: of the spec.
        document: the prompt file.
        tree: where the assets are.
        stored: all of them, by their paths from the prompts root.
    """
    places = {asset.path: beside(document.path, asset.path) for asset in spec.assets}
    sizes = {name: stored[where].size for name, where in places.items()}
    found = [document.problem(path, code, message, hint) for path, code, message, hint in size_findings(spec, sizes)]
    yield from found
    name = dataset(spec)
    if name is None or found:
        return
    with open_stored(tree, places[name], stored[places[name]]) as stream:
        problems = list(_of_dataset(templates, document, places[name], stream))
    yield from problems[:_MAX_PROBLEMS]


def _of_dataset(templates: CompiledTemplates, document: Document, where: str, stream: BinaryIO) -> Iterator[Problem]:
    count, told = 0, 0
    for number, line in enumerate(BufferedReader(cast("BufferedReader", stream)), 1):
        if not line.strip():
            continue
        try:
            value = read_json(decode(line).strip())
        except Unreadable as error:
            for f in error.findings:
                yield Problem(where, number, f.column, f.code, f.message, f.hint)
            return
        if not isinstance(value, dict):
            yield Problem(
                where, number, 1, Code.WRONG_VALUE, f"example {count + 1} is not a mapping of names to values"
            )
            told += 1
        else:
            for finding in example_problems(templates, [value], count):
                yield Problem(where, number, 1, finding.code, finding.message, finding.hint)
                told += 1
        count += 1
        if told >= _MAX_PROBLEMS:
            return
    if not count:
        yield document.problem(DATASET, Code.FEW_SHOT, "the dataset has no examples", "add some, or remove few_shot")
