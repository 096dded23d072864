"""The content of the new versions of a plan, and its provenance."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from promptdb.blobs.store import BlobStore
from promptdb.domain.blob import Blob
from promptdb.domain.bundle import CONTENT_TYPE, BundledAsset, manifest
from promptdb.domain.integrity import BUNDLE
from promptdb.domain.plan import Action, Change, Desired, Plan
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.views import Provenance
from promptdb.progress import Progress
from promptdb.project.content import Content
from promptdb.project.view import Origin

if TYPE_CHECKING:
    from promptdb.project.desired import DesiredTree


@dataclass
class Batch:
    """The desired prompts of a plan. The content of a prompt is read when it is first needed, and then kept."""

    desired: Mapping[PromptId, Desired]
    content_of: Callable[[Desired], Content]
    bundles: dict[PromptId, BundledAsset] = field(default_factory=dict)
    """The bundles of the uploaded versions."""

    _contents: dict[PromptId, Content] = field(default_factory=dict)

    def content(self, prompt: PromptId) -> Content:
        if prompt not in self._contents:
            self._contents[prompt] = self.content_of(self.desired[prompt])
        return self._contents[prompt]

    def blobs(self, prompt: PromptId) -> Sequence[Blob]:
        """List the blobs of a version. The bundle, which names the assets, comes last."""
        content = self.content(prompt)
        bundle = Blob.of(manifest(content.canonical, list(content.assets)))
        self.bundles[prompt] = BundledAsset("", BUNDLE, bundle.digest, bundle.size, CONTENT_TYPE)
        return [*content.blobs, bundle]

    def sources(self, origin: Origin | None, intended: Plan) -> dict[str, Provenance]:
        """Find the provenance of the new versions, and of content that is used again, by path."""
        if origin is None:
            return {}
        found = [(change.path, change.prompt) for change in new_versions(intended)]
        found += [(reused.path, reused.prompt) for reused in intended.reused]
        files = {path: self.content(prompt).reads for path, prompt in found if path is not None}
        return origin.provenance(files) if files else {}

    def confirmed(self, origin: Origin | None, intended: Plan) -> dict[PromptId, Provenance]:
        """Find the unconfirmed prompts whose files are committed now, with their provenance."""
        if origin is None or not intended.unconfirmed:
            return {}
        waiting = map(self.desired.__getitem__, intended.unconfirmed)
        items = {item.path: item for item in waiting if item.path is not None}
        found = origin.provenance({path: self.content_of(item).reads for path, item in items.items()})
        return {items[path].prompt: at for path, at in found.items() if not at.is_dirty}


def batch_of(tree: "DesiredTree") -> Batch:
    return Batch({item.prompt: item for item in tree.items}, tree.content)


def upload_in_order(blobs: BlobStore, planned: Sequence[tuple[Batch, Plan]], progress: Progress | None = None) -> None:
    """Store the blobs of the new versions of several plans, all at once, because stores are faster with many blobs.

    Errors as in `BlobStore.put_all`.
    """
    new = [(batch, change.prompt) for batch, plan in planned for change in new_versions(plan)]
    done, total = 0, sum(1 + len(batch.content(prompt).blobs) for batch, prompt in new)

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, total)

    blobs.put_all((blob for batch, prompt in new for blob in batch.blobs(prompt)), advance)


def new_versions(intended: Plan) -> list[Change]:
    return [change for change in intended.changes if change.action in (Action.CREATE, Action.UPDATE)]
