"""The events that webhooks report, and their bodies."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from promptdb.domain.aliases import AliasMove
from promptdb.domain.prompt_id import PromptId

VERSION_CREATED = "version.created"
ALIAS_MOVED = "alias.moved"
ALIAS_DELETED = "alias.deleted"
SYNC_FINISHED = "sync.finished"
PING = "webhook.ping"

EVENT_TYPES = {
    VERSION_CREATED: "a prompt has a new version",
    ALIAS_MOVED: "an alias was set or split, or points at another version",
    ALIAS_DELETED: "an alias was deleted",
    SYNC_FINISHED: "a sync was recorded",
}
"""The types that a webhook can subscribe to, and when each happens. A ping is only sent on request."""

MAX_BODY = 20_000
"""Standard Webhooks advises that a body is smaller. In bytes."""

MAX_REASON = 1_000
"""The characters of a reason that an event reports. The log of the alias has all of it."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `prompt` is None if it concerns no single prompt. `data` is JSON data."""

    type: str
    data: Mapping[str, Any]
    prompt: PromptId | None = None

    def body(self, at: datetime) -> str:
        """Write the body, which is signed and sent as it is."""
        data = {"prompt": str(self.prompt), **self.data} if self.prompt is not None else dict(self.data)
        return json.dumps(
            {"type": self.type, "timestamp": at.isoformat(), "data": data}, ensure_ascii=False, separators=(",", ":")
        )


def version_created(
    prompt: PromptId, row: Mapping[str, Any], commit_id: str | None = None, run_id: int | None = None
) -> Event:
    """Make the event of a new version from its row. A registration has no commit and no run."""
    data = {
        "revision": row["revision"],
        "version_id": str(row["id"]),
        "digest": row["spec_hash"],
        "user_version": row["user_version"],
        "created_by": row["created_by"],
        "commit_id": commit_id,
        "run_id": run_id,
    }
    return Event(VERSION_CREATED, data, prompt)


def alias_changed(move: AliasMove, actor: str, run_id: int | None = None) -> Event:
    """Make the one event of a move, whichever command made it. A deletion has a type of its own."""
    ends = {
        "from": (move.from_revision, move.from_version, move.from_split),
        "to": (move.to_revision, move.to_version, move.to_split),
    }
    data: dict[str, Any] = {"alias": move.alias, "action": move.action}
    for end, (revision, version, split) in ends.items():
        data |= {f"{end}_revision": revision, f"{end}_version_id": str(version) if version is not None else None}
        # Without the slices, of which there may be too many for a body.
        data[f"{end}_split"] = None if split is None else {"arms": [asdict(arm) for arm in split.arms]}
    reason = move.reason
    if reason is not None and len(reason) > MAX_REASON:
        reason = f"{reason[: MAX_REASON - 1]}…"
    data |= {"actor": actor, "reason": reason, "breaking": bool(move.breaking), "run_id": run_id}
    return Event(ALIAS_MOVED if move.to_version is not None else ALIAS_DELETED, data, move.prompt)


def sync_finished(
    run_id: int,
    outcome: str,
    root: str,
    git_ref: str | None,
    commit_id: str | None,
    counts: Mapping[str, int],
    actor: str,
    *,
    is_dirty: bool,
) -> Event:
    """Make the event of a recorded sync. `counts` maps each action to its number of prompts."""
    origin = {"root": root, "git_ref": git_ref, "commit_id": commit_id, "is_dirty": is_dirty}
    return Event(
        SYNC_FINISHED, {"run_id": run_id, "outcome": outcome, **origin, "counts": dict(counts), "actor": actor}
    )


def ping(webhook: int) -> Event:
    """Make the event of a test."""
    return Event(PING, {"webhook_id": webhook})
