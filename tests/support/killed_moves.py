"""A server that is killed (SIGKILL) while clients move aliases over HTTP, and what must be left of their moves."""

import json
import signal
from collections import Counter
from http.client import HTTPConnection, HTTPException
from itertools import count
from threading import Condition, Thread
from typing import Any

from apis import API
from hooks import hook, make_due, promised, worker_of
from receiver import Receiver
from registries import rows
from servers import TIMEOUT, promptdb_serve

from promptdb.service import PromptService

PROMPT = "support/triage"
ALIASES = "canary", "staging", "beta"

Move = tuple[str, str, str]
"""An alias, and the ids of the versions before and after."""


class Movers:
    """Clients that each move an alias of their own from one revision to another and back, until the server is gone."""

    def __init__(self, port: int) -> None:
        self.answered: Counter[Move] = Counter()
        self._changed = Condition()
        self._threads = [Thread(target=self._move, args=(port, alias), daemon=True) for alias in ALIASES]
        for thread in self._threads:
            thread.start()

    def wait_for(self, answers: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.answered.total() >= answers, TIMEOUT)

    def join(self) -> None:
        for thread in self._threads:
            thread.join(TIMEOUT)
            assert not thread.is_alive()

    def _move(self, port: int, alias: str) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
        try:
            for number in count():
                body = json.dumps({"selector": f"rev:{number % 2 + 1}"})
                connection.request(
                    "PUT", f"{API}/prompts/{PROMPT}/aliases/{alias}", body, {"Content-Type": "application/json"}
                )
                answer = connection.getresponse()
                found = json.loads(answer.read())
                assert answer.status in (200, 201), found
                with self._changed:
                    self.answered[alias, str(found["from_version"]), str(found["to_version"])] += found["moved"]
                    self._changed.notify()
        except (OSError, HTTPException):
            pass
        finally:
            connection.close()


def two_versions(service: PromptService, receiver: Receiver) -> None:
    hook(service, receiver.url, "alias.moved")
    for text in ("one", "two"):
        service.register_text(PROMPT, text)


def kill_while_moving(service: PromptService, answers: int) -> Counter[Move]:
    """Kill a server after so many answers; gives the moves that it had answered."""
    with promptdb_serve(service.settings) as served:
        movers = Movers(served.port)
        movers.wait_for(answers)
        served.process.send_signal(signal.SIGKILL)
        served.process.wait(TIMEOUT)
        movers.join()
    return movers.answered


def require_all_promises(service: PromptService, receiver: Receiver, answered: Counter[Move], kills: int) -> None:
    """Each move that is recorded has promised one event, each that was answered is recorded, and all promises are kept."""
    moved = Counter(_ends(event) for event in rows(service.engine, "alias_events"))
    assert Counter(_ends(event) for event in promised(service)) == moved
    assert answered <= moved
    # At each kill, each of the clients had sent one more at the most.
    assert moved.total() <= answered.total() + len(ALIASES) * kills
    make_due(service)
    worker_of(service.registry).deliver_due()
    sent = {row["message_id"] for row in rows(service.engine, "webhook_deliveries")}
    assert {request.id for request in receiver.requests} == sent
    assert len(sent) == moved.total()


def _ends(event: dict[str, Any]) -> Move:
    return event["alias"], str(event["from_version_id"]), str(event["to_version_id"])
