"""The version of promptdb. Packaging reads it from here."""

VERSION = "0.1.0"
