"""Format `jinja2`. `engine` is the way in."""
