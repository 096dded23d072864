"""Several processes at once, and processes that are killed: whatever happens, the registry is whole."""

import hashlib
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from registries import NewDatabase, dump, rows, settings_for, write
from workers import killed_at, sync_prompts, together

from promptdb.db.engine import writing
from promptdb.domain.digest import digest_of
from promptdb.domain.plan import Policy
from promptdb.errors import LockTimeout
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.sync.apply import Applied
from promptdb.sync.sync_tree import sync_tree

pytestmark = pytest.mark.slow

PROMPTS = ("a/one", "a/two", "b/three")


def fill(tree: Path, edition: int) -> None:
    """Three prompts, two of which have an asset of their own and one in common; all of it new in each edition."""
    assets = "assets: [{path: ../_shared/common.csv}, {path: _own.csv, kind: example_dataset}]\n"
    write(
        tree,
        {
            "a/one.yaml": f"template: One, edition {edition}\n{assets}",
            "a/_own.csv": f"own {edition}",
            "b/three.yaml": f"template: Three, edition {edition}\n{assets}",
            "b/_own.csv": f"other {edition}",
            "_shared/common.csv": f"common {edition}" * 1000,
            "a/two.txt": f"Two, edition {edition}\n",
        },
    )


def require_whole(service: PromptService) -> None:
    """Revisions without gaps, digests that fit, a source for each version, and every blob that a row names."""
    revisions = defaultdict(list)
    for version in rows(service.engine, "prompt_versions"):
        revisions[version["prompt_id"]].append(version["revision"])
        assert digest_of(version["spec_json"].encode()) == version["spec_hash"]
    for found in revisions.values():
        assert sorted(found) == list(range(1, len(found) + 1))
    assert set(revisions) == {prompt["id"] for prompt in rows(service.engine, "prompts")}
    bundles = []
    for asset in rows(service.engine, "prompt_assets"):
        data = (service.settings.blob_path / asset["object_key"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == asset["checksum_sha256"]
        assert len(data) == asset["byte_size"]
        bundles += [asset["version_id"]] if asset["kind"] == "bundle" else []
    versions = [version["id"] for version in rows(service.engine, "prompt_versions")]
    assert sorted(bundles) == sorted(versions)
    assert sorted(source["version_id"] for source in rows(service.engine, "version_sources")) == sorted(versions)


def facts(service: PromptService) -> dict[str, list[list[Any]]]:
    """Everything but times, counts and the numbers of rows."""
    left_out = {"created_at", "updated_at", "started_at", "finished_at", "id", "run_id"}
    return {
        table: sorted([str(value) for name, value in row.items() if name not in left_out] for row in found)
        for table, found in dump(service.engine).items()
    }


@pytest.mark.parametrize("count", [2, 8])
def test_processes_that_sync_one_tree_at_once_do_what_one_would_have_done(
    service: PromptService, tree: Path, tmp_path: Path, database_url: str, new_database: NewDatabase, count: int
) -> None:
    alone = PromptService(settings_for(new_database("alone"), tmp_path, blob_root=".blobs-alone"))
    for edition in (1, 2):
        fill(tree, edition)
        answers = together(sync_prompts, [(database_url, tmp_path)] * count)
        assert sorted(answers) == [0] * (count - 1) + [len(PROMPTS)]
        sync_tree(alone.registry, load_tree(alone.settings), Policy())
    require_whole(service)
    mine, theirs = facts(service), facts(alone)
    alone.close()
    for table in theirs.keys() - {"prompt_assets"}:
        assert mine[table] == theirs[table], table
    assert len(mine["prompt_assets"]) == len(theirs["prompt_assets"])


def test_a_sync_that_does_not_get_the_lock_writes_nothing(settings: Any, service: PromptService, tree: Path) -> None:
    fill(tree, 1)
    impatient = PromptService(settings.model_copy(update={"lock_timeout": 0.05}))
    before = dump(service.engine)
    try:
        with writing(service.engine), pytest.raises(LockTimeout):
            sync_tree(impatient.registry, load_tree(settings), Policy())
    finally:
        impatient.close()
    assert dump(service.engine) == before


def test_a_sync_without_changes_waits_for_no_lock(
    settings: Any, service: PromptService, tree: Path, sync: Callable[..., Applied]
) -> None:
    fill(tree, 1)
    sync()
    impatient = PromptService(settings.model_copy(update={"lock_timeout": 0.05}))
    try:
        with writing(service.engine):
            assert sync_tree(impatient.registry, load_tree(settings), Policy()).plan.is_empty
    finally:
        impatient.close()


def test_a_registry_is_whole_after_a_kill_at_any_step_and_the_next_sync_finishes_the_work(
    service: PromptService, tree: Path, tmp_path: Path, database_url: str
) -> None:
    """A killed run leaves garbage at most: no row without its blob, no half of a sync, no lock. Every step: `tests/soak`."""
    step, edition, outcomes = 1, 0, set()
    while True:
        edition += 1
        fill(tree, edition)
        was_killed = killed_at(step, sync_prompts, database_url, tmp_path)
        require_whole(service)
        written = {service.list_versions(name)[0].revision for name in PROMPTS} if edition > 1 else None
        assert written is None or len(written) == 1, f"half a sync was written, killed at step {step}"
        outcomes.add(written == {edition})
        applied = sync_tree(service.registry, load_tree(service.settings), Policy())
        assert applied.plan.is_empty == (written == {edition} or not was_killed)
        require_whole(service)
        assert {service.list_versions(name)[0].revision for name in PROMPTS} == {edition}
        if not was_killed:
            break
        step += 23
    assert step > 40, "too few steps were seen"
    assert outcomes == {True, False}
