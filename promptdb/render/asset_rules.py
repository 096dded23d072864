"""What must hold where a spec uses its assets when it is rendered."""

from collections.abc import Iterator, Mapping

from promptdb.domain.field_path import FieldPath
from promptdb.domain.spec import PromptSpec
from promptdb.problems import Code
from promptdb.render.assets import (
    IMAGE_TYPES,
    MAX_DATASET_BYTES,
    MAX_IMAGE_BYTES,
    dataset,
    image_type,
    images,
)
from promptdb.render.engine import CompiledTemplate

DATASET: FieldPath = ("few_shot", "examples_asset")
Found = tuple[FieldPath, Code, str, str | None]
"""Path to the field, code, message, hint."""


def asset_problems(spec: PromptSpec, compiled: Mapping[FieldPath, CompiledTemplate]) -> Iterator[Found]:
    """Names of assets that are none, or of another kind."""
    kinds = {asset.path: asset.kind for asset in spec.assets}
    listed = f"'assets' has: {', '.join(kinds)}" if kinds else "list it in 'assets'"
    for path, name in images(spec):
        if path in compiled and (compiled[path].variables or compiled[path].mentions):
            hint = "write the path of one asset, or let the caller give the whole URL"
            yield path, Code.ASSET, "the name of an asset holds a variable", hint
        elif name not in kinds:
            yield path, Code.ASSET, f"there is no asset {name!r}", listed
        elif image_type(name) is None:
            known = ", ".join(IMAGE_TYPES)
            yield path, Code.ASSET, f"the asset {name!r} is no image that models take", f"its suffix is none of {known}"
    examples = dataset(spec)
    if examples is None:
        return
    named = f"the asset {examples!r}"
    if examples not in kinds:
        yield DATASET, Code.ASSET, f"there is no asset {examples!r}", listed
    elif kinds[examples] != "example_dataset":
        yield DATASET, Code.ASSET, f"{named} is of kind {kinds[examples]}", "write 'kind: example_dataset' there"
    elif not examples.lower().endswith(".jsonl"):
        yield DATASET, Code.ASSET, f"{named} is not JSON Lines", "save it as .jsonl, an example on each line"


def size_findings(spec: PromptSpec, sizes: Mapping[str, int]) -> Iterator[Found]:
    """Assets that are too large for what they are used for.

    Args:
        sizes: bytes of each asset that could be read, by its path in the spec.
    """
    uses = [(path, name, MAX_IMAGE_BYTES) for path, name in images(spec)]
    if (examples := dataset(spec)) is not None:
        uses.append((DATASET, examples, MAX_DATASET_BYTES))
    for path, name, limit in uses:
        if sizes.get(name, 0) > limit:
            message = f"the asset {name!r} is larger than {limit // 1024**2} MiB, and becomes a part of the prompt"
            yield path, Code.TOO_LARGE, message, "use a smaller one, or let the caller give a URL"
