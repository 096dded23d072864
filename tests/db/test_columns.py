"""The columns that queries know are those of the tables."""

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from promptdb.db import columns
from promptdb.db.tables import Table

KNOWN = {value.name: value for value in vars(columns).values() if isinstance(value, sa.Table)}


def kinds(table: sa.Table, dialect: sa.Dialect) -> dict[str, str]:
    """How a database names the kind of each column, whatever its length."""
    found = {column.name: column.type.compile(dialect).partition("(")[0] for column in table.columns}
    return {name: kind.replace("TEXT", "VARCHAR") for name, kind in found.items()}


def test_every_table_is_known():
    assert KNOWN.keys() == Table.metadata.tables.keys()


@pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.dialect()], ids=["sqlite", "postgresql"])
@pytest.mark.parametrize("name", sorted(KNOWN))
def test_the_columns_have_the_names_and_kinds_of_the_table(name: str, dialect: sa.Dialect):
    assert kinds(KNOWN[name], dialect) == kinds(Table.metadata.tables[name], dialect)


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_times_and_ids_are_read_as_the_table_reads_them(name: str):
    def read_by_types(table: sa.Table) -> dict[str, type]:
        return {c.name: type(c.type) for c in table.columns if isinstance(c.type, sa.Uuid | columns.UtcDateTime)}

    assert read_by_types(KNOWN[name]) == read_by_types(Table.metadata.tables[name])
