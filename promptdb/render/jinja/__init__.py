"""Format `jinja2`. Use it through `engine`."""
