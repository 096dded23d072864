"""What the tests of this folder share."""

from transfers import filled, filled_tree

__all__ = ["filled", "filled_tree"]
