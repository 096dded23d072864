"""Format `mustache`. `engine` is the way in."""
