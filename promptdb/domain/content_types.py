"""The content type of an asset, by its suffix. It is part of the bundle, and so of the bundle's digest."""

from promptdb.domain.suffixes import file_suffix

UNKNOWN = "application/octet-stream"

# Not `mimetypes`: what it knows depends on the machine and on the release of Python, so that two machines would make two
# bundles of one version.
CONTENT_TYPES = {
    ".csv": "text/csv",
    ".ini": "text/plain",
    ".ipynb": "application/x-ipynb+json",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".log": "text/plain",
    ".ndjson": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
    ".sql": "application/sql",
    ".sqlite": "application/vnd.sqlite3",
    ".toml": "application/toml",
    ".tsv": "text/tab-separated-values",
    ".xml": "text/xml",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    # Text
    ".css": "text/css",
    ".htm": "text/html",
    ".html": "text/html",
    ".j2": "text/plain",
    ".jinja": "text/plain",
    ".jinja2": "text/plain",
    ".js": "text/javascript",
    ".markdown": "text/markdown",
    ".md": "text/markdown",
    ".mustache": "text/plain",
    ".prompt": "text/plain",
    ".py": "text/x-python",
    ".rst": "text/x-rst",
    ".rtf": "text/rtf",
    ".text": "text/plain",
    ".txt": "text/plain",
    # Images
    ".avif": "image/avif",
    ".bmp": "image/bmp",
    ".gif": "image/gif",
    ".heic": "image/heic",
    ".ico": "image/vnd.microsoft.icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
    # Sound and film
    ".aac": "audio/aac",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".mov": "video/quicktime",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".ogg": "audio/ogg",
    ".opus": "audio/opus",
    ".wav": "audio/wav",
    ".webm": "video/webm",
    # Documents
    ".doc": "application/msword",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".pdf": "application/pdf",
    ".ppt": "application/vnd.ms-powerpoint",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".xls": "application/vnd.ms-excel",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    # Packed, whatever is in them
    ".bz2": "application/x-bzip2",
    ".gz": "application/gzip",
    ".tar": "application/x-tar",
    ".tgz": "application/gzip",
    ".xz": "application/x-xz",
    ".zip": "application/zip",
    ".zst": "application/zstd",
}
"""Changing a line gives each new version with such an asset another bundle. Recorded versions keep theirs."""


def content_type(path: str) -> str:
    return CONTENT_TYPES.get(file_suffix(path), UNKNOWN)
