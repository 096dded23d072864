"""The JSON forms in which the HTTP API and its clients exchange values and errors."""
