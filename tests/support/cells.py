"""The cells of the fault matrix: a registry on one kind of database and one of blob store, and what must hold in each.

Whatever was done to a sync, the registry is whole; the same command again does what is left; and after that nothing is left.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from registries import NewDatabase, dump, rows, s3_settings, write
from workers import together

from promptdb.cli import app
from promptdb.domain.digest import Digest, digest_of
from promptdb.domain.plan import Policy
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.settings import AppSettings
from promptdb.sync.sync_tree import sync_tree

PROMPTS = ("a/one", "a/two", "b/three")
STORES = ("local", "minio")
MANY = 250
"""Prompts, for whose rows a database has to ask its disk for room."""

Note = Callable[[str, object], None]


def fill(tree: Path, edition: int, padding: int = 1_000, more: int = 0) -> None:
    """Three prompts, two with assets of their own and one in common, all new in each edition; and aliases that follow them.

    `more` prompts have nothing but a text, which is new too.
    """
    assets = "assets: [{path: ../_shared/common.csv}, {path: _own.csv, kind: example_dataset}]\n"
    write(
        tree,
        {
            "a/one.yaml": f"template: One, edition {edition}\n{assets}",
            "a/_own.csv": f"own {edition}",
            "a/two.txt": f"Two, edition {edition}\n",
            "b/three.yaml": f"template: Three, edition {edition}\n{assets}",
            "b/_own.csv": f"other {edition}",
            "_shared/common.csv": f"common {edition}\n" * padding,
            "_aliases.yaml": "staging: {a/one: latest, a/two: latest}\nproduction: {b/three: latest}\n",
            **{f"more/n{number}.txt": f"Number {number}, edition {edition}\n" for number in range(more)},
        },
    )


def sync_cell(base: Path, values: dict[str, Any]) -> int:
    """The number of changes. For a process of its own: arguments are plain."""
    service = PromptService(AppSettings(base=base, **values))
    try:
        return len(sync_tree(service.registry, load_tree(service.settings), Policy()).plan.changes)
    finally:
        service.close()


@dataclass
class Cell:
    """`values` are the settings by their names. `more`: prompts beside the three."""

    base: Path
    values: dict[str, Any]
    note: Note = lambda _, __: None
    more: int = 0
    edition: int = 0
    _open: list[PromptService] = field(default_factory=list)

    @property
    def service(self) -> PromptService:
        """Not that of the process in which the fault is."""
        if not self._open:
            self._open.append(PromptService(AppSettings(base=self.base, **self.values)))
        return self._open[0]

    @property
    def count(self) -> int:
        """How many prompts an edition changes: all."""
        return len(PROMPTS) + self.more

    @property
    def work(self) -> tuple[Path, dict[str, Any]]:
        """The arguments of `sync_cell`."""
        return self.base, self.values

    def advance(self) -> None:
        """Edit every prompt."""
        self.edition += 1
        fill(self.base / "prompts", self.edition, more=self.more)

    def begin(self) -> None:
        """One edition is synced, and the next is to be."""
        self.advance()
        sync_cell(*self.work)
        self.advance()

    def sync(self, **values: Any) -> Any:
        """In a process of its own: the number of changes, or the text of its error."""
        return together(sync_cell, [(self.base, {**self.values, **values})])[0]

    def is_written(self) -> bool:
        """Whether the present edition is there. One half of it is never there."""
        names = [*PROMPTS, "more/n0"] if self.more else PROMPTS
        newest = {self.service.list_versions(name)[0].revision for name in names}
        assert len(newest) == 1, f"half a sync was written: {newest}"
        return newest == {self.edition}

    def require_converges(self) -> None:
        """The registry is whole as it is; a sync brings the present edition, another one nothing; the content is right."""
        require_whole(self.service)
        was_written = self.is_written()
        assert sync_cell(*self.work) == (0 if was_written else self.count)
        require_whole(self.service)
        assert self.is_written()
        before = dump(self.service.engine)
        assert sync_cell(*self.work) == 0
        assert dump(self.service.engine) == before
        for name, alias in zip(PROMPTS, ("staging", "staging", "production"), strict=True):
            assert f"edition {self.edition}" in self.service.get(f"{name}:{alias}").render_text()
        self._require_verified()

    def close(self) -> None:
        for service in self._open:
            service.close()

    def _require_verified(self) -> None:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.values.items():
                patch.setenv(f"PROMPTDB_{name.upper()}", str(value))
            patch.chdir(self.base)
            assert app.run(["verify", "--full"]) == 0


def require_whole(service: PromptService) -> None:
    """Revisions without gaps, digests that fit, a source for each version, blobs for all rows, and events that give the aliases."""
    revisions = defaultdict(list)
    versions = rows(service.engine, "prompt_versions")
    for version in versions:
        revisions[version["prompt_id"]].append(version["revision"])
        assert digest_of(version["spec_json"].encode()) == version["spec_hash"]
    for found in revisions.values():
        assert sorted(found) == list(range(1, len(found) + 1))
    assert set(revisions) == {prompt["id"] for prompt in rows(service.engine, "prompts")}
    assets = rows(service.engine, "prompt_assets")
    for asset in assets:
        data = service.blobs.get(Digest(f"sha256:{asset['checksum_sha256']}"))  # which checks the digest
        assert len(data) == asset["byte_size"]
    bundles = [asset["version_id"] for asset in assets if asset["kind"] == "bundle"]
    ids = sorted(version["id"] for version in versions)
    assert sorted(bundles) == ids
    assert sorted(source["version_id"] for source in rows(service.engine, "version_sources")) == ids
    replayed = {}
    for event in rows(service.engine, "alias_events"):
        replayed[event["prompt_id"], event["alias"]] = event["to_version_id"]
    aliases = rows(service.engine, "prompt_aliases")
    assert replayed == {(alias["prompt_id"], alias["alias"]): alias["version_id"] for alias in aliases}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
def cell(
    backend: str,
    store: str,
    new_database: NewDatabase,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> Iterator[Cell]:
    """Nothing synced yet. What a test notes of it goes into the table of `make soak`."""

    def note(fault: str, outcome: object) -> None:
        record_property("fault", (fault, f"{backend}, {store}", said(outcome)))

    place = {"blob_root": ".blobs"} if store == "local" else s3_settings(request.getfixturevalue("s3_server"))
    values = {"database_url": new_database(), "actor": "tester", **place}
    made = Cell(tmp_path, values, note)
    yield made
    made.close()


def through(cell: Cell, port: int) -> dict[str, Any]:
    """The database behind a proxy."""
    return {"database_url": re.sub(r":\d+/", f":{port}/", cell.values["database_url"])}


def said(outcome: object) -> str:
    """An outcome as the table counts it: the kind of an error, or that it worked."""
    return "done" if isinstance(outcome, int) else str(outcome).partition(":")[0]


def clean(outcome: object) -> bool:
    """Whether a run did its work, or ended with an error of ours."""
    return isinstance(outcome, int) or said(outcome) in ("StorageError", "LockTimeout", "IntegrityFailure")
