"""One move of an alias: what it changes, the button for it, and what became of it."""
