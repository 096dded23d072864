"""Reads and writes the answers to requests that may be repeated, in the transaction of what they answer."""

import json
from datetime import datetime

import sqlalchemy as sa

from promptdb.db.access_columns import idempotency_keys
from promptdb.domain.kept_answer import KEPT_FOR, KeptAnswer, RequestKey


def find_answer(connection: sa.Connection, request: RequestKey, now: datetime) -> KeptAnswer | None:
    """Find the answer to the first request with a key, unless it is too old."""
    key = (idempotency_keys.c.token_id == request.token_id, idempotency_keys.c.key == request.key)
    query = sa.select(idempotency_keys).where(*key, idempotency_keys.c.created_at > now - KEPT_FOR)
    row = connection.execute(query).first()
    if row is None:
        return None
    answer = json.loads(row.answer_json)
    return KeptAnswer(row.status, answer["etag"], answer["body"], row.fingerprint)


def keep_answer(connection: sa.Connection, request: RequestKey, answer: KeptAnswer, now: datetime) -> None:
    """Keep an answer, and drop those that are too old."""
    connection.execute(sa.delete(idempotency_keys).where(idempotency_keys.c.created_at <= now - KEPT_FOR))
    row = {
        "token_id": request.token_id,
        "key": request.key,
        "fingerprint": request.fingerprint,
        "status": answer.status,
        "answer_json": json.dumps({"etag": answer.etag, "body": answer.body}),
        "created_at": now,
    }
    connection.execute(sa.insert(idempotency_keys).values(**row))
