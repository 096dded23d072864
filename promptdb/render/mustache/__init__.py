"""Format `mustache`. Use it through `engine`."""
