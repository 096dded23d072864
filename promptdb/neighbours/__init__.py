"""Prompt files of other tools, read as data: nothing in them is run, and what promptdb cannot hold is listed."""
