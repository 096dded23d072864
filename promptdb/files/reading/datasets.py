"""Checks of the assets that become a part of the prompt, before anything is rendered."""

from collections.abc import Iterator
from io import BufferedReader
from itertools import islice
from typing import BinaryIO, cast

from promptdb.domain.spec import MAX_ITEMS, PromptSpec
from promptdb.files.findings import Unreadable
from promptdb.files.reading.document import Document
from promptdb.files.reading.formats import decode, problems_of
from promptdb.files.reading.json import read_json
from promptdb.files.streams import StoredFile
from promptdb.files.tree import Tree, beside, open_stored
from promptdb.problems import Code, Problem
from promptdb.render.asset_rules import DATASET, size_findings
from promptdb.render.assets import dataset
from promptdb.render.templates import CompiledTemplates
from promptdb.render.validation import example_problems

# More problems of one dataset teach nothing new.
_MAX_PROBLEMS = 20


def asset_problems(
    spec: PromptSpec, templates: CompiledTemplates, document: Document, tree: Tree, stored: dict[str, StoredFile]
) -> Iterator[Problem]:
    """Find problems in the assets that a spec renders. `stored` has them by their paths from the prompts root."""
    places = {asset.path: beside(document.path, asset.path) for asset in spec.assets}
    sizes = {name: stored[where].size for name, where in places.items()}
    found = [document.problem(path, code, message, hint) for path, code, message, hint in size_findings(spec, sizes)]
    yield from found
    name = dataset(spec)
    if name is None or found:
        return
    with open_stored(tree, places[name], stored[places[name]]) as stream:
        yield from islice(_dataset_problems(templates, document, places[name], stream), _MAX_PROBLEMS)


def _dataset_problems(
    templates: CompiledTemplates, document: Document, where: str, stream: BinaryIO
) -> Iterator[Problem]:
    count = 0
    for number, line in enumerate(BufferedReader(cast("BufferedReader", stream)), 1):
        if not line.strip():
            continue
        if count == MAX_ITEMS:
            message = f"the dataset has more than {MAX_ITEMS:,} examples"
            yield Problem(where, number, 1, Code.FEW_SHOT, message, "choose the best")
            return
        try:
            value = read_json(decode(line).strip())
        except Unreadable as error:
            yield from problems_of(where, error.below(number - 1))
            return
        if isinstance(value, dict):
            for found in example_problems(templates, [value], count):
                yield Problem(where, number, 1, found.code, found.message, found.hint)
        else:
            message = f"example {count + 1} is not a mapping of names to values"
            yield Problem(where, number, 1, Code.WRONG_VALUE, message)
        count += 1
    if not count:
        yield document.problem(DATASET, Code.FEW_SHOT, "the dataset has no examples", "add some, or remove few_shot")
