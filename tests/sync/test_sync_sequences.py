"""Random sequences of edits, renames, commits and syncs: after each sync the registry says what the files say."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import pytest
from registries import write
from sampling import sampled

from promptdb.domain.plan import Policy
from promptdb.domain.views import Provenance
from promptdb.errors import Conflict, VersionNotFound
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.sync.apply import Applied
from promptdb.sync.sync_tree import sync_tree

pytestmark = pytest.mark.slow

NAMES = ("a/one", "a/two", "b/one", "b/three")
TEXTS = ("red", "green", "blue")


@dataclass
class World:
    """A tree as its author knows it, and what each commit held. `renamed` are names that a rename has touched."""

    service: PromptService
    tree: Path
    random: Random
    files: dict[str, str] = field(default_factory=dict)
    commits: dict[str, dict[str, str]] = field(default_factory=dict)
    renamed: set[str] = field(default_factory=set)

    def step(self) -> None:
        self.random.choice([self.edit, self.edit, self.remove, self.rename, self.register, self.sync, self.commit])()

    def edit(self) -> None:
        self.put(self.random.choice(NAMES), self.random.choice(TEXTS))

    def put(self, name: str, text: str, earlier: str = "") -> None:
        write(self.tree, {f"{name}.yaml": f"template: {text}\n" + (f"renamed_from: [{earlier}]\n" if earlier else "")})
        self.files[name] = text

    def remove(self) -> None:
        if self.files:
            self.take(self.random.choice(sorted(self.files)))

    def take(self, name: str) -> str:
        (self.tree / f"{name}.yaml").unlink()
        return self.files.pop(name)

    def rename(self) -> None:
        free = sorted(set(NAMES) - self.files.keys())
        if self.files and free:
            old, new = self.random.choice(sorted(self.files)), self.random.choice(free)
            self.put(new, self.take(old), old)
            self.renamed |= {old, new}

    def register(self) -> None:
        """Without a file, beside those that have one. An old name is refused."""
        with suppress(Conflict):
            self.service.register_text(self.random.choice(NAMES), self.random.choice(TEXTS))

    def commit(self) -> None:
        commit = f"{len(self.commits):040x}"
        self.sync(commit)
        self.commits[commit] = dict(self.files)

    def sync(self, commit: str | None = None) -> None:
        policy = Policy(prune=self.random.random() < 0.3, max_prune=100)
        self.sync_once(commit, policy)
        again = self.sync_once(commit, policy)
        assert again.run_id is None
        assert again.plan.is_empty
        for name, text in self.files.items():
            assert self.service.get(name).render_text() == text

    def sync_once(self, commit: str | None, policy: Policy) -> Applied:
        """At a commit that has just been made; without one, with uncommitted changes."""
        is_dirty = commit is None
        head = commit or (list(self.commits)[-1] if self.commits else None)
        loaded = load_tree(self.service.settings)
        origin = replace(
            loaded.origin,
            commit_id=head,
            git_ref="main",
            is_dirty=is_dirty,
            provenance=lambda files: {path: Provenance(path, head, "main", is_dirty=is_dirty) for path in files},
        )
        return sync_tree(self.service.registry, replace(loaded, origin=origin), policy)

    def held(self, name: str, commit: str) -> str | None:
        try:
            return self.service.get(f"{name}:git:{commit}").render_text()
        except VersionNotFound:
            return None


@sampled(few=range(4))
@pytest.mark.parametrize("seed", range(24))
def test_any_sequence_ends_with_what_the_files_say(service: PromptService, tree: Path, seed: int) -> None:
    world = World(service, tree, Random(seed))
    for _ in range(25):
        world.step()
    world.commit()
    known = {str(summary.prompt) for summary in service.list_prompts(archived=True)}
    for name in sorted(known - world.renamed):
        for commit, files in world.commits.items():
            assert world.held(name, commit) == files.get(name), f"{name} in {commit}"
