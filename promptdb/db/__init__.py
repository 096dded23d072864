"""SQL: the schema, the engine, reads and inserts."""
