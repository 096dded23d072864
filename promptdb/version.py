"""The release: packaging reads it here, too."""

VERSION = "0.1.0"
