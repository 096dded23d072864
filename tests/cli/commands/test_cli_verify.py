"""`promptdb verify`."""

import sqlite3
from pathlib import Path

from clitools import Run


def bundles(root: Path) -> list[Path]:
    return sorted(file for file in (root / ".blobs/sha256").rglob("*") if file.is_file())


def test_a_sound_registry_is_exit_code_0(run: Run, synced: Path) -> None:
    ran = run("verify")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("2 prompts, 2 versions, 0 aliases, 2 blobs (")
    assert ran.out.endswith(", not read: use --full)\nno findings\n")


def test_findings_are_exit_code_7_with_a_remedy_and_repair_mends_them(run: Run, synced: Path) -> None:
    lost, flipped = bundles(synced)
    lost.unlink()
    flipped.write_bytes(flipped.read_bytes()[:-1] + b"!")
    ran = run("verify", "--full")
    assert ran.code == 7
    assert f"V402 blob sha256:{lost.name}: it is not in the store; needed by " in ran.out
    assert f"V404 blob sha256:{flipped.name}: its bytes have another digest; needed by " in ran.out
    assert ran.out.count("      hint: run: promptdb verify --repair\n") == 1
    assert ran.out.count("      hint: run: promptdb verify --full --repair\n") == 1
    assert ran.out.endswith("\n2 findings; --full --repair may fix 2\n")
    ran = run("verify", "--full", "--repair")
    assert ran.code == 0
    assert f"restored: sha256:{lost.name}\n" in ran.out
    assert ran.out.endswith("\nno findings left\n")
    assert run("verify", "--full").code == 0


def test_quick_reads_no_blob(run: Run, synced: Path) -> None:
    for file in bundles(synced):
        file.write_bytes(file.read_bytes()[:-1] + b"!")
    assert (run("verify").code, run("verify", "--full").code) == (0, 7)


def test_an_edited_row_is_told_and_not_repaired(run: Run, synced: Path) -> None:
    connection = sqlite3.connect("promptdb.sqlite3")
    with connection:
        connection.execute("DROP TRIGGER prompt_versions_no_update")
        connection.execute("UPDATE prompt_versions SET spec_json = replace(spec_json, 'Hello', 'Evil')")
    connection.close()
    for options in ((), ("--repair",)):
        ran = run("verify", *options)
        assert ran.code == 7
        assert "V303 schema: no trigger prompt_versions_no_update\n" in ran.out
        assert "V101 default/greet rev:1: " in ran.out
    assert run("show", "greet").code == 7
    assert run("render", "greet", "--var", "name=x", "--var", "place=y").code == 7


def test_json_has_counts_and_findings(run: Run, synced: Path) -> None:
    lost = bundles(synced)[0]
    size = lost.stat().st_size
    lost.unlink()
    ran = run("verify", "--json")
    assert ran.code == 7
    (finding,) = ran.json["findings"]
    assert finding.keys() == {"code", "subject", "message", "remedy", "digest", "repairable"}
    assert (finding["code"], finding["digest"], finding["repairable"]) == ("V402", f"sha256:{lost.name}", True)
    assert (ran.json["versions"], ran.json["blobs"], ran.json["full"], ran.json["provenance"]) == (2, 2, False, None)
    assert ran.json["blob_bytes"] > size


def test_from_needs_repair(run: Run, synced: Path) -> None:
    ran = run("verify", "--from", ".blobs")
    assert (ran.code, ran.out) == (2, "")


def test_git_needs_a_repository(run: Run, synced: Path) -> None:
    ran = run("verify", "--git")
    assert (ran.code, ran.out) == (1, "")
    assert "is not in a git repository" in ran.err


def test_gc_is_not_proposed_where_rows_are_in_doubt(run: Run, synced: Path) -> None:
    stray = synced / ".blobs/sha256/ab" / ("ab" * 32)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"12345")
    assert "no version needs 1 blob (5 bytes); see: promptdb gc\n" in run("verify").out
    connection = sqlite3.connect("promptdb.sqlite3")
    with connection:
        connection.execute("DELETE FROM prompt_assets")
    connection.close()
    out = run("verify").out
    assert "no row refers to 3 blobs (" in out
    assert "promptdb gc" not in out
