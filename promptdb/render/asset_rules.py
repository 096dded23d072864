"""Rules for assets that a prompt renders: images and datasets."""

from collections.abc import Iterator, Mapping

from promptdb.domain.field_path import FieldPath
from promptdb.domain.spec import PromptSpec
from promptdb.problems import Code
from promptdb.render.assets import IMAGE_TYPES, MAX_DATASET_BYTES, MAX_IMAGE_BYTES, dataset, image_type, images
from promptdb.render.formats import CompiledTemplate

DATASET: FieldPath = ("few_shot", "examples_asset")
Found = tuple[FieldPath, Code, str, str | None]
"""The path of the field, code, message and hint."""


def asset_problems(spec: PromptSpec, compiled: Mapping[FieldPath, CompiledTemplate]) -> Iterator[Found]:
    """Find names that are not assets of the prompt, or that are assets of the wrong kind."""
    kinds = {asset.path: asset.kind for asset in spec.assets}
    listed = f"'assets' has: {', '.join(kinds)}" if kinds else "list it in 'assets'"
    for path, name in images(spec):
        if path in compiled and (compiled[path].variables or compiled[path].mentions):
            hint = "write the path of one asset, or let the caller give the whole URL"
            yield path, Code.ASSET, "the name of an asset contains a variable", hint
        elif name not in kinds:
            yield path, Code.ASSET, f"there is no asset {name!r}", listed
        elif image_type(name) is None:
            hint = f"use a file with one of the suffixes {', '.join(IMAGE_TYPES)}"
            yield path, Code.ASSET, f"the asset {name!r} is not an image that models accept", hint
    if (examples := dataset(spec)) is None:
        return
    named = f"the asset {examples!r}"
    if examples not in kinds:
        yield DATASET, Code.ASSET, f"there is no asset {examples!r}", listed
    elif kinds[examples] != "example_dataset":
        yield DATASET, Code.ASSET, f"{named} is of kind {kinds[examples]}", "write 'kind: example_dataset' there"
    elif not examples.lower().endswith(".jsonl"):
        yield DATASET, Code.ASSET, f"{named} is not JSON Lines", "save it as .jsonl, an example on each line"


def size_findings(spec: PromptSpec, sizes: Mapping[str, int]) -> Iterator[Found]:
    """Find assets that are too large to render. `sizes` has the bytes of each readable asset by its path in the spec."""
    uses = [(path, name, MAX_IMAGE_BYTES) for path, name in images(spec)]
    if (examples := dataset(spec)) is not None:
        uses.append((DATASET, examples, MAX_DATASET_BYTES))
    for path, name, limit in uses:
        if sizes.get(name, 0) > limit:
            message = f"the asset {name!r} is larger than {limit // 1024**2} MiB, too large for a part of the prompt"
            yield path, Code.TOO_LARGE, message, "use a smaller one, or let the caller give a URL"
