"""LLM prompts kept like code. Every public name loads its module on first use."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from promptdb.version import VERSION

if TYPE_CHECKING:
    from promptdb.api import create_app as create_app
    from promptdb.blobs.local import LocalBlobStore as LocalBlobStore
    from promptdb.blobs.minio import MinioBlobStore as MinioBlobStore
    from promptdb.blobs.store import BlobStore as BlobStore
    from promptdb.client.async_client import AsyncPromptClient as AsyncPromptClient
    from promptdb.client.client import PromptClient as PromptClient
    from promptdb.db.repository import PromptRepository as PromptRepository
    from promptdb.domain.refs import PromptRef as PromptRef
    from promptdb.domain.spec import PromptSpec as PromptSpec
    from promptdb.domain.views import PromptVersionView as PromptVersionView
    from promptdb.errors import PromptDBError as PromptDBError
    from promptdb.project.single_file import prompt_from_file as prompt_from_file
    from promptdb.project.single_file import prompt_from_spec as prompt_from_spec
    from promptdb.render.renderable import RenderablePrompt as RenderablePrompt
    from promptdb.render.resolved import PromptRenderResult as PromptRenderResult
    from promptdb.render.resolved import ResolvedPrompt as ResolvedPrompt
    from promptdb.service import PromptService as PromptService
    from promptdb.settings import AppSettings as AppSettings
    from promptdb.workspace import Workspace as Workspace

_MODULES = {
    "AppSettings": "promptdb.settings",
    "AsyncPromptClient": "promptdb.client.async_client",
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
    "RenderablePrompt": "promptdb.render.renderable",
    "ResolvedPrompt": "promptdb.render.resolved",
    "Workspace": "promptdb.workspace",
    "create_app": "promptdb.api",
    "prompt_from_file": "promptdb.project.single_file",
    "prompt_from_spec": "promptdb.project.single_file",
}
__all__ = list(_MODULES)
__version__ = VERSION


def __getattr__(name: str) -> Any:
    """Load a public name on first use (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module 'promptdb' has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
