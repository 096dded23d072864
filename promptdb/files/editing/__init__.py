"""Changes fields of prompt files, and keeps the layout around them."""
