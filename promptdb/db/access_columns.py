"""The tables of tokens, repeated requests and webhooks, in the form of `columns`."""

import sqlalchemy as sa

from promptdb.db.column_types import ACTOR, UtcDateTime, key_of, metadata, numbered, optional, required
from promptdb.domain.prompt_id import MAX_IDENTITY
from promptdb.domain.tokens import MAX_NAME as MAX_TOKEN_NAME

# Rows stay when tokens end, so that a registry which had a token never serves without one again. `token_hash` is the SHA-256.
tokens = sa.Table(
    "api_tokens",
    metadata,
    numbered(),
    required("name", sa.String(MAX_TOKEN_NAME)),
    required("token_hash", sa.String(64)),
    required("last_four", sa.String(4)),
    required("scopes_json", sa.Text),
    required("created_by", ACTOR),
    required("created_at", UtcDateTime),
    optional("expires_at", UtcDateTime),
    optional("revoked_at", UtcDateTime),
    optional("last_used_at", UtcDateTime),
    sa.UniqueConstraint("name"),
    sa.UniqueConstraint("token_hash"),
)
# Answers to requests that a client may repeat. `token_id` is 0 without a token: null would not be unique. `status` and
# `answer_json` are null while the first request runs.
idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    sa.Column("token_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("key", sa.String(255), primary_key=True),
    required("fingerprint", sa.String(64)),
    optional("status", sa.Integer),
    optional("answer_json", sa.Text),
    required("created_at", UtcDateTime, index=True),
)
# Receivers of events. `events` has their types between commas, and is empty for all. The secrets are stored as they are,
# because they sign; `previous_secret` signs too, until `previous_until`. Until `rests_until` nothing is sent.
webhooks = sa.Table(
    "webhooks",
    metadata,
    numbered(),
    required("url", sa.String(2048)),
    required("events", sa.Text),
    required("namespace", sa.String(MAX_IDENTITY)),
    required("secret", sa.String(128)),
    optional("previous_secret", sa.String(128)),
    optional("previous_until", UtcDateTime),
    required("created_by", ACTOR),
    required("created_at", UtcDateTime),
    optional("rests_until", UtcDateTime),
    optional("disabled_at", UtcDateTime),
    optional("disabled_reason", sa.String(255)),
)
# The promise to send an event, written in the transaction of the change, and what became of it. `due_at` is null once there are
# no more attempts. A worker that sends one moves `due_at` to the time from which others may.
deliveries = sa.Table(
    "webhook_deliveries",
    metadata,
    numbered(),
    key_of("webhook_id", webhooks),
    required("message_id", sa.String(64)),
    required("event", sa.String(64)),
    optional("prompt", sa.String(MAX_IDENTITY)),
    required("body", sa.Text),
    required("state", sa.String(16)),
    required("attempts", sa.Integer),
    required("created_at", UtcDateTime),
    optional("due_at", UtcDateTime),
    optional("attempted_at", UtcDateTime),
    optional("status", sa.Integer),
    optional("error", sa.String(255)),
    sa.Index(None, "due_at"),
    sa.Index("ix_webhook_deliveries_webhook_id", "webhook_id", "id"),
)
