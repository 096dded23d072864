"""Sends deliveries when they are due: each webhook's one after another, several webhooks at once."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from secrets import SystemRandom
from threading import Event, Lock, Thread
from time import monotonic

from promptdb.db import outbox
from promptdb.db.engine import reading, writing
from promptdb.db.outbox import Claim
from promptdb.db.retry import retried
from promptdb.db.webhooks import disable_webhook
from promptdb.delivery.post import Sender
from promptdb.domain.webhooks.addresses import Network
from promptdb.domain.webhooks.schedule import DELIVERED, FAILED, Answer, Outcome, outcome
from promptdb.domain.webhooks.signing import signed_headers
from promptdb.errors import PromptDBError
from promptdb.registry.stores import Registry
from promptdb.registry.webhooks import claim_ping
from promptdb.tls import verifying_context
from promptdb.version import VERSION

LEASE = timedelta(seconds=90)
"""The time until another worker may send what this one has claimed. A lookup of a name and a timeout are shorter."""

KEPT = timedelta(days=30)
"""The time for which the log keeps deliveries that ended."""

_AT_ONCE = 8  # webhooks
_IN_A_ROW = 20  # deliveries of one webhook, before others have a turn
_POLL, _CLEAN_UP = 1.0, 3600.0  # seconds

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sent:
    """An attempt, and what becomes of its delivery."""

    delivery_id: int
    webhook_id: int
    answer: Answer
    outcome: Outcome


@dataclass
class WebhookWorker:
    """Sends what was promised to webhooks. Several workers, also in other processes, share the work.

    A process that is killed loses nothing: what it had claimed is due again after the lease, with the same message id.

    Args:
        registry: holds the deliveries.
        private: networks that are not public, to which webhooks may be sent.
        report: called after each attempt, in the thread that made it.
    """

    registry: Registry
    private: Sequence[Network] = ()
    report: Callable[[Sent], None] = lambda _: None
    timeout: float = 15.0
    lease: timedelta = LEASE
    _stopping: Event = field(default_factory=Event)
    _wake: Event = field(default_factory=Event)
    _busy: set[int] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)
    _thread: Thread | None = None
    _cleaned: float = float("-inf")

    def start(self) -> None:
        """Send in a thread of its own, until `stop`."""
        self._stopping.clear()
        self._thread = Thread(target=self._run, name="promptdb-webhooks", daemon=True)
        self._thread.start()

    def begin_stop(self) -> None:
        """Begin no more attempts, and return at once."""
        self._stopping.set()
        self._wake.set()

    def stop(self) -> None:
        """Finish the attempts that have begun, which takes no longer than their timeout, and end the thread."""
        self.begin_stop()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def deliver_due(self) -> list[Sent]:
        """Make an attempt of each delivery that is due now, and return when all are made. A webhook that fails rests.

        Raises:
            StorageError, LockTimeout: the database failed.
        """
        begun, sent = datetime.now(UTC), list[Sent]()
        with ThreadPoolExecutor(_AT_ONCE, "promptdb-webhook") as pool:
            while True:
                turns = [pool.submit(self._series, key, begun) for key in self._due(begun)]
                found = [attempt for turn in turns for attempt in turn.result()]
                # Others may seem to be due while another worker is claiming them.
                if not found:
                    return sent
                sent += found

    def send_ping(self, webhook: int) -> Sent:
        """Send a ping to a webhook once, whatever it subscribes to.

        Raises:
            NotFound: the webhook does not exist.
            Conflict: the webhook is disabled.
        """
        return self._attempt(claim_ping(self.registry, webhook, self.lease), may_repeat=False)

    def _run(self) -> None:
        reported = None
        with ThreadPoolExecutor(_AT_ONCE, "promptdb-webhook") as pool:
            while not self._stopping.is_set():
                self._wake.clear()
                failure = None
                try:
                    self._clean_up()
                    for key in self._due(datetime.now(UTC)):
                        if self._takes(key):
                            # The result raises an unexpected error, which is then logged.
                            pool.submit(self._turn, key).add_done_callback(Future.result)
                except PromptDBError as error:
                    failure = error.message
                # Once, and not every second.
                if failure is not None and failure != reported:
                    _log.warning("webhooks wait: %s", failure)
                reported = failure
                self._wake.wait(_POLL)

    def _takes(self, key: int) -> bool:
        with self._lock:
            is_free = key not in self._busy
            self._busy.add(key)
        return is_free

    def _turn(self, key: int) -> None:
        """Send deliveries of a webhook that is taken, and give it back."""
        sent = list[Sent]()
        try:
            sent = self._series(key)
        except PromptDBError as error:
            _log.warning("webhook %d waits: %s", key, error.message)
        finally:
            with self._lock:
                self._busy.discard(key)
            if sent:
                self._wake.set()

    def _series(self, webhook: int, begun: datetime | None = None) -> list[Sent]:
        """Send deliveries of one webhook that were due when it began, up to the first that fails.

        Others have their turn then.
        """
        sent = list[Sent]()
        while len(sent) < _IN_A_ROW and not self._stopping.is_set():
            claimed = self._claim(webhook, begun or datetime.now(UTC))
            if claimed is None:
                break
            sent.append(self._attempt(claimed))
            if not sent[-1].answer.is_success:
                break
        return sent

    def _attempt(self, claimed: Claim, *, may_repeat: bool = True) -> Sent:
        body, now = claimed.body.encode(), datetime.now(UTC)
        headers = signed_headers(claimed.message_id, int(now.timestamp()), body, claimed.secrets)
        answer = self._sender.post(claimed.url, {**headers, **_HEADERS}, body)
        attempts, chance = claimed.attempts + 1, SystemRandom().random()
        result = outcome(answer, attempts, datetime.now(UTC), chance)
        if not may_repeat:
            result = Outcome(DELIVERED if answer.is_success else FAILED, disables=result.disables)
        self._settle(claimed, answer, result)
        sent = Sent(claimed.id, claimed.webhook_id, answer, result)
        # Neither the address nor the body: both may hold secrets.
        _log.info("delivery %d to webhook %d: %s", claimed.id, claimed.webhook_id, answer.error or answer.status)
        self.report(sent)
        return sent

    @cached_property
    def _sender(self) -> Sender:
        # To read the authorities takes long, and most servers have no webhook.
        return Sender(self.private, self.timeout, verifying_context())

    @retried
    def _due(self, now: datetime) -> list[int]:
        with reading(self.registry.engine) as connection:
            return outbox.due_webhooks(connection, now)

    @retried
    def _claim(self, webhook: int, due_by: datetime) -> Claim | None:
        now = datetime.now(UTC)
        with writing(self.registry.engine, alone=False) as connection:
            return outbox.claim(connection, webhook, due_by, now, now + self.lease)

    @retried
    def _settle(self, claimed: Claim, answer: Answer, result: Outcome) -> None:
        now = datetime.now(UTC)
        with writing(self.registry.engine, alone=False) as connection:
            outbox.settle(connection, claimed, answer, result, now)
            if result.disables:
                reason = f"the receiver answered {answer.status} Gone"
                disable_webhook(connection, claimed.webhook_id, reason, now)

    @retried
    def _clean_up(self) -> None:
        if monotonic() - self._cleaned < _CLEAN_UP:
            return
        self._cleaned = monotonic()
        with writing(self.registry.engine, alone=False) as connection:
            outbox.forget(connection, datetime.now(UTC) - KEPT)


_HEADERS = {"Content-Type": "application/json", "User-Agent": f"promptdb/{VERSION}"}
