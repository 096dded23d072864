"""Moves of aliases as values."""

from dataclasses import replace
from uuid import uuid4

from promptdb.domain.aliases import AliasMove, AliasTarget
from promptdb.domain.digest import Digest
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.version_ids import version_id

PROMPT = PromptId("support", "triage")
DIGEST = Digest("sha256:" + "a" * 64)


def test_a_version_that_is_not_written_yet_gets_its_id_later() -> None:
    prompt_id = uuid4()
    planned = AliasMove.between(PROMPT, "production", "sync", None, AliasTarget(3, digest=DIGEST))
    assert (planned.from_revision, planned.to_revision, planned.to_version) == (None, 3, None)
    assert planned.with_version(prompt_id) == replace(planned, to_version=version_id(prompt_id, 3, DIGEST))


def test_a_version_that_has_an_id_keeps_it() -> None:
    move = AliasMove.between(PROMPT, "production", "sync", None, AliasTarget(3, uuid4()))
    assert move.with_version(uuid4()) == move


def test_json_has_the_reason_of_a_planned_move_and_the_versions_of_one_by_hand() -> None:
    move = AliasMove(PROMPT, "production", "promote", None, 1)
    assert "to_version" in move.json_fields
    assert "reason" not in move.json_fields
    planned = replace(move, action="sync")
    assert planned.json_fields == (
        *("prompt", "alias", "from_revision", "to_revision", "from_split", "to_split", "reason", "breaking"),
    )
