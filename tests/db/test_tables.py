"""The rows as SQLModel classes: each has the columns of its table, and nothing else."""

from datetime import UTC, datetime
from types import NoneType
from typing import Any, get_args
from uuid import uuid4

import pytest
import sqlalchemy as sa
from registries import rows
from sqlmodel import Session, select

from promptdb.db.columns import metadata
from promptdb.db.engine import writing
from promptdb.db.tables import Prompt, Table
from promptdb.service import PromptService

CLASSES: list[Any] = Table.__subclasses__()


def test_every_table_has_a_class() -> None:
    assert {made.__table__ for made in CLASSES} == set(metadata.tables.values())


@pytest.mark.parametrize("made", CLASSES, ids=lambda made: made.__name__)
def test_fields_have_the_kinds_of_their_columns(made: Any) -> None:
    def of(column: sa.Column[Any]) -> set[type]:
        kind = column.type.impl_instance if isinstance(column.type, sa.TypeDecorator) else column.type
        return {kind.python_type, *([NoneType] if column.nullable else [])}

    kinds = {name: set(get_args(field.annotation)) or {field.annotation} for name, field in made.model_fields.items()}
    assert kinds == {column.name: of(column) for column in made.__table__.columns}


def test_rows_are_read_as_objects(service: PromptService) -> None:
    service.register_text("a/one", "One")
    with Session(service.engine) as session:
        prompt = session.exec(select(Prompt)).one()
    assert (prompt.namespace, prompt.name, prompt.archived_at) == ("a", "one", None)
    assert prompt.model_dump() == rows(service.engine, "prompts")[0]


def test_a_row_is_written_as_an_object(service: PromptService) -> None:
    made = Prompt(id=uuid4(), namespace="a", name="one", created_at=datetime.now(UTC), archived_at=None)
    with writing(service.engine) as connection, Session(connection) as session:
        session.add(made)
        session.flush()
    assert [row["name"] for row in rows(service.engine, "prompts")] == ["one"]
