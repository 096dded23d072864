"""LLM prompts kept like code. The names below load on first use; importing promptdb does nothing else."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from promptdb.blobs.local import LocalBlobStore
    from promptdb.blobs.minio import MinioBlobStore
    from promptdb.blobs.store import BlobStore
    from promptdb.client.client import PromptClient
    from promptdb.db.repository import PromptRepository
    from promptdb.domain.refs import PromptRef
    from promptdb.domain.spec import PromptSpec
    from promptdb.domain.views import PromptVersionView
    from promptdb.errors import PromptDBError
    from promptdb.render.resolved import PromptRenderResult, ResolvedPrompt
    from promptdb.service import PromptService
    from promptdb.settings import AppSettings

__all__ = [
    "AppSettings",
    "BlobStore",
    "LocalBlobStore",
    "MinioBlobStore",
    "PromptClient",
    "PromptDBError",
    "PromptRef",
    "PromptRenderResult",
    "PromptRepository",
    "PromptService",
    "PromptSpec",
    "PromptVersionView",
    "ResolvedPrompt",
]

_MODULES = {
    "AppSettings": "promptdb.settings",
    "BlobStore": "promptdb.blobs.store",
    "LocalBlobStore": "promptdb.blobs.local",
    "MinioBlobStore": "promptdb.blobs.minio",
    "PromptClient": "promptdb.client.client",
    "PromptDBError": "promptdb.errors",
    "PromptRef": "promptdb.domain.refs",
    "PromptRenderResult": "promptdb.render.resolved",
    "PromptRepository": "promptdb.db.repository",
    "PromptService": "promptdb.service",
    "PromptSpec": "promptdb.domain.spec",
    "PromptVersionView": "promptdb.domain.views",
    "ResolvedPrompt": "promptdb.render.resolved",
}


def __getattr__(name: str) -> Any:
    """Module attributes on demand (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module 'promptdb' has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
