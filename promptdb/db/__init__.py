"""SQL: the schema, the only engine, reads and inserts. Nothing outside this package sees a row."""
