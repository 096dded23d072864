"""Compares the files of a checkout with its registry, for `status`."""

from dataclasses import dataclass
from pathlib import Path

from promptdb.db.migrate import HEAD
from promptdb.domain.plan import Plan, Policy
from promptdb.errors import InvalidPrompts
from promptdb.project.load import LoadedTree
from promptdb.registry.reader import RegistryReader
from promptdb.sync.sync_tree import plan_tree


@dataclass(frozen=True)
class Status:
    """The places of files and versions, and the difference between them. `schema` is None before there is a database."""

    prompts_root: Path
    database: str
    schema: str | None
    blobs: str
    tree: LoadedTree
    plan: Plan


def status_of(reader: RegistryReader, tree: LoadedTree, prompts_root: Path) -> Status:
    """Compare a tree with a registry. Problems of files are in the result. Errors as in `plan_tree`."""
    stores, registry = reader.stores, reader.compared
    try:
        intended = plan_tree(registry, tree, Policy())
    except InvalidPrompts as error:
        # A declared alias names a version that does not exist, which is one more problem of the files.
        tree.desired.problems += error.problems
        tree.desired.declared = None
        intended = plan_tree(registry, tree, Policy())
    schema = HEAD if registry is stores else None
    return Status(prompts_root, stores.address, schema, stores.blobs_place, tree, intended)
