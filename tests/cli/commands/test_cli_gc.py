"""`promptdb gc`."""

from pathlib import Path

import pytest
from clitools import Run

from promptdb.blobs.local import LocalBlobStore
from promptdb.domain.blob import Blob

GARBAGE = Blob.of(b"nobody needs this")


@pytest.fixture
def littered(synced: Path) -> Path:
    LocalBlobStore(synced / ".blobs").put_all([GARBAGE])
    return synced


def test_by_default_it_is_a_dry_run_with_a_day_of_grace(run: Run, littered: Path) -> None:
    ran = run("gc")
    assert (ran.code, ran.err) == (0, "")
    assert "1 blob without a version, stored too recently to be removed\n" in ran.out
    assert ran.out.endswith("0 blobs (0 bytes) without a version can be removed\n")


def test_a_dry_run_shows_what_would_go(run: Run, littered: Path) -> None:
    ran = run("gc", "--grace", "0")
    assert f"  {GARBAGE.digest}\n1 blob (17 bytes) without a version can be removed\n" in ran.out
    assert ran.out.endswith("this was a dry run; --delete removes them\n")
    assert run("gc", "--grace", "0", "--json").json["examples"] == [GARBAGE.digest]


def test_delete_removes_it(run: Run, littered: Path) -> None:
    assert run("gc", "--grace", "0", "--delete").out.endswith("removed 1 blob (17 bytes)\n")
    assert run("gc", "--grace", "0", "--json").json["garbage"] == 0
    assert run("verify", "--full").code == 0


def test_too_much_garbage_is_refused_with_exit_code_5(run: Run, littered: Path) -> None:
    assert run("gc", "--grace", "0", "--max-delete", "10").err.startswith("note: --delete would be refused: this would")
    ran = run("gc", "--grace", "0", "--delete", "--max-delete", "10")
    assert (ran.code, ran.out) == (5, "")
    assert ran.err.startswith("error: this would delete 1 of 3 blobs, more than 10 %\nhint: ")


@pytest.mark.parametrize("options", [("--grace", "-1"), ("--max-delete", "101"), ("--grace", "soon")])
def test_a_wrong_number_is_a_usage_error(run: Run, littered: Path, options: tuple[str, str]) -> None:
    assert run("gc", *options).code == 2
