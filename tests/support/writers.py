"""Many processes that write to one registry, each as it likes, and what must be true of it afterwards."""

import hashlib
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from registries import rows, settings_for, write
from workers import together

from promptdb.domain.aliases import AliasMove
from promptdb.domain.digest import digest_of
from promptdb.domain.plan import Policy
from promptdb.errors import Conflict, LockTimeout, NotFound
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.sync.sync_tree import sync_tree

SHARED = [f"shared/p{number}" for number in range(5)]
ALIASES = ["staging", "production"]
BLOBS = ".blobs"
COMMON = ("sync", "register", "promote")
"""Acts that succeed sooner or later, whatever the other writers do."""


@dataclass
class Told:
    """What one writer was told: it must be found in the registry, and nothing else."""

    moves: list[tuple[str, str, str, int | None, int | None]] = field(default_factory=list)
    versions: list[tuple[str, int]] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    acts: Counter[str] = field(default_factory=Counter)


class Writer:
    """Its tree has prompts of its own, and others that all trees have."""

    def __init__(self, url: str, base: Path, number: int) -> None:
        folder = base / f"writer-{number}"
        self.tree = folder / "prompts"
        self.tree.mkdir(parents=True)
        self.service = PromptService(settings_for(url, folder, blob_root=str(base / BLOBS)))
        self.random = random.Random(number)
        self.number = number
        self.told = Told()
        self.acts = [
            self.sync,
            self.sync,
            self.register,
            self.promote,
            self.promote_expecting,
            self.rollback,
            self.delete,
        ]

    def work(self, acts: int) -> Told:
        """Try so many acts, and go on until each of the common ones was done: a busy machine only takes longer."""
        while self.told.acts.total() + self.told.lost.total() < acts or not self.told.acts.keys() >= {*COMMON}:
            act = self.random.choice(self.acts)
            try:
                act()
            except (Conflict, LockTimeout, NotFound) as error:
                self.told.lost[f"{act.__name__}: {type(error).__name__}"] += 1
            else:
                self.told.acts[act.__name__] += 1
        self.service.close()
        return self.told

    def sync(self) -> None:
        prompts = [*self.random.sample(SHARED, 2), f"own/w{self.number}"]
        write(self.tree, {f"{name}.txt": self.text() for name in prompts})
        prune = Policy(prune=True, max_prune=50) if self.random.random() < 0.1 else Policy()
        applied = sync_tree(self.service.registry, load_tree(self.service.settings), prune)
        self.told.versions += [(str(c.prompt), c.revision) for c in applied.plan.changes if c.revision is not None]
        self.told.runs += [applied.run_id] if applied.run_id is not None else []

    def register(self) -> None:
        done = self.service.register_text(self.random.choice(SHARED), self.text())
        if done.created:
            self.told.versions.append((str(done.version.prompt), done.version.revision))

    def promote(self) -> None:
        self.note(self.service.promote(self.random.choice(SHARED), self.random.choice(ALIASES)))

    def promote_expecting(self) -> None:
        prompt, alias = self.random.choice(SHARED), self.random.choice(ALIASES)
        there = [view.revision for view in self.service.aliases(prompt) if view.alias == alias]
        self.note(self.service.promote(prompt, alias, expected=there[0] if there else None))

    def rollback(self) -> None:
        self.note(self.service.rollback(self.random.choice(SHARED), self.random.choice(ALIASES)))

    def delete(self) -> None:
        self.note(self.service.delete_alias(self.random.choice(SHARED), self.random.choice(ALIASES)))

    def note(self, move: AliasMove) -> None:
        if move.is_needed:
            self.told.moves.append((str(move.prompt), move.alias, move.action, move.from_revision, move.to_revision))

    def text(self) -> str:
        return f"By {self.number}: {self.random.randrange(10**9)}"


def write_many(url: str, base: Path, number: int, acts: int) -> Told:
    """The work of one process."""
    return Writer(url, base, number).work(acts)


def write_at_once(url: str, base: Path, processes: int, acts: int) -> Told:
    """What all of them were told. Fails where the registry says otherwise, or one of them ended with another error."""
    calls = [(url, base, number, acts) for number in range(processes)]
    answers = together(write_many, calls, timeout=600)
    assert [answer for answer in answers if not isinstance(answer, Told)] == []
    told = Told()
    for answer in answers:
        told.moves += answer.moves
        told.versions += answer.versions
        told.runs += answer.runs
        told.lost += answer.lost
        told.acts += answer.acts
    service = PromptService(settings_for(url, base, blob_root=BLOBS))
    try:
        require_true(service, told)
    finally:
        service.close()
    return told


def require_true(service: PromptService, told: Told) -> None:
    tables = {
        name: rows(service.engine, name)
        for name in (
            *("prompts", "prompt_versions", "prompt_assets", "prompt_aliases", "alias_events", "sync_runs"),
            "version_sources",
        )
    }
    names = {row["id"]: f"{row['namespace']}/{row['name']}" for row in tables["prompts"]}
    versions = {row["id"]: (names[row["prompt_id"]], row["revision"]) for row in tables["prompt_versions"]}
    assert Counter(told.versions) == Counter(versions.values()), "versions lost, made twice, or never told"
    revisions = defaultdict(list)
    for name, revision in versions.values():
        revisions[name].append(revision)
    assert {name: sorted(found) for name, found in revisions.items()} == {
        name: list(range(1, len(found) + 1)) for name, found in revisions.items()
    }
    for row in tables["prompt_versions"]:
        assert digest_of(row["spec_json"].encode()) == row["spec_hash"]
    for row in tables["prompt_assets"]:
        data = (service.settings.blob_path / row["object_key"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == row["checksum_sha256"]
    assert sorted(row["version_id"] for row in tables["prompt_assets"]) == sorted(versions)
    assert sorted(told.runs) == [row["id"] for row in tables["sync_runs"]]
    _require_replayed(tables, names, versions, told)


def _require_replayed(
    tables: dict[str, list[dict[str, Any]]], names: dict[Any, str], versions: dict[Any, tuple[str, int]], told: Told
) -> None:
    """The events are the moves that were told; one after another, they lead to where the aliases point."""
    events = defaultdict(list)
    for row in tables["alias_events"]:
        events[names[row["prompt_id"]], row["alias"]].append(row)
    present = {}
    for key, found in events.items():
        assert [row["generation"] for row in found] == list(range(1, len(found) + 1)), key
        assert found[0]["from_version_id"] is None
        assert all(one["to_version_id"] == two["from_version_id"] for one, two in pairwise(found)), key
        if found[-1]["to_version_id"] is not None:
            present[key] = found[-1]["to_version_id"], found[-1]["generation"]
    assert present == {
        (names[row["prompt_id"]], row["alias"]): (row["version_id"], row["generation"])
        for row in tables["prompt_aliases"]
    }

    def revision(version: Any) -> int | None:
        return versions[version][1] if version is not None else None

    assert Counter(told.moves) == Counter(
        (
            *(names[row["prompt_id"]], row["alias"], row["action"]),
            *(revision(row["from_version_id"]), revision(row["to_version_id"])),
        )
        for row in tables["alias_events"]
    )
