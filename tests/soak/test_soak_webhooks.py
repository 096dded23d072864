"""Servers that are killed again and again while aliases move over HTTP and webhooks are sent, on both databases."""

from collections import Counter

import pytest
from killed_moves import Move, kill_while_moving, require_all_promises, two_versions
from receiver import Receiver

from promptdb import PromptService

KILLS = 8


def test_servers_that_are_killed_while_aliases_move_lose_no_promise(
    service: PromptService, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTDB_WEBHOOK_PRIVATE_NETWORKS", '["127.0.0.0/8"]')
    two_versions(service, receiver)
    answered = Counter[Move]()
    for number in range(KILLS):
        answered += kill_while_moving(service, answers=1 + 7 * number)
        require_all_promises(service, receiver, answered, number + 1)
