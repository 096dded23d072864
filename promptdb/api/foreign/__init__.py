"""Read APIs of other standards and tools, each behind a setting, over the same lookups."""
