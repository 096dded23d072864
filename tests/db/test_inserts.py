"""Inserts of many rows are what inserts of single rows are, whatever the statement behind them."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from registries import rows

from promptdb.db import inserts
from promptdb.db.columns import metadata, runs
from promptdb.db.engine import writing
from promptdb.db.inserts import insert_rows
from promptdb.errors import IntegrityFailure
from promptdb.service import PromptService

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone(timedelta(hours=5)))
TEXTS = [
    "plain",
    "tab\tline\nreturn\rback\\slash",
    "\\N",
    "\\.",
    "'quoted' \"twice\"",
    "Grüße 😀",
    "",
    "{a,b}",
    "\\x00",
]


def run(number: int) -> dict[str, Any]:
    text = TEXTS[number % len(TEXTS)]
    return {
        "root": text,
        "git_ref": None if number % 2 else text,
        "commit_id": None,
        "is_dirty": number % 3 == 0,
        "outcome": "applied",
        "counts_json": "{}",
        "created_by": text,
        "started_at": AT + timedelta(microseconds=number),
        "finished_at": AT,
    }


@pytest.mark.parametrize("count", [1, len(TEXTS), inserts.COPY_FROM, inserts.COPY_FROM + 50])
def test_rows_arrive_as_they_are(service: PromptService, count: int) -> None:
    given = [run(number) for number in range(count)]
    with writing(service.engine) as connection:
        insert_rows(connection, runs, given)
    found = rows(service.engine, "sync_runs")
    assert [row.pop("id") for row in found] == list(range(1, count + 1))
    assert found == given
    assert {row["finished_at"].tzinfo for row in found} == {UTC}


@pytest.mark.parametrize("count", [2, inserts.COPY_FROM])
def test_a_row_that_the_database_refuses_is_an_integrity_failure_and_none_is_written(
    service: PromptService, count: int
) -> None:
    twice = [
        {
            "id": UUID(int=min(number, count - 2)),
            "namespace": "a",
            "name": f"p{number}",
            "created_at": AT,
            "archived_at": None,
        }
        for number in range(count)
    ]
    with pytest.raises(IntegrityFailure, match=r"(?i)unique"), writing(service.engine) as connection:
        insert_rows(connection, metadata.tables["prompts"], twice)
    with service.engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM prompts")).scalar() == 0
