"""What stands behind the new versions of a plan: their content, uploaded before any row names it, and where it comes from."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from promptdb.blobs.bundle import manifest
from promptdb.blobs.store import Blob, BlobStore
from promptdb.domain.digest import Digest
from promptdb.domain.identity import PromptId
from promptdb.domain.plan import Action, Change, Desired, Plan
from promptdb.domain.views import Provenance
from promptdb.progress import Progress
from promptdb.sync.content import Content
from promptdb.sync.view import Origin

ContentOf = Callable[[Desired], Content]


@dataclass
class Batch:
    """`content_of` is asked once for each prompt that gets a version."""

    blobs: BlobStore
    desired: Mapping[PromptId, Desired]
    content_of: ContentOf
    contents: dict[PromptId, Content] = field(default_factory=dict)
    manifests: dict[PromptId, tuple[Digest, int]] = field(default_factory=dict)
    progress: Progress | None = None
    asset_count: int = 0

    def upload(self, intended: Plan) -> None:
        """Assets count, in the progress, from when the turn of their prompt comes."""
        done, bundles = 0, sum(change.prompt not in self.contents for change in new_versions(intended))

        def advance(count: int) -> None:
            nonlocal done
            done += count
            if self.progress is not None:
                self.progress(done, bundles + self.asset_count)

        self.blobs.put_all(self.new_blobs(intended), advance)

    def new_blobs(self, intended: Plan) -> Iterator[Blob]:
        """Those of the new versions that were not uploaded, for a caller that uploads them."""
        new = [change.prompt for change in new_versions(intended) if change.prompt not in self.contents]
        return (blob for prompt in new for blob in self._blobs(prompt))

    def all_blobs(self) -> Iterator[Blob]:
        """Those that were uploaded, once more."""
        for content in self.contents.values():
            yield from content.blobs
            yield _bundle(content)

    def sources(
        self, origin: Origin | None, intended: Plan, known: Mapping[str, Provenance] | None = None
    ) -> dict[str, Provenance]:
        """Path -> provenance of the new versions that are uploaded, without those that are `known`."""
        if origin is None:
            return {}
        files = {
            change.path: self.contents[change.prompt].reads
            for change in new_versions(intended)
            if change.path is not None and change.path not in (known or {})
        }
        return origin.provenance(files) if files else {}

    def confirmed(self, origin: Origin | None, intended: Plan) -> dict[PromptId, Provenance]:
        """Of the unconfirmed prompts those whose files are clean now, with where they are."""
        if origin is None or not intended.unconfirmed:
            return {}
        waiting = map(self.desired.__getitem__, intended.unconfirmed)
        items = {item.path: item for item in waiting if item.path is not None}
        found = origin.provenance({path: self.content_of(item).reads for path, item in items.items()})
        return {items[path].prompt: at for path, at in found.items() if not at.is_dirty}

    def _blobs(self, prompt: PromptId) -> Sequence[Blob]:
        content = self.content_of(self.desired[prompt])
        bundle = _bundle(content)
        self.contents[prompt] = content
        self.asset_count += len(content.blobs)
        self.manifests[prompt] = bundle.digest, bundle.size
        return [*content.blobs, bundle]


def _bundle(content: Content) -> Blob:
    return Blob.of(manifest(content.canonical, list(content.assets)))


def new_versions(intended: Plan) -> list[Change]:
    return [change for change in intended.changes if change.action in (Action.CREATE, Action.UPDATE)]
