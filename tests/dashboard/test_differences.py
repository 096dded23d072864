"""The reason of each difference between files, registry and aliases."""

from datetime import UTC, datetime

from promptdb.dashboard.differences import differences
from promptdb.domain.digest import Digest
from promptdb.domain.holds import GitTarget, Hold
from promptdb.domain.plan import Plan
from promptdb.domain.prompt_id import PromptId


def test_a_hold_says_who_moved_the_alias_and_what_git_has() -> None:
    git = GitTarget(1, Digest("sha256:0"), ".", "main", "rev:1", 2)
    hold = Hold(
        PromptId("a", "live"), "production", 2, git, "promote", "ann", datetime(2026, 12, 1, 9, 5, tzinfo=UTC), "fix"
    )
    [found] = differences(Plan(held=(hold,)))
    assert found.subject == "a/live:production"
    assert found.reason == "it points at v2, _aliases.yaml:2 says v1. ann moved it by hand on 2026-12-01 09:05 UTC: fix"
