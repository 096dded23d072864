"""What the tests of this folder share."""

from transfers import filled, filled_tree, new_registry

__all__ = ["filled", "filled_tree", "new_registry"]
